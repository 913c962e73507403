//! What each command does.

mod audit;
mod people;
mod requests;
mod roles;
mod simulate;

use std::{
    fmt::Write as _,
    io::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, Result, bail};
use firstlight_domain::id::TeamId;
use firstlight_hub::{
    audit::{Act, By},
    config::{Config, Database, Layers},
    forgetting,
    freshness::Freshness,
    http::{self, Hub},
    ingest::queue::Queue,
    secrets, serve,
    store::{
        Store,
        postgres::PostgresStore,
        sqlite::{self, SqliteStore},
    },
    webhooks::Teller,
};
use firstlight_releases::publish::fresh_until;
use jiff::{SignedDuration, Timestamp};
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::args::{Args, Code, Command, Device, Integration, Person};

pub(crate) fn run(args: Args) -> Result<()> {
    let mut layers = Layers::default();
    if let Some(file) = &args.settings.config {
        layers.file(file)?;
    }
    layers.environment(std::env::vars())?;
    layers.argument("database", "--database", args.settings.database);
    if let Command::Serve { listen, tls_cert, tls_key } = &args.command {
        layers.argument("listen", "--listen", listen.clone());
        layers.argument("tls.cert", "--tls-cert", tls_cert.clone());
        layers.argument("tls.key", "--tls-key", tls_key.clone());
    }
    let config = Config::from_layers(&layers)?;
    let database = config.database.clone();
    let runtime = tokio::runtime::Runtime::new().context("the program could not start its threads")?;
    match args.command {
        Command::Serve { .. } => {
            let patience = config.stop_patience;
            let served = runtime.block_on(serve(config));
            // What still waits for the database was acknowledged to nobody.
            runtime.shutdown_timeout(patience);
            served
        }
        Command::Code(Code::New { person, team, expires }) => {
            runtime.block_on(new_code(&database, person, team, expires))
        }
        Command::Device(Device::List) => runtime.block_on(list(&database)),
        Command::Device(Device::Revoke { device }) => runtime.block_on(revoke(&database, device)),
        Command::Integration(asked) => runtime.block_on(integration(&database, asked)),
        Command::Person(Person::Alias { person, alias }) => {
            runtime.block_on(add_alias(&database, &person, &alias))
        }
        Command::Person(Person::Export { person, file }) => {
            runtime.block_on(people::export(&database, &person, file.as_deref()))
        }
        Command::Person(Person::Erase { people, yes }) => {
            runtime.block_on(people::erase(&database, &people, yes, &config.rules.zone))
        }
        Command::Forget => runtime.block_on(people::forget(&database, &config.rules.zone)),
        Command::Request(asked) => runtime.block_on(requests::run(&database, asked)),
        Command::Person(Person::Team { person, team }) => {
            runtime.block_on(join(&database, &person, team.as_ref()))
        }
        Command::Role(asked) => runtime.block_on(roles::run(&database, asked)),
        Command::Audit(asked) => runtime.block_on(audit::run(&database, asked)),
        Command::Simulate(asked) => runtime.block_on(simulate::run(&database, asked, &config.rules)),
        Command::Backup { file } => {
            let path = one_file(&database, "pg_dump --format=custom --file=FILE URL")?;
            // Before: a copy that was made is in the log, and in the copy's.
            runtime.block_on(note(&database, &Act::BackupMade))?;
            sqlite::back_up(&path, &file)?;
            print(&format!("{} is a whole copy of {}\n", file.display(), path.display()))
        }
        Command::Restore { file } => {
            let path = one_file(&database, "pg_restore --dbname=URL FILE")?;
            sqlite::restore(&file, &path)?;
            runtime.block_on(note(&database, &Act::BackupRestored))?;
            print(&format!("{} is what {} was\n", path.display(), file.display()))
        }
    }
}

/// What copies one file cannot copy a server's database.
fn one_file(database: &Database, instead: &str) -> Result<PathBuf> {
    match database {
        Database::Sqlite(path) => Ok(path.clone()),
        Database::Postgres(address) => bail!(
            "the database is PostgreSQL at {address}, which has its own way; use `{instead}`, while hubs serve if \
             you like, see docs/hub.md"
        ),
    }
}

