//! What is too old goes; sums stay, and are what they were.

use firstlight_contract::kpis::InsightsFilter;
use firstlight_hub::{
    audit::{Act, By},
    forgetting,
    insights::{Filter, Insights, Period},
    signals::SignalKind,
    store::{Store, people::Whom, retention::Forgotten},
    surveys::results,
};
use jiff::{SignedDuration, Timestamp, ToSpan as _, civil::date, tz::TimeZone};

use crate::{people, story};

fn zone() -> TimeZone {
    TimeZone::get("Europe/Berlin").unwrap()
}

/// What other programs tell of two who stay.
async fn tell_of_others(store: &dyn Store) {
    for (number, kind, time) in [
        ("s1", SignalKind::ServiceUsed, "2025-11-30T12:00:00Z"),
        ("s2", SignalKind::ServiceUsed, "2025-12-20T12:00:00Z"),
        ("s3", SignalKind::ServiceUsed, "2026-01-05T12:00:00Z"),
        ("s4", SignalKind::ChangeMerged, "2025-12-20T12:00:00Z"),
        ("s5", SignalKind::ChangeMerged, "2025-11-30T12:00:00Z"),
    ] {
        let who = if number == "s5" { "p8" } else { "p7" };
        people::signal(store, number, kind, who, time.parse().unwrap()).await;
    }
}

/// Months of services go as a whole, when a part of them is too old.
async fn others_are_forgotten(store: &dyn Store) {
    let counts = store.signal_counts().await.unwrap();
    assert_eq!(counts, store.recount_signals().await.unwrap());
    let of: Vec<Period> = counts.services.keys().map(|(_, month)| *month).collect();
    assert_eq!(of, [Period::Month(2026, 1)]);
    let first: Vec<_> = counts.first_changes.into_values().collect();
    assert_eq!(
        first,
        ["2025-12-20T12:00:00Z".parse::<Timestamp>().unwrap()],
        "whose first change is forgotten has none"
    );
}

