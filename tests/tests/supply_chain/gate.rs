//! The rules, over texts: what is wrong comes out as lines, one for each thing.

use std::collections::BTreeSet;

use firstlight_advisories::{Advisories, lockfile::Lockfile};
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::Value;

/// What `.cargo/deny.toml` says, as far as it can be looked at without a network.
pub(crate) struct Policy {
    ignored: Vec<Ignored>,
    licences: Vec<spdx::Licensee>,
    registries: Vec<String>,
    repositories: Vec<String>,
}

/// An advisory that does not count until a day.
struct Ignored {
    id: String,
    until: Date,
}

/// A package and the terms it is under.
pub(crate) struct Licensed {
    pub(crate) name: String,
    pub(crate) licence: Option<String>,
}

/// All that is asked.
pub(crate) struct Gate {
    pub(crate) policy: Policy,
    pub(crate) advisories: Advisories,
    pub(crate) today: Date,
}

impl Policy {
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct File {
            advisories: AdvisoriesTable,
            licenses: Licences,
            sources: Sources,
        }
        #[derive(Deserialize)]
        struct AdvisoriesTable {
            ignore: Vec<Entry>,
        }
        #[derive(Deserialize)]
        struct Entry {
            id: String,
            reason: String,
        }
        #[derive(Deserialize)]
        struct Licences {
            allow: Vec<String>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "kebab-case")]
        struct Sources {
            allow_registry: Vec<String>,
            allow_git: Vec<String>,
        }

        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        let ignored = file.advisories.ignore.into_iter().map(|Entry { id, reason }| {
            let form = || format!("{id} is ignored without a reason of the form `until YYYY-MM-DD: why`");
            let (day, why) =
                reason.strip_prefix("until ").and_then(|it| it.split_once(':')).ok_or_else(form)?;
            let until = day.parse().map_err(|_| form())?;
            if why.trim().is_empty() { Err(form()) } else { Ok(Ignored { id, until }) }
        });
        let licences = file.licenses.allow.iter().map(|licence| {
            spdx::Licensee::parse(licence).map_err(|error| format!("`{licence}` is no licence: {error}"))
        });
        Ok(Self {
            ignored: ignored.collect::<Result<_, _>>()?,
            licences: licences.collect::<Result<_, _>>()?,
            registries: file.sources.allow_registry.iter().map(|url| format!("registry+{url}")).collect(),
            repositories: file.sources.allow_git.iter().map(|url| format!("git+{url}")).collect(),
        })
    }

    fn allows(&self, source: &str) -> bool {
        let place = source.split(['?', '#']).next().unwrap_or_default();
        self.registries.iter().chain(&self.repositories).any(|allowed| allowed == place)
    }
}

impl Gate {
    /// What is wrong with a `Cargo.lock`: holes, and sources.
    pub(crate) fn cargo(&self, lock: &str) -> Vec<String> {
        #[derive(Deserialize)]
        struct File {
            package: Vec<Package>,
        }
        #[derive(Deserialize)]
        struct Package {
            name: String,
            version: String,
            source: Option<String>,
            checksum: Option<String>,
        }

        let mut found = self.holes(Lockfile::Cargo, lock);
        let file: File = match toml::from_str(lock) {
            Ok(file) => file,
            Err(error) => return vec![format!("Cargo.lock cannot be read: {error}")],
        };
        for Package { name, version, source, checksum } in file.package {
            // Without a source it is ours.
            let Some(source) = source else { continue };
            if !self.policy.allows(&source) {
                found.push(format!("{name} {version} comes from {source}, which is not listed"));
            }
            if checksum.is_none() && !source.starts_with("git+") {
                found.push(format!("{name} {version} has no checksum"));
            }
        }
        found
    }

