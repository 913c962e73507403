//! Writing a signed change into the folder, in an order in which every moment is a sound repository.
//!
//! First files and metadata under names nothing leads to yet, then the timestamp, which leads to all of it. Of roots, all
//! but the last come first, as they let old and new keys count; the last, which lets only the new ones count, comes when
//! everything is signed with them. Cut off anywhere, the same draft can be published again.

use std::{
    collections::HashMap,
    fs::{self, File},
    num::NonZeroU64,
    path::Path,
};

use jiff::Timestamp;
use tough::schema::{RoleType, Root, Signed, Snapshot, Targets, Timestamp as TimestampRole};

use super::{
    change::{Change, in_words},
    disk::Disk,
    draft::MAX_METADATA,
    error::{PublishError, Result},
    key::Signer,
    metadata::{
        Authority, Metadata, SPEC, expiry, is_past_half, moment, next, owners, pin, sign, to_bytes, unsigned,
    },
    policy,
    repository::Repository,
};
use crate::layout::{METADATA, TARGETS};

/// A file that only one program at a time may hold.
const LOCK: &str = ".firstlight-lock";

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The version of the timestamp there is now.
    pub version: u64,
    /// Until when devices take it as fresh.
    pub fresh_until: Timestamp,
    /// Roles, in words, of whose life more than half is over, and the moment they expire.
    pub renew_soon: Vec<(String, Timestamp)>,
}

/// Publishes a change that enough people signed.
pub fn publish(
    folder: &Path,
    change: Change,
    online: &dyn Signer,
    now: Timestamp,
    disk: &dyn Disk,
) -> Result<Published> {
    let _alone = Alone::in_folder(folder)?;
    let published = match Repository::open(folder) {
        Ok(published) => Some(published),
        Err(PublishError::NoRepository(_)) if change.begins() => None,
        Err(error) => return Err(error),
    };
    let published = published.as_ref();
    let change = change.without_what_is(published)?;
    policy::check(&change, published, now)?;
    let to = Writing { folder, disk };
    for (stored, content) in &change.contents {
        to.content(stored, content)?;
    }
    disk.settle(folder).map_err(PublishError::written(folder))?;
    // What people have signed is written before the last root, as the root before it accepts that as well.
    let (last, first) = match change.roots.split_last() {
        Some((last, first)) if published.is_some() => (Some(last), first),
        Some(_) | None => (None, change.roots.as_slice()),
    };
    let until_last = first.last().or(published.map(|repository| &repository.root));
    let roots: Vec<&Root> = until_last.into_iter().chain(last).map(|root| &root.signed).collect();
    let fresh = Fresh { roots: &roots, online, now };
    fresh.check()?;
    for root in first {
        to.root(root)?;
    }
    let done = to.rest(&change, published, &fresh)?;
    if let Some(last) = last {
        to.root(last)?;
    }
    Ok(done)
}

/// Signs the timestamp anew, and the snapshot if more than half of its life is over.
pub fn refresh(folder: &Path, online: &dyn Signer, now: Timestamp, disk: &dyn Disk) -> Result<Published> {
    if !folder.is_dir() {
        return Err(PublishError::NoRepository(folder.to_owned()));
    }
    let _alone = Alone::in_folder(folder)?;
    let published = Repository::open(folder)?;
    let fresh = Fresh { roots: &[&published.root.signed], online, now };
    fresh.check()?;
    Writing { folder, disk }.rest(&Change::default(), Some(&published), &fresh)
}

/// Whether more than half of the life of what is signed online is over, so that it is time to [`refresh`].
pub fn is_due(folder: &Path, now: Timestamp) -> Result<bool> {
    let published = Repository::open(folder)?;
    let past_half = |role, expires| is_past_half(role, moment(expires), now);
    Ok(past_half("timestamp", published.timestamp.signed.expires)
        || past_half("snapshot", published.snapshot.signed.expires))
}

/// Until when devices take a repository as fresh.
pub fn fresh_until(folder: &Path) -> Result<Timestamp> {
    Ok(moment(Repository::open(folder)?.timestamp.signed.expires))
}

/// What is signed online, under every root it will be read with.
struct Fresh<'a> {
    roots: &'a [&'a Root],
    online: &'a dyn Signer,
    now: Timestamp,
}

impl Fresh<'_> {
    /// Refuses a key that one of the roots does not name.
    fn check(&self) -> Result<()> {
        for (root, kind) in
            self.roots.iter().flat_map(|root| [(root, RoleType::Snapshot), (root, RoleType::Timestamp)])
        {
            let authority = Authority::of_root(root, kind);
            if authority.find(&self.online.public()).is_none() {
                let what = in_words(if kind == RoleType::Snapshot { "snapshot" } else { "timestamp" });
                return Err(PublishError::WrongKey { what, keys: owners(&authority.keys) });
            }
        }
        Ok(())
    }

    fn signed<T: Metadata>(&self, document: T, what: &str) -> Result<Signed<T>> {
        let mut document = unsigned(document);
        for root in self.roots {
            let authority = Authority::of_root(root, T::TYPE);
            if let Some(key) = authority.find(&self.online.public()) {
                sign(&mut document, self.online, key, what)?;
            }
            authority.check(&document, &in_words(what))?;
        }
        Ok(document)
    }

    /// Whether every root takes it as it is.
    fn accepts(&self, snapshot: &Signed<Snapshot>) -> bool {
        self.roots.iter().all(|root| Authority::of_root(root, RoleType::Snapshot).check(snapshot, "").is_ok())
    }
}

