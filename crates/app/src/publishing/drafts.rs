//! Drafts: made, looked over, signed, published.

use std::path::{Path, PathBuf};

use firstlight_contract::{
    error::Code,
    publishing::{DraftView, NeedView, NewReleaseView, PublishedView},
};
use firstlight_domain::id::PackName;
use firstlight_engine::Engine;
use firstlight_releases::publish::{
    self as releases, Change, Draft, NewRelease, PublicKey, PublishError, RealDisk, Repository, SecretKey,
    Team,
};
use jiff::Timestamp;
use semver::Version;
use tempfile::TempDir;

use super::{number, owner, published, ring};
use crate::{
    error::{AppError, Result},
    packs::{diff, diff_from_nothing, load},
    view::count,
};

/// Whose keys a new repository begins with: files of public keys.
#[derive(Debug, Clone)]
pub struct NewTeam {
    /// Of the platform team.
    pub platform: PathBuf,
    /// Of the security team.
    pub security: PathBuf,
    /// For the day one of the two is lost.
    pub spares: Vec<PathBuf>,
    /// Of the machine that refreshes.
    pub online: PathBuf,
    /// Of the machine that may halt releases.
    pub rollout: Option<PathBuf>,
}

/// A pack to draft a release of.
#[derive(Debug, Clone)]
pub struct NewPack {
    /// Its folder.
    pub pack: PathBuf,
    /// The share of devices that get it at first; all of them for a first release and a tenth for later ones if not said.
    pub share: Option<u8>,
    /// How many releases stay on offer.
    pub keep: usize,
}

/// The share a release that is not the first begins with, in per cent.
const FIRST_RING: u8 = 10;

/// Drafts a repository for packs of these names.
pub fn begin(team: &NewTeam, packs: &[String], to: &Path, now: Timestamp) -> Result<DraftView> {
    let read = |path: &PathBuf| PublicKey::load(path);
    let team = Team {
        platform: read(&team.platform)?,
        security: read(&team.security)?,
        spares: team.spares.iter().map(read).collect::<std::result::Result<_, _>>()?,
        online: read(&team.online)?,
        rollout: team.rollout.as_ref().map(read).transpose()?,
    };
    let packs = packs.iter().map(|name| pack_name(name)).collect::<Result<Vec<_>>>()?;
    create(releases::begin(&team, &packs, now)?, None, to)
}

/// Drafts a place for one more pack.
pub fn add_pack(
    repository: &Path,
    pack: &str,
    rollout: Option<&Path>,
    to: &Path,
    now: Timestamp,
) -> Result<DraftView> {
    let rollout = rollout.map(PublicKey::load).transpose()?;
    change(repository, to, |there| {
        releases::add_pack(there, &pack_name(pack)?, rollout, now).map_err(Into::into)
    })
}

/// Drafts another key for one that was lost or leaked.
pub fn replace(repository: &Path, old: &str, new: &Path, to: &Path, now: Timestamp) -> Result<DraftView> {
    let new = PublicKey::load(new)?;
    change(repository, to, |there| Ok(releases::replace_key(there, old, &new, now)?))
}

/// Drafts the same for another year.
pub fn renew(repository: &Path, to: &Path, now: Timestamp) -> Result<DraftView> {
    change(repository, to, |there| Ok(releases::renew(there, now)?))
}

/// Drafts a release of a pack that has no errors.
pub fn draft(repository: &Path, new: &NewPack, to: &Path, now: Timestamp) -> Result<DraftView> {
    let pack = load(&new.pack, &Engine::new())?;
    change(repository, to, |there| {
        let name = pack.name.as_str();
        let is_first = there.rollout(name)?.releases.is_empty();
        let release = NewRelease {
            pack: name,
            version: &pack.version,
            folder: &new.pack,
            share: new.share.unwrap_or(if is_first { 100 } else { FIRST_RING }),
            keep: new.keep,
        };
        Ok(releases::draft_release(there, &release, now)?)
    })
}

fn change(
    repository: &Path,
    to: &Path,
    make: impl FnOnce(&Repository) -> Result<Change>,
) -> Result<DraftView> {
    let there = Repository::open(repository)?;
    create(make(&there)?, Some(there), to)
}

fn create(change: Change, published: Option<Repository>, to: &Path) -> Result<DraftView> {
    let draft = Draft::create(to, change)?;
    Ok(Reviewed::of(draft, published, to)?.view)
}

/// A draft that was looked over. What is signed is what was looked at, whatever becomes of the folder meanwhile.
#[derive(Debug)]
pub struct Reviewed {
    draft: Draft,
    published: Option<Repository>,
    /// What it changes.
    pub view: DraftView,
}

