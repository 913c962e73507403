//! The side without rights: opens a session and starts commands in it.

use std::{
    collections::HashMap,
    fmt, io,
    process::Stdio,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream},
    process::Command,
    sync::{mpsc, oneshot},
};
use zeroize::Zeroizing;

use super::frame::{self, Answer, Order, Printed, Said, Start, VERSION};

/// Bytes on their way to who reads a command's output; more make the command wait.
const ON_THE_WAY: usize = 64 * 1024;
/// Bytes of what the prompt's program says that are looked at.
const SAID: u64 = 16 * 1024;
/// How long the elevated side may take to end a command.
const TO_STOP: Duration = Duration::from_secs(2);

/// Why a session was not opened.
pub(in super::super) enum NotOpened {
    /// The program that asks could not be started.
    NotStarted(io::Error),
    /// It ended before the session began.
    Ended {
        /// Its exit code.
        code: Option<i32>,
        /// What it said.
        said: String,
    },
}

/// An open session. Dropped, with all that was started in it, it ends.
pub(in super::super) struct Session {
    orders: mpsc::UnboundedSender<Zeroizing<Vec<u8>>>,
    commands: Arc<Commands>,
    next: AtomicU32,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

/// Who listens to which command. `None`: the session is over.
struct Commands(Mutex<Option<HashMap<u32, Listening>>>);

impl Commands {
    fn lock(&self) -> MutexGuard<'_, Option<HashMap<u32, Listening>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Listening {
    /// Taken while something is written to it.
    out: Option<DuplexStream>,
    err: Option<DuplexStream>,
    end: oneshot::Sender<io::Result<i32>>,
}

impl Session {
    /// Starts the session by these words, which ask the person on the way. Waits as long as the person does.
    pub(in super::super) async fn open(words: &[String]) -> Result<Self, NotOpened> {
        let (program, args) =
            words.split_first().ok_or_else(|| NotOpened::NotStarted(io::ErrorKind::InvalidInput.into()))?;
        let mut command = Command::new(program);
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Signals of the terminal are ours: what is stopped, and when, is said in words.
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.kill_on_drop(true).spawn().map_err(NotOpened::NotStarted)?;
        let (Some(mut into), Some(mut answers), Some(errors)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(NotOpened::NotStarted(io::ErrorKind::BrokenPipe.into()));
        };
        if !matches!(frame::read_answer(&mut answers).await, Ok(Some(Answer::Said(Said::Ready(VERSION))))) {
            into.shutdown().await.ok();
            let mut said = Vec::new();
            let _ = errors.take(SAID).read_to_end(&mut said).await;
            let code = child.wait().await.ok().and_then(|status| status.code());
            return Err(NotOpened::Ended { code, said: String::from_utf8_lossy(&said).into_owned() });
        }
        tokio::spawn(drain(errors));
        Ok(Self::over(into, answers, async move {
            let _ = child.wait().await;
        }))
    }

    /// A session that has said it is ready. `after` is awaited when it says no more.
    fn over(
        mut into: impl AsyncWrite + Send + Unpin + 'static,
        mut answers: impl AsyncRead + Send + Unpin + 'static,
        after: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        let commands = Arc::new(Commands(Mutex::new(Some(HashMap::new()))));
        let (orders, mut queue) = mpsc::unbounded_channel::<Zeroizing<Vec<u8>>>();
        tokio::spawn(async move {
            while let Some(order) = queue.recv().await {
                if frame::write(&mut into, &order).await.is_err() {
                    break;
                }
            }
            let _ = into.shutdown().await;
        });
        let listening = Arc::clone(&commands);
        tokio::spawn(async move {
            listen(&mut answers, &listening).await;
            // Whoever still waits is told by the end of what it waits for.
            listening.lock().take();
            after.await;
        });
        Self { orders, commands, next: AtomicU32::new(0) }
    }

    /// Whether nothing can be started in it any more.
    pub(in super::super) fn is_over(&self) -> bool {
        self.commands.lock().is_none()
    }

    /// Starts a command. Error: the session is over, or the command is too long.
    pub(in super::super) fn start(self: &Arc<Self>, mut what: Start) -> io::Result<Remote> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        what.id = id;
        let order = frame::order(&Order::Start(Box::new(what)))?;
        let (out, out_there) = tokio::io::duplex(ON_THE_WAY);
        let (err, err_there) = tokio::io::duplex(ON_THE_WAY);
        let (end, ended) = oneshot::channel();
        let listening = Listening { out: Some(out_there), err: Some(err_there), end };
        self.commands.lock().as_mut().ok_or_else(over)?.insert(id, listening);
        self.orders.send(order).map_err(|_| over())?;
        Ok(Remote { session: Arc::clone(self), id, pipes: (Some(out), Some(err)), ended: Some(ended) })
    }

