//! A company: who joins when, what their machines write down, and in which order it arrives.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    asking,
    chance::Chance,
    machine::Machine,
    outside::Outside,
    requests::{self, Kind, Request},
};

pub(super) const MINUTE: i64 = 60_000;
pub(super) const HOUR: i64 = 60 * MINUTE;
pub(super) const DAY: i64 = 24 * HOUR;
/// The pack everybody gets.
pub(super) const PACK: &str = "acme";
/// How often there is a release of it.
const RELEASE_EVERY: i64 = 28 * DAY;

/// A persona: how many of a hundred are it, and its checklist.
struct Persona {
    name: &'static str,
    share: i64,
    steps: &'static [&'static str],
}

/// The last step of each checklist is first value; `vpn` is asked of somebody else.
const PERSONAS: [Persona; 4] = [
    Persona { name: "backend", share: 50, steps: &["git", "ssh-key", "vpn", "clone", "build", "serve"] },
    Persona { name: "data", share: 25, steps: &["git", "vpn", "python", "dataset", "notebook"] },
    Persona { name: "devops", share: 20, steps: &["git", "vpn", "cluster", "deploy"] },
    Persona { name: "qa", share: 5, steps: &["git", "browser", "first-test"] },
];

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    Began {
        persona: &'static str,
        version: String,
        start: i64,
        launched: bool,
    },
    Left,
    Value {
        step: &'static str,
    },
    Step {
        step: &'static str,
        state: &'static str,
    },
    Run,
    Received {
        version: String,
    },
    Shown {
        submission: Uuid,
        survey: &'static str,
    },
    Answered {
        submission: Uuid,
        survey: &'static str,
        question: &'static str,
        scale: &'static str,
        score: i64,
    },
    Ended {
        submission: Uuid,
        survey: &'static str,
        ending: &'static str,
    },
    /// Somebody is asked for something.
    Opened {
        request: Uuid,
        kind: &'static Kind,
        /// Whether they see who asks.
        named: bool,
    },
    /// Nobody has to answer any more.
    Closed {
        request: Uuid,
        end: &'static str,
    },
}

/// An event that a machine wrote down.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) person: usize,
    pub(super) device: usize,
    pub(super) sequence: u64,
    /// When it happened, in milliseconds: as the hub has to take it, whatever the machine's clock says.
    pub(super) time: i64,
    /// How far that clock is ahead then.
    pub(super) ahead: i64,
    pub(super) journey: Uuid,
    pub(super) what: What,
    pub(super) id: Uuid,
}

/// Some events of one machine, on their way together.
#[derive(Debug, Clone)]
pub(super) struct Batch {
    pub(super) device: usize,
    /// How far the machine's clock is ahead when it sends, the seconds that nobody corrects included.
    pub(super) ahead: i64,
    pub(super) events: Vec<Event>,
}

/// A machine.
#[derive(Debug, Clone)]
pub(super) struct Device {
    pub(super) id: Uuid,
    pub(super) person: usize,
}

/// Everything that happens.
#[derive(Debug)]
pub(super) struct Company {
    pub(super) people: usize,
    pub(super) devices: Vec<Device>,
    /// In the order in which they arrive.
    pub(super) batches: Vec<Batch>,
    /// What people were asked and said: sent after everything else, one after the other, because it matters who answered first.
    pub(super) asked: Vec<Batch>,
    /// What people ask owners of steps for: told after that, because what is promised counts from then.
    pub(super) opened: Vec<Batch>,
    /// That nobody has to answer any more: told when some of it was answered.
    pub(super) closed: Vec<Batch>,
    /// What they ask for.
    pub(super) requests: Vec<Request>,
    /// Whether promises are to be broken.
    pub(super) is_late: bool,
    /// What other programs tell.
    pub(super) outside: Outside,
    /// The team of each person, if they are of one.
    pub(super) teams: Vec<Option<&'static str>>,
}

/// Teams: how many of a hundred people are of each; some are of none.
const TEAMS: [(&str, i64); 5] =
    [("orders", 30), ("payments", 25), ("search", 20), ("platform", 12), ("labs", 3)];

/// How large it is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// How many people join.
    pub people: usize,
    /// In how many weeks.
    pub weeks: i64,
    /// What everything follows from.
    pub seed: u64,
    /// Whether a minute passes in which somebody who promised an answer says nothing.
    pub late: bool,
}