/// Looks a draft over: packs in it are linted, and compared with what is published.
pub fn review(at: &Path, repository: &Path) -> Result<Reviewed> {
    let draft = Draft::open(at)?;
    let published = match Repository::open(repository) {
        Ok(there) => Some(there),
        Err(PublishError::NoRepository(_)) if draft.change.begins() => None,
        Err(error) => return Err(error.into()),
    };
    Reviewed::of(draft, published, at)
}

impl Reviewed {
    fn of(draft: Draft, published: Option<Repository>, at: &Path) -> Result<Self> {
        let mut view = DraftView {
            draft: at.display().to_string(),
            signed_by: None,
            complete: false,
            needs: Vec::new(),
            releases: Vec::new(),
            rings: Vec::new(),
            keys: Vec::new(),
            keys_gone: Vec::new(),
        };
        for (pack, version) in draft.releases(published.as_ref())? {
            view.releases.push(new_release(&draft, published.as_ref(), &pack, &version)?);
        }
        for rollout in draft.change.rollouts()? {
            view.rings.extend(rollout.releases.iter().map(|release| ring(&rollout.pack, release)));
        }
        let (keys, gone) = draft.change.holders(published.as_ref())?;
        view.keys = keys.into_iter().map(owner).collect();
        view.keys_gone = gone.into_iter().map(owner).collect();
        let mut reviewed = Self { draft, published, view };
        reviewed.count()?;
        Ok(reviewed)
    }

    /// Signs it, and writes the signature into the draft.
    pub fn sign(mut self, key: &SecretKey) -> Result<DraftView> {
        self.view.signed_by = Some(self.draft.change.sign(self.published.as_ref(), key)?);
        self.draft.save()?;
        self.count()?;
        Ok(self.view)
    }

    fn count(&mut self) -> Result<()> {
        let needs = self.draft.change.needs(self.published.as_ref())?;
        self.view.complete = needs.iter().all(releases::Need::is_met);
        self.view.needs = needs
            .into_iter()
            .map(|need| NeedView {
                what: need.what,
                threshold: number(need.threshold),
                keys: need.keys,
                signed: need.signed,
            })
            .collect();
        Ok(())
    }
}

/// A release in a draft: what it says about itself is what it is signed as, and it holds together.
fn new_release(
    draft: &Draft,
    published: Option<&Repository>,
    pack: &str,
    version: &Version,
) -> Result<NewReleaseView> {
    let new = scratch()?;
    draft.unpack(pack, version, new.path())?;
    let loaded = load(new.path(), &Engine::new())?;
    if loaded.name.as_str() != pack || loaded.version != *version {
        let says = format!("{} {}", loaded.name, loaded.version);
        return Err(AppError::new(
            Code::NotPublishable,
            format!("The draft calls the release {pack} {version}, and the pack in it calls itself {says}."),
        )
        .hint("Make the draft again with `firstlight pack draft`."));
    }
    let before = published.and_then(|there| {
        let releases = there.rollout(pack).ok()?.releases;
        Some((there, releases.into_iter().map(|release| release.version).max()?))
    });
    let changes = match &before {
        Some((there, newest)) => {
            let old = scratch()?;
            there.unpack(pack, newest, old.path())?;
            diff(old.path(), new.path())?
        }
        None => diff_from_nothing(new.path())?,
    };
    let files = firstlight_packs::digests(new.path())?.len();
    Ok(NewReleaseView {
        pack: pack.to_owned(),
        version: version.to_string(),
        files: count(files),
        is_first: before.is_none(),
        changes,
    })
}

fn scratch() -> Result<TempDir> {
    tempfile::Builder::new().prefix("firstlight-release-").tempdir().map_err(|error| {
        AppError::new(Code::DiskFull, format!("No folder could be made to look the release over: {error}."))
            .hint("Make room where temporary files go.")
    })
}

fn pack_name(name: &str) -> Result<PackName> {
    PackName::new(name).map_err(|error| {
        AppError::new(Code::Usage, crate::error::sentence(&error.to_string()))
            .hint("It is `metadata.name` of the pack's pack.yaml.")
    })
}

/// Publishes a draft that enough people signed, after looking it over once more.
pub fn publish(draft: &Path, repository: &Path, online: &SecretKey, now: Timestamp) -> Result<PublishedView> {
    let reviewed = review(draft, repository)?;
    let done = releases::publish(repository, reviewed.draft.change, online, now, &RealDisk)?;
    published(repository, &done)
}

/// Says anew that nothing is newer.
pub fn refresh(repository: &Path, online: &SecretKey, now: Timestamp) -> Result<PublishedView> {
    let done = releases::refresh(repository, online, now, &RealDisk)?;
    published(repository, &done)
}
