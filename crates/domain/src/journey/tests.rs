//! What follows from which events.

use super::*;
use crate::{
    event::Happened,
    id::{PackName, RequestId},
    request::{Answered, Closing, Reply},
    state::Failure,
    waterfall::split,
};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn step(second: i64, id: &str, state: StepState) -> Happened {
    let step = StepId::new(id).unwrap();
    Happened { at: at(second), event: Event::StepChanged { step, run: None, state, done: None } }
}

fn started() -> Happened {
    let event = Event::JourneyStarted {
        journey: JourneyId(uuid::Uuid::nil()),
        pack: PackRef {
            name: PackName::new("acme").unwrap(),
            version: semver::Version::new(1, 0, 0),
            digest: String::new(),
        },
        pack_path: "/packs/acme".into(),
        persona: PersonaId::new("backend").unwrap(),
        inputs: BTreeMap::new(),
        clock: Clock::FirstLaunch { at: at(0) },
    };
    Happened { at: at(0), event }
}

#[test]
fn the_clock_stops_once_and_the_time_before_is_explained() {
    let serve = StepId::new("serve").unwrap();
    let failure = Failure { cause: "no network".into(), last_lines: vec![], hint: None };
    let events = [
        started(),
        step(10, "clone", StepState::Running),
        step(20, "clone", StepState::Failed(failure)),
        step(50, "clone", StepState::Running),
        step(60, "clone", StepState::Changed { outputs: BTreeMap::new() }),
        step(60, "vpn", StepState::Waiting { on: WaitsOn::Owner("it".into()) }),
        step(90, "vpn", StepState::Satisfied { outputs: BTreeMap::new() }),
        Happened { at: at(100), event: Event::FirstValueReached { step: serve.clone() } },
        Happened { at: at(500), event: Event::FirstValueReached { step: serve.clone() } },
    ];
    let journey = World::from_events(&events).journey.unwrap();
    assert_eq!(journey.reached, Some((at(100), serve)));
    let parts = split(&journey.stretches(at(100)), at(0), at(100)).map(|(_, ms)| ms / 1_000);
    assert_eq!(parts, [20, 30, 0, 30, 20]);
}

#[test]
fn a_machine_that_sleeps_does_not_work_and_each_second_still_counts_once() {
    let slept = |from, to| Happened { at: at(to), event: Event::MachineSlept { from: at(from) } };
    let build = StepId::new("build").unwrap();
    let events = [
        started(),
        step(0, "vpn", StepState::Waiting { on: WaitsOn::Owner("it".into()) }),
        step(10, "build", StepState::Running),
        slept(20, 50),
        step(60, "vpn", StepState::Satisfied { outputs: BTreeMap::new() }),
        slept(70, 100),
        // A clock that was set back in between.
        slept(90, 110),
        step(120, "build", StepState::Changed { outputs: BTreeMap::new() }),
        Happened { at: at(130), event: Event::FirstValueReached { step: build.clone() } },
    ];
    let journey = World::from_events(&events).journey.unwrap();
    let parts = split(&journey.stretches(at(130)), at(0), at(130)).map(|(_, ms)| ms / 1_000);
    // It worked from 10 to 20, 50 to 70 and 110 to 120; until 60, IT was waited for otherwise.
    assert_eq!(parts, [40, 0, 0, 40, 50]);
    assert_eq!(journey.took(&build), Some(Duration::from_secs(40)));
    let whole =
        World::from_events(events.iter().filter(|one| !matches!(one.event, Event::MachineSlept { .. })));
    assert_eq!(whole.journey.unwrap().took(&build), Some(Duration::from_secs(110)), "as older journals say");
}

#[test]
fn a_run_that_only_looks_at_a_step_does_not_take_the_place_of_the_one_it_ran_in() {
    let clone = StepId::new("clone").unwrap();
    let [tried, looked] = [1, 2].map(|id| RunId(uuid::Uuid::from_u128(id)));
    let entered = |run, state| Happened {
        at: at(1),
        event: Event::StepChanged { step: clone.clone(), run: Some(run), state, done: None },
    };
    let failure = Failure { cause: "no network".into(), last_lines: vec![], hint: None };
    let mut world = World::from_events(&[
        started(),
        entered(tried, StepState::Running),
        entered(tried, StepState::Failed(failure.clone())),
    ]);
    let blocked = StepState::Blocked { by: vec![], reason: "no mount".into() };
    let satisfied = StepState::Satisfied { outputs: BTreeMap::new() };
    for state in [blocked, StepState::Failed(failure), satisfied] {
        world.apply(&entered(looked, state));
        assert_eq!(world.journey.as_ref().unwrap().steps[&clone].last_run, Some(tried));
    }
    world.apply(&entered(looked, StepState::Running));
    assert_eq!(world.journey.unwrap().steps[&clone].last_run, Some(looked));
}

