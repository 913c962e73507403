//! A machine that receives; every call is a new start of the program.

use std::{fs, path::PathBuf, time::Duration};

use firstlight_releases::receive::{
    Choice, Enrolment, Limits, ReceiveError, Receiver, Result, Trust, accepted,
};
use jiff::{SignedDuration, Timestamp};
use semver::Version;
use tempfile::TempDir;

use firstlight_testkit::releases::{PACK, Repository, Site};

pub(crate) const DEVICE: &str = "0198c0de-0000-7000-8000-000000000001";

pub(crate) struct Machine {
    home: TempDir,
    pub(crate) limits: Limits,
}

/// Patient with a busy machine, and quick to try again.
pub(crate) fn limits() -> Limits {
    Limits { pause: Duration::from_millis(1), tries: 3, ..Limits::default() }
}

impl Machine {
    /// One that trusts nobody yet.
    pub(crate) fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap(), limits: limits() }
    }

    /// One that enrolled and received what there is.
    pub(crate) async fn at(repository: &Repository) -> Self {
        let machine = Self::new();
        machine.enrol(repository, Trust::Root(repository.first_root())).await.unwrap();
        machine.update(now()).await.unwrap().unwrap();
        machine
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.home.path().join("releases")
    }

    pub(crate) async fn enrol(&self, repository: &Repository, trust: Trust) -> Result<()> {
        self.enrol_at(&repository.site, trust).await
    }

    pub(crate) async fn enrol_at(&self, site: &Site, trust: Trust) -> Result<()> {
        let enrolment = Enrolment { url: site.url(), pack: PACK.to_owned() };
        Receiver::enrol(&self.root(), enrolment, trust, self.limits, now()).await.map(drop)
    }

    fn open(&self) -> Result<Receiver> {
        Ok(Receiver::open(&self.root(), self.limits)?.expect("it has enrolled"))
    }

    pub(crate) async fn check(&self, device: &str, now: Timestamp) -> Result<Choice> {
        self.open()?.check(device, now).await
    }

    /// What each of many devices would do.
    pub(crate) async fn check_for(&self, devices: &[String]) -> Vec<Choice> {
        let mut receiver = self.open().unwrap();
        let mut choices = Vec::new();
        for device in devices {
            choices.push(receiver.check(device, now()).await.unwrap());
        }
        choices
    }

    /// Receives what this device takes; the version, if anything was taken.
    pub(crate) async fn update(&self, now: Timestamp) -> Result<Option<String>> {
        self.update_as(DEVICE, now).await
    }

    pub(crate) async fn update_as(&self, device: &str, now: Timestamp) -> Result<Option<String>> {
        let mut receiver = self.open()?;
        let Some(version) = receiver.check(device, now).await?.take else { return Ok(None) };
        let staged = receiver.stage(&version, now, &|_, _| {}).await?;
        receiver.accept(&staged, None)?;
        Ok(Some(version.to_string()))
    }

    /// Asks for one release by name, whatever is meant for whom.
    pub(crate) async fn take(&self, version: &str) -> Result<()> {
        let mut receiver = self.open()?;
        receiver.check(DEVICE, now()).await?;
        let staged = receiver.stage(&Version::parse(version).unwrap(), now(), &|_, _| {}).await?;
        receiver.accept(&staged, None).map(drop)
    }

    /// What the update is refused with; the pack in use must be as before.
    pub(crate) async fn refused(&self, now: Timestamp) -> ReceiveError {
        let before = self.pack();
        assert!(!before.is_empty(), "there is a pack to be kept");
        let error = self.update(now).await.unwrap_err();
        assert_eq!(self.pack(), before, "the pack in use is untouched after: {error}");
        error
    }

    /// Version and files of the pack in use.
    pub(crate) fn pack(&self) -> Vec<(String, String)> {
        let Some(accepted) = accepted(&self.root()) else { return Vec::new() };
        let mut files = vec![("version".to_owned(), accepted.version.to_string())];
        let mut folders = vec![accepted.folder.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name =
                        path.strip_prefix(&accepted.folder).unwrap().to_str().unwrap().replace('\\', "/");
                    files.push((name, fs::read_to_string(&path).unwrap()));
                }
            }
        }
        files.sort();
        files
    }

    /// The version of the pack in use.
    pub(crate) fn version(&self) -> String {
        accepted(&self.root()).map(|accepted| accepted.version.to_string()).unwrap_or_default()
    }

    /// The folder of what is trusted.
    pub(crate) fn trust(&self) -> PathBuf {
        let mut folders = fs::read_dir(self.root().join("trust")).unwrap();
        let folder = folders.next().unwrap().unwrap().path();
        assert!(folders.next().is_none());
        folder
    }
}

/// The moment of all tests.
pub(crate) fn now() -> Timestamp {
    "2026-11-26T12:00:00Z".parse().unwrap()
}

pub(crate) fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(days * 24)
}

/// A repository with release 1.0.0 for everybody.
pub(crate) fn repository() -> Repository {
    Repository::new(now())
}