impl Company {
    /// The company whose last week ends at `end`, in milliseconds.
    pub(super) fn of(size: Size, end: i64) -> Self {
        let mut chance = Chance::new(size.seed);
        // What came later in this program does not change what was before.
        let mut other = Chance::new(size.seed ^ 0x6f75_7473_6964_6521);
        let mut third = Chance::new(size.seed ^ 0x7265_7175_6573_7473);
        let mut company = Self {
            people: size.people,
            devices: Vec::new(),
            batches: Vec::new(),
            asked: Vec::new(),
            opened: Vec::new(),
            closed: Vec::new(),
            requests: Vec::new(),
            is_late: size.late,
            outside: Outside::default(),
            teams: Vec::new(),
        };
        let opened = end - size.weeks * 7 * DAY;
        let mut on_the_way: Vec<(i64, Batch)> = Vec::new();
        for person in 0..size.people {
            let opened = end - size.weeks * 7 * DAY;
            let mut machines = vec![Machine::new(&mut company.devices, person, opened, end, &mut chance)];
            if chance.in_a_thousand(150) {
                machines.push(Machine::new(&mut company.devices, person, opened, end, &mut chance));
            }
            live(&mut machines, opened, end, &mut chance);
            let began = machines
                .first()
                .and_then(|machine| machine.written.first())
                .map(|event| (event.time, event.journey));
            for (index, mut machine) in machines.into_iter().enumerate() {
                if let Some((began, journey)) = began.filter(|_| index == 0) {
                    asking::ask(&mut machine, journey, began, end, &mut other);
                    let (whose, lasts) = ((person, journey), (began, end));
                    requests::ask(&mut machine, whose, lasts, size.late, &mut company.requests, &mut third);
                    let [asked, opened, closed] = machine.set_aside();
                    company.asked.extend(asked);
                    company.opened.extend(opened);
                    company.closed.extend(closed);
                    company.outside.live(person, began, end, &mut other);
                }
                machine.send(end, &mut chance, &mut on_the_way);
            }
            company.teams.push(team(&mut other));
        }
        company.outside.visit(size.people, opened, end, &mut other);
        on_the_way.sort_by_key(|(arrives, batch)| (*arrives, batch.device));
        company.batches = on_the_way.into_iter().map(|(_, batch)| batch).collect();
        company
    }
}

fn team(chance: &mut Chance) -> Option<&'static str> {
    let mut draw = chance.below(100);
    let found = TEAMS.iter().find(|(_, share)| {
        draw -= share;
        draw < 0
    });
    found.map(|(name, _)| *name)
}

pub(super) fn uuid(chance: &mut Chance) -> Uuid {
    uuid::Builder::from_random_bytes(chance.bytes()).into_uuid()
}

/// Somebody's time in the company: one journey or two, and the days after.
fn live(machines: &mut [Machine], opened: i64, end: i64, chance: &mut Chance) {
    let day = opened + chance.below((end - opened) / DAY) * DAY;
    let mut at = day + 8 * HOUR + chance.below(3 * HOUR);
    let mut journeys = 1 + i64::from(chance.in_a_thousand(30));
    while journeys > 0 && at < end {
        journeys -= 1;
        at = journey(machines, at, opened, end, chance);
        at += chance.between(20, 40) * DAY;
    }
}

/// One journey, on the first machine; ends when they leave or the simulation does, which it says.
fn journey(machines: &mut [Machine], began: i64, opened: i64, end: i64, chance: &mut Chance) -> i64 {
    let mut draw = chance.below(100);
    let [first, ..] = &PERSONAS;
    let persona = PERSONAS.iter().find(|persona| {
        draw -= persona.share;
        draw < 0
    });
    let persona = persona.unwrap_or(first);
    let id = uuid(chance);
    let release = |at: i64| format!("{}.0.0", (at - opened).max(0) / RELEASE_EVERY + 1);
    let launched = chance.in_a_thousand(300);
    // Most opened on their first day; a few were there long before Firstlight.
    let before = if chance.in_a_thousand(40) { chance.between(30, 60) * DAY } else { chance.below(2 * HOUR) };
    let Some((machine, others)) = machines.split_first_mut() else { return end };
    let start = if launched { began + machine.seconds } else { began - before };
    let mut at = began;
    let leaves = if chance.in_a_thousand(60) { began + chance.below(20 * DAY) } else { i64::MAX };
    let mut write = |at: i64, what: What, chance: &mut Chance| {
        let goes_on = at < end && at < leaves;
        if goes_on {
            machine.write(at, id, what, chance);
        }
        goes_on
    };
    write(at, What::Began { persona: persona.name, version: release(began), start, launched }, chance);
    let mut done = true;
    for step in persona.steps {
        for (state, takes) in tries(step, chance) {
            done = done && write(at, What::Step { step, state }, chance);
            at += takes;
        }
        if chance.in_a_thousand(100) {
            // Tomorrow.
            at += chance.between(10, 30) * HOUR;
        }
    }
    if let Some(step) = persona.steps.last().filter(|_| done) {
        write(at, What::Value { step }, chance);
    }
    // The days after: some come back, and everything is looked at again.
    while at < end.min(leaves) {
        at += chance.between(1, 6) * DAY + chance.below(2 * HOUR);
        write(at, What::Run, chance);
        for (minute, step) in (1..).step_by(2).zip(persona.steps) {
            write(at + minute * MINUTE, What::Step { step, state: "running" }, chance);
            write(at + (minute + 1) * MINUTE, What::Step { step, state: "satisfied" }, chance);
        }
        write(at + HOUR, What::Received { version: release(at) }, chance);
        for other in others.iter_mut().filter(|_| at < end.min(leaves)) {
            if chance.in_a_thousand(500) {
                other.write(at + HOUR, id, What::Run, chance);
            }
        }
    }
    if leaves < end {
        machine.write(leaves, id, What::Left, chance);
        return leaves;
    }
    end
}

