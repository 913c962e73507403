//! The way from many requests to one writer: bounded, and written in groups.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use firstlight_contract::hub::Verdict;
use futures::FutureExt as _;
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
    task::JoinHandle,
    time::timeout_at,
};

use crate::store::{Store, StoreError, Submission};

/// A group is written when it has so many events…
const GROUP: usize = 200;
/// …or when its first has waited so long.
const PATIENCE: Duration = Duration::from_millis(5);
/// What waits already is taken along, up to so many: it costs nobody a wait.
const LARGEST_GROUP: usize = 10_000;

/// Where batches wait to be written.
#[derive(Debug, Clone)]
pub struct Queue {
    waiting: mpsc::UnboundedSender<Waiting>,
    room: Arc<Semaphore>,
    capacity: u32,
    figures: Arc<Figures>,
}

/// How the writer is doing.
#[derive(Debug, Default)]
pub struct Figures {
    /// Groups on the disk.
    pub groups: AtomicU64,
    /// Groups that failed.
    pub failed: AtomicU64,
    /// Microseconds spent on them.
    pub micros: AtomicU64,
}

struct Waiting {
    submission: Submission,
    answer: oneshot::Sender<Option<Vec<Verdict>>>,
    /// Room in the queue, given back when it was written.
    room: OwnedSemaphorePermit,
}

/// Why a batch was not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotWritten {
    /// There is no room for it.
    #[error("the queue is full")]
    Full,
    /// The database failed; nothing of it is counted.
    #[error("the database failed")]
    Failed,
}

impl Queue {
    /// Starts the writer. It ends when every copy of the queue is gone and everything is written.
    pub fn start(store: Arc<dyn Store>, capacity: u32) -> (Self, JoinHandle<()>) {
        let blocks = store.blocks();
        let append = move |group| {
            let store = Arc::clone(&store);
            async move { store.append(group).await }
        };
        Self::with(append, blocks, capacity)
    }

    fn with<A, Appended>(append: A, blocks: bool, capacity: u32) -> (Self, JoinHandle<()>)
    where
        A: Fn(Vec<Submission>) -> Appended + Send + Sync + 'static,
        Appended: Future<Output = Result<Vec<Vec<Verdict>>, StoreError>> + Send + 'static,
    {
        let (waiting, batches) = mpsc::unbounded_channel();
        let figures = Arc::new(Figures::default());
        let groups = write(append, batches, Arc::clone(&figures));
        let writer = if blocks {
            // With a thread of its own it goes from one group to the next, however busy the others are.
            let runtime = Handle::current();
            tokio::task::spawn_blocking(move || runtime.block_on(groups))
        } else {
            tokio::spawn(groups)
        };
        let room = Arc::new(Semaphore::new(capacity as usize));
        (Self { waiting, room, capacity, figures }, writer)
    }

    /// Waits until the batch is durable. Who stops waiting does not undo it.
    pub async fn write(&self, submission: Submission) -> Result<Vec<Verdict>, NotWritten> {
        let size = u32::try_from(submission.events.len()).unwrap_or(u32::MAX).max(1);
        let room = Arc::clone(&self.room).try_acquire_many_owned(size).map_err(|_| NotWritten::Full)?;
        let (answer, verdicts) = oneshot::channel();
        self.waiting.send(Waiting { submission, answer, room }).map_err(|_| NotWritten::Failed)?;
        verdicts.await.ok().flatten().ok_or(NotWritten::Failed)
    }

    /// How many events wait.
    pub fn depth(&self) -> usize {
        (self.capacity as usize).saturating_sub(self.room.available_permits())
    }

    /// How many may.
    pub fn capacity(&self) -> u32 {
        self.capacity
    }

    /// How the writer is doing.
    pub fn figures(&self) -> &Figures {
        &self.figures
    }
}

async fn write<A, Appended>(append: A, mut batches: mpsc::UnboundedReceiver<Waiting>, figures: Arc<Figures>)
where
    A: Fn(Vec<Submission>) -> Appended,
    Appended: Future<Output = Result<Vec<Vec<Verdict>>, StoreError>>,
{
    while let Some(group) = next_group(&mut batches).await {
        let (submissions, waiting): (Vec<_>, Vec<_>) =
            group.into_iter().map(|one| (one.submission, (one.answer, one.room))).unzip();
        let begun = Instant::now();
        // What nobody thought of costs its group, and nobody else.
        let written = AssertUnwindSafe(append(submissions)).catch_unwind().await;
        let micros = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        figures.micros.fetch_add(micros, Ordering::Relaxed);
        match written {
            Ok(Ok(verdicts)) => {
                figures.groups.fetch_add(1, Ordering::Relaxed);
                for ((answer, room), verdicts) in waiting.into_iter().zip(verdicts) {
                    drop(room);
                    // Who went away will send it again and be told that it was there.
                    let _ = answer.send(Some(verdicts));
                }
            }
            failed => {
                figures.failed.fetch_add(1, Ordering::Relaxed);
                // A panic has said by itself where it was.
                if let Ok(Err(error)) = failed {
                    tracing::error!(%error, "events could not be written; they will be sent again");
                }
                for (answer, room) in waiting {
                    drop(room);
                    let _ = answer.send(None);
                }
            }
        }
    }
}

async fn next_group(batches: &mut mpsc::UnboundedReceiver<Waiting>) -> Option<Vec<Waiting>> {
    let first = batches.recv().await?;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let mut events = first.submission.events.len();
    let mut group = vec![first];
    while events < LARGEST_GROUP {
        let next = match batches.try_recv() {
            Ok(next) => Some(next),
            Err(_) if events >= GROUP => None,
            Err(_) => timeout_at(deadline, batches.recv()).await.ok().flatten(),
        };
        let Some(next) = next else { break };
        events += next.submission.events.len();
        group.push(next);
    }
    Some(group)
}

#[cfg(test)]
mod tests {
    use jiff::{Timestamp, tz::TimeZone};

    use super::*;
    use crate::store::{DeviceKey, PersonKey};

    fn submission() -> Submission {
        Submission {
            device: DeviceKey(1),
            person: PersonKey(1),
            sent: None,
            received: Timestamp::UNIX_EPOCH,
            zone: TimeZone::UTC,
            events: Vec::new(),
        }
    }

    #[tokio::test]
    async fn g3_a_group_that_cannot_be_written_does_not_stop_the_next() {
        for blocks in [false, true] {
            let turn = AtomicU64::new(0);
            let append = move |group: Vec<Submission>| {
                let turn = turn.fetch_add(1, Ordering::Relaxed);
                async move {
                    match turn {
                        0 => panic!("nobody thought of this"),
                        1 => Err(StoreError::GoingDown),
                        _ => Ok(vec![Vec::new(); group.len()]),
                    }
                }
            };
            let (queue, writer) = Queue::with(append, blocks, 10);
            for written in [Err(NotWritten::Failed), Err(NotWritten::Failed), Ok(Vec::new())] {
                assert_eq!(queue.write(submission()).await, written);
            }
            assert_eq!(queue.depth(), 0);
            drop(queue);
            writer.await.unwrap();
        }
    }
}
