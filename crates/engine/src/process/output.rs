//! Where a step's output goes: masked, cleaned, into its log and to whoever watches, in bounded memory.

use std::{
    collections::VecDeque,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use firstlight_domain::{
    id::{CredentialName, StepId},
    state::Failure,
};
use secrecy::SecretString;

use super::{log::LogWriter, sanitise::Sanitiser};
use crate::host::{Host, Live, Mask};

/// Lines kept for a failure.
const LAST: usize = 20;
/// Bytes in a line; what is longer goes on in the next.
const MAX_LINE: usize = 8 * 1024;
/// How often lines are shown, at most.
pub(super) const PACE: Duration = Duration::from_millis(50);
/// Lines shown at once, at most: nobody reads more in one go, and all of them are in the log.
const MAX_SHOWN: usize = 2_000;

/// A step's output. Clones are the same output.
#[derive(Clone)]
pub struct Output {
    sink: Arc<Mutex<Sink>>,
    secrets: Arc<[(CredentialName, SecretString)]>,
}

impl Output {
    /// Into a new log at `path`, and live to the host. `secrets` are masked beyond those the host knows.
    pub fn new(
        host: Arc<dyn Host>,
        step: StepId,
        path: &Path,
        secrets: Vec<(CredentialName, SecretString)>,
    ) -> Result<Self, Failure> {
        let log = LogWriter::create(path).map_err(|error| Failure {
            cause: format!("the log {} cannot be written: {error}", path.display()),
            last_lines: Vec::new(),
            hint: Some("make room on the disk, or make that folder writable".to_owned()),
        })?;
        let shown = Shown { host, step, pending: VecDeque::new(), at: None };
        Ok(Self::with(Some(log), Some(shown), secrets))
    }

    /// Nowhere: only the last lines are kept, for failures. What checks get.
    pub fn discard() -> Self {
        Self::with(None, None, Vec::new())
    }

    fn with(
        log: Option<LogWriter>,
        shown: Option<Shown>,
        secrets: Vec<(CredentialName, SecretString)>,
    ) -> Self {
        let sink = Sink { log, shown, next: 0, last: VecDeque::with_capacity(LAST) };
        Self { sink: Arc::new(Mutex::new(sink)), secrets: secrets.into() }
    }

    /// Says something of our own, as a line among the output. Never a secret.
    pub fn say(&self, line: &str) {
        let mut sink = self.sink();
        sink.line(line.to_owned());
        sink.tick();
    }

    /// One stream of a process: each has its own, so that what one prints cannot hide a secret in the other.
    pub fn stream(&self, host: &dyn Host, also: &[(CredentialName, SecretString)]) -> Stream {
        let secrets: Vec<_> = self.secrets.iter().chain(also).cloned().collect();
        Stream {
            output: self.clone(),
            sanitiser: Sanitiser::default(),
            mask: host.mask(&secrets),
            clean: Vec::new(),
            line: Vec::new(),
            after_return: false,
        }
    }

    /// Shows what is due, and hands the log to the system.
    pub fn tick(&self) {
        self.sink().tick();
    }

    /// Shows everything and closes the log.
    pub fn finish(&self) {
        let mut sink = self.sink();
        sink.show();
        sink.log = None;
    }

    /// The last 20 lines.
    pub fn last_lines(&self) -> Vec<String> {
        self.sink().last.iter().cloned().collect()
    }

    fn sink(&self) -> MutexGuard<'_, Sink> {
        self.sink.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Sink {
    log: Option<LogWriter>,
    shown: Option<Shown>,
    next: u32,
    last: VecDeque<String>,
}

struct Shown {
    host: Arc<dyn Host>,
    step: StepId,
    pending: VecDeque<String>,
    at: Option<Instant>,
}

impl Sink {
    fn line(&mut self, line: String) {
        self.next = self.next.saturating_add(1);
        if self.last.len() == LAST {
            self.last.pop_front();
        }
        self.last.push_back(line.clone());
        if let Some(log) = &mut self.log
            && let Err(error) = log.line(&line)
        {
            self.lose_log(&error);
        }
        if let Some(shown) = &mut self.shown {
            if shown.pending.len() == MAX_SHOWN {
                shown.pending.pop_front();
            }
            shown.pending.push_back(line);
        }
    }

    /// The step goes on without its log: work is worth more than its record, but it is said.
    fn lose_log(&mut self, error: &std::io::Error) {
        self.log = None;
        tracing::warn!(%error, "a step's log cannot be written any more");
        self.line(format!("firstlight: this log cannot be written any more: {error}"));
    }

    fn tick(&mut self) {
        if self.shown.as_ref().is_none_or(|shown| shown.at.is_none_or(|at| at.elapsed() >= PACE)) {
            self.show();
        }
    }

    fn show(&mut self) {
        if let Some(log) = &mut self.log
            && let Err(error) = log.flush()
        {
            self.lose_log(&error);
        }
        if let Some(shown) = &mut self.shown
            && !shown.pending.is_empty()
        {
            let lines: Vec<String> = shown.pending.drain(..).collect();
            let first = self.next.saturating_sub(u32::try_from(lines.len()).unwrap_or(u32::MAX));
            shown.at = Some(Instant::now());
            shown.host.show(Live::Log { step: shown.step.clone(), first, lines });
        }
    }
}

/// One stream of bytes on its way into an [`Output`].
pub struct Stream {
    output: Output,
    sanitiser: Sanitiser,
    mask: Box<dyn Mask>,
    clean: Vec<u8>,
    line: Vec<u8>,
    after_return: bool,
}

impl Stream {
    /// Takes a chunk in. Control sequences go first, so that none can split a secret the mask would know.
    pub fn push(&mut self, chunk: &[u8]) {
        self.clean.clear();
        self.sanitiser.push(chunk, &mut self.clean);
        let masked = self.mask.push(&self.clean);
        self.split(&masked);
    }

    /// The rest, also of a line without an end.
    pub fn finish(mut self) {
        let rest = self.mask.finish();
        self.split(&rest);
        if !self.line.is_empty() {
            let line = std::mem::take(&mut self.line);
            self.output.sink().line(text(&line));
        }
        self.output.tick();
    }

    fn split(&mut self, mut bytes: &[u8]) {
        let mut sink = self.output.sink();
        while let Some(end) = bytes.iter().position(|b| matches!(b, b'\n' | b'\r')) {
            // `\r\n` is one end; a lone `\r` is a progress bar's.
            let is_rest_of_end = self.after_return && end == 0 && bytes[0] == b'\n';
            take(&mut self.line, &bytes[..end], &mut sink);
            let is_empty_progress = bytes[end] == b'\r' && self.line.is_empty();
            if !is_rest_of_end && !is_empty_progress {
                sink.line(text(&self.line));
                self.line.clear();
            }
            self.after_return = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
        }
        if !bytes.is_empty() {
            self.after_return = false;
            take(&mut self.line, bytes, &mut sink);
        }
        sink.tick();
    }
}

/// Appends to a line, cutting it into pieces where it is too long.
fn take(line: &mut Vec<u8>, mut bytes: &[u8], sink: &mut Sink) {
    while line.len() + bytes.len() > MAX_LINE {
        let (piece, rest) = bytes.split_at(MAX_LINE - line.len());
        line.extend_from_slice(piece);
        sink.line(text(line));
        line.clear();
        bytes = rest;
    }
    line.extend_from_slice(bytes);
}

/// As text, without the C1 controls and direction overrides that only decoding brings to light.
fn text(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let hidden =
        |c: char| matches!(c, '\u{80}'..='\u{9f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if text.contains(hidden) { text.replace(hidden, "") } else { text.into_owned() }
}
