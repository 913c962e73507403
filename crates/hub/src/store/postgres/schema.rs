//! The tables, and how an older database becomes a newer one while hubs of both ages serve from it.
//!
//! One more format: a step at the end of [`STEPS`]; never a change to an existing one. A step *expands*: it adds, and the
//! program before it goes on working. What nobody needs any more is taken away by a step that *contracts*, one release
//! later at the earliest; it says in [`Step::needs`] which format a program has to know from then on.

use deadpool_postgres::ClientWrapper;
use firstlight_domain::registry::EventType;
use tokio_postgres::{Client, GenericClient};

use super::{
    super::{StoreError, columns::Kinds},
    audit, requests, roles, sessions, surveys, webhooks,
};
use crate::secrets;

const FIRST: &str = "
-- One row. `salt` makes the pseudonyms of people this hub's own. `touched` is written to see whether one can write.
CREATE TABLE hub (
    only_one smallint PRIMARY KEY CHECK (only_one = 1),
    salt     bytea NOT NULL,
    touched  bigint NOT NULL
);
-- A person is a number, without holes between them. `pseudonym` finds somebody again whom an admin named.
CREATE TABLE person (
    key       integer PRIMARY KEY,
    pseudonym bytea UNIQUE
);
CREATE TABLE code (
    hash    bytea PRIMARY KEY,
    person  integer NOT NULL REFERENCES person (key),
    expires bigint NOT NULL,
    used    bigint
);
CREATE TABLE device (
    key      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id       uuid NOT NULL UNIQUE,
    person   integer NOT NULL REFERENCES person (key),
    token    bytea NOT NULL UNIQUE,
    enrolled bigint NOT NULL,
    expires  bigint NOT NULL,
    revoked  bigint
);
-- Which sequences of a device were settled: the highest, and the gaps below it (pairs of big-endian numbers). Made with
-- the device: whoever settles for it locks this row.
CREATE TABLE mark (
    device   bigint PRIMARY KEY REFERENCES device (key),
    high     bigint NOT NULL,
    gaps     bytea NOT NULL,
    accepted bigint NOT NULL,
    refused  bigint NOT NULL
);
CREATE TABLE kind (
    key  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE
);
-- The log: appended to, never indexed. `key` is the order in which the events of one device were written. Instants are
-- milliseconds; `day` is the date in the organisation's zone when it arrived, as yyyymmdd, and stays what it is if the
-- zone is changed.
CREATE TABLE event (
    key      bigint GENERATED ALWAYS AS IDENTITY,
    device   bigint NOT NULL,
    sequence bigint NOT NULL,
    id       uuid NOT NULL,
    kind     bigint NOT NULL,
    time     bigint NOT NULL,
    recorded bigint NOT NULL,
    received bigint NOT NULL,
    day      integer NOT NULL,
    data     text NOT NULL
);
CREATE TABLE journey (
    person  integer NOT NULL,
    journey uuid NOT NULL,
    day     integer NOT NULL,
    time    bigint NOT NULL,
    persona text NOT NULL
);
CREATE TABLE day_events (
    day  integer NOT NULL,
    kind bigint NOT NULL,
    n    bigint NOT NULL,
    PRIMARY KEY (day, kind)
);
-- `people` is a roaring bitmap of person keys.
CREATE TABLE day_people (
    day    integer PRIMARY KEY,
    people bytea NOT NULL
);
-- Each run, by the device it ran on. Whichever of its two events arrives first makes the row; until the beginning has
-- arrived it is not known of which release it is.
CREATE TABLE run (
    device  bigint NOT NULL,
    run     uuid NOT NULL,
    pack    text,
    version text,
    failed  boolean NOT NULL,
    PRIMARY KEY (device, run)
);
CREATE INDEX run_of_release ON run (pack, version, failed);
";

/// One format more.
#[derive(Debug, Clone, Copy)]
struct Step {
    sql: &'static str,
    /// The oldest format a program may know and still serve from a database with this step; 1 for what only adds.
    needs: i32,
}

