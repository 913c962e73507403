//! What a draft changes: roots, what people sign, and the files that belong to it.

use std::collections::BTreeMap;

use tough::schema::{RoleType, Root, Signed, Targets};

use super::{
    error::{PublishError, Result},
    holders::{Holder, holders},
    key::{PublicKey, Signer},
    metadata::{Authority, Metadata, hex, owners, sign},
    repository::Repository,
};
use crate::layout::{ROLLOUT, Rollout, rollout_role, rollout_target, stored_at};

/// Metadata that is signed by people, and the content of new targets.
#[derive(Debug, Default)]
pub struct Change {
    /// New roots, one after the other.
    pub(super) roots: Vec<Signed<Root>>,
    /// New metadata of `targets` and of the roles of packs, by role.
    pub(super) roles: BTreeMap<String, Signed<Targets>>,
    /// New files, by where they lie beneath `targets/`.
    pub(super) contents: BTreeMap<String, Vec<u8>>,
}

/// Who has to sign one part of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// The part in words, for example “what is in `acme`”.
    pub what: String,
    /// How many have to sign.
    pub threshold: u64,
    /// Who may.
    pub keys: Vec<String>,
    /// Who did.
    pub signed: Vec<String>,
}

impl Need {
    /// Whether enough signed.
    pub fn is_met(&self) -> bool {
        self.signed.len() as u64 >= self.threshold
    }
}

/// A role in people's words.
pub(super) fn in_words(role: &str) -> String {
    match role {
        "root" => "whose keys count".to_owned(),
        "targets" => "who may publish which pack".to_owned(),
        "snapshot" => "what belongs together".to_owned(),
        "timestamp" => "that nothing is newer".to_owned(),
        _ => match role.strip_suffix(ROLLOUT) {
            Some(pack) => format!("who gets `{pack}`"),
            None => format!("what is in `{role}`"),
        },
    }
}

impl Change {
    /// Leaves out what is published already: a draft whose publication was cut off is published again.
    pub(super) fn without_what_is(mut self, published: Option<&Repository>) -> Result<Self> {
        let Some(published) = published else { return Ok(self) };
        let mut roots = Vec::new();
        for root in self.roots {
            match published.root_of(root.signed.version)? {
                Some(there) if there.signed == root.signed => {}
                Some(_) | None => roots.push(root),
            }
        }
        self.roots = roots;
        self.roles.retain(|role, document| {
            published.role(role).is_none_or(|there| there.signed != document.signed)
        });
        Ok(self)
    }

    /// The root that will count.
    pub(super) fn root<'a>(&'a self, published: Option<&'a Repository>) -> Result<&'a Root> {
        let last = self.roots.last().or(published.map(|repository| &repository.root));
        last.map(|root| &root.signed).ok_or_else(|| PublishError::unsound("the draft", "it has no root"))
    }

    /// Whether it is the beginning of a repository.
    pub fn begins(&self) -> bool {
        self.roots.iter().any(|root| root.signed.version.get() == 1)
    }

    /// Whose keys would count, and whose would not any more; nobody if the change is about something else.
    pub fn holders(&self, published: Option<&Repository>) -> Result<(Vec<Holder>, Vec<Holder>)> {
        let targets = self.roles.get("targets");
        if self.roots.is_empty() && targets.is_none() {
            return Ok((Vec::new(), Vec::new()));
        }
        let targets = targets.or(published.map(|repository| &repository.targets));
        let targets = targets.ok_or_else(|| PublishError::unsound("the draft", "it has no targets"))?;
        let after = holders(self.root(published)?, &targets.signed);
        let counts = |before: &Holder| after.iter().any(|holder| holder.fingerprint == before.fingerprint);
        let before = published.map(Repository::holders).unwrap_or_default();
        let gone = before.into_iter().filter(|before| !counts(before)).collect();
        Ok((after, gone))
    }

    /// Who would get the releases of each pack this is about.
    pub fn rollouts(&self) -> Result<Vec<Rollout>> {
        let packs = self.roles.keys().filter_map(|role| role.strip_suffix(ROLLOUT));
        packs.map(|pack| self.rollout(pack)).collect()
    }

    /// Who would get the releases of a pack.
    pub(super) fn rollout(&self, pack: &str) -> Result<Rollout> {
        let name = rollout_target(pack);
        let role = self.roles.get(&rollout_role(pack));
        let target = role.and_then(|role| role.signed.targets.iter().find(|(found, _)| found.raw() == name));
        let missing = || PublishError::NotWhole { target: name.clone(), how: "missing" };
        let (_, target) = target.ok_or_else(missing)?;
        let content = self.contents.get(&stored_at(&name, &hex(&target.hashes))).ok_or_else(missing)?;
        let rollout: Rollout =
            serde_json::from_slice(content).map_err(|error| PublishError::unsound(&name, error))?;
        if rollout.pack == pack {
            Ok(rollout)
        } else {
            Err(PublishError::unsound(name, "it is about another pack"))
        }
    }

