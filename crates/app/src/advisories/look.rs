//! Looking: the lockfiles of projects and the programs of this machine, matched with advisories. Reads, and nothing more.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use firstlight_advisories::{
    Advisories, Finding, Matched,
    lockfile::{Listed, Lockfile, MAX_LOCKFILE_BYTES},
    package::{Ecosystem, Package},
};
use firstlight_contract::{
    advisories::{LookedAt, Unsure},
    error::Code,
};
use firstlight_domain::{
    finding::{FindingId, Place},
    id::StepId,
};
use firstlight_engine::ToolVersion;

use super::projects;
use crate::{
    error::{AppError, Result},
    view::count,
};

/// A project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Project {
    /// The step that made it; none for a folder that was named.
    pub(super) step: Option<StepId>,
    /// Where it is.
    pub(super) folder: PathBuf,
}

/// Everything that was found out by looking.
#[derive(Debug, Default)]
pub(crate) struct Sight {
    /// What advisories are about.
    pub(super) hits: Vec<Hit>,
    pub(super) looked_at: Vec<LookedAt>,
    pub(super) unsure: Vec<Unsure>,
    pub(super) not_judged: Vec<Unsure>,
    /// Projects that were looked at whole, by step: whatever is known of them and was not found is gone.
    pub(super) whole: BTreeSet<StepId>,
    /// Lockfiles and, as the machine, programs that were not looked at, or could not be read: what is known of them stays.
    pub(super) unread: BTreeSet<(Place, Option<String>)>,
    /// Whether programs were asked.
    pub(super) asked_programs: bool,
    /// The projects that were looked at, by step.
    pub(super) projects: BTreeSet<StepId>,
    /// Whether there are no others.
    pub(super) all_projects: bool,
}

/// Something an advisory is about.
#[derive(Debug, Clone)]
pub(crate) struct Hit {
    pub(super) finding: Finding,
    /// Where; none for a program.
    pub(super) spot: Option<Spot>,
}

/// A lockfile.
#[derive(Debug, Clone)]
pub(crate) struct Spot {
    pub(super) project: Project,
    /// From the project's folder, with `/`.
    pub(super) lockfile: String,
    pub(super) kind: Lockfile,
}

impl Project {
    /// A folder that a person named.
    pub(super) fn named(folder: &Path) -> Result<Self> {
        match std::fs::canonicalize(folder) {
            Ok(folder) if folder.is_dir() => Ok(Self { step: None, folder }),
            _ => Err(AppError::new(Code::Usage, format!("There is no folder {}.", folder.display()))
                .hint("Name the folder of a project.")),
        }
    }

    pub(super) fn name(&self) -> String {
        let name = self.folder.file_name().unwrap_or(self.folder.as_os_str());
        name.to_string_lossy().into_owned()
    }
}

impl Hit {
    /// What tells it from others; none where it is in no project of a step.
    pub(super) fn id(&self) -> Option<FindingId> {
        let package = self.finding.package.as_ref()?;
        let place = match &self.spot {
            None => Place::Machine,
            Some(spot) => {
                Place::Project { step: spot.project.step.clone()?, lockfile: spot.lockfile.clone() }
            }
        };
        Some(FindingId {
            advisory: self.finding.id.clone(),
            package: package.name.clone(),
            version: package.version.clone(),
            place,
        })
    }
}

/// Looks at projects. `all`: there are no others.
pub(super) fn look(advisories: &Advisories, projects: &[Project], all: bool) -> Sight {
    let mut sight = Sight { all_projects: all, ..Sight::default() };
    for project in projects {
        sight.projects.extend(project.step.clone());
        let lockfiles = projects::lockfiles(&project.folder);
        match lockfiles.cut_short {
            Some(why) => sight.unsure.push(Unsure { what: project.folder.display().to_string(), why }),
            None => sight.whole.extend(project.step.clone()),
        }
        for (lockfile, kind) in lockfiles.files {
            let spot = Spot { project: project.clone(), lockfile, kind };
            match read(&spot) {
                Ok(listed) => sight.take(advisories, &spot, &listed),
                Err(why) => {
                    sight.unsure.push(Unsure { what: spot.path().display().to_string(), why });
                    if let Some(step) = spot.project.step.clone() {
                        sight.unread.insert((Place::Project { step, lockfile: spot.lockfile }, None));
                    }
                }
            }
        }
    }
    sight
}

fn read(spot: &Spot) -> std::result::Result<Listed, String> {
    let mut bytes = Vec::new();
    let limit = MAX_LOCKFILE_BYTES as u64 + 1;
    File::open(spot.path())
        .and_then(|file| file.take(limit).read_to_end(&mut bytes))
        .map_err(|error| format!("it cannot be read: {error}"))?;
    spot.kind.read(&bytes).map_err(|error| error.to_string())
}

/// Takes in what programs say of their versions.
pub(super) fn programs(advisories: &Advisories, versions: BTreeMap<String, ToolVersion>, sight: &mut Sight) {
    sight.asked_programs = true;
    for (name, version) in versions {
        match version {
            ToolVersion::Absent => {}
            ToolVersion::Found(version) => {
                let package = Package::new(Ecosystem::Tool, &name, &version);
                sight.looked_at.push(LookedAt { what: format!("{name} {version}"), packages: 1 });
                let matched = advisories.matching([&package]);
                sight.add(matched, None);
            }
            ToolVersion::Unknown(why) => {
                sight.unread.insert((Place::Machine, Some(name.clone())));
                sight.unsure.push(Unsure { what: name, why });
            }
        }
    }
}

impl Spot {
    pub(super) fn path(&self) -> PathBuf {
        self.project.folder.join(&self.lockfile)
    }
}

impl Sight {
    fn take(&mut self, advisories: &Advisories, spot: &Spot, listed: &Listed) {
        let what = spot.path().display().to_string();
        self.looked_at.push(LookedAt { what: what.clone(), packages: count(listed.packages.len()) });
        for left_out in &listed.unjudged {
            let unsure = Unsure { what: format!("{what}: {}", left_out.what), why: left_out.why.clone() };
            let concerned = left_out.name.as_deref();
            let concerned = concerned.is_some_and(|name| advisories.concerns(spot.kind.ecosystem(), name));
            if concerned {
                self.unsure.push(unsure);
            } else {
                self.not_judged.push(unsure);
            }
        }
        self.add(advisories.matching(&listed.packages), Some(spot));
    }

    fn add(&mut self, matched: Matched, spot: Option<&Spot>) {
        let place = spot.map_or_else(String::new, |spot| format!("{}: ", spot.path().display()));
        self.hits.extend(matched.found.into_iter().map(|finding| Hit { finding, spot: spot.cloned() }));
        let unsure = matched.unjudged.into_iter();
        self.unsure.extend(unsure.map(|one| Unsure { what: format!("{place}{}", one.what), why: one.why }));
    }
}
