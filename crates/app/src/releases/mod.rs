//! Releases of the pack: enrolling with a repository, receiving, and the pack in use.
//!
//! The repository is trusted for what it signed (`firstlight-releases`); whether a pack holds together is asked here, of
//! `firstlight-packs`, before it becomes the one in use. What was received and refused is in the journal.

mod refusal;
mod tuf_client;
mod watch;

use std::path::PathBuf;

use firstlight_contract::{
    commands::Notice,
    error::{Code, ErrorBody},
    pack::PackOverview,
    releases::{EnrolledView, HeldBackView, HeldBackWhy, ReleaseView, UpdateView},
};
use firstlight_domain::{event::Event, journey::Refused, pack::Pack};
use firstlight_packs::{MAX_PACK_BYTES, MAX_PACK_FILES};
use firstlight_releases::receive::{self, Accepted, Choice, Enrolment, Limits, Receiver, Staged, Trust, Why};

use crate::{
    error::{AppError, Result, sentence},
    packs,
    session::Firstlight,
};

use self::refusal::GOES_ON;
pub use self::tuf_client::TufClient;
pub(crate) use self::watch::spread;

/// What is trusted when a machine enrols. A repository that vouches for itself vouches for nothing, so one of the two has
/// to come another way: with the machine, by chat, on paper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrustedRoot {
    /// The file of a root.
    File(PathBuf),
    /// SHA-256 of such a file, hex.
    Sha256(String),
}

/// Who wants to know how many bytes of how many have arrived.
pub type Progress<'a> = &'a (dyn Fn(u64, u64) + Sync);

fn limits() -> Limits {
    Limits { max_bytes: MAX_PACK_BYTES, max_files: MAX_PACK_FILES, ..Limits::default() }
}

impl Firstlight {
    /// Begins to receive a pack from a repository, and receives it.
    pub async fn enroll(
        &self,
        url: &str,
        pack: &str,
        root: &TrustedRoot,
        progress: Progress<'_>,
    ) -> Result<UpdateView> {
        let trust = match root {
            TrustedRoot::File(path) => Trust::Root(std::fs::read(path).map_err(|error| {
                AppError::new(Code::Usage, format!("{} cannot be read: {error}.", path.display()))
                    .hint("Name the `root.json` that whoever publishes your packs gave you.")
            })?),
            TrustedRoot::Sha256(sum) => Trust::Fingerprint(sum.clone()),
        };
        let pack = firstlight_domain::id::PackName::new(pack)
            .map_err(|error| AppError::new(Code::Usage, sentence(&error.to_string())))?;
        let enrolment = Enrolment { url: url.trim_end_matches('/').to_owned(), pack: pack.to_string() };
        let home = self.home().releases();
        let mut receiver = Receiver::enrol(&home, enrolment, trust, limits(), self.now()).await?;
        self.receive(&mut receiver, progress).await
    }

    /// Asks for a newer release, and receives it. What is wrong is an error, and said in the journal; the pack in use
    /// goes on.
    pub async fn update(&self, progress: Progress<'_>) -> Result<UpdateView> {
        let opened = Receiver::open(&self.home().releases(), limits());
        let mut receiver = match opened {
            Ok(Some(receiver)) => receiver,
            Ok(None) => return Err(not_enrolled()),
            Err(error) => return Err(self.refuse(error.into())),
        };
        self.receive(&mut receiver, progress).await
    }

    async fn receive(&self, receiver: &mut Receiver, progress: Progress<'_>) -> Result<UpdateView> {
        match self.take_newest(receiver, progress).await {
            Ok((choice, taken)) => {
                let refused = self.with_world(|world| world.releases.refused.is_some());
                if refused && taken.is_none() {
                    self.append(&[Event::ReleasesFine])?;
                }
                self.check_projects().await?;
                let held_back = choice.held_back.into_iter().map(held_back).collect();
                Ok(UpdateView { taken: taken.is_some(), held_back, ..self.releases() })
            }
            Err(error) => Err(self.refuse(error)),
        }
    }

    /// Receives what this device takes, if it is not here.
    async fn take_newest(
        &self,
        receiver: &mut Receiver,
        progress: Progress<'_>,
    ) -> Result<(Choice, Option<Accepted>)> {
        let device = self.history().journal()?.device().to_owned();
        let mut choice = receiver.check(&device, self.now()).await?;
        if choice.take.is_none() && receiver.accepted().is_some_and(|accepted| !self.is_whole(&accepted)) {
            receive::distrust(&self.home().releases())?;
            choice = receiver.check(&device, self.now()).await?;
        }
        let Some(version) = &choice.take else { return Ok((choice, None)) };
        let staged = receiver.stage(version, self.now(), progress).await?;
        let pack = self.usable(&staged, receiver.enrolment())?;
        let needed = self.with_world(|world| world.journey.as_ref().map(|it| PathBuf::from(&it.pack_path)));
        let accepted = receiver.accept(&staged, needed.as_deref())?;
        self.append(&[Event::ReleaseReceived {
            pack: pack.reference(),
            pack_path: accepted.folder.display().to_string(),
        }])?;
        Ok((choice, Some(accepted)))
    }