    /// Who may sign a role of this change.
    fn authority(&self, role: &str, published: Option<&Repository>) -> Result<Authority> {
        if role == "targets" {
            return Ok(Authority::of_root(self.root(published)?, RoleType::Targets));
        }
        let targets = self.roles.get("targets").or(published.map(|repository| &repository.targets));
        targets
            .and_then(|targets| Authority::of_delegation(&targets.signed, role))
            .ok_or_else(|| PublishError::UnknownPack { pack: role.trim_end_matches(ROLLOUT).to_owned() })
    }

    /// Each root, in words, with those who may sign it: whom the one before names, and whom it names itself.
    fn root_authorities<'a>(
        &'a self,
        published: Option<&'a Repository>,
    ) -> impl Iterator<Item = (&'a Signed<Root>, String, Vec<Authority>)> {
        let before = published.map(|repository| &repository.root).into_iter().chain(&self.roots);
        // The first root of all has none before it.
        let before = std::iter::repeat_n(None, usize::from(published.is_none())).chain(before.map(Some));
        self.roots.iter().zip(before).map(|(root, before)| {
            let of = |root: &Signed<Root>| Authority::of_root(&root.signed, RoleType::Root);
            let authorities = before.map(of).into_iter().chain([of(root)]).collect();
            (root, format!("{} (root {})", in_words("root"), root.signed.version), authorities)
        })
    }

    /// Who has to sign what, and did.
    pub fn needs(&self, published: Option<&Repository>) -> Result<Vec<Need>> {
        let mut needs = Vec::new();
        for (root, what, authorities) in self.root_authorities(published) {
            // Where one of the two lets fewer keys count, the other adds nothing.
            let mut telling: Vec<Authority> = Vec::new();
            for authority in authorities {
                if !telling.iter().any(|other| other.implies(&authority)) {
                    telling.retain(|other| !authority.implies(other));
                    telling.push(authority);
                }
            }
            needs.extend(telling.iter().map(|authority| need(authority, root, &what)));
        }
        for (role, document) in &self.roles {
            needs.push(need(&self.authority(role, published)?, document, &in_words(role)));
        }
        Ok(needs)
    }

    /// Refuses what too few signed.
    pub(super) fn check_signatures(&self, published: Option<&Repository>) -> Result<()> {
        for (root, what, authorities) in self.root_authorities(published) {
            authorities.iter().try_for_each(|authority| authority.check(root, &what))?;
        }
        for (role, document) in &self.roles {
            self.authority(role, published)?.check(document, &in_words(role))?;
        }
        Ok(())
    }

    /// Signs every part the key may sign. Gives whose key it is.
    pub fn sign(&mut self, published: Option<&Repository>, signer: &dyn Signer) -> Result<String> {
        let public = signer.public();
        let mut may: Vec<PublicKey> = Vec::new();
        let mut roots: Vec<Option<PublicKey>> = Vec::new();
        for (_, _, authorities) in self.root_authorities(published) {
            may.extend(authorities.iter().flat_map(|authority| authority.keys.clone()));
            roots.push(authorities.iter().find_map(|authority| authority.find(&public).cloned()));
        }
        let mut roles: Vec<Option<PublicKey>> = Vec::new();
        for role in self.roles.keys() {
            let authority = self.authority(role, published)?;
            roles.push(authority.find(&public).cloned());
            may.extend(authority.keys);
        }
        let Some(owner) = roots.iter().chain(&roles).flatten().next().map(PublicKey::owner) else {
            let mut keys = owners(&may);
            keys.sort_unstable();
            keys.dedup();
            return Err(PublishError::WrongKey { what: "this draft".to_owned(), keys });
        };
        let mut added = 0;
        for (root, key) in self.roots.iter_mut().zip(&roots) {
            added += sign_once(root, signer, key.as_ref(), "root")?;
        }
        for ((role, document), key) in self.roles.iter_mut().zip(&roles) {
            added += sign_once(document, signer, key.as_ref(), role)?;
        }
        if added == 0 { Err(PublishError::SignedAlready(owner)) } else { Ok(owner) }
    }
}

fn need<T: Metadata>(authority: &Authority, document: &Signed<T>, what: &str) -> Need {
    Need {
        what: what.to_owned(),
        threshold: authority.threshold,
        keys: owners(&authority.keys),
        signed: owners(&authority.signed(document)),
    }
}

/// How many signatures were added.
fn sign_once<T: Metadata>(
    document: &mut Signed<T>,
    signer: &dyn Signer,
    key: Option<&PublicKey>,
    what: &str,
) -> Result<usize> {
    match key {
        Some(key) if !super::metadata::is_signed_by(document, key) => {
            sign(document, signer, key, what)?;
            Ok(1)
        }
        Some(_) | None => Ok(0),
    }
}
