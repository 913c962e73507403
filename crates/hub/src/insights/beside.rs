//! Work that comes in many equal parts, done beside each other.

use std::{num::NonZero, panic::resume_unwind, thread};

/// What becomes of each, in order, by as many threads as there are processors. Worth it from a millisecond on.
pub(super) fn each<T: Sync, R: Send>(all: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let part = all.len().div_ceil(threads).max(1);
    thread::scope(|scope| {
        let work = &work;
        let parts: Vec<_> =
            all.chunks(part).map(|some| scope.spawn(move || some.iter().map(work).collect())).collect();
        let done = parts.into_iter().map(|part| part.join().unwrap_or_else(|panic| resume_unwind(panic)));
        done.flat_map(|some: Vec<R>| some).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_done_and_stays_in_order() {
        for many in [0_u64, 1, 2, 3, 100] {
            let all: Vec<u64> = (0..many).collect();
            assert_eq!(
                each(&all, |number| number * 2),
                (0..many).map(|number| number * 2).collect::<Vec<_>>()
            );
        }
    }
}
