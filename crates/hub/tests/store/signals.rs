//! What other programs say is counted once, whatever order it comes in and whenever somebody's names are told.

use std::{collections::BTreeMap, sync::Arc};

use firstlight_hub::{
    audit::By,
    secrets::hash_token,
    signals::{Signal, SignalKind},
    store::{Store, signals::Uses},
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use proptest::{prelude::*, test_runner::TestRunner};

use crate::story::by;

fn at(hour: i64) -> Timestamp {
    "2026-11-20T00:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_hours(hour)
}

pub(crate) async fn integrations(store: &dyn Store) {
    let by = |hour| By::account("ada", at(hour));
    assert!(store.add_integration(&by(0), "portal", hash_token("one")).await.unwrap());
    assert!(!store.add_integration(&by(0), "portal", hash_token("two")).await.unwrap());
    assert_eq!(store.integration(hash_token("one")).await.unwrap().as_deref(), Some("portal"));
    assert_eq!(store.integration(hash_token("two")).await.unwrap(), None);
    assert!(store.revoke_integration(&by(1), "portal").await.unwrap());
    assert!(!store.revoke_integration(&by(1), "other").await.unwrap());
    assert_eq!(store.integration(hash_token("one")).await.unwrap(), None);
    let all = store.integrations().await.unwrap();
    assert_eq!((all.len(), all[0].revoked_at), (1, Some(at(1))));
}

/// One thing that happens to the hub.
#[derive(Debug, Clone)]
enum Act {
    Signal(Signal),
    /// Ada has this other name.
    Alias(&'static str),
    /// Somebody of this name gets a code.
    Code(&'static str),
}

fn act() -> impl Strategy<Value = Act> {
    let who = prop::sample::select(vec![None, Some("ada"), Some("github:ada-l"), Some("bo"), Some("cy")]);
    let kind = prop::sample::select(SignalKind::ALL.to_vec());
    let signal =
        (0..40_u32, kind, prop::sample::select(vec!["search", "forge"]), who, 0..72_i64, any::<bool>());
    let signal = signal.prop_map(|(id, kind, subject, who, hour, ok)| {
        // An id always says the same thing.
        Act::Signal(Signal {
            id: format!("{id}-{}-{subject}-{who:?}-{hour}-{ok}", kind.name()),
            kind,
            subject: subject.to_owned(),
            who: who.map(str::to_owned),
            at: at(hour),
            ok,
        })
    });
    prop_oneof![
        8 => signal,
        1 => Just(Act::Alias("github:ada-l")),
        1 => prop::sample::select(vec!["ada", "bo", "github:ada-l"]).prop_map(Act::Code),
    ]
}

async fn play(store: &dyn Store, acts: &[Act]) {
    let berlin = TimeZone::get("Europe/Berlin").unwrap();
    for (index, act) in acts.iter().enumerate() {
        match act {
            Act::Signal(signal) => {
                let day = berlin.to_datetime(signal.at).date();
                // Sent again at once, and in a batch with itself.
                let twice = vec![(signal.clone(), day), (signal.clone(), day)];
                let new = store.take_signals("forge", twice, at(100)).await.unwrap();
                assert!(!new[1]);
            }
            Act::Alias(alias) => assert!(store.add_alias(&by(), "ada", alias).await.unwrap()),
            Act::Code(name) => {
                let code = hash_token(&format!("code {index}"));
                store.add_code(&by(), code, Some(name), at(1_000)).await.unwrap();
            }
        }
    }
}

/// What does not depend on the numbers people happen to get.
async fn seen(store: &dyn Store) -> (BTreeMap<(String, String), Vec<Uses>>, Vec<Timestamp>) {
    let counts = store.signal_counts().await.unwrap();
    assert_eq!(counts, store.recount_signals().await.unwrap());
    let services = counts.services.into_iter().map(|((service, month), counted)| {
        let mut uses: Vec<Uses> = counted.people.into_values().collect();
        uses.sort_by_key(|uses| (uses.days, uses.all, uses.failed));
        ((service, month.to_string()), uses)
    });
    let mut first: Vec<Timestamp> = counts.first_changes.into_values().collect();
    first.sort();
    (services.collect(), first)
}

/// Whatever the order, the counts are the same in the end, and equal to a recount at every moment.
pub(crate) fn property<S>(open: impl AsyncFn() -> (Arc<dyn Store>, S)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut config = ProptestConfig::with_cases(24);
    config.failure_persistence = None;
    let acts = prop::collection::vec(act(), 1..40)
        .prop_flat_map(|acts| (Just(acts.clone()), Just(acts).prop_shuffle()));
    TestRunner::new(config)
        .run(&acts, |(acts, shuffled)| {
            runtime.block_on(async {
                let (one, _one) = open().await;
                let (other, _other) = open().await;
                play(one.as_ref(), &acts).await;
                play(other.as_ref(), &shuffled).await;
                assert_eq!(seen(one.as_ref()).await, seen(other.as_ref()).await);
            });
            Ok(())
        })
        .unwrap();
}