const SIGNALS: &str = "
CREATE TABLE integration (
    name    text PRIMARY KEY,
    token   bytea NOT NULL UNIQUE,
    made    bigint NOT NULL,
    revoked bigint
);
-- Other names of people.
CREATE TABLE alias (
    pseudonym bytea PRIMARY KEY,
    person    integer NOT NULL REFERENCES person (key)
);
-- What other programs said, each once. `who` finds those of somebody whose other name is only said later.
CREATE TABLE signal (
    source   text NOT NULL,
    id       text NOT NULL,
    kind     text NOT NULL,
    subject  text NOT NULL,
    ok       boolean NOT NULL,
    who      bytea,
    person   integer,
    day      integer NOT NULL,
    time     bigint NOT NULL,
    received bigint NOT NULL,
    PRIMARY KEY (source, id)
);
CREATE INDEX signal_of_who ON signal (who);
CREATE INDEX signal_of_person ON signal (kind, person, time);
CREATE INDEX signal_of_day ON signal (kind, subject, day);
CREATE TABLE service_day (
    service text NOT NULL,
    day     integer NOT NULL,
    uses    bigint NOT NULL,
    failed  bigint NOT NULL,
    people  bytea NOT NULL,
    PRIMARY KEY (service, day)
);
";

const KPIS: &str = "
-- What is known of each journey: instants in milliseconds. `began` and the two after it say which of its beginnings was the
-- earliest; `clock` is when its clock started. `steps` has what each step came to.
CREATE TABLE story (
    person   integer NOT NULL,
    journey  uuid NOT NULL,
    began    bigint,
    device   bigint,
    sequence bigint,
    persona  text,
    pack     text,
    version  text,
    clock    bigint,
    at_once  boolean NOT NULL,
    arrived  bigint,
    gone     bigint,
    steps    bytea NOT NULL,
    PRIMARY KEY (person, journey)
);
-- The transitions of each step until it was done first.
CREATE TABLE step_story (
    person  integer NOT NULL,
    journey uuid NOT NULL,
    step    text NOT NULL,
    told    bytea NOT NULL,
    PRIMARY KEY (person, journey, step)
);
-- One row, from the first event on: when the latest event happened.
CREATE TABLE latest (
    only_one smallint PRIMARY KEY CHECK (only_one = 1),
    time     bigint NOT NULL
);
";

const PEOPLE: &str = "
-- The highest number of people who were erased: nobody gets it again. `forgot` is when what is too old was last looked for.
ALTER TABLE hub ADD COLUMN people integer NOT NULL DEFAULT 0;
ALTER TABLE hub ADD COLUMN forgot bigint NOT NULL DEFAULT 0;
-- The token that takes the place of `token` when it is used first.
ALTER TABLE device ADD COLUMN next_token bytea UNIQUE;
ALTER TABLE device ADD COLUMN next_expires bigint;
-- `past`: their first journey, or change, is forgotten. `alone`: since when nothing else is known of them.
ALTER TABLE person ADD COLUMN past boolean NOT NULL DEFAULT false;
ALTER TABLE person ADD COLUMN alone bigint;
-- How many of the accepted events are forgotten.
ALTER TABLE mark ADD COLUMN forgotten bigint NOT NULL DEFAULT 0;
-- Part of a sum in `survey_sum`, or of words that are not shown any more.
ALTER TABLE survey_answer ADD COLUMN settled boolean NOT NULL DEFAULT false;
ALTER TABLE survey_ending ADD COLUMN settled boolean NOT NULL DEFAULT false;
ALTER TABLE feedback ADD COLUMN settled boolean NOT NULL DEFAULT false;
-- What was let out of surveys together with what is gone, by the first instant of its quarter.
CREATE TABLE survey_sum (
    quarter  bigint NOT NULL,
    survey   text NOT NULL,
    question text NOT NULL,
    kind     text NOT NULL,
    answer   text NOT NULL,
    n        bigint NOT NULL,
    PRIMARY KEY (quarter, survey, question, kind, answer)
);
-- Sums of what is forgotten: of what, of which name, on which day.
CREATE TABLE past (
    what text NOT NULL,
    name text NOT NULL,
    day  integer NOT NULL,
    n    bigint NOT NULL,
    PRIMARY KEY (what, name, day)
);
";

const CLOCKS: &str = "
-- When it happened by our clock; nothing where that is `time`, which is what its device said.
ALTER TABLE event ADD COLUMN happened bigint;
-- How far the device's clock was ahead when it last said so; when its latest event happened; and for each gap between which
-- moments it lies.
ALTER TABLE mark ADD COLUMN skew bigint, ADD COLUMN latest bigint, ADD COLUMN around bytea;
";

