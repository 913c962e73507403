//! Projects that templates made on this machine, and what the templates of the pack at hand would make differently by now.
//! It changes nothing, and neither does anything else: a project is the person's.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use firstlight_contract::{
    commands::Choice,
    error::Code,
    plan::FileView,
    templates::{ComparedWith, ProjectState, ProjectView, TemplatesView},
};
use firstlight_domain::{expr::Scope, journey::Project, pack::Pack, plan::FileChange};
use firstlight_engine::{
    host::Host,
    providers::scaffold::drift::{self, Against, Comparison, Made, Packs},
};
use serde_json::Value;

use crate::{
    error::{AppError, Result},
    host::AppHost,
    packs,
    session::Firstlight,
    view::count,
};

/// The kind of step that runs a template.
const SCAFFOLD: &str = "scaffold";

/// Whether somebody will see what differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Diffs {
    Shown,
    Kept,
}

impl Firstlight {
    /// How each project stands with its template in a pack: the one named, else a newer release of the journey's that was
    /// received, else the journey's, else the one that was received. Changes nothing.
    pub async fn templates(&self, pack: Option<&Path>) -> Result<TemplatesView> {
        self.look_at_projects(pack, Diffs::Shown).await
    }

    /// How many projects were made from a template that is another one now. Asks the keychain nothing: no diff is shown.
    pub async fn drifted_projects(&self) -> Result<usize> {
        let view = self.look_at_projects(None, Diffs::Kept).await?;
        let drifted = |project: &&ProjectView| {
            matches!(project.state, ProjectState::Drifted { .. } | ProjectState::Incomparable { .. })
        };
        Ok(view.projects.iter().filter(drifted).count())
    }

    async fn look_at_projects(&self, pack: Option<&Path>, diffs: Diffs) -> Result<TemplatesView> {
        let projects = self.with_world(|world| world.projects.clone());
        if projects.is_empty() {
            return Ok(TemplatesView { projects: Vec::new() });
        }
        let pack = self.pack_with_templates(pack)?;
        if let Diffs::Shown = diffs {
            // A file may hold what is masked wherever else it is shown.
            self.load_secrets(&pack).await;
        }
        let looking = self.clone();
        let look = move || looking.stand(&pack, projects);
        tokio::task::spawn_blocking(look).await.map_err(|error| {
            AppError::new(Code::Internal, format!("The projects were not looked at: {error}."))
        })
    }

    fn stand(&self, pack: &Pack, projects: BTreeMap<String, Project>) -> TemplatesView {
        let scope = self.current_journey().ok().map(|mut journey| {
            // A newer release may ask for more; its defaults answer that, as they would in a plan.
            let same =
                Choice { persona: journey.persona.to_string(), inputs: BTreeMap::new(), start_date: None };
            if let Ok(answers) = self.answers(pack, &same) {
                journey.inputs = answers;
            }
            self.journey_scope(pack, &journey)
        });
        let before = self.packs_before(pack);
        let host = AppHost::new(self, None);
        let view = |(path, project): (String, Project)| {
            let state = match drift::look(Path::new(&path)) {
                drift::Project::Gone => ProjectState::Gone,
                drift::Project::Unrecorded => ProjectState::Unrecorded,
                drift::Project::Made(made) if made.template() != project.template => ProjectState::Unrecorded,
                drift::Project::Made(_) if project.pack != pack.name => ProjectState::NoTemplate,
                drift::Project::Made(made) => {
                    let with = scope.as_ref().and_then(|scope| given_now(pack, &project, scope));
                    compared(&made, Path::new(&path), pack, before.clone(), with, &host)
                }
            };
            let Project { step, template, version, .. } = project;
            ProjectView { path, step: step.to_string(), template, version, state }
        };
        TemplatesView { projects: projects.into_iter().map(view).collect() }
    }

    fn pack_with_templates(&self, named: Option<&Path>) -> Result<Arc<Pack>> {
        let load = |root: &Path| packs::load(root, &self.inner.engine).map(Arc::new);
        if let Some(root) = named {
            return load(root);
        }
        let journey = self.current_journey().ok();
        let received = self.releases().current.map(|release| PathBuf::from(release.path));
        if let Some(received) = &received {
            // One that cannot be read is said where packs are opened; the journey's own goes on.
            let pack = load(received).ok();
            let of_journey = |pack: &Arc<Pack>| journey.as_ref().is_none_or(|it| it.pack.name == pack.name);
            if let Some(pack) = pack.filter(of_journey) {
                return Ok(pack);
            }
        }
        match journey {
            Some(journey) => load(Path::new(&journey.pack_path)),
            None => self.pack_at_hand().ok_or_else(AppError::no_journey),
        }
    }

    /// Where templates may be that made something earlier: the journey's pack, and the releases that are still kept.
    fn packs_before(&self, now: &Pack) -> Vec<PathBuf> {
        let of_journey = self.current_journey().ok().map(|journey| PathBuf::from(journey.pack_path));
        let received = self.releases().current.map(|release| PathBuf::from(release.path));
        let kept = received.as_deref().and_then(Path::parent).and_then(|folder| fs::read_dir(folder).ok());
        let kept = kept.into_iter().flatten().flatten().map(|entry| entry.path());
        of_journey.into_iter().chain(kept).filter(|path| *path != now.root).collect()
    }
}

/// What the pack's step gives to the template now, with its expressions computed; none where they cannot be.
fn given_now(pack: &Pack, project: &Project, scope: &Scope) -> Option<Value> {
    let step = pack.steps.get(&project.step).filter(|step| step.uses == SCAFFOLD)?;
    scope.render_value(&step.with).ok().map(|(with, _)| with)
}

fn compared(
    made: &Made,
    folder: &Path,
    pack: &Pack,
    before: Vec<PathBuf>,
    with: Option<Value>,
    host: &AppHost,
) -> ProjectState {
    let steps = pack.steps.values().filter(|step| step.uses == SCAFFOLD);
    let templates = steps.filter_map(|step| step.with.get("template")?.as_str()).collect();
    let with = with.unwrap_or_default();
    match made.compare(folder, &Packs { now: &pack.root, templates, before, with }) {
        Comparison::Same => ProjectState::Current,
        Comparison::NoTemplate => ProjectState::NoTemplate,
        Comparison::CannotTell { version, why } => ProjectState::Incomparable { now: version, reason: why },
        Comparison::Another { version, against, files, more } => ProjectState::Drifted {
            now: version,
            against: match against {
                Against::OlderTemplate => ComparedWith::OlderTemplate,
                Against::FilesAsTheyAre => ComparedWith::FilesAsTheyAre,
            },
            changes: files.into_iter().map(|file| shown(file, host)).collect(),
            more: count(more),
        },
    }
}

/// A change without the stored credentials that stand in it or around it.
fn shown(file: FileChange, host: &AppHost) -> FileView {
    let mut mask = host.mask(&[]);
    let mut diff = mask.push(file.diff.as_bytes());
    diff.extend(mask.finish());
    FileView { path: file.path, diff: String::from_utf8_lossy(&diff).into_owned() }
}
