//! The steps of a journey as they are written down: what is read of every journey for every figure, so without a parser.

use super::{
    journey_steps::{JourneySteps, Names},
    story::{Phase, StepFacts},
};

/// No instant.
const NONE: i64 = i64::MIN;
/// No phase.
const NO_PHASE: u8 = u8::MAX;
/// What a step takes beside its name.
const SIZE: usize = 61;

/// For each step, by name: the length of the name in two bytes, the name, and what it came to; big-endian.
pub(crate) fn to_bytes(steps: &JourneySteps) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, facts) in steps.iter() {
        // Ingest takes no longer names than 256 bytes.
        bytes.extend(u16::try_from(name.len()).unwrap_or(u16::MAX).to_be_bytes());
        bytes.extend(name.as_bytes());
        let (phase, since) = facts.open.map_or((NO_PHASE, NONE), |(phase, at)| (phase.to_byte(), at));
        let instants = [facts.entered, facts.tried, facts.done].map(|at| at.unwrap_or(NONE));
        for number in instants.into_iter().chain([facts.doing, facts.waiting, facts.failing, since]) {
            bytes.extend(number.to_be_bytes());
        }
        bytes.extend(facts.failures.to_be_bytes());
        bytes.push(phase);
    }
    bytes
}

/// What [`to_bytes`] gave; nothing if that is not what it is. `names` are kept for the next.
pub(crate) fn from_bytes(mut bytes: &[u8], names: &mut Names) -> Option<JourneySteps> {
    let mut steps = Vec::with_capacity(bytes.len() / (SIZE + 8));
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk()?;
        let (name, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
        let (facts, rest) = rest.split_at_checked(SIZE)?;
        steps.push((names.of(std::str::from_utf8(name).ok()?), of_step(facts)?));
        bytes = rest;
    }
    Some(steps.into_iter().collect())
}

fn of_step(bytes: &[u8]) -> Option<StepFacts> {
    let number =
        |index: usize| Some(i64::from_be_bytes(bytes.get(index * 8..index * 8 + 8)?.try_into().ok()?));
    let instant = |index: usize| number(index).map(|at| (at != NONE).then_some(at));
    let open = match bytes.get(60).copied()? {
        NO_PHASE => None,
        phase => Some((Phase::from_byte(phase)?, number(6)?)),
    };
    Some(StepFacts {
        entered: instant(0)?,
        tried: instant(1)?,
        done: instant(2)?,
        doing: number(3)?,
        waiting: number(4)?,
        failing: number(5)?,
        failures: u32::from_be_bytes(bytes.get(56..60)?.try_into().ok()?),
        open,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        let open = StepFacts {
            entered: Some(1),
            tried: None,
            done: None,
            failures: 3,
            doing: 4,
            waiting: 5,
            failing: 6,
            open: Some((Phase::Waiting, -7)),
        };
        let done = StepFacts { done: Some(9), open: None, ..open };
        let steps: JourneySteps = [("vpn", open), ("größe", done)].into_iter().collect();
        let from_bytes = |bytes| from_bytes(bytes, &mut Names::default());
        let bytes = to_bytes(&steps);
        assert_eq!(from_bytes(&bytes), Some(steps));
        assert_eq!(from_bytes(&bytes[..bytes.len() - 1]), None);
        assert_eq!(from_bytes(&[]), Some(JourneySteps::default()));
    }
}
