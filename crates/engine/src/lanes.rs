//! Threads that answer one question after the other, for whoever has many short ones.
//!
//! A check that is over in a millisecond should cost no more than that: nobody is woken for it before the next one
//! begins, and whoever asked is woken once for many answers, unless each is waited for.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};

use tokio::{runtime::Handle, sync::Notify};

/// The threads. They close when this is dropped; questions they have not begun are then still asked.
pub(crate) struct Lanes<A> {
    queue: mpsc::Sender<(Question<A>, Owed<A>)>,
    back: Arc<Back<A>>,
}

/// May wait, without giving way to others. `None`: it need not be answered any more.
type Question<A> = Box<dyn FnOnce(&Handle) -> Option<A> + Send>;

/// What comes back from the threads.
struct Back<A> {
    state: Mutex<State<A>>,
    changed: Notify,
}

struct State<A> {
    answers: Vec<A>,
    /// Questions that are not settled yet.
    owed: usize,
    /// Whether each answer is waited for.
    urgent: bool,
}

impl<A> Back<A> {
    fn state(&self) -> MutexGuard<'_, State<A>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One question's place. Dropped, the question is settled, answered or not: one that broke off has no answer.
struct Owed<A> {
    back: Arc<Back<A>>,
    answer: Option<A>,
}

impl<A> Drop for Owed<A> {
    fn drop(&mut self) {
        let mut state = self.back.state();
        state.owed -= 1;
        state.answers.extend(self.answer.take());
        if state.urgent || state.owed == 0 {
            self.back.changed.notify_one();
        }
    }
}

impl<A: Send + 'static> Lanes<A> {
    /// Needs a tokio runtime.
    pub(crate) fn open(count: usize) -> Self {
        let (sender, queue) = mpsc::channel::<(Question<A>, Owed<A>)>();
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..count {
            let (queue, runtime) = (Arc::clone(&queue), Handle::current());
            tokio::task::spawn_blocking(move || {
                loop {
                    let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok((question, mut owed)) = next else { return };
                    owed.answer = question(&runtime);
                }
            });
        }
        let state = State { answers: Vec::new(), owed: 0, urgent: false };
        Self { queue: sender, back: Arc::new(Back { state: Mutex::new(state), changed: Notify::new() }) }
    }

    /// Asks once a thread is free.
    pub(crate) fn ask(&self, question: impl FnOnce(&Handle) -> Option<A> + Send + 'static) {
        self.back.state().owed += 1;
        let owed = Owed { back: Arc::clone(&self.back), answer: None };
        // Without threads the question is dropped, and with it what is owed.
        let _ = self.queue.send((Box::new(question), owed));
    }

    /// The answers that are there: at least one if `urgent`, else those to everything that was asked. Empty if every
    /// question is settled and none has an answer that was not taken.
    pub(crate) async fn answers(&self, urgent: bool) -> Vec<A> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn answers_come_all_at_once_or_each_when_it_is_there() {
        let lanes = Lanes::open(3);
        for number in 0..20 {
            lanes.ask(move |_| Some(number));
        }
        let mut all = lanes.answers(false).await;
        all.sort_unstable();
        assert_eq!(all, (0..20).collect::<Vec<_>>());
        // The second can only be answered after the first was taken.
        let (go, gone) = mpsc::channel();
        lanes.ask(|_| Some(100));
        lanes.ask(move |_| gone.recv().ok());
        assert_eq!(lanes.answers(true).await, [100]);
        go.send(200).unwrap();
        assert_eq!(lanes.answers(true).await, [200]);
        assert_eq!(lanes.answers(true).await, [0; 0]);
    }

    #[tokio::test]
    async fn a_question_that_breaks_off_holds_up_nobody() {
        let lanes = Lanes::open(1);
        lanes.ask(|_| Some(1));
        lanes.ask(|_| panic!("a bug"));
        // Its thread is gone: what nobody can answer any more is settled too.
        lanes.ask(|_| Some(2));
        assert_eq!(lanes.answers(false).await, [1]);
        lanes.ask(|_| Some(3));
        assert_eq!(lanes.answers(false).await, [0; 0]);
    }
}