const SERVICES: &str = "
-- How each service was used in a month (yyyymm), by person: four numbers of four bytes each, big-endian, in the order of
-- people: who, on which days (a bit each), how often, how often in vain.
CREATE TABLE service_month (
    service text NOT NULL,
    month   integer NOT NULL,
    people  bytea NOT NULL,
    PRIMARY KEY (service, month)
);
-- Nobody says what was used meanwhile: it would be in neither.
LOCK TABLE signal, service_day;
INSERT INTO service_month (service, month, people)
SELECT subject, month, string_agg(told, ''::bytea ORDER BY person)
FROM (SELECT subject, day / 100 AS month, person,
             int4send(person) || int4send(bit_or(1 << (day % 100 - 1))) || int4send(count(*)::integer)
                 || int4send((count(*) FILTER (WHERE NOT ok))::integer) AS told
      FROM signal WHERE kind = 'service.used' AND person IS NOT NULL GROUP BY subject, day / 100, person) AS used
GROUP BY subject, month;
DROP TABLE service_day;
-- What is asked of answers is a quarter.
CREATE INDEX survey_answer_received ON survey_answer (received, place);
CREATE INDEX survey_ending_received ON survey_ending (received, place);
-- The team of a person, as it was said with a code.
ALTER TABLE person ADD COLUMN team text;
-- What is told by months goes by months, and nothing of it is left.
DELETE FROM past WHERE what IN ('uses', 'failed_uses');
";

const PRECEDENCE: &str = "
-- Which groups were of enough people first, as JSON, and how often that was written.
CREATE TABLE precedence (
    only_one smallint PRIMARY KEY CHECK (only_one = 1),
    written  bigint NOT NULL,
    told     text NOT NULL
);
";

const STEPS: &[Step] = &[
    Step { sql: FIRST, needs: 1 },
    Step { sql: SIGNALS, needs: 1 },
    Step { sql: KPIS, needs: 1 },
    Step { sql: surveys::SURVEYS, needs: 1 },
    Step { sql: roles::ROLES, needs: 1 },
    Step { sql: audit::AUDIT, needs: 1 },
    Step { sql: PEOPLE, needs: 1 },
    Step { sql: requests::REQUESTS, needs: 1 },
    Step { sql: webhooks::WEBHOOKS, needs: 1 },
    Step { sql: surveys::ABOUT, needs: 1 },
    Step { sql: sessions::SESSIONS, needs: 1 },
    Step { sql: CLOCKS, needs: 1 },
    // An older hub would count the use of services where nobody looks for it.
    Step { sql: SERVICES, needs: 13 },
    Step { sql: PRECEDENCE, needs: 1 },
];

/// Whoever brings tables up to date holds this number; others wait, and find it done.
const MIGRATING: i64 = 0x6669_7273_746c_6967;

/// Brings the tables up to date and knows the types of events.
pub(super) async fn prepare(client: &mut ClientWrapper) -> Result<Kinds, StoreError> {
    migrate(client, STEPS).await?;
    let transaction = client.transaction().await?;
    let salt = secrets::random::<32>()?;
    let salted = "INSERT INTO hub (only_one, salt, touched) VALUES (1, $1, 0) ON CONFLICT DO NOTHING";
    transaction.execute(salted, &[&salt.as_slice()]).await?;
    audit::prepare(&transaction).await?;
    let names: Vec<&str> = EventType::ALL.iter().map(|kind| kind.name()).collect();
    // Only what is missing: a conflict would use up a number.
    let added = "INSERT INTO kind (name) SELECT name FROM unnest($1::text[]) AS wanted (name)
                 WHERE name NOT IN (SELECT name FROM kind) ON CONFLICT DO NOTHING";
    transaction.execute(added, &[&names]).await?;
    let numbered = "SELECT key FROM unnest($1::text[]) WITH ORDINALITY AS wanted (name, place)
                    JOIN kind USING (name) ORDER BY place";
    let rows = transaction.query(numbered, &[&names]).await?;
    let keys = rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<i64>, _>>()?;
    transaction.commit().await?;
    Ok(Kinds::new(keys))
}