    /// Whether the pack in use is what was received.
    fn is_whole(&self, accepted: &Accepted) -> bool {
        packs::load(&accepted.folder, &self.inner.engine).is_ok_and(|pack| pack.digest == accepted.digest)
    }

    /// The pack of a release, if it holds together and is what it is signed as.
    fn usable(&self, staged: &Staged, enrolment: &Enrolment) -> Result<Pack> {
        let refused = |message: String| {
            AppError::new(Code::ReleaseUnusable, message).hint(format!(
                "{GOES_ON} Tell whoever publishes your packs; a newer Firstlight may be needed."
            ))
        };
        let version = staged.version();
        let pack = packs::load(staged.folder(), &self.inner.engine)
            .map_err(|error| refused(format!("Release {version} cannot be used: {}", error.0.message)))?;
        if pack.name.as_str() != enrolment.pack || pack.version != *version {
            let (name, says) = (&pack.name, &pack.version);
            return Err(refused(format!(
                "Release {version} of `{}` says that it is {name} {says}.",
                enrolment.pack
            )));
        }
        if pack.digest != staged.digest() {
            return Err(refused(format!("Release {version} changed on this machine while it was received.")));
        }
        Ok(pack)
    }

    /// Writes down what was refused, once, and hands it on. That nobody answers is no refusal.
    fn refuse(&self, error: AppError) -> AppError {
        let ErrorBody { code, message, hint, .. } = error.0.clone();
        if code == Code::Network {
            return error;
        }
        let known = self.with_world(|world| {
            world.releases.refused.as_ref().is_some_and(|refused| refused.message == message)
        });
        if !known
            && let Err(failed) =
                self.append(&[Event::ReleaseRefused { code: code_name(code), message, hint }])
        {
            tracing::warn!(code = ?failed.code(), "a refusal was not written down");
        }
        error
    }

    /// How this machine stands with its releases, without asking anybody.
    pub fn releases(&self) -> UpdateView {
        let home = self.home().releases();
        let (received, refused) =
            self.with_world(|world| (world.releases.received.clone(), world.releases.refused.clone()));
        let enrolment = receive::enrolment(&home);
        let enrolled = enrolment.as_ref().ok().and_then(Option::as_ref);
        let current = receive::accepted(&home).map(|accepted| ReleaseView {
            version: accepted.version.to_string(),
            path: accepted.folder.display().to_string(),
            received_at: received
                .filter(|received| received.pack.digest == accepted.digest)
                .map(|received| received.at.to_string()),
        });
        let stale = || {
            let until = receive::good_until(&home)?;
            (until < self.now()).then(|| AppError::from(receive::ReceiveError::Frozen { since: until }).0)
        };
        UpdateView {
            enrolled: enrolled.map(|it| EnrolledView { url: it.url.clone(), pack: it.pack.clone() }),
            current,
            taken: false,
            held_back: Vec::new(),
            refused: refused
                .map(as_error)
                .or_else(stale)
                .or_else(|| enrolment.err().map(|it| AppError::from(it).0)),
        }
    }

    /// Makes the pack that was received the one at hand.
    pub fn open_received_pack(&self) -> Result<PackOverview> {
        let home = self.home().releases();
        let Some(accepted) = receive::accepted(&home) else {
            return Err(match receive::enrolment(&home)? {
                None => not_enrolled(),
                Some(_) => AppError::new(Code::PackNotFound, "No release of the pack was received yet.")
                    .hint("Receive it: `firstlight update`."),
            });
        };
        let pack = self.take_pack(&accepted.folder)?;
        if pack.digest != accepted.digest {
            return Err(AppError::new(
                Code::ReleaseForged,
                "The pack that was received was changed on this machine.",
            )
            .hint("`firstlight update` receives it again."));
        }
        Ok(packs::overview(&pack))
    }

    /// Says to whoever listens how it stands.
    pub(crate) fn tell_releases(&self, update: UpdateView) {
        self.tell(Notice::Releases { update });
    }
}

fn not_enrolled() -> AppError {
    AppError::new(Code::NotEnrolled, "This machine receives no pack yet.").hint(
        "Enrol: `firstlight enroll URL --pack NAME --root FILE`; or name a pack's folder with `--pack DIR`.",
    )
}

fn held_back(release: receive::HeldBack) -> HeldBackView {
    let why = match release.why {
        Why::Ring(share) => HeldBackWhy::Ring { share },
        Why::Halted(reason) => HeldBackWhy::Halted { reason },
    };
    HeldBackView { version: release.version.to_string(), why }
}

/// What the journal says was refused, as the error it was. A code of a version that had others is one nobody foresaw.
fn as_error(refused: Refused) -> ErrorBody {
    let code = serde_json::from_value(serde_json::Value::String(refused.code)).unwrap_or(Code::Internal);
    ErrorBody { hint: refused.hint, ..ErrorBody::new(code, refused.message) }
}

/// A code as it is written everywhere.
fn code_name(code: Code) -> String {
    serde_json::to_value(code).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}