/// The folder that is written to.
struct Writing<'a> {
    folder: &'a Path,
    disk: &'a dyn Disk,
}

impl Writing<'_> {
    /// A file beneath `targets/`, unless it is there. Names carry the hash: what is there is the same, or damaged.
    fn content(&self, stored: &str, content: &[u8]) -> Result<()> {
        let path = self.folder.join(TARGETS).join(stored);
        match fs::read(&path) {
            Ok(there) if there == content => Ok(()),
            Ok(_) | Err(_) => self.disk.put_soon(&path, content).map_err(PublishError::written(path)),
        }
    }

    fn metadata(&self, name: &str, bytes: &[u8]) -> Result<()> {
        if bytes.len() as u64 > MAX_METADATA {
            return Err(PublishError::TooLarge { what: name.to_owned(), limit: MAX_METADATA / 1_000_000 });
        }
        let path = self.folder.join(METADATA).join(name);
        self.disk.put(&path, bytes).map_err(PublishError::written(path))
    }

    fn root(&self, root: &Signed<Root>) -> Result<()> {
        self.metadata(&format!("{}.root.json", root.signed.version), &to_bytes(root, "root")?)
    }

    /// Everything but roots; what makes it count comes last.
    fn rest(&self, change: &Change, published: Option<&Repository>, fresh: &Fresh<'_>) -> Result<Published> {
        let mut pins =
            published.map_or_else(HashMap::new, |repository| repository.snapshot.signed.meta.clone());
        for (role, document) in &change.roles {
            let bytes = to_bytes(document, role)?;
            let version = document.signed.version;
            self.metadata(&format!("{version}.{role}.json"), &bytes)?;
            pins.insert(format!("{role}.json"), pin(version, &bytes));
        }
        let current = published.map(|repository| &repository.snapshot).filter(|current| {
            let young = !is_past_half("snapshot", moment(current.signed.expires), fresh.now);
            change.roles.is_empty() && young && fresh.accepts(current)
        });
        let snapshot = match current {
            Some(current) => current.clone(),
            None => {
                let version =
                    published.map_or(Ok(NonZeroU64::MIN), |old| next(old.snapshot.signed.version))?;
                let expires = expiry(RoleType::Snapshot, fresh.now)?;
                let mut snapshot = Snapshot::new(SPEC.to_owned(), version, expires);
                snapshot.meta = pins;
                fresh.signed(snapshot, "snapshot")?
            }
        };
        let pinned = match (current, published) {
            // Its bytes are those that are there.
            (Some(_), Some(published)) => published.timestamp.signed.meta.clone(),
            _ => {
                let bytes = to_bytes(&snapshot, "snapshot")?;
                let version = snapshot.signed.version;
                self.metadata(&format!("{version}.snapshot.json"), &bytes)?;
                HashMap::from([("snapshot.json".to_owned(), pin(version, &bytes))])
            }
        };
        let version = published.map_or(Ok(NonZeroU64::MIN), |old| next(old.timestamp.signed.version))?;
        let mut timestamp =
            TimestampRole::new(SPEC.to_owned(), version, expiry(RoleType::Timestamp, fresh.now)?);
        timestamp.meta = pinned;
        let timestamp = fresh.signed(timestamp, "timestamp")?;
        self.metadata("timestamp.json", &to_bytes(&timestamp, "timestamp")?)?;
        Ok(Published {
            version: version.get(),
            fresh_until: moment(timestamp.signed.expires),
            renew_soon: renew_soon(change, published, fresh),
        })
    }
}

/// What people have to sign again before long.
fn renew_soon(
    change: &Change,
    published: Option<&Repository>,
    fresh: &Fresh<'_>,
) -> Vec<(String, Timestamp)> {
    let root = fresh.roots.last().map(|root| ("root", moment(root.expires)));
    let expires = |document: &Signed<Targets>| moment(document.signed.expires);
    let new = change.roles.iter().map(|(role, document)| (role.as_str(), expires(document)));
    let old = published.into_iter().flat_map(|repository| {
        let targets = std::iter::once(("targets", &repository.targets));
        targets.chain(repository.roles.iter().map(|(role, document)| (role.as_str(), document)))
    });
    let old = old.filter(|(role, _)| !change.roles.contains_key(*role));
    root.into_iter()
        .chain(new)
        .chain(old.map(|(role, document)| (role, expires(document))))
        .filter(|(role, expires)| is_past_half(role, *expires, fresh.now))
        .map(|(role, expires)| (in_words(role), expires))
        .collect()
}

/// Keeps two programs from writing into one folder.
struct Alone {
    _file: File,
}

impl Alone {
    fn in_folder(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder).map_err(PublishError::written(folder))?;
        let path = folder.join(LOCK);
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(PublishError::written(&path))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(fs::TryLockError::WouldBlock) => Err(PublishError::Busy(folder.to_owned())),
            Err(fs::TryLockError::Error(error)) => Err(PublishError::written(path)(error)),
        }
    }
}