#[test]
fn what_the_doctor_set_is_known_without_a_journey_until_it_is_taken_back() {
    let fix = StepId::new("network").unwrap();
    let kept = |n: i64| Event::FixReceiptKept { fix: fix.clone(), receipt: n.into() };
    let mut events: Vec<Happened> = [kept(1), kept(2)].map(|event| Happened { at: at(1), event }).to_vec();
    let world = World::from_events(&events);
    assert_eq!(world.fixes[&fix].receipts, [Value::from(1), Value::from(2)]);
    assert_eq!(world.journey, None);
    events.push(Happened { at: at(2), event: Event::FixUndone { fix } });
    assert!(World::from_events(&events).fixes.is_empty());
}

#[test]
fn what_a_step_leaves_to_the_person_stays_until_they_say_so_or_it_is_taken_back() {
    let group = StepId::new("group").unwrap();
    let due = |second, text: &str| Happened {
        at: at(second),
        event: Event::FollowUpDue { step: group.clone(), texts: vec![text.into()] },
    };
    let done = Happened { at: at(9), event: Event::FollowUpDone { step: group.clone() } };
    let left = |events: &[Happened]| {
        let world = World::from_events(std::iter::once(&started()).chain(events));
        world.journey.unwrap().steps.get(&group).and_then(|record| record.follow_up.clone())
    };
    let first = [step(1, "group", StepState::Running), due(2, "Log in again.")];
    assert_eq!(left(&first), Some(FollowUp { since: at(2), texts: vec!["Log in again.".into()] }));
    assert_eq!(left(&[&first[..], std::slice::from_ref(&done)].concat()), None);
    let again = [&first[..], &[done.clone(), due(10, "Once more.")]].concat();
    assert_eq!(left(&again), Some(FollowUp { since: at(10), texts: vec!["Once more.".into()] }));
    assert_eq!(left(&[&again[..], &[step(11, "group", StepState::Undone)]].concat()), None);
    assert_eq!(left(&[done]), None, "what was never due is nothing to remember");
}

#[test]
fn f2_a_step_that_was_running_when_the_program_was_killed_is_cut_off_until_it_runs_to_an_end() {
    let mail = StepId::new("mail").unwrap();
    let run = RunId(uuid::Uuid::from_u128(1));
    let entered = |second, state| Happened {
        at: at(second),
        event: Event::StepChanged { step: mail.clone(), run: Some(run), state, done: None },
    };
    let ended = |end| Happened { at: at(3), event: Event::RunFinished { run, end } };
    let cut_off = |events: &[Happened]| {
        let world = World::from_events(std::iter::once(&started()).chain(events));
        world.journey.unwrap().steps[&mail].cut_off
    };
    let begun = [entered(1, StepState::Running), entered(2, StepState::Ready)];
    assert!(!cut_off(&[&begun[..], &[ended(RunEnd::Cancelled)]].concat()), "the person stopped it");
    let killed = [&begun[..], &[ended(RunEnd::Interrupted)]].concat();
    assert!(cut_off(&killed));
    let then = |state| cut_off(&[&killed[..], &[entered(4, state)]].concat());
    assert!(then(StepState::Unknown { why: String::new() }), "a run that did not dare says nothing new");
    assert!(!then(StepState::Running));
    assert!(!then(StepState::Satisfied { outputs: BTreeMap::new() }));
    assert!(!then(StepState::Undone));
    // Later interruptions are of other steps.
    let again = [entered(4, StepState::Running), entered(5, StepState::Changed { outputs: BTreeMap::new() })];
    assert!(!cut_off(&[&killed[..], &again[..], &[ended(RunEnd::Interrupted)]].concat()));
}

