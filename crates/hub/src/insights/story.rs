//! What the events of one journey come to. Pure, and the same whatever order they arrive in.
//!
//! A step's transitions are kept until it is done first; what comes after that never matters, so a journey stays as small
//! as its checklist, however often its steps are looked at later.

use firstlight_domain::registry::EventType;
use jiff::Timestamp;
use uuid::Uuid;

pub use super::journey_steps::JourneySteps;

/// How many steps of a journey, and transitions of a step, are kept: more than any checklist has, so that a machine that makes
/// them up does not grow a journey without end. The first by name, and the earliest, so that arrival order does not matter.
pub const MOST: usize = 512;

/// The place of an event in time: by the clock of its machine, then by its number there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// In milliseconds.
    pub time: i64,
    /// The number of the device.
    pub device: i64,
    /// The event's number on it.
    pub sequence: u64,
}

/// What started the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// At a time the machine said, in milliseconds.
    At(i64),
    /// When the journey began.
    Beginning,
    /// Some other time, which the machine did not say.
    Unknown,
}

/// How a journey began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beginning {
    /// When. Should a journey begin twice, the earliest counts.
    pub moment: Moment,
    /// For which kind of engineer.
    pub persona: String,
    /// With which pack and version, if it was said.
    pub release: Option<(String, String)>,
    /// From when time is counted.
    pub clock: Clock,
}

/// What a state means for the time a step takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The machine works on it.
    Doing,
    /// It waits for somebody.
    Waiting,
    /// It failed and was not tried again yet.
    Failing,
    /// It is done.
    Done,
    /// Nothing happens.
    Idle,
}

impl Phase {
    fn of(state: &str) -> Self {
        match state {
            "running" => Self::Doing,
            "waiting" => Self::Waiting,
            "failed" => Self::Failing,
            "satisfied" | "changed" => Self::Done,
            // Also one that only a newer machine knows: it says nothing of time.
            _ => Self::Idle,
        }
    }

    /// Its name, for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Doing => "doing",
            Self::Waiting => "waiting",
            Self::Failing => "failing",
            Self::Done => "done",
            Self::Idle => "idle",
        }
    }

    /// As it is written down.
    pub fn to_byte(self) -> u8 {
        match self {
            Self::Doing => 0,
            Self::Waiting => 1,
            Self::Failing => 2,
            Self::Done => 3,
            Self::Idle => 4,
        }
    }

    /// As it was written down.
    pub fn from_byte(byte: u8) -> Option<Self> {
        [Self::Doing, Self::Waiting, Self::Failing, Self::Done, Self::Idle].get(usize::from(byte)).copied()
    }
}

/// A step entered a phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transition {
    /// When.
    pub moment: Moment,
    /// Which.
    pub phase: Phase,
}

/// What an event tells of a journey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// It began.
    Began(Beginning),
    /// It was left.
    Left(Moment),
    /// It reached first value.
    Value(Moment),
    /// One of its steps entered a phase.
    Step(String, Transition),
}

/// How a journey is said to have begun, whenever that was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaidBeginning {
    persona: String,
    release: Option<(String, String)>,
    /// By the device's clock.
    clock: Clock,
    /// Whether that is when Firstlight was opened first, and not a date of the company's.
    by_device: bool,
}

/// What an event says of a journey, wherever in time that belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// It began.
    Began(Box<SaidBeginning>),
    /// It was left.
    Left,
    /// It reached first value.
    Value,
    /// One of its steps entered a phase.
    Step(String, Phase),
}

/// What an event of this type says of which journey; nothing if it says nothing of one. `text_of` gives its properties.
/// Whatever is of another shape says nothing we could count; it was registered, so it is in the log all the same.
pub fn said<'a>(kind: EventType, text_of: impl Fn(&str) -> Option<&'a str>) -> Option<(Uuid, Said)> {
    let said = match kind {
        EventType::JourneyStarted => {
            let at = text_of("clock_start").and_then(|at| at.parse::<Timestamp>().ok());
            let by_device = text_of("clock") == Some("first_launch");
            let clock = match at {
                Some(at) => Clock::At(at.as_millisecond()),
                None if by_device => Clock::Beginning,
                None => Clock::Unknown,
            };
            let owned = |name| text_of(name).map(str::to_owned);
            let release = owned("pack").zip(owned("pack_version"));
            Said::Began(Box::new(SaidBeginning { persona: owned("persona")?, release, clock, by_device }))
        }
        EventType::JourneyLeft => Said::Left,
        EventType::FirstValueReached => Said::Value,
        EventType::StepChanged => Said::Step(text_of("step")?.to_owned(), Phase::of(text_of("state")?)),
        _ => return None,
    };
    Some((Uuid::try_parse(text_of("journey")?).ok()?, said))
}

