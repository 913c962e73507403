//! One thread for calls that may never come back.
//!
//! Keychain calls block, on a locked collection for ever. They run here, on a thread of their own, one after the
//! other. A call that is given up (time out, or the caller drops its future) leaves its thread behind; the next call
//! gets a fresh one. The thread left behind ends when its call does.

use std::sync::mpsc;
use std::time::Duration;

use tokio::sync::{Mutex, oneshot};

use crate::VaultError;

type Job = Box<dyn FnOnce() + Send>;

/// Whether the caller still waits for the answer. Work asks before it changes anything, so that a call which was given
/// up does not change the keychain an hour later, when somebody answers the prompt.
pub(crate) type StillWanted<'a> = &'a dyn Fn() -> bool;

#[derive(Default)]
pub(crate) struct Lane {
    idle: Mutex<Option<mpsc::Sender<Job>>>,
}

impl Lane {
    /// Runs `work` on the thread and waits for it, at most `limit`, waiting for earlier calls included.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        limit: Duration,
        work: impl FnOnce(StillWanted<'_>) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, VaultError> {
        match tokio::time::timeout(limit, self.run_unbounded(work)).await {
            Ok(result) => result,
            Err(_elapsed) => Err(VaultError::TimedOut { after: limit }),
        }
    }

    async fn run_unbounded<T: Send + 'static>(
        &self,
        work: impl FnOnce(StillWanted<'_>) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, VaultError> {
        let mut idle = self.idle.lock().await;
        // Taken, and only given back once the work is done: if this future is dropped at the `await` below, the
        // thread is thereby abandoned.
        let thread = match idle.take() {
            Some(thread) => thread,
            None => spawn()?,
        };
        let (answer, answered) = oneshot::channel();
        let job = Box::new(move || {
            let result = work(&|| !answer.is_closed());
            // Nobody waits any more: a secret in the result is wiped when it is dropped here.
            drop(answer.send(result));
        });
        let ended = || VaultError::Other { cause: "the keychain thread ended unexpectedly".to_owned() };
        thread.send(job).map_err(|_| ended())?;
        let result = answered.await.map_err(|_| ended())?;
        *idle = Some(thread);
        result
    }
}

fn spawn() -> Result<mpsc::Sender<Job>, VaultError> {
    let (sender, jobs) = mpsc::channel::<Job>();
    std::thread::Builder::new()
        .name("keychain".to_owned())
        .spawn(move || jobs.into_iter().for_each(|job| job()))
        .map_err(|error| VaultError::Other { cause: format!("no thread for the keychain: {error}") })?;
    Ok(sender)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
    use std::thread::ThreadId;

    use super::*;

    const SHORT: Duration = Duration::from_millis(100);
    const LONG: Duration = Duration::from_secs(20);

    async fn thread_of(lane: &Lane) -> ThreadId {
        lane.run(LONG, |_| Ok(std::thread::current().id())).await.unwrap()
    }

    #[tokio::test]
    async fn c1_a_hanging_call_times_out_while_the_runtime_stays_live() {
        let lane = Lane::default();
        let ticks = Arc::new(AtomicU32::new(0));
        let ticker = tokio::spawn({
            let ticks = Arc::clone(&ticks);
            async move {
                loop {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    ticks.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        let (release, hold) = mpsc::channel::<()>();
        let result = lane
            .run(SHORT, move |_| {
                let _ = hold.recv();
                Ok(())
            })
            .await;
        ticker.abort();
        assert_eq!(result, Err(VaultError::TimedOut { after: SHORT }));
        // This test's runtime has one thread: had the call blocked it, nothing would have ticked.
        assert!(ticks.load(Ordering::Relaxed) >= 3, "{ticks:?}");
        drop(release);
    }

    #[tokio::test]
    async fn c1_calls_share_one_thread_that_is_not_the_callers() {
        let lane = Lane::default();
        let first = thread_of(&lane).await;
        assert_ne!(first, std::thread::current().id());
        assert_eq!(first, thread_of(&lane).await);
    }

    #[tokio::test]
    async fn c1_after_a_hang_the_next_call_gets_a_fresh_thread() {
        let lane = Lane::default();
        let before = thread_of(&lane).await;
        let (release, hold) = mpsc::channel::<()>();
        let hung = lane.run(SHORT, move |_| {
            let _ = hold.recv();
            Ok(())
        });
        assert!(hung.await.is_err());
        assert_ne!(before, thread_of(&lane).await);
        drop(release);
    }

    #[tokio::test]
    async fn c1_a_dropped_call_is_told_so_before_it_changes_anything() {
        let lane = Lane::default();
        let (started, has_started) = oneshot::channel();
        let (answer_prompt, prompt) = mpsc::channel::<()>();
        let (report, wanted_after_prompt) = oneshot::channel();
        let call = lane.run(LONG, move |still_wanted| {
            assert!(still_wanted());
            let _ = started.send(());
            let _ = prompt.recv();
            let _ = report.send(still_wanted());
            Ok(())
        });
        tokio::select! {
            _ = call => panic!("the call can not finish: its prompt was not answered"),
            started = has_started => started.unwrap(),
        }
        answer_prompt.send(()).unwrap();
        assert!(!wanted_after_prompt.await.unwrap());
    }

    #[tokio::test]
    async fn a_panic_in_the_keychain_library_is_an_error_and_the_next_call_works() {
        let lane = Lane::default();
        let ran = Arc::new(AtomicBool::new(false));
        let result = lane
            .run(LONG, {
                let ran = Arc::clone(&ran);
                move |_| -> Result<(), VaultError> {
                    ran.store(true, Ordering::Relaxed);
                    panic!("a bug in a store")
                }
            })
            .await;
        assert!(matches!(result, Err(VaultError::Other { .. })), "{result:?}");
        assert!(ran.load(Ordering::Relaxed));
        thread_of(&lane).await;
    }
}