#[test]
fn a_step_is_known_to_take_as_long_as_it_last_took() {
    let changed = || StepState::Changed { outputs: BTreeMap::new() };
    let failure = Failure { cause: "no".into(), last_lines: vec![], hint: None };
    let events = [
        started(),
        step(10, "build", StepState::Running),
        step(50, "build", changed()),
        step(60, "build", StepState::Running),
        step(90, "build", changed()),
        step(100, "build", StepState::Running),
        step(101, "build", StepState::Failed(failure)),
        step(110, "read", changed()),
    ];
    let journey = World::from_events(&events).journey.unwrap();
    let took = |id: &str| journey.took(&StepId::new(id).unwrap());
    assert_eq!(took("build"), Some(Duration::from_secs(30)));
    assert_eq!(took("read"), None);
}

#[test]
fn an_undo_forgets_receipts_and_what_was_done() {
    let build = StepId::new("build").unwrap();
    let run = RunId(uuid::Uuid::nil());
    let what = ConsentHash("x".into());
    let changed = StepState::Changed { outputs: BTreeMap::new() };
    let done =
        Event::StepChanged { step: build.clone(), run: Some(run), state: changed, done: Some(what.clone()) };
    let receipt = Event::ReceiptKept { step: build.clone(), run, receipt: Value::Null };
    let mut events = vec![started()];
    events.extend([receipt, done].map(|event| Happened { at: at(1), event }));
    let journey = World::from_events(&events).journey.unwrap();
    assert!(journey.was_done(&build, &what));
    events.push(step(2, "build", StepState::Undone));
    let journey = World::from_events(&events).journey.unwrap();
    assert!(!journey.was_done(&build, &what));
    assert!(journey.steps[&build].receipts.is_empty());
}

mod findings {
    use jiff::civil::date;

    use super::*;
    use crate::finding::{Accepted, Finding, FindingId, Place, Severity};

    fn finding(place: Place, severity: Severity) -> Finding {
        let (advisory, package) = ("GHSA-1".to_owned(), "lodash".to_owned());
        let id = FindingId { advisory, package, version: "4.17.20".to_owned(), place };
        Finding { id, severity, fixed: Some("4.17.21".to_owned()) }
    }

    /// The journey after these events, a second between each.
    fn journey_after(events: &[Event]) -> Journey {
        let later = |(number, event): (usize, &Event)| Happened {
            at: at(i64::try_from(number).unwrap() + 1),
            event: event.clone(),
        };
        let all: Vec<Happened> =
            [started()].into_iter().chain(events.iter().enumerate().map(later)).collect();
        World::from_events(&all).journey.unwrap()
    }

    fn in_clone() -> Place {
        Place::Project { step: StepId::new("clone").unwrap(), lockfile: "package-lock.json".to_owned() }
    }

    #[test]
    fn what_is_accepted_stays_so_until_it_is_worse_or_the_day_is_over() {
        let (mild, bad) = (finding(in_clone(), Severity::Moderate), finding(in_clone(), Severity::Critical));
        let accepted = Accepted { until: date(2026, 12, 1), because: "It is not reached.".to_owned() };
        let mut events = vec![
            Event::FindingAppeared { finding: mild.clone() },
            Event::FindingAccepted { finding: mild.id.clone(), accepted },
        ];
        let known = |events: &[Event]| journey_after(events).findings[&mild.id].clone();
        assert!(known(&events).is_accepted(date(2026, 12, 1)));
        assert!(!known(&events).is_accepted(date(2026, 12, 2)));
        let since = known(&events).since;
        events.push(Event::FindingAppeared { finding: mild.clone() });
        assert!(known(&events).is_accepted(date(2026, 12, 1)), "the same once more");
        events.push(Event::FindingAppeared { finding: bad });
        assert_eq!((known(&events).severity, known(&events).accepted), (Severity::Critical, None));
        assert_eq!(known(&events).since, since, "it has been there all the time");
        events.push(Event::FindingGone { finding: mild.id.clone() });
        assert!(journey_after(&events).findings.is_empty());
    }

    #[test]
    fn what_is_taken_back_takes_its_findings_with_it() {
        let (here, there) = (finding(in_clone(), Severity::High), finding(Place::Machine, Severity::High));
        let journey = journey_after(&[
            Event::FindingAppeared { finding: here },
            Event::FindingAppeared { finding: there.clone() },
            Event::StepChanged {
                step: StepId::new("clone").unwrap(),
                run: None,
                state: StepState::Undone,
                done: None,
            },
        ]);
        assert_eq!(journey.findings.keys().collect::<Vec<_>>(), [&there.id]);
    }