impl Said {
    /// The same at its place in time. `moved` is how much later it happened than its device's clock said, in milliseconds.
    pub fn at(self, moment: Moment, moved: i64) -> Told {
        match self {
            Self::Began(began) => {
                let SaidBeginning { persona, release, clock, by_device } = *began;
                let clock = match clock {
                    // The same clock that was wrong said when Firstlight was opened first; a date of the company's is right.
                    Clock::At(at) if by_device => Clock::At(at.saturating_add(moved)),
                    clock => clock,
                };
                Told::Began(Beginning { moment, persona, release, clock })
            }
            Self::Left => Told::Left(moment),
            Self::Value => Told::Value(moment),
            Self::Step(step, phase) => Told::Step(step, Transition { moment, phase }),
        }
    }
}

/// The transitions of one step of one journey, in order, until it is done first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StepStory {
    transitions: Vec<Transition>,
}

/// What a [`StepStory`] comes to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StepFacts {
    /// When it was tried, waited or was done first, in milliseconds.
    pub entered: Option<i64>,
    /// When it was tried first.
    pub tried: Option<i64>,
    /// When it was done first.
    pub done: Option<i64>,
    /// How often it failed before.
    pub failures: u32,
    /// Milliseconds in each phase, as far as they are over.
    pub doing: i64,
    /// Waiting for somebody.
    pub waiting: i64,
    /// Failed and not tried again.
    pub failing: i64,
    /// The phase it is in, and since when, if that is none of the two that cost nothing.
    pub open: Option<(Phase, i64)>,
}

impl StepStory {
    /// Takes a transition in.
    pub fn tell(&mut self, transition: Transition) {
        let at = self.transitions.partition_point(|known| known.moment < transition.moment);
        self.transitions.insert(at, transition);
        if let Some(done) = self.transitions.iter().position(|known| known.phase == Phase::Done) {
            self.transitions.truncate(done + 1);
        }
        self.transitions.truncate(MOST);
    }

    /// They.
    pub fn transitions(&self) -> &[Transition] {
        &self.transitions
    }

    /// What it comes to.
    pub fn facts(&self) -> StepFacts {
        let mut facts = StepFacts::default();
        for Transition { moment, phase } in &self.transitions {
            let at = moment.time;
            if let Some((phase, since)) = facts.open.take() {
                *facts.in_phase(phase) += at - since;
            }
            match phase {
                Phase::Doing | Phase::Waiting | Phase::Failing => facts.open = Some((*phase, at)),
                Phase::Done => facts.done = Some(at),
                Phase::Idle => continue,
            }
            facts.entered.get_or_insert(at);
            if matches!(phase, Phase::Doing | Phase::Failing) {
                facts.tried.get_or_insert(at);
            }
            facts.failures += u32::from(*phase == Phase::Failing);
        }
        facts
    }

    /// 25 bytes each, big-endian.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.transitions.len() * 25);
        for Transition { moment, phase } in &self.transitions {
            bytes.extend(moment.time.to_be_bytes());
            bytes.extend(moment.device.to_be_bytes());
            bytes.extend(moment.sequence.to_be_bytes());
            bytes.push(phase.to_byte());
        }
        bytes
    }

    /// What [`to_bytes`](Self::to_bytes) gave; nothing if that is not what it is.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let transitions = bytes.chunks(25).map(|chunk| {
            let part = |from: usize| chunk.get(from..from + 8)?.try_into().ok();
            let moment = Moment {
                time: i64::from_be_bytes(part(0)?),
                device: i64::from_be_bytes(part(8)?),
                sequence: u64::from_be_bytes(part(16)?),
            };
            Some(Transition { moment, phase: Phase::from_byte(*chunk.get(24)?)? })
        });
        Some(Self { transitions: transitions.collect::<Option<_>>()? })
    }
}

