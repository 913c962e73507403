//! What every command needs: Firstlight, open on its home, or why it is not.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, MutexGuard, PoisonError},
};

use firstlight_app::{
    Access, AppError, Firstlight, Home, Options, Surroundings, app_update::AppUpdates, at_login,
};
use firstlight_contract::{error::ErrorBody, settings::Launch};
use jiff::Timestamp;
use tauri::{AppHandle, Manager};
use tokio::sync::Mutex;

use crate::{args::Args, notices::Notices, updater};

/// A result as it crosses to the window.
pub(crate) type Answer<T> = Result<T, ErrorBody>;

/// An error as it crosses to the window.
pub(crate) fn body(error: AppError) -> ErrorBody {
    tracing::info!(code = ?error.0.code, message = error.0.message, "answered with an error");
    error.0
}

/// The data folder: `FIRSTLIGHT_HOME`, or the platform's.
pub(crate) fn home() -> firstlight_app::Result<Home> {
    Home::find(std::env::var_os("FIRSTLIGHT_HOME").map(PathBuf::from))
}

/// The app's state.
pub(crate) struct Shell {
    home: firstlight_app::Result<Home>,
    /// The pack that was named, to show when no journey says otherwise.
    pack: Option<PathBuf>,
    sample: PathBuf,
    pub(crate) notices: Notices,
    /// The app's own.
    pub(crate) updates: AppUpdates,
    /// Opened at the first need. What went wrong is not kept: the next call tries again, so that a home that was in use
    /// or read-only needs no restart once it no longer is.
    app: Mutex<Option<Firstlight>>,
    /// The file of certificates the person chose for the doctor. Its path does not come from the window.
    certificates: std::sync::Mutex<Option<PathBuf>>,
}

impl Shell {
    pub(crate) fn new(
        app: &AppHandle,
        home: firstlight_app::Result<Home>,
        args: &Args,
        notices: Notices,
    ) -> Self {
        let sample = sample(app);
        let updates = updater::of(app);
        Self {
            home,
            pack: args.pack.clone(),
            sample,
            notices,
            updates,
            app: Mutex::new(None),
            certificates: std::sync::Mutex::default(),
        }
    }

    /// Where the sample pack is.
    pub(crate) fn sample(&self) -> &Path {
        &self.sample
    }

    /// The file of certificates that was chosen last, and what to choose another with.
    pub(crate) fn certificates(&self) -> MutexGuard<'_, Option<PathBuf>> {
        self.certificates.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Firstlight, open.
    pub(crate) async fn app(&self) -> Answer<Firstlight> {
        let mut slot = self.app.lock().await;
        if let Some(app) = &*slot {
            return Ok(app.clone());
        }
        let app = self.open().map_err(body)?;
        let watching = app.clone();
        let looking = watching.clone();
        let receiving = watching.clone();
        let delivering = watching.clone();
        let (updates, installed) = (self.updates.clone(), watching.clone());
        tauri::async_runtime::spawn(async move { watching.watch_requests().await });
        tauri::async_runtime::spawn(async move { looking.watch_drift().await });
        tauri::async_runtime::spawn(async move { receiving.watch_releases().await });
        tauri::async_runtime::spawn(async move { delivering.watch_delivery().await });
        tauri::async_runtime::spawn(async move { updates.watch(&installed).await });
        *slot = Some(app.clone());
        Ok(app)
    }

    /// Opens ahead of the first call, which tells what goes wrong.
    pub(crate) async fn open_early(&self) {
        if let Err(error) = self.app().await {
            tracing::warn!(code = ?error.code, "not open yet");
        }
    }

    /// Firstlight, if it is open: for what must not open it.
    pub(crate) async fn opened(&self) -> Option<Firstlight> {
        self.app.lock().await.clone()
    }

    /// Everything for the first paint. A home that cannot be opened is an error, which the window shows with a way to
    /// try again; anything else that is wrong is part of the answer.
    pub(crate) async fn launch(&self) -> Answer<Launch> {
        Ok(self.app().await?.launch(env!("CARGO_PKG_VERSION"), self.pack.as_deref(), Some(&self.sample)))
    }

    fn open(&self) -> firstlight_app::Result<Firstlight> {
        let notices = self.notices.clone();
        Firstlight::open(Options {
            home: self.home.clone()?,
            access: Access::Change,
            listener: Arc::new(move |notice| notices.tell(notice)),
            interactive: false,
            carry_on: true,
            surroundings: Surroundings {
                at_login: program().and_then(at_login::of_this_machine).map(Arc::from),
                administrator: program(),
                ..Surroundings::of_this_machine(Arc::new(Timestamp::now))
            },
        })
    }
}

/// What starts this app: the image it was unpacked from where it was, else the program itself.
fn program() -> Option<PathBuf> {
    std::env::var_os("APPIMAGE").map(PathBuf::from).or_else(|| std::env::current_exe().ok())
}

/// The sample pack: among the app's resources, which a build of a contributor has beside the program.
fn sample(app: &AppHandle) -> PathBuf {
    let beside = std::env::current_exe().ok().and_then(|program| Some(program.parent()?.to_owned()));
    let folders = app.path().resource_dir().ok().into_iter().chain(beside);
    let mut samples = folders.map(|folder| folder.join("packs").join("sample"));
    samples.find(|sample| sample.is_dir()).unwrap_or_else(|| PathBuf::from("packs").join("sample"))
}