    #[test]
    fn findings_are_kept_as_names_and_versions() {
        let written =
            serde_json::to_value(Event::FindingAppeared { finding: finding(in_clone(), Severity::High) });
        assert_eq!(
            written.unwrap(),
            serde_json::json!({
                "event": "finding_appeared",
                "finding": {
                    "advisory": "GHSA-1", "package": "lodash", "version": "4.17.20",
                    "in": "project", "step": "clone", "lockfile": "package-lock.json",
                    "severity": "high", "fixed": "4.17.21",
                },
            })
        );
    }
}

#[test]
fn what_templates_made_is_remembered_after_the_journey_and_forgotten_when_it_is_taken_back() {
    let outputs = |path: &str, version: &str| {
        let given = [
            ("path", path),
            ("template", "service"),
            ("version", version),
            ("links", ""),
            ("follow_ups", ""),
        ];
        given.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect::<BTreeMap<_, _>>()
    };
    let made = |second, id: &str, path: &str, version: &str| {
        step(second, id, StepState::Changed { outputs: outputs(path, version) })
    };
    let mut clone = outputs("/src/clone", "1");
    clone.remove("template");
    let mut events = vec![
        started(),
        made(1, "first", "/src/a", "1"),
        made(2, "second", "/src/b", "1"),
        step(3, "clone", StepState::Changed { outputs: clone }),
        step(4, "first", StepState::Failed(Failure { cause: "x".into(), last_lines: vec![], hint: None })),
    ];
    let known = |events: &[Happened]| World::from_events(events).projects.into_keys().collect::<Vec<_>>();
    assert_eq!(known(&events), ["/src/a", "/src/b"]);
    events.push(Happened { at: at(5), event: Event::JourneyLeft { journey: JourneyId(uuid::Uuid::nil()) } });
    assert_eq!(known(&events), ["/src/a", "/src/b"]);
    events.extend([started(), step(6, "first", StepState::Undone)]);
    assert_eq!(known(&events), ["/src/b"]);
    events.push(step(7, "second", StepState::Satisfied { outputs: outputs("/src/b", "2") }));
    assert_eq!(World::from_events(&events).projects["/src/b"].version, "2");
}

#[test]
fn what_others_are_asked_is_asked_anew_only_when_the_step_went_on_and_waits_again() {
    let request = |number| RequestId(uuid::Uuid::from_u128(number));
    let happened = |event| Happened { at: at(1), event };
    let made = |number| {
        happened(Event::RequestMade {
            request: request(number),
            step: StepId::new("vpn").unwrap(),
            title: "Ask for VPN".into(),
            owner: "it".into(),
            sla: None,
            name: None,
        })
    };
    let answered = |reply| {
        let answered = Answered { reply, words: "No.".into(), by: "Grace".into(), at: at(1) };
        happened(Event::RequestAnswered { request: request(1), answered })
    };
    let waits = || step(1, "vpn", StepState::Waiting { on: WaitsOn::Owner("it".into()) });
    let mut world = World::from_events(&[started(), waits(), made(1)]);
    let over = |world: &World| world.request_for(&StepId::new("vpn").unwrap()).map(|(_, record)| record.over);
    // It failed to be looked at and waits again: still asked.
    world.extend([step(2, "vpn", StepState::Ready), waits()]);
    assert_eq!(over(&world), Some(false));
    let mut refused = world.clone();
    refused.extend([answered(Reply::Refused)]);
    let record = &refused.requests[&request(1)];
    assert_eq!(record.refusal().unwrap().cause, "Grace (it) said no: No.");
    refused.extend([step(3, "vpn", StepState::Failed(record.refusal().unwrap())), waits()]);
    assert_eq!(over(&refused), Some(true));
    // Another asking takes the place of the first, and one of another journey is another.
    refused.extend([made(2)]);
    assert_eq!((refused.requests.len(), over(&refused)), (1, Some(false)));
    world.extend([answered(Reply::Done)]);
    assert_eq!((over(&world), world.requests[&request(1)].refusal()), (Some(false), None));
    world.extend([happened(Event::RequestClosed { request: request(1), closing: Closing::Withdrawn })]);
    assert!(world.requests.is_empty());
}