async fn migrate(client: &mut Client, steps: &[Step]) -> Result<(), StoreError> {
    let transaction = client.transaction().await?;
    // Until the end of the transaction; a hub that dies lets go of it. Whoever comes second waits for as long as it takes,
    // but a step that waits for a table would hold up those who use it.
    transaction.batch_execute("SET LOCAL lock_timeout = 0").await?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&MIGRATING]).await?;
    transaction.batch_execute("SET LOCAL lock_timeout = '10s'").await?;
    let exists = "SELECT to_regclass('format') IS NOT NULL";
    let there: bool = transaction.query_one(exists, &[]).await?.try_get(0)?;
    if !there {
        transaction
            .batch_execute("CREATE TABLE format (number integer NOT NULL, needs integer NOT NULL)")
            .await?;
        transaction.execute("INSERT INTO format (number, needs) VALUES (0, 0)", &[]).await?;
    }
    let (number, needs) = format(&transaction).await?;
    let known = known(steps);
    check(needs, known)?;
    let done = usize::try_from(number).unwrap_or(0);
    let missing = steps.get(done..).unwrap_or_default();
    for (index, step) in missing.iter().enumerate() {
        transaction.batch_execute(step.sql).await.map_err(|error| {
            StoreError::Migration(format!("step {}: {}", done + index + 1, super::words(&error)).into())
        })?;
    }
    if !missing.is_empty() {
        let needs = missing.iter().map(|step| step.needs).fold(needs, i32::max);
        transaction.execute("UPDATE format SET number = $1, needs = $2", &[&known, &needs]).await?;
        tracing::info!(from = number, to = known, "the database is up to date");
    }
    Ok(transaction.commit().await?)
}

async fn format(client: &impl GenericClient) -> Result<(i32, i32), StoreError> {
    let row = client.query_one("SELECT number, needs FROM format", &[]).await?;
    Ok((row.try_get(0)?, row.try_get(1)?))
}

fn known(steps: &[Step]) -> i32 {
    i32::try_from(steps.len()).unwrap_or(i32::MAX)
}

fn check(needs: i32, known: i32) -> Result<(), StoreError> {
    if needs > known { Err(StoreError::Newer { needs, known }) } else { Ok(()) }
}

/// Writes a little, for real; and sees whether a newer hub has taken away what this one needs.
pub(super) async fn check_writable(client: &Client) -> Result<(), StoreError> {
    check(format(client).await?.1, known(STEPS))?;
    client.execute("UPDATE hub SET touched = touched + 1", &[]).await?;
    Ok(())
}

#[cfg(all(test, unix))]
#[expect(dead_code, clippy::unwrap_used, reason = "other tests use the rest of it, and all need a scene")]
#[path = "../../../tests/postgres/mod.rs"]
mod server;

#[cfg(all(test, unix))]
mod tests {
    use super::{server::Server, *};

    #[tokio::test]
    async fn steps_are_taken_once_by_whoever_knows_them_and_all_or_none() {
        let Some(server) = Server::shared() else { return };
        let (mut client, connection) =
            tokio_postgres::connect(&server.fresh(), tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        let adds = Step { sql: "ALTER TABLE device ADD COLUMN name text", needs: 1 };
        let fails = Step { sql: "CREATE TABLE half (); ALTER TABLE nowhere ADD COLUMN name text", needs: 1 };
        let takes = Step { sql: "ALTER TABLE device DROP COLUMN name", needs: 3 };
        let first = STEPS[0];

        migrate(&mut client, &[first]).await.unwrap();
        let error = migrate(&mut client, &[first, adds, fails]).await.unwrap_err().to_string();
        assert!(error.contains("step 3: ") && error.contains("nowhere"), "{error}");
        assert_eq!(format(&client).await.unwrap(), (1, 1), "neither of the two was taken");

        migrate(&mut client, &[first, adds]).await.unwrap();
        migrate(&mut client, &[first, adds]).await.unwrap();
        // The older program goes on, and does not take the newer one's step for its own.
        migrate(&mut client, &[first]).await.unwrap();
        assert_eq!(format(&client).await.unwrap(), (2, 1));

        migrate(&mut client, &[first, adds, takes]).await.unwrap();
        assert_eq!(format(&client).await.unwrap(), (3, 3));
        for older in [&[first][..], &[first, adds]] {
            let error = migrate(&mut client, older).await.unwrap_err();
            assert!(matches!(error, StoreError::Newer { needs: 3, .. }), "{error}");
        }
    }
}
