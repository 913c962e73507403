//! What the core says unasked, on its way to the window.

use std::sync::{Arc, Mutex, PoisonError};

use firstlight_contract::commands::Notice;
use tauri::ipc::Channel;

/// Hands notices to the window; keeps what is said before it listens. Cheap to clone; all clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Notices(Arc<Mutex<Line>>);

enum Line {
    /// Nobody listens yet.
    Kept(Vec<Notice>),
    /// The window does.
    Open(Channel<Notice>),
}

impl Default for Line {
    fn default() -> Self {
        Self::Kept(Vec::new())
    }
}

impl Notices {
    /// Says something. Returns at once.
    pub(crate) fn tell(&self, notice: Notice) {
        match &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Line::Kept(kept) => kept.push(notice),
            Line::Open(channel) => send(channel, notice),
        }
    }

    /// Hands over what was kept, and from now on everything. A window that was loaded anew replaces the one before.
    pub(crate) fn connect(&self, channel: Channel<Notice>) {
        let mut line = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Line::Kept(kept) = &mut *line {
            for notice in kept.drain(..) {
                send(&channel, notice);
            }
        }
        *line = Line::Open(channel);
    }
}

fn send(channel: &Channel<Notice>, notice: Notice) {
    // The window is being closed; what it would have shown is in the journal.
    if let Err(error) = channel.send(notice) {
        tracing::debug!(%error, "a notice found no window");
    }
}

#[cfg(test)]
mod tests {
    use firstlight_contract::error::{Code, ErrorBody};

    use super::*;

    fn problem(message: &str) -> Notice {
        Notice::Problem { error: ErrorBody::new(Code::Usage, message) }
    }

    #[test]
    fn what_was_said_before_somebody_listened_is_heard_once_and_in_order() {
        let notices = Notices::default();
        notices.tell(problem("first"));
        notices.tell(problem("second"));
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hear = |heard: &Arc<Mutex<Vec<String>>>| {
            let heard = Arc::clone(heard);
            Channel::new(move |body| {
                heard.lock().unwrap().push(format!("{body:?}"));
                Ok(())
            })
        };
        notices.connect(hear(&heard));
        notices.tell(problem("third"));
        let words = ["first", "second", "third"];
        let all = heard.lock().unwrap().clone();
        assert_eq!(all.len(), words.len());
        assert!(all.iter().zip(words).all(|(heard, said)| heard.contains(said)), "{all:?}");

        let later = Arc::new(Mutex::new(Vec::new()));
        notices.connect(hear(&later));
        notices.tell(problem("fourth"));
        assert_eq!((heard.lock().unwrap().len(), later.lock().unwrap().len()), (3, 1));
    }
}
