//! One file per command: call a use-case, print what comes back.

mod credential;
mod docs;
mod doctor;
mod enroll;
mod events;
mod help_bundle;
mod hub;
mod insights;
mod journal;
mod pack;
mod plan;
mod report;
mod scan;
mod status;
mod summary;
mod survey;
mod templates;
mod tuf_client;
mod undo;
mod up;
mod update;

use std::{
    io,
    path::Path,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use clap::CommandFactory;
use firstlight_app::{
    Access, AppError, Columns, Firstlight, FixRequest, Home, Listener, Options, Surroundings,
};
use firstlight_contract::{commands::Choice, error::Code, pack::PackOverview};
use jiff::Timestamp;
use secrecy::SecretString;
use tracing_subscriber::EnvFilter;

use crate::{
    args::{Cli, Command, Insights, Who},
    output::Output,
    stop::{self, Interrupted, Signal},
};

/// Runs a command to its exit code.
pub(crate) fn run(cli: Cli, output: Output) -> anyhow::Result<ExitCode> {
    tracing_subscriber::fmt()
        .with_env_filter(
            EnvFilter::try_from_env("FIRSTLIGHT_LOG")
                // Scripts read one envelope from standard error, and nothing else.
                .unwrap_or_else(|_| EnvFilter::new(if output.is_json() { "off" } else { "error" })),
        )
        .with_writer(io::stderr)
        .init();
    // It holds for threads that are started after it.
    pack::confine(&cli.command)?;
    // Starting a process holds its thread until the program is loaded: as many threads as the engine has steps going on.
    let threads =
        std::thread::available_parallelism().map_or(4, |cores| cores.get().saturating_mul(2).max(4));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?;
    // On a worker: a check that ends there would otherwise have to wake this thread, too.
    let outcome = runtime.block_on(runtime.spawn(until_stopped(cli.command, output)));
    let outcome = outcome.map_err(anyhow::Error::from).and_then(|outcome| outcome);
    // Checks that were broken off end their processes when they are dropped. A question nobody answers or a keychain
    // that hangs must not keep the program: its thread is left behind.
    if ASKING.load(Ordering::Relaxed) {
        runtime.shutdown_background();
    } else {
        runtime.shutdown_timeout(TO_END);
    }
    outcome
}

/// How long what was broken off has to clean up, on a busy machine.
const TO_END: Duration = Duration::from_secs(2);

/// Whether a thread waits for somebody to type.
static ASKING: AtomicBool = AtomicBool::new(false);

/// Reads from the person or a pipe, on a thread of its own, so that Ctrl-C is heard meanwhile.
async fn read<T: Send + 'static>(how: impl FnOnce() -> io::Result<T> + Send + 'static) -> anyhow::Result<T> {
    ASKING.store(true, Ordering::Relaxed);
    let read = tokio::task::spawn_blocking(how).await?;
    ASKING.store(false, Ordering::Relaxed);
    match read {
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(stop::Interrupted.into()),
        read => Ok(read?),
    }
}

/// Runs a command, unless we are asked to stop first.
async fn until_stopped(command: Command, output: Output) -> anyhow::Result<ExitCode> {
    match command {
        // A run is stopped in its own way.
        Command::Up { .. } => dispatch(command, output).await,
        command => {
            tokio::select! {
                biased;
                outcome = dispatch(command, output) => match outcome {
                    Err(error) if error.is::<Interrupted>() => Ok(Signal::Interrupt.exit_code()),
                    outcome => outcome,
                },
                signal = stop::asked() => {
                    stop::give_the_terminal_back();
                    Ok(signal.exit_code())
                }
            }
        }
    }
}