    fn stop(&self, id: u32) {
        if let Ok(order) = frame::order(&Order::Stop(id)) {
            // A session that is over has ended everything already.
            let _ = self.orders.send(order);
        }
    }
}

/// A command that runs in a session. Dropped before it ended, it is stopped.
pub(in super::super) struct Remote {
    session: Arc<Session>,
    id: u32,
    pipes: (Option<DuplexStream>, Option<DuplexStream>),
    /// Until the end was heard of.
    ended: Option<oneshot::Receiver<io::Result<i32>>>,
}

impl Remote {
    /// Its standard output and error, once.
    pub(in super::super) fn pipes(&mut self) -> (Option<DuplexStream>, Option<DuplexStream>) {
        std::mem::take(&mut self.pipes)
    }

    /// Waits for its exit code. Error: it could not be started, or the session ended first.
    pub(in super::super) async fn wait(&mut self) -> io::Result<i32> {
        let Some(ended) = &mut self.ended else { return Err(over()) };
        let end = ended.await;
        self.ended = None;
        end.unwrap_or_else(|_| Err(over()))
    }

    /// Ends it and everything it started. Its output must not be held any more: nobody would read it.
    pub(in super::super) async fn stop(&mut self) {
        if self.ended.is_some() {
            self.session.stop(self.id);
            let _ = tokio::time::timeout(TO_STOP, self.wait()).await;
        }
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        if self.ended.is_some() {
            self.session.stop(self.id);
        }
    }
}

/// Hands out what the session says, until it says no more.
async fn listen(answers: &mut (impl AsyncRead + Unpin), commands: &Commands) {
    while let Ok(Some(answer)) = frame::read_answer(answers).await {
        match answer {
            Answer::Printed { id, stream, bytes } => hand_on(commands, id, stream, &bytes).await,
            Answer::Said(Said::Ready(_)) => {}
            Answer::Said(Said::NotStarted { id, trouble, why }) => {
                end(commands, id, Err(io::Error::new(trouble.into(), why)));
            }
            Answer::Said(Said::Ended { id, code }) => end(commands, id, Ok(code)),
        }
    }
}

/// Waits until it is taken; what nobody wants any more is let go.
async fn hand_on(commands: &Commands, id: u32, stream: Printed, bytes: &[u8]) {
    let slot = |one: &mut Listening, put: Option<DuplexStream>| {
        let place = match stream {
            Printed::Out => &mut one.out,
            Printed::Err => &mut one.err,
        };
        std::mem::replace(place, put)
    };
    let into = commands.lock().as_mut().and_then(|all| all.get_mut(&id)).and_then(|one| slot(one, None));
    let Some(mut into) = into else { return };
    if into.write_all(bytes).await.is_ok()
        && let Some(one) = commands.lock().as_mut().and_then(|all| all.get_mut(&id))
    {
        slot(one, Some(into));
    }
}

/// Closes the output of a command, and says how it ended.
fn end(commands: &Commands, id: u32, how: io::Result<i32>) {
    if let Some(Listening { end, .. }) = commands.lock().as_mut().and_then(|all| all.remove(&id)) {
        // Nobody waits for a command that was given up.
        let _ = end.send(how);
    }
}

/// What the session prints beside its answers; unread, it would stand still.
async fn drain(mut from: impl AsyncRead + Unpin) {
    let mut chunk = [0; 1024];
    while matches!(from.read(&mut chunk).await, Ok(1..)) {}
}

fn over() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "the administrator session has ended")
}

#[cfg(all(test, target_os = "linux"))]
#[expect(clippy::unwrap_used, reason = "a test that cannot set the scene has failed")]
mod tests {
    use super::{super::serve::serve, *};

    /// A session without other rights than ours, and the end of its elevated side.
    async fn session() -> (Arc<Session>, tokio::task::JoinHandle<io::Result<()>>) {
        let (into, orders) = tokio::io::duplex(1024);
        let (answers, mut from) = tokio::io::duplex(1024);
        let served = tokio::spawn(serve(orders, answers));
        let ready = frame::read_answer(&mut from).await.unwrap();
        assert_eq!(ready, Some(Answer::Said(Said::Ready(VERSION))));
        (Arc::new(Session::over(into, from, async {})), served)
    }

    fn sh(script: &str) -> Start {
        Start {
            id: 0,
            words: ["/bin/sh", "-c", script].map(str::to_owned).to_vec(),
            cwd: None,
            env: vec![("SECRET".to_owned(), "not told".to_owned())],
            stdin: None,
            marker: format!("test/{}", uuid::Uuid::now_v7()),
        }
    }

    async fn text(pipe: Option<DuplexStream>) -> String {
        let mut text = String::new();
        pipe.unwrap().read_to_string(&mut text).await.unwrap();
        text
    }

