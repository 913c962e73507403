//! The elevated side.

use std::{collections::HashMap, io, process::ExitCode, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    process::Command,
    sync::mpsc,
    task::JoinSet,
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{
    super::{become_subreaper, exec::DRAIN, system},
    frame::{self, Answer, Order, Printed, Said, Start, VERSION},
};

/// Bytes read at once.
const CHUNK: usize = 16 * 1024;
/// Answers on their way; more make the commands wait.
const ON_THE_WAY: usize = 8;
/// How long what runs has to end when the session does.
const TO_END: Duration = Duration::from_secs(3);

/// The elevated side of an administrator session, on standard input and output, until its input ends.
pub fn administrator_session() -> ExitCode {
    become_subreaper();
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "the administrator session cannot begin");
            return ExitCode::FAILURE;
        }
    };
    let served = runtime.block_on(async {
        let (orders, answers) = streams()?;
        tokio::select! {
            served = serve(orders, answers) => served,
            // Whoever shuts the machine down, or closes the terminal.
            () = ended() => Ok(()),
        }
    });
    // The thread that reads standard input may wait for ever; children are killed when their tasks are dropped.
    runtime.shutdown_background();
    if served.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Standard input and output, without the buffers of the standard library in between.
fn streams() -> io::Result<(tokio::fs::File, tokio::fs::File)> {
    #[cfg(unix)]
    use std::os::fd::AsFd;
    #[cfg(windows)]
    use std::os::windows::io::AsHandle;
    #[cfg(unix)]
    let (orders, answers) =
        (io::stdin().as_fd().try_clone_to_owned()?, io::stdout().as_fd().try_clone_to_owned()?);
    #[cfg(windows)]
    let (orders, answers) =
        (io::stdin().as_handle().try_clone_to_owned()?, io::stdout().as_handle().try_clone_to_owned()?);
    let file = |raw| tokio::fs::File::from_std(std::fs::File::from(raw));
    Ok((file(orders), file(answers)))
}

/// Asked to end. Ctrl-C is not for us: the unprivileged side hears it as well, and says what to stop.
#[cfg(unix)]
async fn ended() {
    use tokio::signal::unix::{SignalKind, signal};
    let _heard = signal(SignalKind::interrupt());
    let (Ok(mut terminate), Ok(mut hang_up)) =
        (signal(SignalKind::terminate()), signal(SignalKind::hangup()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = hang_up.recv() => {}
    }
}

#[cfg(windows)]
async fn ended() {
    std::future::pending().await
}

/// Does what is ordered, each command beside the others. At the end of the orders everything that runs is ended.
pub(super) async fn serve<O>(mut orders: impl AsyncRead + Unpin, mut into: O) -> io::Result<()>
where
    O: AsyncWrite + Unpin + Send + 'static,
{
    let (answers, mut queue) = mpsc::channel::<Vec<u8>>(ON_THE_WAY);
    // By a task of its own: a command that is stopped while it prints must not leave half a frame.
    tokio::spawn(async move {
        while let Some(answer) = queue.recv().await {
            if frame::write(&mut into, &answer).await.is_err() {
                break;
            }
        }
    });
    say(&answers, &Answer::Said(Said::Ready(VERSION))).await?;
    let everything = CancellationToken::new();
    let mut stops: HashMap<u32, CancellationToken> = HashMap::new();
    let mut running = JoinSet::new();
    // Nothing is waited for beside the next order: given up half-read, it would be lost, and what follows makes no sense.
    let read = loop {
        let order = frame::read_order(&mut orders).await;
        while let Some(ended) = running.try_join_next() {
            if let Ok(id) = ended {
                stops.remove(&id);
            }
        }
        match order {
            Ok(Some(Order::Start(start))) => {
                let stop = everything.child_token();
                stops.insert(start.id, stop.clone());
                running.spawn(run(*start, stop, answers.clone()));
            }
            Ok(Some(Order::Stop(id))) => {
                if let Some(stop) = stops.get(&id) {
                    stop.cancel();
                }
            }
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    everything.cancel();
    let _ = tokio::time::timeout(TO_END, async { while running.join_next().await.is_some() {} }).await;
    read
}

/// Runs one command to its end, or until it is stopped; its id.
async fn run(start: Start, stop: CancellationToken, answers: mpsc::Sender<Vec<u8>>) -> u32 {
    let id = start.id;
    let said = match see_through(start, &stop, &answers).await {
        Ok(code) => Said::Ended { id, code },
        Err(error) => Said::NotStarted { id, trouble: error.kind().into(), why: error.to_string() },
    };
    // Nobody listens any more: the end of the orders says the same.
    let _ = say(&answers, &Answer::Said(said)).await;
    id
}

async fn see_through(
    start: Start,
    stop: &CancellationToken,
    answers: &mpsc::Sender<Vec<u8>>,
) -> io::Result<i32> {
    let id = start.id;
    let (program, args) = start.words.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut command = Command::new(program);
    command.args(args).envs(start.env.iter().map(|(name, value)| (name, value)));
    command.stdin(if start.stdin.is_some() { Stdio::piped() } else { Stdio::null() });
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    if let Some(folder) = &start.cwd {
        command.current_dir(folder);
    }
    let mut child = system::spawn(command, &start.marker)?;
    let (into, out, err) = child.pipes();
    let feed = async {
        if let (Some(mut into), Some(text)) = (into, &start.stdin) {
            // A process that does not read it has closed its end; its exit code tells the rest.
            let _ = into.write_all(text.as_bytes()).await;
            let _ = into.shutdown().await;
        }
    };
    let printed = async {
        tokio::join!(feed, pump(id, Printed::Out, out, answers), pump(id, Printed::Err, err, answers));
    };
    tokio::pin!(printed);
    let mut all_printed = false;
    let code = loop {
        tokio::select! {
            () = stop.cancelled() => break None,
            () = &mut printed, if !all_printed => all_printed = true,
            status = child.wait() => break Some(system::code(status?)),
        }
    };
    if let Some(code) = code {
        // Something in the background may hold the pipes open for ever.
        let until = Instant::now() + DRAIN;
        if !all_printed {
            let _ = tokio::time::timeout_at(until, printed).await;
        }
        return Ok(code);
    }
    child.stop().await;
    Ok(-1)
}

/// Passes on what a command prints. Waits where nobody takes it: the command then waits as well.
async fn pump(
    id: u32,
    stream: Printed,
    from: Option<impl AsyncRead + Unpin>,
    answers: &mpsc::Sender<Vec<u8>>,
) {
    let Some(mut from) = from else { return };
    let mut chunk = vec![0; CHUNK];
    while let Ok(count @ 1..) = from.read(&mut chunk).await {
        let printed = Answer::Printed { id, stream, bytes: chunk[..count].to_vec() };
        if say(answers, &printed).await.is_err() {
            return;
        }
    }
}

async fn say(answers: &mpsc::Sender<Vec<u8>>, what: &Answer) -> io::Result<()> {
    answers.send(frame::answer(what)?).await.map_err(|_| io::ErrorKind::BrokenPipe.into())
}