async fn serve(config: Config) -> Result<()> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env()
                .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info")),
        )
        .init();
    let _serving = match &config.database {
        Database::Sqlite(path) => Some(SqliteStore::claim(path)?),
        // Any number of hubs may.
        Database::Postgres(_) => None,
    };
    let store = open(&config.database).await?;
    store.keep_calendar(&config.rules.working_hours, Timestamp::now()).await?;
    if store.audit_log().await?.settings().as_ref() != Some(&config.audited) {
        let act = Act::SettingsChanged { settings: config.audited };
        store.note(&By::hub(Timestamp::now()), &act).await?;
    }
    let tls = match &config.tls {
        Some((cert, key)) => Some(serve::acceptor(cert, key)?),
        None => None,
    };
    // Before anything is said: from here on, being told to stop is not being killed.
    let stop = stop()?;
    let listener = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("{} cannot be listened at", config.listen))?;
    let address = listener.local_addr().context("the system does not say where the hub listens")?;
    let (queue, writer) = Queue::start(Arc::clone(&store), config.queue_events.get());
    let patience = serve::Patience { read: config.rules.read_patience, stop: config.stop_patience };
    if let Some(folder) = &config.rules.releases {
        fresh_until(folder).with_context(|| format!("{} cannot be given to machines", folder.display()))?;
    }
    let freshness =
        config.freshness.map(|settings| Freshness::begin(&settings, Timestamp::now())).transpose()?;
    let until = freshness.as_ref().map(Freshness::until);
    tokio::spawn(forgetting::keep(Arc::clone(&store), config.rules.zone.clone(), Timestamp::now));
    let teller = Teller::new(Arc::clone(&store), config.webhooks, config.private_hosts, Timestamp::now);
    tokio::spawn(teller.keep());
    let hub = Hub::new(store, queue, config.rules, until, Timestamp::now);
    tokio::spawn(http::keep_figures(Arc::downgrade(&hub)));
    if let Some(freshness) = freshness {
        tokio::spawn(freshness.keep(Timestamp::now));
    }
    let scheme = if tls.is_some() { "https" } else { "http" };
    // One line, for people and for scripts that asked for port 0.
    print(&format!("listening at {scheme}://{address}\n"))?;
    serve::serve(listener, tls, http::router(hub), stop, &patience).await;
    // Requests that were cut off may hold the queue open for ever; what they sent was not acknowledged.
    if tokio::time::timeout(config.stop_patience, writer).await.is_err() {
        tracing::warn!("some events could not be written in time; they were not acknowledged");
    }
    tracing::info!("stopped");
    Ok(())
}

#[cfg(unix)]
fn stop() -> Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let cannot = "the system does not pass on signals";
    let mut terminate = signal(SignalKind::terminate()).context(cannot)?;
    let mut interrupt = signal(SignalKind::interrupt()).context(cannot)?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => (),
            _ = interrupt.recv() => (),
        }
    })
}

#[cfg(windows)]
fn stop() -> Result<impl Future<Output = ()>> {
    use tokio::signal::windows::{ctrl_c, ctrl_shutdown};
    let cannot = "the system does not pass on signals";
    let mut interrupt = ctrl_c().context(cannot)?;
    let mut shutdown = ctrl_shutdown().context(cannot)?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => (),
            _ = shutdown.recv() => (),
        }
    })
}

async fn open(database: &Database) -> Result<Arc<dyn Store>> {
    match database {
        Database::Sqlite(path) => open_file(path),
        Database::Postgres(address) => Ok(Arc::new(PostgresStore::open(address).await?)),
    }
}

fn open_file(path: &Path) -> Result<Arc<dyn Store>> {
    let store = SqliteStore::open(path)
        .with_context(|| format!("{} cannot be used as the hub's database", path.display()))?;
    Ok(Arc::new(store))
}

/// Opens a database that a hub made; a typing mistake does not make another.
async fn open_existing(database: &Database) -> Result<Arc<dyn Store>> {
    if let Database::Sqlite(path) = database
        && !path.exists()
    {
        bail!("{} does not exist; name the database the hub serves from with --database", path.display());
    }
    open(database).await
}

/// Writes down what is done to the database as a whole.
async fn note(database: &Database, act: &Act) -> Result<()> {
    Ok(open_existing(database).await?.note(&by()?, act).await?)
}

