//! B1, B2, B6: what is signed is the tree over the records, and whatever is done to records or to names in them is found
//! by whoever has a checkpoint. Told once for every database: what a forger does is the same SQL on each.

use std::collections::BTreeSet;

use firstlight_hub::{
    audit::{Act, Actor, By, Named},
    rights::Grant,
    secrets::hash_token,
    store::{PersonKey, Store},
};
use firstlight_tlog::{Check, Flaw, commitment, opened};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::{oracle::mth, story::now};

const ACTS: u64 = 1_000;
const FIRST_SIGNED: u64 = 400;
/// Where something is done to the log: its ends, both sides of the first checkpoint, and in between.
const PLACES: [u64; 12] = [1, 2, 37, 128, 399, 400, 401, 512, 640, 777, 999, 1_000];

/// A connection with all the rights there are, and the store that reads what it did.
pub(crate) struct Forger<'a> {
    pub(crate) store: &'a dyn Store,
    /// Does it, and gives the number of rows changed by the last statement.
    pub(crate) sql: Box<dyn AsyncSql + 'a>,
    /// How this database writes bytes.
    pub(crate) bytes: fn(&[u8]) -> String,
}

/// Runs a statement with a forger's connection.
#[async_trait::async_trait]
pub(crate) trait AsyncSql: Sync {
    async fn run(&self, sql: &str) -> u64;
}

/// A record, a name, as the export has them.
#[derive(Clone)]
struct Line(Value);

impl Line {
    fn text(&self, field: &str) -> &str {
        self.0[field].as_str().unwrap()
    }

