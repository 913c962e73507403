use std::time::Duration;

use indexmap::IndexMap;
use jiff::Timestamp;
use proptest::{prelude::*, strategy::ValueTree};
use serde_json::Value;

use super::*;
use crate::{
    changes::{self, Release},
    event::{Clock, Event, Happened},
    id::{JourneyId, PackName, StageId},
    journey::{Journey, World},
    kind::Capabilities,
    pack::{Checklist, Elevation, PackRef, Persona, Policy, Probe, Secrets, Stage},
    state::StepState,
};

fn id(number: u8) -> StepId {
    StepId::new(&format!("s{number}")).unwrap()
}

fn persona() -> PersonaId {
    PersonaId::new("dev").unwrap()
}

/// What a step of a random release is: enough fields that each kind of change occurs, few values so that steps are often
/// the same in two releases.
fn a_step() -> impl Strategy<Value = Step> {
    let what = (0..2_u8, 0..3_u8, any::<bool>(), proptest::collection::vec(0..8_u8, 0..2));
    let how = (any::<bool>(), 0..2_u8, any::<bool>(), any::<bool>(), any::<bool>());
    (what, how).prop_map(
        |((kind, word, conditional, needs), (elevated, retries, restart, probed, retitled))| Step {
            id: id(0),
            title: if retitled { "Again" } else { "First" }.to_owned(),
            why: retitled.then(|| "Because".to_owned()),
            owner: None,
            estimate: retitled.then(|| Duration::from_secs(60)),
            needs: needs.into_iter().map(id).collect(),
            condition: conditional.then(|| "facts.os == 'linux'".to_owned()),
            uses: ["command", "file"][usize::from(kind)].to_owned(),
            with: json!({ "run": ["touch", word], "deep": { "list": [{ "b": 1, "a": word }] } }),
            elevation: if elevated { Elevation::Elevated } else { Elevation::Current },
            on_failure: OnFailure::default(),
            follow_up: retitled.then(|| "Log out".to_owned()),
            timeout: Duration::from_secs(60),
            retries,
            restart,
            sla: None,
            probe: probed.then(|| Probe {
                http: Some("https://acme.test/".to_owned()),
                status: None,
                tcp: None,
                command: None,
            }),
            first_value: false,
            outputs: Vec::new(),
            secrets: Secrets::default(),
        },
    )
}

/// A release of some of eight steps, the last of which is the goal.
fn a_release() -> impl Strategy<Value = Pack> {
    proptest::collection::btree_map(0..8_u8, a_step(), 1..8).prop_map(|steps| {
        let goal = *steps.keys().last().unwrap();
        let steps: IndexMap<StepId, Step> = steps
            .into_iter()
            .map(|(number, step)| (id(number), Step { id: id(number), first_value: number == goal, ..step }))
            .collect();
        let stage = Stage {
            id: StageId::new("all").unwrap(),
            title: "All".to_owned(),
            steps: steps.keys().cloned().collect(),
        };
        Pack {
            name: PackName::new("acme").unwrap(),
            version: semver::Version::new(1, 0, 0),
            title: "Acme".to_owned(),
            owner: None,
            inputs: IndexMap::new(),
            personas: [(persona(), Persona { title: "Dev".to_owned(), summary: None, groups: Vec::new() })]
                .into(),
            checklists: [(persona(), Checklist { stages: vec![stage] })].into(),
            steps,
            surveys: IndexMap::new(),
            policy: Policy::default(),
            root: "/acme".into(),
            digest: String::new(),
        }
    })
}

fn a_state() -> impl Strategy<Value = StepState> {
    prop_oneof![
        Just(StepState::Changed { outputs: BTreeMap::new() }),
        Just(StepState::Satisfied { outputs: BTreeMap::new() }),
        Just(StepState::Skipped { why: "not here".to_owned() }),
        Just(StepState::Ready),
        Just(StepState::Unknown { why: "who knows".to_owned() }),
        Just(StepState::Undone),
    ]
}

fn happened(second: i64, event: Event) -> Happened {
    Happened { at: Timestamp::from_second(second).unwrap(), event }
}

fn taken(pack: &Pack) -> Event {
    let goal = pack.first_value(&persona()).map(|step| step.id.clone());
    Event::ChecklistTaken { goal, outline: outline(pack, &persona()) }
}

fn began(pack: &Pack) -> Vec<Happened> {
    let started = Event::JourneyStarted {
        journey: JourneyId(uuid::Uuid::nil()),
        pack: PackRef { name: pack.name.clone(), version: pack.version.clone(), digest: String::new() },
        pack_path: "/acme".to_owned(),
        persona: persona(),
        inputs: BTreeMap::new(),
        clock: Clock::FirstLaunch { at: Timestamp::from_second(0).unwrap() },
    };
    vec![happened(0, started), happened(0, taken(pack))]
}

/// On the way through `pack`, with these states.
fn on_the_way(pack: &Pack, states: &BTreeMap<u8, StepState>) -> Vec<Happened> {
    let mut events = began(pack);
    for (number, state) in states.iter().filter(|(number, _)| pack.steps.contains_key(&id(**number))) {
        let event = Event::StepChanged { step: id(*number), run: None, state: state.clone(), done: None };
        events.push(happened(1, event));
    }
    events
}

fn journey(events: &[Happened]) -> Journey {
    World::from_events(events).journey.unwrap()
}

