//! How far people get along some steps: of those who entered, how many reached each one.
//!
//! Everybody enters once, with their first time at the first step (in any order: at any of them), and has a while from
//! there. Whose while is not over yet stands apart, also where they are through already: counting the quick ones only
//! would make things look better than they are.

use jiff::{SignedDuration, Timestamp};

/// Which ways count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// One after the other; other steps may come between.
    Sequential,
    /// One after the other and nothing of the funnel between.
    Strict,
    /// All of them, in any order.
    Any,
}

/// Somebody did a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Did {
    /// When.
    pub at: Timestamp,
    /// Its number on the device: what came first, where the times are the same.
    pub sequence: u64,
    /// Which step, from 0.
    pub step: usize,
}

/// What was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    /// How many steps there are.
    pub steps: usize,
    /// Which ways count.
    pub order: Order,
    /// How long somebody has from where they enter.
    pub within: SignedDuration,
}

/// How far people got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Funnel {
    /// Of those whose time is over: how many reached each step, falling. The first is how many entered.
    pub reached: Vec<u64>,
    /// Who has entered and still has time.
    pub under_way: u64,
}

/// Counts people; each is what one person did, in any order.
pub fn funnel<'a>(people: impl IntoIterator<Item = &'a [Did]>, question: Question, now: Timestamp) -> Funnel {
    let mut funnel = Funnel { reached: vec![0; question.steps], under_way: 0 };
    for did in people {
        let Some((entered, reached)) = way(did, question) else { continue };
        if now.duration_since(entered) < question.within {
            funnel.under_way += 1;
            continue;
        }
        funnel.reached.iter_mut().take(reached).for_each(|count| *count += 1);
    }
    funnel
}

/// When somebody entered, and how many steps they reached in time. Nothing if they never entered.
fn way(did: &[Did], question: Question) -> Option<(Timestamp, usize)> {
    let mut did: Vec<Did> = did.iter().filter(|did| did.step < question.steps).copied().collect();
    did.sort_by_key(|did| (did.at, did.sequence));
    let first = did.iter().position(|did| question.order == Order::Any || did.step == 0)?;
    let from = did.split_off(first);
    let entered = from.first()?.at;
    let in_time = from.iter().take_while(|did| did.at.duration_since(entered) <= question.within);
    let reached = match question.order {
        Order::Sequential => in_time.fold(0, |reached, did| reached + usize::from(did.step == reached)),
        Order::Strict => in_time.enumerate().take_while(|(index, did)| did.step == *index).count(),
        Order::Any => {
            let mut seen: Vec<usize> = in_time.map(|did| did.step).collect();
            seen.sort_unstable();
            seen.dedup();
            seen.len()
        }
    };
    Some((entered, reached))
}