impl StepFacts {
    fn in_phase(&mut self, phase: Phase) -> &mut i64 {
        match phase {
            Phase::Waiting => &mut self.waiting,
            Phase::Failing => &mut self.failing,
            Phase::Doing | Phase::Done | Phase::Idle => &mut self.doing,
        }
    }

    /// The same, with the phase it is in counted until `until`.
    #[must_use]
    pub fn until(mut self, until: i64) -> Self {
        if let Some((phase, since)) = self.open {
            *self.in_phase(phase) += (until - since).max(0);
        }
        self
    }
}

/// What is known of one journey.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Journey {
    /// Whose it is.
    pub person: u32,
    /// How it began; nothing while that has not arrived.
    pub began: Option<Beginning>,
    /// When it was left first, in milliseconds.
    pub left: Option<i64>,
    /// When it reached first value first.
    pub value: Option<i64>,
    /// Its steps.
    pub steps: JourneySteps,
}

impl Journey {
    /// Takes in what is not about a step; true if that changed something.
    pub fn tell(&mut self, told: &Told) -> bool {
        let earliest = |known: &mut Option<i64>, at: i64| {
            let earlier = known.is_none_or(|known| at < known);
            if earlier {
                *known = Some(at);
            }
            earlier
        };
        match told {
            Told::Began(beginning) => {
                let earlier = self.began.as_ref().is_none_or(|known| beginning.moment < known.moment);
                if earlier {
                    self.began = Some(beginning.clone());
                }
                earlier
            }
            Told::Left(moment) => earliest(&mut self.left, moment.time),
            Told::Value(moment) => earliest(&mut self.value, moment.time),
            Told::Step(..) => false,
        }
    }

    /// From when on what happens is of it: the start of its clock if the machine said it, else its beginning.
    pub fn counts_from(&self) -> Option<i64> {
        let began = self.began.as_ref()?;
        match began.clock {
            Clock::At(at) => Some(at),
            Clock::Beginning | Clock::Unknown => Some(began.moment.time),
        }
    }

    /// When its clock started; nothing if it has not begun, or the machine did not say.
    pub fn clock_start(&self) -> Option<i64> {
        let began = self.began.as_ref()?;
        match began.clock {
            Clock::At(at) => Some(at),
            Clock::Beginning => Some(began.moment.time),
            Clock::Unknown => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn story(transitions: &[(i64, &str)]) -> StepStory {
        let mut story = StepStory::default();
        for (index, (time, state)) in transitions.iter().enumerate().rev() {
            let moment = Moment { time: *time, device: 1, sequence: index as u64 };
            story.tell(Transition { moment, phase: Phase::of(state) });
        }
        story
    }

    #[test]
    fn the_time_of_a_step_is_split_by_what_it_was_spent_on() {
        let told = [(0, "pending"), (10, "ready"), (20, "running"), (50, "failed"), (90, "running")];
        let facts = story(&told).facts();
        assert_eq!((facts.entered, facts.tried, facts.failures), (Some(20), Some(20), 1));
        assert_eq!((facts.doing, facts.failing, facts.open), (30, 40, Some((Phase::Doing, 90))));
        assert_eq!(facts.until(100).doing, 40);
        assert_eq!(facts.until(80).doing, 30, "not before it began");
        let done = [(20, "waiting"), (50, "running"), (60, "changed"), (70, "failed"), (80, "running")];
        let facts = story(&done).facts();
        assert_eq!((facts.waiting, facts.doing, facts.failures, facts.done), (30, 10, 0, Some(60)));
        assert_eq!((facts.open, facts.tried), (None, Some(50)));
    }

    #[test]
    fn a_story_is_read_as_it_was_written() {
        let story = story(&[(-5, "waiting"), (50, "running"), (60, "satisfied")]);
        assert_eq!(StepStory::from_bytes(&story.to_bytes()), Some(story.clone()));
        assert_eq!(StepStory::from_bytes(&story.to_bytes()[1..]), None);
    }
}