/// The states a step goes through, and how long it is in each.
fn tries(step: &str, chance: &mut Chance) -> Vec<(&'static str, i64)> {
    let mut states = vec![("ready", chance.below(5 * MINUTE))];
    if step == "vpn" {
        states.push(("waiting", chance.between(20 * MINUTE, 4 * DAY)));
    }
    while chance.in_a_thousand(150) {
        states.push(("running", chance.between(1_000, 30 * MINUTE)));
        states.push(("failed", chance.between(MINUTE, 5 * HOUR)));
    }
    states.push(("running", chance.between(1_000, 20 * MINUTE)));
    states.push((if chance.in_a_thousand(200) { "satisfied" } else { "changed" }, 0));
    states
}

impl Event {
    /// As a machine's outbox says it.
    pub(super) fn to_json(&self, source: &str) -> Value {
        let time = instant(self.time + self.ahead);
        let journey = self.journey;
        let (kind, data) = match &self.what {
            What::Began { persona, version, start, launched } => (
                "journey.started",
                json!({
                    "journey": journey, "pack": PACK, "pack_version": version, "persona": persona,
                    "clock": if *launched { "first_launch" } else { "start_date" },
                    // The first the machine's clock said, the second the company.
                    "clock_start": instant(if *launched { start + self.ahead } else { *start }),
                }),
            ),
            What::Left => ("journey.left", json!({ "journey": journey })),
            What::Value { step } => ("first_value.reached", json!({ "journey": journey, "step": step })),
            What::Step { step, state } => {
                ("step.changed", json!({ "journey": journey, "step": step, "state": state }))
            }
            What::Run => (
                "run.finished",
                json!({ "journey": journey, "run": self.id, "end": "completed", "duration_ms": 1_000 }),
            ),
            What::Received { version } => {
                ("release.received", json!({ "pack": PACK, "pack_version": version }))
            }
            What::Shown { submission, survey } => (
                "survey.shown",
                json!({ "submission": submission, "survey": survey, "asks_nps": *survey == "recommend" }),
            ),
            What::Answered { submission, survey, question, scale, score } => (
                "survey.answered",
                json!({
                    "submission": submission, "survey": survey, "question": question, "question_kind": scale,
                    "score": score,
                }),
            ),
            What::Ended { submission, survey, ending } => {
                ("survey.ended", json!({ "submission": submission, "survey": survey, "ending": ending }))
            }
            What::Opened { request, kind, named } => {
                let Kind { owner, step, title, sla, .. } = kind;
                let mut data = json!({
                    "request": request, "journey": journey, "step": step, "title": title, "owner": owner,
                });
                if let Some(sla) = sla {
                    data["sla"] = (*sla).into();
                }
                if *named {
                    data["signed_name"] = format!("Somebody {}", self.person).into();
                }
                ("request.opened", data)
            }
            What::Closed { request, end } => ("request.closed", json!({ "request": request, "end": end })),
        };
        json!({
            "specversion": "1.0", "id": self.id, "source": source, "type": format!("dev.firstlight.{kind}"),
            "time": time, "recordedtime": time, "sequence": format!("{:016}", self.sequence),
            "datacontenttype": "application/json", "data": data,
        })
    }
}

/// As text. Every instant here is within weeks of now.
pub(super) fn instant(milliseconds: i64) -> String {
    jiff::Timestamp::from_millisecond(milliseconds).unwrap_or_default().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_is_one_company() {
        let size = |seed| Size { people: 40, weeks: 10, seed, late: false };
        let told = |seed| format!("{:?}", Company::of(size(seed), 1_000 * DAY));
        assert_eq!(told(7), told(7));
        assert_ne!(told(7), told(8));
        let company = Company::of(size(7), 1_000 * DAY);
        let first = |batch: &Batch| (batch.device, batch.events[0].sequence);
        let different: std::collections::BTreeSet<_> = company.batches.iter().map(first).collect();
        assert!(different.len() < company.batches.len(), "some come twice");
        let reordered = company.batches.iter().enumerate().any(|(index, batch)| {
            let later = &company.batches[index + 1..];
            later.iter().any(|other| {
                other.device == batch.device && other.events[0].sequence < batch.events[0].sequence
            })
        });
        assert!(reordered, "some come late");
    }
}
