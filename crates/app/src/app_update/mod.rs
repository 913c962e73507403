//! The app's own updates: who brings them, whether there is one, and, when the person says yes, putting it in place.
//!
//! What is offered is an announcement (`latest.json`) that whoever publishes has signed, and a package that is signed for
//! exactly one version. Both are fetched with a limit and verified here; then what replaces the program verifies the
//! package once more. Older versions and older announcements are refused, and nothing happens during a run or unasked.
//!
//! It refuses to know how a program is replaced ([`Replace`]; Tauri's plugin in the desktop) and which window shows it.
//!
//! One more way to be refused: a variant of [`Refused`](refusal::Refused), which then has to get words and a code.

mod announcement;
mod installation;
mod refusal;
mod seen;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use firstlight_contract::{
    app_update::{AppUpdateOffer, AppUpdateState, AppUpdateView, UpdatedBy},
    commands::Notice,
    error::Code,
};
use firstlight_releases::receive::fetch_whole;
use serde_json::Value;

use self::{announcement::Announcement, refusal::Refused};
pub use self::{
    announcement::Publisher,
    installation::{Installation, Package, managed_by},
};
use crate::{
    error::{AppError, Result},
    releases::spread,
    session::{Firstlight, lock},
};

/// More than an announcement and its signature may have.
const MAX_ANNOUNCEMENT: u64 = 64 * 1024;
/// More than a package may have.
const MAX_PACKAGE: u64 = 400 * 1024 * 1024;
/// How long an announcement may take.
const ANNOUNCED_WITHIN: Duration = Duration::from_secs(30);
/// How long a package may take.
const HERE_WITHIN: Duration = Duration::from_secs(60 * 60);
/// Not while the window is still being drawn.
const FIRST: Duration = Duration::from_secs(30);
/// Between two looks, give or take a quarter.
const BETWEEN: Duration = Duration::from_secs(24 * 60 * 60);
/// When a run is going on at the time of a look.
const LATER: Duration = Duration::from_secs(5 * 60);

/// What puts a package in the place of the program that runs.
pub trait Replace: Send + Sync {
    /// Verifies the package once more against what was announced, and puts it in place. Blocks.
    ///
    /// # Errors
    /// In words; the program that runs is as it was.
    fn replace(&self, announced: &Value, package: &[u8]) -> std::result::Result<(), String>;
}

/// The updates of one running app. Cheap to clone; all clones are the same.
#[derive(Clone)]
pub struct AppUpdates {
    inner: Arc<Inner>,
}

struct Inner {
    installation: Installation,
    replace: Box<dyn Replace>,
    state: Mutex<State>,
    /// Held while something is asked or fetched, so that it happens once.
    busy: tokio::sync::Mutex<()>,
}

/// What is known, with what it takes to act on it.
enum State {
    NotAsked,
    Newest,
    Available(Arc<Announcement>),
    Downloading { of: Arc<Announcement>, received: u64, total: Option<u64> },
    Installed { version: String },
    Refused(AppError),
}

impl AppUpdates {
    /// Of this installation.
    pub fn new(installation: Installation, replace: impl Replace + 'static) -> Self {
        let inner = Inner {
            installation,
            replace: Box::new(replace),
            state: Mutex::new(State::NotAsked),
            busy: tokio::sync::Mutex::new(()),
        };
        Self { inner: Arc::new(inner) }
    }

    /// How it stands, without asking anybody.
    pub fn view(&self, app: &Firstlight) -> AppUpdateView {
        let state = match &*lock(&self.inner.state) {
            State::NotAsked => AppUpdateState::NotAsked,
            State::Newest => AppUpdateState::Newest,
            State::Available(of) => AppUpdateState::Available { offer: offer(of) },
            State::Downloading { of, received, total } => AppUpdateState::Downloading {
                offer: offer(of),
                received: u32::try_from(*received).unwrap_or(u32::MAX),
                total: total.and_then(|total| u32::try_from(total).ok()),
            },
            State::Installed { version } => AppUpdateState::Installed { version: version.clone() },
            State::Refused(error) => AppUpdateState::Refused { error: error.0.clone() },
        };
        AppUpdateView {
            version: self.inner.installation.version.to_string(),
            by: self.inner.installation.updated_by(),
            last_check: seen::read(app.home()).last_check.map(|at| at.to_string()),
            state,
        }
    }

    /// Asks for a newer version. What is refused is part of the answer.
    ///
    /// # Errors
    /// When the app is not the one to update itself here.
    pub async fn check(&self, app: &Firstlight) -> Result<AppUpdateView> {
        let publisher = self.publisher()?;
        let _busy = self.inner.busy.lock().await;
        if !matches!(&*lock(&self.inner.state), State::Installed { .. }) {
            let found = match self.ask(app, publisher).await {
                Ok(Some(announced)) => State::Available(Arc::new(announced)),
                Ok(None) => State::Newest,
                Err(refused) => State::Refused(refused.into()),
            };
            self.set(app, found);
        }
        Ok(self.view(app))
    }

