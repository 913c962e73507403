//! Threads that look at one step after the other, for a plan.
//!
//! A check that is over in a millisecond should cost no more than that: the runtime is not woken for it before the next
//! one begins, and whoever asked is woken once for many answers, unless other steps cannot be looked at without them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};

use firstlight_domain::{id::StepId, state::Failure};
use tokio::{runtime::Handle, sync::Notify};

use crate::{
    engine::{Ready, look},
    provider::{Check, Context},
};

/// A step that was looked at.
pub(crate) struct Looked {
    pub(crate) id: StepId,
    pub(crate) answer: Result<Check, Failure>,
    pub(crate) ready: Ready,
}

/// The threads. They close when this is dropped.
pub(crate) struct Lanes {
    queue: mpsc::Sender<(StepId, Ready, Context, Owed)>,
    back: Arc<Back>,
}

/// What comes back from the threads.
#[derive(Default)]
struct Back {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    answers: Vec<Looked>,
    /// Looks whose answer is not there yet.
    owed: usize,
    /// Whether each answer is waited for.
    urgent: bool,
}

impl Back {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One look that was asked for. Dropped, it is settled, with its answer or without: one that broke off has none.
struct Owed {
    back: Arc<Back>,
    answer: Option<Looked>,
}

impl Drop for Owed {
    fn drop(&mut self) {
        let mut state = self.back.state();
        state.owed -= 1;
        state.answers.extend(self.answer.take());
        if state.urgent || state.owed == 0 {
            self.back.changed.notify_one();
        }
    }
}

impl Lanes {
    pub(crate) fn open(count: usize) -> Self {
        let (sender, queue) = mpsc::channel::<(StepId, Ready, Context, Owed)>();
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..count {
            let (queue, runtime) = (Arc::clone(&queue), Handle::current());
            tokio::task::spawn_blocking(move || {
                loop {
                    let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok((id, ready, mut cx, mut owed)) = next else { return };
                    if cx.cancel.is_cancelled() {
                        continue;
                    }
                    cx.own_thread = true;
                    let answer = runtime.block_on(look(&ready, cx));
                    owed.answer = Some(Looked { id, answer, ready });
                }
            });
        }
        Self { queue: sender, back: Arc::default() }
    }

    /// Looks once a thread is free.
    pub(crate) fn look(&self, id: StepId, ready: Ready, cx: Context) {
        self.back.state().owed += 1;
        let owed = Owed { back: Arc::clone(&self.back), answer: None };
        // Without threads the question is dropped, and with it what is owed.
        let _ = self.queue.send((id, ready, cx, owed));
    }

    /// The answers that are there: at least one if `urgent`, else all that were asked for. Empty if nothing is owed, or
    /// what was broke off.
    pub(crate) async fn answers(&self, urgent: bool) -> Vec<Looked> {
        self.back.state().urgent = urgent;
        loop {
            {
                let mut state = self.back.state();
                if state.owed == 0 || (urgent && !state.answers.is_empty()) {
                    return std::mem::take(&mut state.answers);
                }
            }
            self.back.changed.notified().await;
        }
    }
}