    fn bytes(&self, field: &str) -> Vec<u8> {
        let text = self.text(field);
        (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
    }

    fn seq(&self) -> u64 {
        self.0["seq"].as_u64().unwrap()
    }
}

async fn exported(store: &dyn Store, kind: &str) -> Vec<Line> {
    let mut out = Vec::new();
    store.audit_log().await.unwrap().export(&mut out).unwrap();
    let lines = String::from_utf8(out).unwrap();
    let lines = lines.lines().map(|line| Line(serde_json::from_str(line).unwrap()));
    lines.filter(|line| line.text("type") == kind).collect()
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A thousand acts about fifty people, by one of three, signed after 400 and at the end; and the last checkpoint.
async fn thousand(store: &dyn Store) -> String {
    let grant: Grant = "viewer".parse().unwrap();
    for n in 0..ACTS {
        let at = now() + SignedDuration::from_secs(i64::try_from(n).unwrap());
        let person = Named::Person { key: PersonKey(u32::try_from(n % 50).unwrap() + 1) };
        let by = match n % 3 {
            0 => By::account("root", at),
            1 => By { actor: Actor::Person { person: Named::Person { key: PersonKey(100) } }, at },
            _ => By::hub(at),
        };
        let act = match n % 4 {
            0 => Act::RoleGranted { person, role: grant.clone() },
            1 => Act::IntegrationMade { name: format!("portal-{n}") },
            2 => Act::DeviceRevoked {
                device: Named::Device { id: uuid::Uuid::from_u128(n.into()), key: PersonKey(7) },
            },
            _ => Act::TokenMade { person, token: i64::try_from(n).unwrap(), expires_at: at },
        };
        store.note(&by, &act).await.unwrap();
        if n + 1 == FIRST_SIGNED {
            store.checkpoint(at).await.unwrap();
        }
    }
    store.checkpoint(now()).await.unwrap().note
}

impl Forger<'_> {
    async fn run(&self, sql: &str) {
        assert!(self.sql.run(sql).await > 0, "{sql} changed nothing");
    }

    /// Everything after `seq` moves by one place. Two steps, so that no key is taken at any moment.
    async fn shift(&self, seq: u64, by: i64) {
        self.sql.run(&format!("UPDATE audit SET seq = -(seq + {by}) WHERE seq > {seq}")).await;
        self.sql.run("UPDATE audit SET seq = -seq WHERE seq < 0").await;
    }

    /// Puts everything back.
    async fn restore(&self) {
        for table in ["audit", "audit_name", "audit_checkpoint", "audit_log"] {
            self.sql.run(&format!("DELETE FROM {table}")).await;
            self.run(&format!("INSERT INTO {table} SELECT * FROM kept_{table}")).await;
        }
    }

    async fn check(&self, kept: Option<&str>) -> Check {
        self.store.audit_log().await.unwrap().verify(kept).unwrap()
    }

    /// A record that fits its own commitment.
    async fn forge(&self, seq: u64, body: &str) {
        let salt = [6; 32];
        let leaf = commitment(&salt, body.as_bytes());
        let (body, salt, leaf) = (quoted(body), (self.bytes)(&salt), (self.bytes)(&leaf));
        self.run(&format!(
            "INSERT INTO audit (seq, body, salt, leaf) VALUES ({seq}, {body}, {salt}, {leaf})"
        ))
        .await;
    }
}

/// What is found when a record was forged between checkpoints.
fn rewritten(seq: u64) -> Flaw {
    let (after, size) = if seq <= FIRST_SIGNED { (0, FIRST_SIGNED) } else { (FIRST_SIGNED, ACTS) };
    Flaw::Rewritten { after, size }
}

pub(crate) async fn b2_whatever_is_done_to_a_thousand_acts_is_found(forger: &Forger<'_>) {
    let kept = thousand(forger.store).await;
    let kept = Some(kept.as_str());
    let clean = Check { records: ACTS, anchored: ACTS, erased: 0, flaw: None };
    assert_eq!(forger.check(kept).await, clean);
    // To be put back after each thing that is done to it.
    for table in ["audit", "audit_name", "audit_checkpoint", "audit_log"] {
        forger.run(&format!("CREATE TABLE kept_{table} AS SELECT * FROM {table}")).await;
    }
    records_are_held_to(forger, kept).await;
    names_are_held_to(forger, kept).await;
    keys_are_held_to(forger, kept).await;
    assert_eq!(forger.check(kept).await, clean);
}

async fn records_are_held_to(forger: &Forger<'_>, kept: Option<&str>) {
    let records = exported(forger.store, "record").await;
    for (index, seq) in PLACES.into_iter().enumerate() {
        let record = &records[usize::try_from(seq).unwrap() - 1];
        assert_eq!(record.seq(), seq);

        // Flipped: one bit of the text, the salt, the commitment.
        let mut body = record.text("body").as_bytes().to_vec();
        let place = (index * 31) % body.len();
        // One of the lower bits, which leaves text text.
        body[place] ^= 1 << (index % 3);
        let body = quoted(&String::from_utf8(body).unwrap());
        forger.run(&format!("UPDATE audit SET body = {body} WHERE seq = {seq}")).await;
        assert_eq!(forger.check(kept).await.flaw, Some(Flaw::Changed { seq }));
        forger.restore().await;
        for column in ["salt", "leaf"] {
            let mut bytes = record.bytes(column);
            bytes[(index * 7) % 32] ^= 1 << (index % 8);
            let bytes = (forger.bytes)(&bytes);
            forger.run(&format!("UPDATE audit SET {column} = {bytes} WHERE seq = {seq}")).await;
            assert_eq!(forger.check(kept).await.flaw, Some(Flaw::Changed { seq }), "{column}");
            forger.restore().await;
        }

        // Deleted, as it is and with the others moved together.
        if seq < ACTS {
            forger.run(&format!("DELETE FROM audit WHERE seq = {seq}")).await;
            assert_eq!(forger.check(kept).await.first_bad(), Some(seq));
            forger.shift(seq, -1).await;
            assert_eq!(forger.check(kept).await.flaw, Some(Flaw::Misplaced { seq, belongs: seq + 1 }));
            forger.restore().await;
        }

        // Reordered.
        let other = ACTS + 1 - seq;
        let (one, other) = (seq.min(other), seq.max(other));
        forger.run(&format!("UPDATE audit SET seq = -1 WHERE seq = {one}")).await;
        forger.run(&format!("UPDATE audit SET seq = {one} WHERE seq = {other}")).await;
        forger.run(&format!("UPDATE audit SET seq = {other} WHERE seq = -1")).await;
        assert_eq!(forger.check(kept).await.flaw, Some(Flaw::Misplaced { seq: one, belongs: other }));
        forger.restore().await;

        // Inserted, by somebody who knows the format.
        forger.shift(seq - 1, 1).await;
        let body = format!(
            r#"{{"seq":{seq},"at":"2026-01-01T00:00:00Z","by":{{"who":"hub"}},"act":{{"what":"integration_made","name":"x"}}}}"#
        );
        forger.forge(seq, &body).await;
        let found = forger.check(kept).await.flaw;
        let signed_here = seq == FIRST_SIGNED || seq == ACTS;
        let expected =
            if signed_here { rewritten(seq) } else { Flaw::Misplaced { seq: seq + 1, belongs: seq } };
        assert_eq!(found, Some(expected));
        forger.restore().await;

        // Rewritten: text, salt and commitment fit each other.
        forger.run(&format!("DELETE FROM audit WHERE seq = {seq}")).await;
        forger.forge(seq, &record.text("body").replace("\"by\":", "\"by\" :")).await;
        assert_eq!(forger.check(kept).await.flaw, Some(rewritten(seq)));
        forger.restore().await;

        // Truncated, with the checkpoints of what is gone, and the count.
        let left = seq - 1;
        forger.run(&format!("DELETE FROM audit WHERE seq > {left}")).await;
        forger.sql.run(&format!("DELETE FROM audit_name WHERE seq > {left}")).await;
        forger.sql.run(&format!("DELETE FROM audit_checkpoint WHERE size > {left}")).await;
        forger.run(&format!("UPDATE audit_log SET size = {left}")).await;
        let truncated = Flaw::Truncated { records: left, size: ACTS };
        assert_eq!(forger.check(kept).await.flaw, Some(truncated));
        forger.restore().await;
    }
}

/// Names are beside the log: flipped, given to another record, made another's.
async fn names_are_held_to(forger: &Forger<'_>, kept: Option<&str>) {
    let names = exported(forger.store, "name").await;
    assert!(names.len() > 1_000);
    for name in names.iter().step_by(97) {
        let seq = name.seq();
        let seal = (forger.bytes)(&name.bytes("seal"));
        let other = name.text("name").replace("\"key\":", "\"key\":9");
        let mut salt = name.bytes("salt");
        salt[3] ^= 4;
        let mut broken = name.bytes("seal");
        broken[9] ^= 1;
        let elsewhere = if seq == ACTS { 1 } else { ACTS };
        for set in [
            format!("name = {}", quoted(&other)),
            format!("salt = {}", (forger.bytes)(&salt)),
            format!("seal = {}", (forger.bytes)(&broken)),
            "person = person + 1".to_owned(),
        ] {
            forger.run(&format!("UPDATE audit_name SET {set} WHERE seal = {seal}")).await;
            assert_eq!(forger.check(kept).await.flaw, Some(Flaw::Changed { seq }), "{set}");
            forger.restore().await;
        }
        forger.run(&format!("UPDATE audit_name SET seq = {elsewhere} WHERE seal = {seal}")).await;
        assert_eq!(forger.check(kept).await.flaw, Some(Flaw::Changed { seq: elsewhere }));
        forger.restore().await;
    }
}

/// Another key, another log, a checkpoint of somewhere else.
async fn keys_are_held_to(forger: &Forger<'_>, kept: Option<&str>) {
    let seed = (forger.bytes)(&[7; 32]);
    forger.run(&format!("UPDATE audit_log SET seed = {seed}")).await;
    assert!(matches!(forger.check(kept).await.flaw, Some(Flaw::BadCheckpoint { .. })));
    forger.run("DELETE FROM audit_checkpoint").await;
    forger.store.checkpoint(now()).await.unwrap();
    assert!(matches!(forger.check(kept).await.flaw, Some(Flaw::BadCheckpoint { size: 0, .. })));
    assert!(forger.check(None).await.ok(), "who has no checkpoint learns nothing");
    forger.restore().await;
    assert!(matches!(
        forger.check(Some("somewhere.else/log\n1\nAAAA\n\n— x AAAAAAAA\n")).await.flaw,
        Some(Flaw::BadCheckpoint { size: 0, .. })
    ));
    // What is not as it was written is not signed.
    forger.run("UPDATE audit SET body = '{}' WHERE seq = 12").await;
    let refused = forger.store.checkpoint(now()).await.unwrap_err().to_string();
    assert!(refused.contains("record 12 of the audit log"), "{refused}");
    forger.restore().await;
}

pub(crate) async fn b1_a_checkpoint_signs_the_root_over_the_records(store: &dyn Store) {
    let at = |second| now() + SignedDuration::from_secs(second);
    let empty = store.checkpoint(at(0)).await.unwrap();
    assert_eq!((empty.size, empty.root), (0, mth::<Vec<u8>>(&[])));
    for (size, person) in ["ada", "bo", "cy", "di", "eve"].into_iter().enumerate() {
        let by = By::account("root", at(1));
        store.add_access(&by, person, hash_token(person), at(99)).await.unwrap();
        let checkpoint = store.checkpoint(at(2)).await.unwrap();
        let leaves: Vec<_> =
            exported(store, "record").await.iter().map(|record| record.bytes("leaf")).collect();
        assert_eq!((checkpoint.size, leaves.len()), (size as u64 + 1, size + 1));
        assert_eq!(checkpoint.root, mth(&leaves));
        let origin = store.audit_log().await.unwrap().origin();
        assert_eq!(
            opened(&checkpoint.note, &origin, &checkpoint.key),
            Ok((checkpoint.size, checkpoint.root))
        );
        // Nothing was done: the same one, not one more.
        assert_eq!(store.checkpoint(at(3)).await.unwrap(), checkpoint);
    }
    for record in exported(store, "record").await {
        assert_eq!(record.bytes("leaf"), commitment(&record.bytes("salt"), record.text("body").as_bytes()));
    }
    for name in exported(store, "name").await {
        assert_eq!(name.bytes("seal"), commitment(&name.bytes("salt"), name.text("name").as_bytes()));
    }
    // B5: what is not signed yet is said.
    store.note(&By::hub(at(4)), &Act::IntegrationMade { name: "portal".to_owned() }).await.unwrap();
    let check = store.audit_log().await.unwrap().verify(None).unwrap();
    assert_eq!(check, Check { records: 6, anchored: 5, erased: 0, flaw: None });
}

pub(crate) async fn b6_of_whom_is_erased_the_log_says_nothing_and_verifies(forger: &Forger<'_>) {
    let store = forger.store;
    let at: Timestamp = now();
    let (ada, bo) = (PersonKey(40_001), PersonKey(40_002));
    let id = uuid::Uuid::from_u128(0xada);
    let by = By { actor: Actor::Person { person: Named::Person { key: bo } }, at };
    let role: Grant = "step-owner:it-helpdesk".parse().unwrap();
    for _ in 0..2 {
        let person = Named::Person { key: ada };
        store.note(&by, &Act::RoleGranted { person, role: role.clone() }).await.unwrap();
    }
    let device = Named::Device { id, key: ada };
    store.note(&by, &Act::DeviceRevoked { device }).await.unwrap();
    store.note(&by, &Act::IntegrationMade { name: "portal".to_owned() }).await.unwrap();
    let kept = store.checkpoint(at).await.unwrap().note;
    // The records do not name her: what was said of her twice is not even the same.
    let mut seen = BTreeSet::new();
    let id = id.to_string();
    for record in exported(store, "record").await {
        let body = record.text("body").to_owned();
        assert!(!body.contains("\"key\"") && !body.contains(&id), "{body}");
        assert!(seen.insert(body));
    }
    assert_eq!(seen.len(), 4);
    forger.run(&format!("DELETE FROM audit_name WHERE person = {}", ada.0)).await;
    let log = store.audit_log().await.unwrap();
    let check = log.verify(Some(&kept)).unwrap();
    assert_eq!(check, Check { records: 4, anchored: 4, erased: 3, flaw: None });
    let records: Vec<_> = log.records().into_iter().map(Result::unwrap).collect();
    assert_eq!(records[1].act, Act::RoleGranted { person: Named::Erased, role });
    assert_eq!(records[2].act, Act::DeviceRevoked { device: Named::Erased });
    // Who did it is still known.
    assert!(records.iter().all(|record| record.by == by.actor));
    let mut out = Vec::new();
    log.export(&mut out).unwrap();
    let out = String::from_utf8(out).unwrap();
    assert!(!out.contains("40001}") && !out.contains(&id) && out.contains("40002}"), "{out}");
}

/// What many do at once, on stores of their own, is one log without a hole.
pub(crate) async fn acts_at_once_are_one_unbroken_log(stores: Vec<std::sync::Arc<dyn Store>>) {
    const EACH: usize = 25;
    let first = std::sync::Arc::clone(&stores[0]);
    let hubs = stores.len();
    let mut acting = tokio::task::JoinSet::new();
    for (hub, store) in stores.into_iter().enumerate() {
        acting.spawn(async move {
            for n in 0..EACH {
                let by = By::account(format!("hub {hub}"), now());
                let name = format!("{hub} {n}");
                // Each locks something else before the log.
                match n % 5 {
                    0 => store.note(&by, &Act::IntegrationMade { name }).await.unwrap(),
                    1 => assert!(store.grant(&by, &name, &"viewer".parse().unwrap()).await.unwrap()),
                    2 => assert!(store.add_integration(&by, &name, hash_token(&name)).await.unwrap()),
                    3 => {
                        store.add_access(&by, "ada", hash_token(&name), now()).await.unwrap();
                    }
                    _ => store.add_code(&by, hash_token(&name), Some("ada"), now()).await.unwrap(),
                }
                if n % 10 == 9 {
                    store.checkpoint(now()).await.unwrap();
                }
            }
        });
    }
    acting.join_all().await;
    let log = first.audit_log().await.unwrap();
    let check = log.verify(None).unwrap();
    assert_eq!((check.records, check.flaw), ((hubs * EACH) as u64, None));
    assert!(check.anchored > 0);
    for hub in 0..hubs {
        let account = Actor::Account { account: format!("hub {hub}") };
        let of_it = log.records().into_iter().filter(|record| record.as_ref().unwrap().by == account);
        assert_eq!(of_it.count(), EACH);
    }
}
