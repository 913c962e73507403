//! Asking a program and hearing its answer: lines in, lines out, within bounds.

use std::process::Stdio;

use firstlight_domain::state::Failure;
use tokio::{
    io::AsyncWriteExt,
    process::{ChildStdin, Command},
    sync::mpsc,
    time::{Instant, sleep_until},
};

use super::{
    Exit, Process, elevate,
    exec::{DRAIN, End, cannot_start, command, conclude, marker, next_chunk, secrets_of},
    output::PACE,
    sandbox, system,
};
use crate::provider::Context;

/// Bytes read at once.
const CHUNK: usize = 16 * 1024;

/// What a process printed to standard output.
pub(crate) enum Printed<'a> {
    /// A line, without its end; never a blank one.
    Line(&'a [u8]),
    /// More bytes than it may; there will be no more of it.
    TooMuch,
}

/// What to do after something was heard.
pub(crate) enum Heard {
    /// Say this, and hear on.
    Reply(Vec<u8>),
    /// It was the last one: nothing more will be said.
    Last,
}

/// Runs a process within its sandbox: `first` goes to its standard input, which stays open until its last line. `hear`
/// gets what it prints, up to `most` bytes; what it prints to standard error goes to the step's [`Output`](super::Output). Nothing that
/// it started is left once it ended.
///
/// Errors: those of [`run`](super::run), and that of `hear`, which ends the process.
pub(crate) async fn talk(
    cx: &Context,
    process: Process,
    first: Vec<u8>,
    most: usize,
    mut hear: impl FnMut(Printed<'_>) -> Result<Heard, Failure>,
) -> Result<Exit, Failure> {
    let name = process.program().to_owned();
    let mut command = Command::from(command(&process, &elevate::Rights::default(), None)?);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let started = match &process.sandbox {
        Some(sandbox) => sandbox::spawn(sandbox, command, &marker(cx)),
        None => system::spawn(command, &marker(cx)),
    };
    let mut child = started.map_err(|error| cannot_start(&name, process.cwd.as_deref(), &error))?;
    let (into, mut out, mut err) = child.pipes();
    let timeout = process.timeout.unwrap_or(cx.timeout);
    let deadline = Instant::now() + timeout;
    let mut over: Option<(i32, Instant)> = None;
    let (say, to_say) = mpsc::unbounded_channel();
    let mut talking = Talking { line: Vec::new(), left: most, say: Some(say) };
    talking.say(first);
    let saying = speak(into, to_say);
    tokio::pin!(saying);
    let mut all_said = false;
    let mut log = cx.output.stream(&*cx.host, &secrets_of(&process));
    let (mut out_chunk, mut err_chunk) = (vec![0; CHUNK], vec![0; CHUNK]);
    let end = loop {
        if let Some((code, _)) = over
            && out.is_none()
            && err.is_none()
        {
            break Ok(End::Exited(code));
        }
        // While nothing comes, what came is still shown in time.
        let next = over.map_or(deadline, |(_, until)| until).min(Instant::now() + PACE);
        tokio::select! {
            () = cx.cancel.cancelled() => break Ok(End::Cancelled),
            count = next_chunk(&mut out, &mut out_chunk) => {
                if count == 0 {
                    out = None;
                }
                if let Err(failure) = talking.take(&out_chunk[..count], &mut hear) {
                    break Err(failure);
                }
            }
            count = next_chunk(&mut err, &mut err_chunk) => match count {
                0 => err = None,
                count => log.push(&err_chunk[..count]),
            },
            () = &mut saying, if !all_said => all_said = true,
            status = child.wait(), if over.is_none() => match status {
                Ok(status) => over = Some((system::code(status), Instant::now() + DRAIN)),
                Err(error) => break Ok(End::Lost(error)),
            },
            () = sleep_until(next) => match over {
                Some((code, until)) if Instant::now() >= until => break Ok(End::Exited(code)),
                None if Instant::now() >= deadline => break Ok(End::TimedOut),
                Some(_) | None => cx.output.tick(),
            },
        }
    };
    child.stop().await;
    child.clear().await;
    log.finish();
    let tail = cx.output.last_lines();
    match end {
        Ok(end) => conclude(end, &process, timeout, tail, Vec::new(), &elevate::Rights::default()),
        Err(failure) => Err(Failure { last_lines: tail, ..failure }),
    }
}

/// Writes what is to be said, and closes standard input when nothing more will be.
async fn speak(into: Option<ChildStdin>, mut to_say: mpsc::UnboundedReceiver<Vec<u8>>) {
    let Some(mut into) = into else { return };
    while let Some(bytes) = to_say.recv().await {
        // A process that does not listen has closed its end; what it answers tells the rest.
        if into.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

struct Talking {
    /// What came of a line so far.
    line: Vec<u8>,
    /// How many bytes may still come.
    left: usize,
    /// Until the last line was heard.
    say: Option<mpsc::UnboundedSender<Vec<u8>>>,
}

impl Talking {
    fn say(&mut self, bytes: Vec<u8>) {
        if let Some(say) = &self.say {
            // Error: it ended, which is noticed elsewhere.
            let _ = say.send(bytes);
        }
    }

    /// Hears every line that a chunk completes; an empty chunk is the end, and completes the last.
    fn take(
        &mut self,
        chunk: &[u8],
        hear: &mut impl FnMut(Printed<'_>) -> Result<Heard, Failure>,
    ) -> Result<(), Failure> {
        let Some(left) = self.left.checked_sub(chunk.len()) else {
            return hear(Printed::TooMuch).map(drop);
        };
        self.left = left;
        self.line.extend_from_slice(chunk);
        let whole = match self.line.iter().rposition(|&byte| byte == b'\n') {
            _ if chunk.is_empty() => self.line.len(),
            Some(end) => end + 1,
            None => 0,
        };
        let lines: Vec<u8> = self.line.drain(..whole).collect();
        for line in lines.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty())
        {
            match hear(Printed::Line(line))? {
                Heard::Reply(bytes) => self.say(bytes),
                Heard::Last => self.say = None,
            }
        }
        Ok(())
    }
}