async fn dispatch(command: Command, output: Output) -> anyhow::Result<ExitCode> {
    match command {
        Command::Plan { who, detailed_exitcode, .. } => plan::run(&who, detailed_exitcode, output).await,
        Command::Up {
            who,
            yes,
            only,
            again,
            took_effect,
            keep_going,
            start_date,
            leave,
            verbose,
            json: _,
        } => {
            let up = up::Up { who, yes, only, again, took_effect, keep_going, start_date, leave, verbose };
            up::run(up, output).await
        }
        Command::Status { check, detailed_exitcode, followed_up, json: _ } => {
            status::run(check, detailed_exitcode, &followed_up, output).await
        }
        Command::Report { html, .. } => report::run(html.as_deref(), output),
        Command::Undo { step, all, .. } => undo::run(&step, all, output).await,
        Command::Doctor { undo: true, .. } => doctor::undo(output).await,
        Command::Doctor { fix: true, yes, proxy, ca, .. } => {
            doctor::fix(&FixRequest { proxy, ca }, yes, output).await
        }
        Command::Doctor { pack, administrator, .. } => {
            doctor::run(pack.as_deref(), administrator, output).await
        }
        Command::Credential { command } => credential::run(command, output).await,
        Command::Journal { command } => journal::run(command, output).await,
        Command::HelpBundle { out, yes } => help_bundle::run(&out, yes, output).await,
        Command::Events { .. } => events::run(output),
        Command::Hub { command } => hub::run(command, output).await,
        Command::Insights { command: Insights::Ttfv { from_csv, time, event, group, json: _ } } => {
            insights::ttfv(&from_csv, &Columns { time, event, group }, output)
        }
        Command::Docs { command } => docs::run(&command, output),
        Command::Templates { command } => templates::run(&command, output).await,
        Command::Pack { command } => pack::run(command, output).await,
        Command::Enroll { url, pack, root, root_sha256, .. } => {
            enroll::run(&url, &pack, root, root_sha256, output).await
        }
        Command::Update { .. } => update::run(output).await,
        Command::Survey { command } => survey::run(command, output).await,
        Command::Feedback(asked) => survey::feedback(asked, output).await,
        Command::Scan(asked) => scan::run(asked, output).await,
        Command::TufClient(asked) => tuf_client::run(asked).await,
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "firstlight", &mut io::stdout());
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Opens the home, with nobody listening.
fn open(access: Access, output: Output) -> Result<Firstlight, AppError> {
    open_with(access, Arc::new(|_| {}), output)
}

/// Opens the home, and says so if something was mended on the way.
fn open_with(access: Access, listener: Listener, output: Output) -> Result<Firstlight, AppError> {
    let app = Firstlight::open(Options {
        home: home()?,
        access,
        listener,
        interactive: output.is_interactive(),
        carry_on: false,
        surroundings: surroundings(),
    })?;
    if let Some(note) = app.take_notice() {
        output.note(&note);
    }
    Ok(app)
}

fn home() -> Result<Home, AppError> {
    Home::find(std::env::var_os("FIRSTLIGHT_HOME").map(Into::into))
}

fn surroundings() -> Surroundings {
    Surroundings {
        administrator: std::env::current_exe().ok(),
        ..Surroundings::of_this_machine(Arc::new(Timestamp::now))
    }
}

/// Opens the pack and finds out for whom: the persona named, the only one, or the one chosen at the terminal.
async fn choose(app: &Firstlight, who: &Who, output: Output) -> anyhow::Result<Choice> {
    let pack = match &who.pack {
        Some(folder) => app.open_pack(folder)?,
        None => {
            note_refusal(app, output);
            app.open_received_pack()?
        }
    };
    let persona = match &who.persona {
        Some(persona) => persona.clone(),
        None => ask_persona(&pack, output).await?,
    };
    Ok(Choice { persona, inputs: who.input.iter().cloned().collect(), start_date: None })
}

async fn ask_persona(pack: &PackOverview, output: Output) -> anyhow::Result<String> {
    if let [only] = pack.personas.as_slice() {
        return Ok(only.id.clone());
    }
    let names = || pack.personas.iter().map(|p| p.id.as_str()).collect::<Vec<_>>().join(", ");
    let unsaid = || {
        AppError::new(Code::Usage, "This pack is for several personas.")
            .hint(format!("Say which: `--persona` with one of {}.", names()))
    };
    if !output.is_interactive() {
        return Err(unsaid().into());
    }
    output.line(format!("{}\nWho are you?", pack.title))?;
    for (number, persona) in pack.personas.iter().enumerate() {
        output.line(format!("  {}  {} (first value: {})", number + 1, persona.title, persona.first_value))?;
    }
    output.raw("> ")?;
    let answer = read_line().await?;
    let by_number = answer.parse::<usize>().ok().and_then(|n| pack.personas.get(n.checked_sub(1)?));
    let persona = by_number.or_else(|| pack.personas.iter().find(|persona| persona.id == answer));
    Ok(persona.ok_or_else(unsaid)?.id.clone())
}

/// Asks a yes/no question at the terminal.
async fn ask(question: &str, output: Output) -> anyhow::Result<bool> {
    output.raw(&format!("{question} [y/N] "))?;
    Ok(matches!(read_line().await?.to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// A line typed.
async fn read_line() -> anyhow::Result<String> {
    use io::Write;
    io::stdout().flush()?;
    let line = read(|| {
        let mut line = String::new();
        io::stdin().read_line(&mut line).map(|_| line)
    });
    Ok(line.await?.trim().to_owned())
}

/// A secret typed, not shown.
async fn read_secret(prompt: &str, output: Output) -> anyhow::Result<SecretString> {
    use io::Write;
    output.raw(prompt)?;
    io::stdout().flush()?;
    stop::remember_the_terminal();
    read(|| rpassword::read_password().map(SecretString::from)).await
}

/// Says why nothing newer is received, if something is wrong with it.
fn note_refusal(app: &Firstlight, output: Output) {
    if let Some(refused) = app.releases().refused {
        output.note(&refused);
    }
}

/// Makes a pack the one at hand: the one that is named, else the one that was received, if there is one. That this one is
/// damaged is said, and is no reason not to go on without.
fn use_pack(app: &Firstlight, pack: Option<&Path>, output: Output) -> Result<(), AppError> {
    match pack {
        Some(root) => app.open_pack(root).map(drop),
        None if app.releases().current.is_some() => {
            if let Err(error) = app.open_received_pack() {
                output.note(&error.0);
            }
            Ok(())
        }
        None => Ok(()),
    }
}