/// Whoever gives a command.
fn by() -> Result<By> {
    let mut account = account()?;
    // Who became root to do it.
    if let Ok(before) = std::env::var("SUDO_USER") {
        account = format!("{before} as {account}");
    }
    Ok(By::account(account, Timestamp::now()))
}

fn account() -> Result<String> {
    let named = whoami::username();
    // In a container an account may have a number and no name.
    #[cfg(unix)]
    if named.is_err() {
        return Ok(format!("user {}", rustix::process::getuid().as_raw()));
    }
    named.context("the system does not say whose account this is")
}

async fn new_code(
    database: &Database,
    person: Option<String>,
    team: Option<TeamId>,
    expires: SignedDuration,
) -> Result<()> {
    // The first code may come before the first start.
    let store = open(database).await?;
    let code = secrets::new_code()?;
    let by = by()?;
    store.add_code(&by, secrets::hash_code(&code), person.as_deref(), by.at + expires).await?;
    if let Some(team) = team {
        store.join_by_code(&by, secrets::hash_code(&code), &team).await?;
    }
    print(&format!("{code}\n"))
}

async fn list(database: &Database) -> Result<()> {
    let now = Timestamp::now();
    let mut text = String::new();
    let store = open_existing(database).await?;
    let skews = store.skews().await?;
    for device in store.devices().await? {
        let state = match device.revoked_at {
            Some(at) => format!("revoked {at:.0}"),
            None if device.counts(now) => format!("until {:.0}", device.expires_at),
            None => format!("expired {:.0}", device.expires_at),
        };
        // Writing to a text never fails.
        let _ = writeln!(
            text,
            "{}  person {}  since {:.0}  {state}{}",
            device.id,
            device.person.0,
            device.enrolled_at,
            clock(skews.get(&device.key).copied())
        );
    }
    print(&text)
}

/// How a clock goes, where it goes wrong.
fn clock(skew: Option<i64>) -> String {
    let skew = SignedDuration::from_millis(skew.unwrap_or_default());
    match skew.as_millis() {
        0 => String::new(),
        1.. => format!("  clock {skew:#} ahead"),
        _ => format!("  clock {:#} behind", skew.abs()),
    }
}

async fn revoke(database: &Database, device: Uuid) -> Result<()> {
    if !open_existing(database).await?.revoke(&by()?, device).await? {
        bail!("there is no device {device}; `firstlight-hub device list` shows those that are there");
    }
    print(&format!("{device} is shut out\n"))
}

async fn integration(database: &Database, asked: Integration) -> Result<()> {
    match asked {
        Integration::New { name } => {
            let token = secrets::new_token()?;
            if !open(database).await?.add_integration(&by()?, &name, secrets::hash_token(&token)).await? {
                bail!("there is an integration `{name}` already; revoke it, and take another name");
            }
            print(&format!("{token}\n"))
        }
        Integration::List => {
            let mut text = String::new();
            for one in open_existing(database).await?.integrations().await? {
                let state =
                    one.revoked_at.map_or_else(|| "counts".to_owned(), |at| format!("revoked {at:.0}"));
                // Writing to a text never fails.
                let _ = writeln!(text, "{}  since {:.0}  {state}", one.name, one.made_at);
            }
            print(&text)
        }
        Integration::Revoke { name } => {
            if !open_existing(database).await?.revoke_integration(&by()?, &name).await? {
                bail!(
                    "there is no integration `{name}`; `firstlight-hub integration list` shows those there are"
                );
            }
            print(&format!("{name} is shut out\n"))
        }
    }
}

async fn add_alias(database: &Database, person: &str, alias: &str) -> Result<()> {
    if !open_existing(database).await?.add_alias(&by()?, person, alias).await? {
        bail!("`{alias}` is another person's name already");
    }
    print(&format!("{alias} is {person}\n"))
}

async fn join(database: &Database, person: &str, team: Option<&TeamId>) -> Result<()> {
    if !open_existing(database).await?.join(&by()?, person, team).await? {
        bail!("nobody was named `{person}`; `firstlight-hub code new --for {person} --team …` does both");
    }
    match team {
        Some(team) => print(&format!("{person} is of {team}\n")),
        None => print(&format!("{person} is of no team\n")),
    }
}

fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("nothing can be printed")
}

pub(crate) fn say_error(error: &anyhow::Error) {
    // If even that cannot be written, the exit code says it.
    let _ = writeln!(std::io::stderr(), "error: {error:#}");
}
