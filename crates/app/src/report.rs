//! Time to first value, and where it went.

use firstlight_contract::report::{ClockKind, ReportView, StepTime, TimeKind, Ttfv, WaterfallPart};
use firstlight_domain::{
    event::Clock,
    journey::{Journey, StepRecord},
    pack::Pack,
    state::StepState,
    waterfall::{Kind, split},
};
use jiff::Timestamp;

use crate::{
    error::{AppError, Result},
    session::Firstlight,
};

impl Firstlight {
    /// The report of the journey at hand.
    pub fn report(&self) -> Result<ReportView> {
        let now = self.now();
        let pack = self.journey_pack()?;
        self.with_world(|world| {
            let journey = world.journey.as_ref().ok_or_else(AppError::no_journey)?;
            Ok(report(&pack, journey, now))
        })
    }
}

fn report(pack: &Pack, journey: &Journey, now: Timestamp) -> ReportView {
    let start = journey.clock.start();
    let end = journey.reached.as_ref().map_or(now, |(at, _)| *at);
    let parts = split(&journey.stretches(end), start, end);
    let elapsed = whole_seconds(end.as_millisecond() - start.as_millisecond());
    ReportView {
        ttfv: journey.reached.as_ref().map(|(at, _)| Ttfv {
            seconds: elapsed,
            clock_start: start.to_string(),
            reached_at: at.to_string(),
        }),
        waterfall: whole_parts(&parts, elapsed),
        elapsed_seconds: elapsed,
        clock_start: start.to_string(),
        clock: match journey.clock {
            Clock::StartDate { .. } => ClockKind::StartDate,
            Clock::FirstLaunch { .. } => ClockKind::FirstLaunch,
        },
        first_value: pack.first_value(&journey.persona).map_or_else(String::new, |step| step.title.clone()),
        steps: step_times(pack, journey, end),
    }
}

/// Milliseconds to whole seconds that add up to `total`: what rounding leaves over goes to the largest remainders.
fn whole_parts(parts: &[(Kind, i64); 5], total: u32) -> Vec<WaterfallPart> {
    let mut whole: Vec<(usize, i64, i64)> =
        parts.iter().enumerate().map(|(place, (_, ms))| (place, ms / 1_000, ms % 1_000)).collect();
    let short = i64::from(total) - whole.iter().map(|(_, seconds, _)| seconds).sum::<i64>();
    whole.sort_by_key(|(place, _, rest)| (std::cmp::Reverse(*rest), *place));
    for (_, seconds, _) in whole.iter_mut().take(usize::try_from(short).unwrap_or(0)) {
        *seconds += 1;
    }
    whole.sort_by_key(|(place, ..)| *place);
    whole
        .into_iter()
        .map(|(place, seconds, _)| WaterfallPart {
            kind: match parts[place].0 {
                Kind::Automatic => TimeKind::Automatic,
                Kind::Failing => TimeKind::Failing,
                Kind::HandsOn => TimeKind::HandsOn,
                Kind::Waiting => TimeKind::Waiting,
                Kind::Away => TimeKind::Away,
            },
            seconds: u32::try_from(seconds).unwrap_or(0),
        })
        .collect()
}

fn step_times(pack: &Pack, journey: &Journey, end: Timestamp) -> Vec<StepTime> {
    let mut times: Vec<StepTime> = journey
        .steps
        .iter()
        .filter_map(|(id, record)| {
            let spent = |wanted: fn(&StepState) -> bool, length: &dyn Fn(Timestamp, Timestamp) -> i64| {
                whole_seconds(time_in(record, wanted, end, length))
            };
            let awake = |from, to| i64::try_from(journey.awake(from, to).as_millis()).unwrap_or(i64::MAX);
            let all = |from: Timestamp, to: Timestamp| (to.as_millisecond() - from.as_millisecond()).max(0);
            Some(StepTime {
                step: id.to_string(),
                title: pack.steps.get(id)?.title.clone(),
                running_seconds: spent(|state| matches!(state, StepState::Running), &awake),
                waiting_seconds: spent(|state| matches!(state, StepState::Waiting { .. }), &all),
            })
        })
        .filter(|time| time.running_seconds + time.waiting_seconds > 0)
        .collect();
    times.sort_by_key(|time| std::cmp::Reverse(time.running_seconds.saturating_add(time.waiting_seconds)));
    times
}

fn time_in(
    record: &StepRecord,
    wanted: fn(&StepState) -> bool,
    end: Timestamp,
    length: &dyn Fn(Timestamp, Timestamp) -> i64,
) -> i64 {
    let ends = record.moments.iter().skip(1).map(|(at, _)| *at).chain([end]);
    record
        .moments
        .iter()
        .zip(ends)
        .filter(|((_, state), _)| wanted(state))
        .map(|((from, _), to)| length(*from, to.min(end)))
        .sum()
}

fn whole_seconds(milliseconds: i64) -> u32 {
    u32::try_from((milliseconds.max(0) + 500) / 1_000).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_waterfall_adds_up_to_the_time_to_first_value() {
        let parts = [
            (Kind::Automatic, 1_400),
            (Kind::Failing, 1_400),
            (Kind::HandsOn, 1_400),
            (Kind::Waiting, 0),
            (Kind::Away, 300),
        ];
        let total = whole_seconds(4_500);
        let shown = whole_parts(&parts, total);
        assert_eq!(shown.iter().map(|part| part.seconds).sum::<u32>(), total);
        assert_eq!(shown.iter().map(|part| part.seconds).collect::<Vec<_>>(), [2, 2, 1, 0, 0]);
    }
}