    async fn alive(pid: &str) -> bool {
        for _ in 0..100 {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
            if stat.is_err() || stat.is_ok_and(|stat| stat.contains(") Z ")) {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        true
    }

    #[tokio::test]
    async fn commands_run_beside_each_other_and_say_what_they_did() {
        let (session, _) = session().await;
        let mut all = Vec::new();
        for number in 0..5 {
            let script = format!("read line; echo $line $SECRET; echo wrong {number} >&2; exit {number}");
            let mut start = sh(&script);
            start.stdin = Some(format!("line {number}\n"));
            all.push(session.start(start).unwrap());
        }
        for (number, mut one) in all.into_iter().enumerate() {
            let (out, err) = one.pipes();
            assert_eq!(text(out).await, format!("line {number} not told\n"));
            assert_eq!(text(err).await, format!("wrong {number}\n"));
            assert_eq!(one.wait().await.unwrap(), i32::try_from(number).unwrap());
        }
    }

    #[tokio::test]
    async fn what_cannot_be_started_says_why() {
        let (session, _) = session().await;
        let mut none = sh("");
        none.words = vec!["/nowhere/at/all".to_owned()];
        let mut none = session.start(none).unwrap();
        assert_eq!(none.wait().await.unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(session.start(sh("exit 3")).unwrap().wait().await.unwrap(), 3, "the session goes on");
    }

    #[tokio::test]
    async fn a_flood_nobody_reads_does_not_hold_up_the_end() {
        let (session, _) = session().await;
        let mut flood = session.start(sh("echo $$; exec yes")).unwrap();
        let (mut out, err) = flood.pipes();
        let mut first = vec![0; 64 * 1024];
        out.as_mut().unwrap().read_exact(&mut first).await.unwrap();
        let pid = String::from_utf8_lossy(&first).lines().next().unwrap().to_owned();
        drop((out, err));
        flood.stop().await;
        assert!(!alive(&pid).await);
        assert_eq!(session.start(sh("exit 3")).unwrap().wait().await.unwrap(), 3, "the session goes on");
    }

    #[tokio::test]
    async fn e3_whatever_was_started_ends_with_the_session_and_with_whoever_waited() {
        for dropped in [true, false] {
            let (session, served) = session().await;
            let mut one = session.start(sh("setsid sleep 1000 & echo $!; wait")).unwrap();
            let (mut out, _err) = one.pipes();
            let mut pid = [0; 16];
            let count = out.as_mut().unwrap().read(&mut pid).await.unwrap();
            let pid = String::from_utf8_lossy(&pid[..count]).trim().to_owned();
            if dropped {
                drop(one);
                assert!(!alive(&pid).await);
            } else {
                // As when Firstlight is killed: nobody says stop, the orders just end.
                one.ended = None;
                drop((one, session));
                served.await.unwrap().unwrap();
                assert!(!alive(&pid).await);
            }
        }
    }

    /// A pipe gives a frame in as many pieces as it likes.
    #[tokio::test]
    async fn e5_a_command_that_ends_while_the_next_order_arrives_takes_nothing_from_it() {
        let (mut into, orders) = tokio::io::duplex(1024);
        let (answers, mut from) = tokio::io::duplex(1024);
        let served = tokio::spawn(serve(orders, answers));
        let order = |id, code| {
            let mut start = Box::new(sh(&format!("exit {code}")));
            start.id = id;
            frame::order(&Order::Start(start)).unwrap()
        };
        let second = order(2, 4);
        // In the length, after it, and in the rest.
        for cut in [2, 4, 5, 40] {
            frame::write(&mut into, &order(1, 3)).await.unwrap();
            frame::write(&mut into, &second[..cut]).await.unwrap();
            let mut ended = Vec::new();
            while ended.is_empty() {
                ended.extend(ended_in(&mut from).await);
            }
            // Long enough for whoever waited for that end to go on.
            tokio::time::sleep(Duration::from_millis(50)).await;
            frame::write(&mut into, &second[cut..]).await.unwrap();
            while ended.len() < 2 {
                ended.extend(ended_in(&mut from).await);
            }
            assert_eq!(ended, [(1, 3), (2, 4)], "cut at {cut}");
        }
        drop(into);
        served.await.unwrap().unwrap();
    }

    /// The command that ended, by the next answer.
    async fn ended_in(from: &mut DuplexStream) -> Option<(u32, i32)> {
        match frame::read_answer(from).await.unwrap().unwrap() {
            Answer::Said(Said::Ended { id, code }) => Some((id, code)),
            _ => None,
        }
    }

    #[tokio::test]
    async fn where_the_session_is_killed_whoever_waits_is_told() {
        let (session, served) = session().await;
        let mut one = session.start(sh("sleep 1000")).unwrap();
        served.abort();
        let _ = served.await;
        assert_eq!(one.wait().await.unwrap_err().kind(), io::ErrorKind::ConnectionAborted);
        assert!(session.is_over());
        assert!(session.start(sh("true")).is_err());
    }
}