proptest! {
    #[test]
    fn every_step_has_one_fate(old in a_release(), new in a_release()) {
        let (before, after) = (outline(&old, &persona()), outline(&new, &persona()));
        let Mapping { same, changed, new: added, gone } = map(&before, &after);
        let all: BTreeSet<&StepId> = before.keys().chain(after.keys()).collect();
        prop_assert_eq!(same.len() + changed.len() + added.len() + gone.len(), all.len());
        for step in all {
            let fates = [&same, &changed, &added, &gone].map(|fate| fate.contains(step));
            let is = (before.contains_key(step), after.contains_key(step));
            let expected = match is {
                (true, true) => [before[step] == after[step], before[step] != after[step], false, false],
                (false, _) => [false, false, true, false],
                (true, false) => [false, false, false, true],
            };
            prop_assert_eq!(fates, expected, "{}", step);
        }
    }

    /// What is said before a release is published is what happens when it arrives.
    #[test]
    fn the_diff_and_the_journey_agree(old in a_release(), new in a_release()) {
        let mapping = map(&outline(&old, &persona()), &outline(&new, &persona()));
        let nothing = |_: &Step| Capabilities::default();
        let files = BTreeMap::new();
        let release = |pack| Release { pack, files: &files, needs: &nothing };
        let told = changes::changes(release(&old), release(&new));
        let anew: BTreeSet<StepId> = told
            .personas
            .iter()
            .flat_map(|change| &change.steps)
            .filter(|change| change.is_done_anew())
            .map(|change| change.step.clone())
            .collect();
        prop_assert_eq!(anew, mapping.changed);
    }

    #[test]
    fn a_release_takes_nothing_away_that_it_did_not_change(
        old in a_release(),
        new in a_release(),
        states in proptest::collection::btree_map(0..8_u8, a_state(), 0..8),
    ) {
        let mut events = on_the_way(&old, &states);
        let before = journey(&events);
        events.push(happened(2, taken(&new)));
        let after = journey(&events);
        let mapping = map(&before.outline, &after.outline);
        for step in mapping.same.iter().chain(&mapping.gone) {
            prop_assert_eq!(before.steps.get(step), after.steps.get(step), "{} is as it was", step);
        }
        for step in &mapping.changed {
            let was_done = before.state(step).is_some_and(StepState::is_done);
            let expected = if was_done { Some(&StepState::Ready) } else { before.state(step) };
            prop_assert_eq!(after.state(step), expected, "{}", step);
            if let Some(record) = before.steps.get(step) {
                let kept = &after.steps[step].moments[..record.moments.len()];
                prop_assert_eq!(kept, record.moments.as_slice(), "history stays");
            }
        }
        prop_assert_eq!(&after.new, &mapping.new, "all that is new is marked, nothing else");
        prop_assert_eq!((&after.goal, after.clock, &after.reached), (&before.goal, before.clock, &before.reached));
        // Agreed to once more, nothing happens.
        events.push(happened(3, taken(&new)));
        prop_assert_eq!(journey(&events), after);
    }

    #[test]
    fn a_new_step_is_new_until_it_is_done(old in a_release(), new in a_release()) {
        let mut events = began(&old);
        events.push(happened(1, taken(&new)));
        for step in journey(&events).new {
            let ready = Event::StepChanged { step: step.clone(), run: None, state: StepState::Ready, done: None };
            events.push(happened(2, ready));
            prop_assert!(journey(&events).new.contains(&step));
            let state = StepState::Satisfied { outputs: BTreeMap::new() };
            events.push(happened(3, Event::StepChanged { step: step.clone(), run: None, state, done: None }));
            prop_assert!(!journey(&events).new.contains(&step));
        }
    }

    #[test]
    fn the_clock_stops_where_the_journey_meant_it_to(old in a_release(), new in a_release()) {
        let goal = journey(&began(&old)).goal.unwrap();
        let adapted = with_goal(new.clone(), &persona(), &goal);
        let stops: Vec<&StepId> =
            adapted.steps.values().filter(|step| step.first_value).map(|step| &step.id).collect();
        prop_assert_eq!(stops.len(), 1);
        if new.steps.contains_key(&goal) {
            prop_assert_eq!(stops[0], &goal);
        } else {
            prop_assert_eq!(&adapted, &new, "the goal is gone: the newer one counts");
        }
    }
}

#[test]
fn the_order_of_fields_and_the_words_mean_nothing() {
    let step = |with: &str, title: &str| Step {
        with: serde_json::from_str(with).unwrap(),
        title: title.to_owned(),
        ..a_step().new_tree(&mut proptest::test_runner::TestRunner::deterministic()).unwrap().current()
    };
    let one = step(r#"{"a": 1, "b": {"c": [{"x": 1, "y": 2}]}}"#, "One");
    let other = step(r#"{"b": {"c": [{"y": 2, "x": 1}]}, "a": 1}"#, "Other");
    assert_eq!(meaning(&one), meaning(&other));
    assert_ne!(meaning(&one), meaning(&step(r#"{"a": 2, "b": {"c": [{"x": 1, "y": 2}]}}"#, "One")));
    assert_eq!(sorted(&Value::Null), Value::Null);
}

#[test]
fn a_journal_of_old_knows_no_outline_and_takes_the_first_it_meets() {
    let pack =
        a_release().new_tree(&mut proptest::test_runner::TestRunner::deterministic()).unwrap().current();
    let mut events = began(&pack);
    events.pop();
    let before = journey(&events);
    assert_eq!((before.goal.clone(), before.mapped(&outline(&pack, &persona()))), (None, Mapping::default()));
    events.push(happened(5, taken(&pack)));
    let after = journey(&events);
    assert!(after.goal.is_some() && after.new.is_empty());
}