    /// Fetches the version that was shown, verifies it and puts it in place.
    ///
    /// # Errors
    /// During a run; when another version is offered by now; when what came is refused, which is then also the state.
    pub async fn install(&self, app: &Firstlight, version: &str) -> Result<AppUpdateView> {
        let publisher = self.publisher()?;
        let _busy = self.inner.busy.lock().await;
        let announced = match &*lock(&self.inner.state) {
            State::Available(announced) if announced.version.to_string() == version => Arc::clone(announced),
            _ => {
                return Err(AppError::new(
                    Code::ConsentStale,
                    format!("Version {version} is not what is offered now."),
                )
                .hint("Look again, and agree to what is shown then."));
            }
        };
        not_during_a_run(app)?;
        match self.fetch_and_replace(app, publisher, &announced).await {
            Ok(()) => {
                self.set(app, State::Installed { version: version.to_owned() });
                Ok(self.view(app))
            }
            // Asking again later costs nothing, so that it stays offered.
            Err(error) if error.code() == Code::RunInProgress => {
                self.set(app, State::Available(announced));
                Err(error)
            }
            Err(error) => {
                self.set(app, State::Refused(error.clone()));
                Err(error)
            }
        }
    }

    /// Looks for updates as long as the app is open, at no moment that many machines share. Ends at once where the app
    /// does not update itself.
    pub async fn watch(&self, app: &Firstlight) {
        if self.publisher().is_err() {
            return;
        }
        tokio::time::sleep(FIRST).await;
        loop {
            while app.is_running() {
                tokio::time::sleep(LATER).await;
            }
            // Said to whoever listens by the change itself.
            if let Err(error) = self.check(app).await {
                tracing::debug!(message = error.0.message, "no update looked for");
            }
            tokio::time::sleep(spread(BETWEEN)).await;
        }
    }

    fn publisher(&self) -> Result<&Publisher> {
        match (self.inner.installation.updated_by(), &self.inner.installation.publisher) {
            (UpdatedBy::Itself, Some(publisher)) => Ok(publisher),
            (by, _) => Err(refusal::elsewhere(&by)),
        }
    }

    /// What is announced, if it is newer and for this machine.
    async fn ask(
        &self,
        app: &Firstlight,
        publisher: &Publisher,
    ) -> std::result::Result<Option<Announcement>, Refused> {
        let fetch = |url: String, what: &'static str| async move {
            fetch_whole(&url, what, MAX_ANNOUNCEMENT, ANNOUNCED_WITHIN, &|_, _| {}).await
        };
        let signature = fetch(publisher.signature_url(), announcement::SIGNATURE).await?;
        let text = fetch(publisher.url.clone(), announcement::ANNOUNCEMENT).await?;
        let mut seen = seen::read(app.home());
        let signed = publisher.verify(&text, &signature, announcement::ANNOUNCEMENT)?;
        seen.take(signed.at)?;
        let installation = &self.inner.installation;
        let announced =
            Announcement::read(&text, &signed, &installation.version, installation.platform().as_deref());
        // Asked and answered, whatever the answer is worth. What cannot be kept is only asked again.
        seen.last_check = Some(app.now());
        if let Err(error) = seen::write(app.home(), &seen) {
            tracing::warn!(%error, "what was seen of the app's updates is not kept");
        }
        announced
    }

    async fn fetch_and_replace(
        &self,
        app: &Firstlight,
        publisher: &Publisher,
        announced: &Arc<Announcement>,
    ) -> Result<()> {
        let so_far = |received, total| {
            let next = State::Downloading { of: Arc::clone(announced), received, total };
            self.progress(app, next, received);
        };
        so_far(0, None);
        let fetched =
            fetch_whole(&announced.url, announcement::PACKAGE, MAX_PACKAGE, HERE_WITHIN, &so_far).await;
        let package = fetched.map_err(Refused::from)?;
        let signed = publisher.verify(&package, announced.signature.as_bytes(), announcement::PACKAGE)?;
        signed.is_for(&announced.version)?;
        // One may have begun while it was fetched.
        not_during_a_run(app)?;
        let (updates, announced) = (self.clone(), Arc::clone(announced));
        let replaced = tokio::task::spawn_blocking(move || {
            updates.inner.replace.replace(&announced.announced, &package)
        });
        let why = match replaced.await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(why)) => why,
            Err(error) => error.to_string(),
        };
        Err(Refused::NotInstalled { why }.into())
    }

    /// Keeps the new state, and says it when there is something to say: no news is none, and that nobody answers is no
    /// reason to interrupt anybody.
    fn set(&self, app: &Firstlight, next: State) {
        let quiet = match &next {
            State::NotAsked | State::Newest => true,
            State::Refused(error) => error.code() == Code::Network,
            State::Available(_) | State::Downloading { .. } | State::Installed { .. } => false,
        };
        *lock(&self.inner.state) = next;
        if !quiet {
            app.tell(Notice::AppUpdate { update: self.view(app) });
        }
    }

    /// Says how far it is, once a megabyte.
    fn progress(&self, app: &Firstlight, next: State, received: u64) {
        let before = match &*lock(&self.inner.state) {
            State::Downloading { received, .. } => Some(*received),
            _ => None,
        };
        if before.is_none_or(|before| before >> 20 != received >> 20) {
            self.set(app, next);
        }
    }
}

fn not_during_a_run(app: &Firstlight) -> Result<()> {
    if app.is_running() {
        return Err(AppError::new(Code::RunInProgress, "A run is going on, and an update would end it.")
            .hint("Update when it is done."));
    }
    Ok(())
}

fn offer(of: &Announcement) -> AppUpdateOffer {
    AppUpdateOffer {
        version: of.version.to_string(),
        notes: crate::markdown::parse(&of.notes),
        published_at: of.published_at.clone(),
    }
}
