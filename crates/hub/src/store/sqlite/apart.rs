//! A connection with a thread of its own, for what reads much at once.
//!
//! What is read becomes large for a moment, again and again. Read by whichever thread is free, it would leave that much room
//! behind in the heap of each of them.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::StoreError;

type Work = Box<dyn FnOnce(&mut Connection) + Send>;

/// The way to the thread, which ends with the last of them, and closes the connection before that is gone.
#[derive(Debug, Clone)]
pub(super) struct Apart(Arc<Thread>);

#[derive(Debug)]
struct Thread {
    way: Option<mpsc::Sender<Work>>,
    thread: Option<JoinHandle<()>>,
}

impl Apart {
    pub(super) fn start(mut connection: Connection) -> Self {
        let (way, all) = mpsc::channel::<Work>();
        let thread = thread::spawn(move || {
            for work in all {
                // A panic costs its caller, and nobody else: what it had begun is rolled back.
                let _ = catch_unwind(AssertUnwindSafe(|| work(&mut connection)));
            }
        });
        Self(Arc::new(Thread { way: Some(way), thread: Some(thread) }))
    }

    pub(super) async fn on<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, done) = oneshot::channel();
        let work = move |connection: &mut Connection| {
            // Whoever asked may have gone.
            let _ = answer.send(work(connection));
        };
        let way = self.0.way.as_ref().ok_or(StoreError::GoingDown)?;
        way.send(Box::new(work)).map_err(|_| StoreError::GoingDown)?;
        done.await.map_err(|_| StoreError::GoingDown)?
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.way = None;
        // The last connection that closes tidies the file up.
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