    /// What is wrong with a `package-lock.json`: holes, sources, and the licences of what is shipped.
    pub(crate) fn npm(&self, lock: &str) -> Vec<String> {
        let mut found = self.holes(Lockfile::Npm, lock);
        let Ok(file) = serde_json::from_str::<Value>(lock) else {
            return vec!["package-lock.json is not JSON".to_owned()];
        };
        let mut shipped = Vec::new();
        for (path, package) in file["packages"].as_object().into_iter().flatten() {
            if path.is_empty() {
                continue;
            }
            if let Some(source) = package["resolved"].as_str()
                && !source.starts_with("https://registry.npmjs.org/")
            {
                found.push(format!("{path} comes from {source}, which is not listed"));
            }
            if !package["integrity"].is_string() {
                found.push(format!("{path} has no checksum"));
            }
            if package["dev"] != true {
                let licence = package["license"].as_str().map(str::to_owned);
                shipped.push(Licensed { name: path.replace("node_modules/", ""), licence });
            }
        }
        found.extend(self.licences(&shipped));
        found
    }

    /// Which of these are under terms that are not listed.
    pub(crate) fn licences(&self, packages: &[Licensed]) -> Vec<String> {
        let mut found = Vec::new();
        for Licensed { name, licence } in packages {
            let Some(licence) = licence else {
                found.push(format!("{name} names no licence"));
                continue;
            };
            let allowed =
                spdx::Expression::parse_mode(licence, spdx::ParseMode::LAX).is_ok_and(|expression| {
                    expression
                        .evaluate(|asked| self.policy.licences.iter().any(|allowed| allowed.satisfies(asked)))
                });
            if !allowed {
                found.push(format!("{name} is under {licence}, which is not listed"));
            }
        }
        found
    }

    /// Which ignores count no longer, or for nothing.
    pub(crate) fn ignores(&self, cargo: &[&str], npm: &[&str]) -> Vec<String> {
        let locks = cargo.iter().map(|lock| (Lockfile::Cargo, *lock));
        let locks = locks.chain(npm.iter().map(|lock| (Lockfile::Npm, *lock)));
        let there: BTreeSet<String> = locks.flat_map(|(kind, lock)| self.ids(kind, lock)).collect();
        let mut found = Vec::new();
        for Ignored { id, until } in &self.policy.ignored {
            if *until < self.today {
                found.push(format!(
                    "ignoring {id} has expired on {until}: look again, then mend it or say why not yet"
                ));
            }
            if !there.contains(id) {
                found.push(format!("there is nothing to ignore about {id}: take it out of .cargo/deny.toml"));
            }
        }
        found
    }

    /// The ids of all that is known about a lockfile, ignored or not.
    fn ids(&self, kind: Lockfile, lock: &str) -> Vec<String> {
        let listed = kind.read(lock.as_bytes()).map(|listed| listed.packages).unwrap_or_default();
        let found = self.advisories.matching(&listed).found;
        found.into_iter().flat_map(|finding| finding.aliases.into_iter().chain([finding.id])).collect()
    }

    fn holes(&self, kind: Lockfile, lock: &str) -> Vec<String> {
        let listed = match kind.read(lock.as_bytes()) {
            Ok(listed) => listed,
            Err(error) => return vec![format!("the lockfile cannot be read: {error}")],
        };
        let matched = self.advisories.matching(&listed.packages);
        let counts = |id: &str| {
            self.policy.ignored.iter().any(|ignored| ignored.id == id && ignored.until >= self.today)
        };
        let mut found = Vec::new();
        for finding in matched.found {
            if counts(&finding.id) || finding.aliases.iter().any(|id| counts(id)) {
                continue;
            }
            let what = finding.package.map(|it| format!("{} {}", it.name, it.version)).unwrap_or_default();
            let fix = finding
                .fixed
                .map_or("no version is without it".to_owned(), |fixed| format!("{fixed} is without it"));
            found.push(format!("{what}: {} ({}); {fix}", finding.title, finding.id));
        }
        found.extend(matched.unjudged.into_iter().map(|it| format!("{}: {}", it.what, it.why)));
        found
    }
}