/// Six people whose first days are long ago, and six who come when those are nearly too old.
pub(crate) async fn forgetting(store: &dyn Store) {
    let zone = zone();
    let old = story::now() - SignedDuration::from_hours(26);
    let mut devices = Vec::new();
    for number in 0..12_u8 {
        let device = story::device(store, &format!("p{number}")).await;
        let words = format!("{number} thinks so");
        // A year in between, by a clock that is moved.
        let from = if number < 6 { old - SignedDuration::from_hours(24 * 370) } else { old };
        let events = people::life(&device, from, number % 6 + 4, [&words, &words, &words]);
        let mut submission = story::submission(&device, events);
        submission.received = from + SignedDuration::from_hours(1);
        store.append(vec![submission]).await.unwrap();
        devices.push(device);
    }
    tell_of_others(store).await;
    let (rollups, known) = (store.rollups().await.unwrap(), store.known().await.unwrap());
    let quarter = Period::Quarter(2025, 4).bounds(&zone).unwrap();
    let let_out = results(&store.heard(quarter.0, quarter.1).await.unwrap());
    assert_eq!(let_out[0].questions[0].n, 5);

    // Nothing was too old a month ago; and it is one hub's turn a day.
    let now = story::now();
    let before = now - SignedDuration::from_hours(24 * 30);
    assert_eq!(forgetting::look(store, &By::hub(before), &zone).await.unwrap(), Some(Forgotten::default()));
    assert_eq!(store.rollups().await.unwrap(), rollups);
    assert_eq!(
        forgetting::look(store, &By::hub(before + SignedDuration::from_hours(19)), &zone).await.unwrap(),
        None
    );

    // Six weeks later the first six are.
    let later = now + SignedDuration::from_hours(24 * 42);
    let done = forgetting::look(store, &By::hub(later), &zone).await.unwrap().unwrap();
    let Forgotten { events, journeys, answers, signals, .. } = done;
    assert_eq!((events, journeys, answers, signals), (6 * 14, 6, 6 * 5, 3));
    others_are_forgotten(store).await;
    let after = store.rollups().await.unwrap();
    assert_eq!(after, store.recount().await.unwrap());
    assert_eq!((&after.events, &after.runs), (&rollups.events, &rollups.runs), "sums are what they were");
    let day = zone.to_datetime(old).date() - 370.days();
    assert_eq!(after.past_people.get(&day), Some(&6));
    assert!(!after.people.contains_key(&day) && rollups.people[&day].len() == 6);
    let left = store.known().await.unwrap();
    assert_eq!(left, store.known_from_log().await.unwrap());
    assert_eq!((left.journeys.len(), known.journeys.len()), (6, 12));
    assert_eq!(left.everybody.len(), 5, "whose first days are forgotten are in no share");
    assert_eq!(left.machines.accepted, known.machines.accepted);
    let insights = Insights::of(left, &zone, later);
    let month = InsightsFilter { period: Some("2025-11".to_owned()), ..InsightsFilter::default() };
    let month = Filter::of(month).unwrap();
    let days = insights.activity(&month).days;
    let shown = days.iter().find(|shown| shown.day.as_deref() == Some(day.to_string().as_str())).unwrap();
    assert_eq!(serde_json::to_value(&shown.daily).unwrap()["value"], 6.0);
    assert_eq!(serde_json::to_value(&shown.monthly).unwrap()["answer"], "not_enough");
    // Numbers that were let out stay, words do not.
    let after = results(&store.heard(quarter.0, quarter.1).await.unwrap());
    assert_eq!(after[0].endings, let_out[0].endings);
    assert_eq!(after[0].questions[0], let_out[0].questions[0]);
    assert_eq!(
        store.exposures(devices[0].person).await.unwrap(),
        firstlight_domain::survey::Exposures::default()
    );
    let export = store.export(&story::by(), &Whom::Name("p0".to_owned())).await.unwrap().unwrap();
    for table in [
        "event",
        "run",
        "journey",
        "story",
        "step_story",
        "survey_answer",
        "feedback",
        "request",
        "request_news",
        "day_people",
    ] {
        assert_eq!(export.tables[table].len(), 0, "{table}");
    }
    assert_eq!(export.tables["device"].len(), 1);

    // What is sent later counts as before.
    let sent = store.append(vec![story::submission(&devices[6], [story::event(15, "2026-11-26T11:00:00Z")])]);
    sent.await.unwrap();
    assert_eq!(store.rollups().await.unwrap(), store.recount().await.unwrap());

    // When nothing else is left of them, people go too: first their devices, whose tokens count no more for long.
    let much_later = now + SignedDuration::from_hours(24 * 402);
    let done = forgetting::forget(store, &By::hub(much_later), &zone).await.unwrap();
    assert_eq!((done.devices, done.people), (12, 0));
    let done = forgetting::forget(store, &By::hub(much_later + SignedDuration::from_hours(24 * 91)), &zone)
        .await
        .unwrap();
    assert_eq!(done.people, 12);
    assert_eq!(store.export(&story::by(), &Whom::Name("p0".to_owned())).await.unwrap(), None);
    let log = store.audit_log().await.unwrap();
    assert_eq!(log.verify(None).unwrap().flaw, None);
    let forgot = |act: &Act| matches!(act, Act::Forgotten { .. });
    let acts: Vec<Act> = log.records().into_iter().map(|record| record.unwrap().act).filter(forgot).collect();
    assert_eq!((acts.len(), acts.last()), (3, Some(&Act::Forgotten { forgotten: done })));
    let last = store.rollups().await.unwrap();
    assert_eq!(last, store.recount().await.unwrap());
    assert_eq!(last.events.values().sum::<u64>(), 12 * 14 + 1);
    assert_eq!(last.past_people.values().sum::<u64>(), 6 + 6 + 1);
    assert_eq!(last.past_people.get(&date(2026, 11, 25)), Some(&6));
    let new = story::device(store, "grace").await;
    assert!(devices.iter().all(|device| device.key != new.key && device.person != new.person));
}
