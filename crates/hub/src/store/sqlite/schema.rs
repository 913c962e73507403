//! The tables, and how an older file becomes a newer one. One more format: a step at the end of `STEPS`; never a change
//! to an existing one.

use firstlight_domain::registry::EventType;
use rusqlite::{Connection, TransactionBehavior, params};
use rusqlite_migration::{M, Migrations};

use super::{
    super::{StoreError, columns::Kinds},
    audit, requests, roles, sessions, surveys, webhooks,
};
use crate::secrets;

const FIRST: &str = "
-- One row. `salt` makes the pseudonyms of people this hub's own. `touched` is written to see whether one can write.
CREATE TABLE hub (
    only    INTEGER PRIMARY KEY NOT NULL CHECK (only = 1),
    salt    BLOB NOT NULL,
    touched INTEGER NOT NULL
) STRICT;
-- A person is a number. `pseudonym` finds somebody again whom an admin named; who was not named has none.
CREATE TABLE person (
    key       INTEGER PRIMARY KEY NOT NULL,
    pseudonym BLOB UNIQUE
) STRICT;
CREATE TABLE code (
    hash    BLOB PRIMARY KEY NOT NULL,
    person  INTEGER NOT NULL REFERENCES person (key),
    expires INTEGER NOT NULL,
    used    INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE device (
    key      INTEGER PRIMARY KEY NOT NULL,
    id       BLOB NOT NULL UNIQUE,
    person   INTEGER NOT NULL REFERENCES person (key),
    token    BLOB NOT NULL UNIQUE,
    enrolled INTEGER NOT NULL,
    expires  INTEGER NOT NULL,
    revoked  INTEGER
) STRICT;
-- Which sequences of a device were settled: the highest, and the gaps below it (pairs of big-endian numbers).
CREATE TABLE mark (
    device   INTEGER PRIMARY KEY NOT NULL REFERENCES device (key),
    high     INTEGER NOT NULL,
    gaps     BLOB NOT NULL,
    accepted INTEGER NOT NULL,
    refused  INTEGER NOT NULL
) STRICT;
CREATE TABLE kind (
    key  INTEGER PRIMARY KEY NOT NULL,
    name TEXT NOT NULL UNIQUE
) STRICT;
-- The log: appended to, never indexed. Instants are milliseconds; `day` is the date in the organisation's zone when it
-- arrived, as yyyymmdd, and stays what it is if the zone is changed.
CREATE TABLE event (
    device   INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    id       BLOB NOT NULL,
    kind     INTEGER NOT NULL,
    day      INTEGER NOT NULL,
    time     INTEGER NOT NULL,
    recorded INTEGER NOT NULL,
    received INTEGER NOT NULL,
    data     TEXT NOT NULL
) STRICT;
CREATE TABLE journey (
    person  INTEGER NOT NULL,
    journey BLOB NOT NULL,
    day     INTEGER NOT NULL,
    time    INTEGER NOT NULL,
    persona TEXT NOT NULL
) STRICT;
CREATE TABLE day_events (
    day  INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    n    INTEGER NOT NULL,
    PRIMARY KEY (day, kind)
) STRICT, WITHOUT ROWID;
-- `people` is a roaring bitmap of person keys.
CREATE TABLE day_people (
    day    INTEGER PRIMARY KEY NOT NULL,
    people BLOB NOT NULL
) STRICT;
";

const RUNS: &str = "
-- Each run, by the device it ran on. Whichever of its two events arrives first makes the row; until the beginning has
-- arrived it is not known of which release it is.
CREATE TABLE run (
    device  INTEGER NOT NULL,
    run     BLOB NOT NULL,
    pack    TEXT,
    version TEXT,
    failed  INTEGER NOT NULL,
    PRIMARY KEY (device, run)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_of_release ON run (pack, version, failed);
";

const SIGNALS: &str = "
CREATE TABLE integration (
    name    TEXT PRIMARY KEY NOT NULL,
    token   BLOB NOT NULL UNIQUE,
    made    INTEGER NOT NULL,
    revoked INTEGER
) STRICT, WITHOUT ROWID;
-- Other names of people.
CREATE TABLE alias (
    pseudonym BLOB PRIMARY KEY NOT NULL,
    person    INTEGER NOT NULL REFERENCES person (key)
) STRICT, WITHOUT ROWID;
-- What other programs said, each once. `who` finds those of somebody whose other name is only said later.
CREATE TABLE signal (
    source   TEXT NOT NULL,
    id       TEXT NOT NULL,
    kind     TEXT NOT NULL,
    subject  TEXT NOT NULL,
    ok       INTEGER NOT NULL,
    who      BLOB,
    person   INTEGER,
    day      INTEGER NOT NULL,
    time     INTEGER NOT NULL,
    received INTEGER NOT NULL,
    PRIMARY KEY (source, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX signal_of_who ON signal (who);
CREATE INDEX signal_of_person ON signal (kind, person, time);
CREATE INDEX signal_of_day ON signal (kind, subject, day);
CREATE TABLE service_day (
    service TEXT NOT NULL,
    day     INTEGER NOT NULL,
    uses    INTEGER NOT NULL,
    failed  INTEGER NOT NULL,
    people  BLOB NOT NULL,
    PRIMARY KEY (service, day)
) STRICT, WITHOUT ROWID;
";

const KPIS: &str = "
-- What is known of each journey: instants in milliseconds. `began` and the two after it say which of its beginnings was the
-- earliest; `clock` is when its clock started. `steps` has what each step came to.
CREATE TABLE story (
    person   INTEGER NOT NULL,
    journey  BLOB NOT NULL,
    began    INTEGER,
    device   INTEGER,
    sequence INTEGER,
    persona  TEXT,
    pack     TEXT,
    version  TEXT,
    clock    INTEGER,
    at_once  INTEGER,
    arrived  INTEGER,
    gone     INTEGER,
    steps    BLOB NOT NULL,
    PRIMARY KEY (person, journey)
) STRICT;
-- The transitions of each step until it was done first.
CREATE TABLE step_story (
    person  INTEGER NOT NULL,
    journey BLOB NOT NULL,
    step    TEXT NOT NULL,
    told    BLOB NOT NULL,
    PRIMARY KEY (person, journey, step)
) STRICT, WITHOUT ROWID;
-- One row, from the first event on: when the latest event happened.
CREATE TABLE latest (
    only INTEGER PRIMARY KEY NOT NULL CHECK (only = 1),
    time INTEGER NOT NULL
) STRICT;
";

const PEOPLE: &str = "
-- The highest numbers of people and devices that were erased: nobody gets them again. `swept` is whether what was erased is
-- overwritten in the file; `forgot` is when what is too old was last looked for.
ALTER TABLE hub ADD COLUMN people INTEGER NOT NULL DEFAULT 0;
ALTER TABLE hub ADD COLUMN devices INTEGER NOT NULL DEFAULT 0;
ALTER TABLE hub ADD COLUMN swept INTEGER NOT NULL DEFAULT 1;
ALTER TABLE hub ADD COLUMN forgot INTEGER NOT NULL DEFAULT 0;
-- The token that takes the place of `token` when it is used first.
ALTER TABLE device ADD COLUMN next_token BLOB;
ALTER TABLE device ADD COLUMN next_expires INTEGER;
CREATE UNIQUE INDEX device_of_next_token ON device (next_token);
-- `past`: their first journey, or change, is forgotten. `alone`: since when nothing else is known of them.
ALTER TABLE person ADD COLUMN past INTEGER NOT NULL DEFAULT 0;
ALTER TABLE person ADD COLUMN alone INTEGER;
-- How many of the accepted events are forgotten.
ALTER TABLE mark ADD COLUMN forgotten INTEGER NOT NULL DEFAULT 0;
-- Part of a sum in `survey_sum`, or of words that are not shown any more.
ALTER TABLE survey_answer ADD COLUMN settled INTEGER NOT NULL DEFAULT 0;
ALTER TABLE survey_ending ADD COLUMN settled INTEGER NOT NULL DEFAULT 0;
ALTER TABLE feedback ADD COLUMN settled INTEGER NOT NULL DEFAULT 0;
-- What was let out of surveys together with what is gone, by the first instant of its quarter.
CREATE TABLE survey_sum (
    quarter  INTEGER NOT NULL,
    survey   TEXT NOT NULL,
    question TEXT NOT NULL,
    kind     TEXT NOT NULL,
    answer   TEXT NOT NULL,
    n        INTEGER NOT NULL,
    PRIMARY KEY (quarter, survey, question, kind, answer)
) STRICT, WITHOUT ROWID;
-- Sums of what is forgotten: of what, of which name, on which day.
CREATE TABLE past (
    what TEXT NOT NULL,
    name TEXT NOT NULL,
    day  INTEGER NOT NULL,
    n    INTEGER NOT NULL,
    PRIMARY KEY (what, name, day)
) STRICT, WITHOUT ROWID;
";

const CLOCKS: &str = "
-- When it happened by our clock; nothing where that is `time`, which is what its device said.
ALTER TABLE event ADD COLUMN happened INTEGER;
-- How far the device's clock was ahead when it last said so; when its latest event happened; and for each gap between
-- which moments it lies.
ALTER TABLE mark ADD COLUMN skew INTEGER;
ALTER TABLE mark ADD COLUMN latest INTEGER;
ALTER TABLE mark ADD COLUMN around BLOB;
";

const SERVICES: &str = "
-- How each service was used in a month (yyyymm), by person: four numbers of four bytes each, big-endian, in the order of
-- people: who, on which days (a bit each), how often, how often in vain.
CREATE TABLE service_month (
    service TEXT NOT NULL,
    month   INTEGER NOT NULL,
    people  BLOB NOT NULL,
    PRIMARY KEY (service, month)
) STRICT, WITHOUT ROWID;
INSERT INTO service_month (service, month, people)
SELECT subject, month, unhex(group_concat(told, '' ORDER BY told))
FROM (SELECT subject, day / 100 AS month,
             printf('%08X%08X%08X%08X', person, sum(DISTINCT 1 << (day % 100 - 1)), count(*), sum(NOT ok)) AS told
      FROM signal WHERE kind = 'service.used' AND person IS NOT NULL GROUP BY subject, day / 100, person)
GROUP BY subject, month;
DROP TABLE service_day;
-- What is asked of answers is a quarter.
CREATE INDEX survey_answer_received ON survey_answer (received);
CREATE INDEX survey_ending_received ON survey_ending (received);
-- The team of a person, as it was said with a code.
ALTER TABLE person ADD COLUMN team TEXT;
-- What is told by months goes by months, and nothing of it is left.
DELETE FROM past WHERE what IN ('uses', 'failed_uses');
";

const PRECEDENCE: &str = "
-- Which groups were of enough people first, as JSON, and how often that was written.
CREATE TABLE precedence (
    only    INTEGER PRIMARY KEY NOT NULL CHECK (only = 1),
    written INTEGER NOT NULL,
    told    TEXT    NOT NULL
) STRICT;
";

const STEPS: &[M<'static>] = &[
    M::up(FIRST),
    M::up(RUNS),
    M::up(SIGNALS),
    M::up(KPIS),
    M::up(surveys::SURVEYS),
    M::up(roles::ROLES),
    M::up(audit::AUDIT),
    M::up(PEOPLE),
    M::up(requests::REQUESTS),
    M::up(webhooks::WEBHOOKS),
    M::up(surveys::ABOUT),
    M::up(sessions::SESSIONS),
    M::up(CLOCKS),
    M::up(SERVICES),
    M::up(PRECEDENCE),
];

/// Brings the tables up to date and knows the types of events.
pub(super) fn prepare(conn: &mut Connection) -> Result<Kinds, StoreError> {
    Migrations::from_slice(STEPS).to_latest(conn)?;
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute(
        "INSERT OR IGNORE INTO hub (only, salt, touched) VALUES (1, ?1, 0)",
        [secrets::random::<32>()?],
    )?;
    audit::prepare(&transaction)?;
    let mut keys = Vec::new();
    for kind in EventType::ALL {
        transaction.execute("INSERT OR IGNORE INTO kind (name) VALUES (?1)", [kind.name()])?;
        let key =
            transaction.query_row("SELECT key FROM kind WHERE name = ?1", [kind.name()], |row| row.get(0))?;
        keys.push(key);
    }
    transaction.commit()?;
    Ok(Kinds::new(keys))
}

/// Writes a little, for real.
pub(super) fn check_writable(conn: &mut Connection) -> Result<(), StoreError> {
    conn.execute("UPDATE hub SET touched = touched + 1 WHERE only = ?1", params![1])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_hold_together() {
        Migrations::from_slice(STEPS).validate().unwrap();
    }
}
