//! One file per command: call a use-case, print what comes back.

mod credential;
mod doctor;
mod events;
mod journal;
mod pack;
mod plan;
mod report;
mod status;
mod undo;
mod up;

use std::{io, path::Path, process::ExitCode, sync::Arc};

use clap::CommandFactory;
use firstlight_app::{Access, AppError, Firstlight, Home, Listener, Options, Surroundings};
use firstlight_contract::{commands::Choice, error::Code, pack::PackOverview};
use jiff::Timestamp;
use tracing_subscriber::EnvFilter;

use crate::{
    args::{Cli, Command, Who},
    output::Output,
};

/// Runs a command to its exit code.
pub(crate) fn run(cli: Cli, output: &Output) -> anyhow::Result<ExitCode> {
    tracing_subscriber::fmt()
        .with_env_filter(
            EnvFilter::try_from_env("FIRSTLIGHT_LOG").unwrap_or_else(|_| EnvFilter::new("error")),
        )
        .with_writer(io::stderr)
        .init();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(dispatch(cli.command, output));
    // A keychain that hangs must not keep the program: its thread is left behind.
    runtime.shutdown_background();
    outcome
}

async fn dispatch(command: Command, output: &Output) -> anyhow::Result<ExitCode> {
    match command {
        Command::Plan { who, detailed_exitcode, .. } => plan::run(&who, detailed_exitcode, output).await,
        Command::Up { who, yes, only, keep_going, start_date, leave, verbose, json: _ } => {
            up::run(up::Up { who, yes, only, keep_going, start_date, leave, verbose }, output).await
        }
        Command::Status { .. } => status::run(output),
        Command::Report { html, .. } => report::run(html.as_deref(), output),
        Command::Undo { step, all, .. } => undo::run(&step, all, output).await,
        Command::Doctor { pack, .. } => doctor::run(pack.as_deref(), output).await,
        Command::Credential { command } => credential::run(command, output).await,
        Command::Journal { command } => journal::run(command, output).await,
        Command::Events { .. } => events::run(output),
        Command::Pack { command } => pack::run(command, output),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "firstlight", &mut io::stdout());
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Opens the home, with nobody listening.
fn open(access: Access) -> Result<Firstlight, AppError> {
    open_with(access, Arc::new(|_| {}), false)
}

fn open_with(access: Access, listener: Listener, interactive: bool) -> Result<Firstlight, AppError> {
    Firstlight::open(Options {
        home: home()?,
        access,
        listener,
        interactive,
        carry_on: false,
        surroundings: surroundings(),
    })
}

fn home() -> Result<Home, AppError> {
    Home::find(std::env::var_os("FIRSTLIGHT_HOME").map(Into::into))
}

fn surroundings() -> Surroundings {
    Surroundings::of_this_machine(Arc::new(Timestamp::now))
}

/// Opens the pack and finds out for whom: the persona named, the only one, or the one chosen at the terminal.
fn choose(app: &Firstlight, who: &Who, output: &Output) -> anyhow::Result<Choice> {
    let pack = app.open_pack(&who.pack)?;
    let persona = match &who.persona {
        Some(persona) => persona.clone(),
        None => ask_persona(&pack, output)?,
    };
    Ok(Choice { persona, inputs: who.input.iter().cloned().collect(), start_date: None })
}

fn ask_persona(pack: &PackOverview, output: &Output) -> anyhow::Result<String> {
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
    let answer = read_line()?;
    let by_number = answer.parse::<usize>().ok().and_then(|n| pack.personas.get(n.checked_sub(1)?));
    let persona = by_number.or_else(|| pack.personas.iter().find(|persona| persona.id == answer));
    Ok(persona.ok_or_else(unsaid)?.id.clone())
}

/// Asks a yes/no question at the terminal.
fn ask(question: &str, output: &Output) -> anyhow::Result<bool> {
    output.raw(&format!("{question} [y/N] "))?;
    Ok(matches!(read_line()?.to_ascii_lowercase().as_str(), "y" | "yes"))
}

fn read_line() -> anyhow::Result<String> {
    use io::Write;
    io::stdout().flush()?;
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    Ok(line.trim().to_owned())
}

/// Makes a pack the one at hand where one is named.
fn use_pack(app: &Firstlight, pack: Option<&Path>) -> Result<(), AppError> {
    pack.map_or(Ok(()), |root| app.open_pack(root).map(drop))
}
