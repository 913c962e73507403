//! What a release of a pack changes against an older one, in people's terms: who gets what, what steps may newly do, and
//! what becomes of somebody who is on the way.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{
    id::{InputName, PersonaId, StageId, StepId},
    kind::Capabilities,
    pack::{Elevation, Pack, Probe, Step},
};

/// One content of a pack, as far as two are compared.
#[derive(Clone, Copy)]
pub struct Release<'a> {
    /// The pack.
    pub pack: &'a Pack,
    /// Its files: pack-relative path with `/`, SHA-256 of the content.
    pub files: &'a BTreeMap<String, String>,
    /// What a step declares to need, by its kind.
    pub needs: &'a dyn Fn(&Step) -> Capabilities,
}

/// Everything that differs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// By persona; those whose checklist is as it was are left out.
    pub personas: Vec<PersonaChange>,
    /// What steps may newly do.
    pub powers: Vec<Power>,
    /// Questions that are newly asked, and whether they have an answer of their own.
    pub asked: Vec<(InputName, bool)>,
    /// Questions that are not asked any more.
    pub not_asked: Vec<InputName>,
}

/// What differs for one persona.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonaChange {
    /// Who.
    pub persona: PersonaId,
    /// What becomes of their checklist.
    pub fate: Fate,
    /// Steps that differ, in the order of the newer checklist, those that are gone last.
    pub steps: Vec<StepChange>,
    /// The step that stops the clock, before and after, where it is another one.
    pub first_value: Option<(StepId, StepId)>,
    /// How many steps are as they were, or only worded differently: who has done them stays done with them.
    pub stay: usize,
}

/// What becomes of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It was not there before.
    New,
    /// It is there in both.
    Stays,
    /// It is not there any more.
    Gone,
}

/// A step that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepChange {
    /// Which.
    pub step: StepId,
    /// What becomes of it.
    pub fate: Fate,
    /// In what it differs; empty unless it stays.
    pub aspects: BTreeSet<Aspect>,
    /// The stage it was in and the one it is in, where they differ.
    pub moved: Option<(StageId, StageId)>,
}

impl StepChange {
    /// Whether somebody who has done it is looked at again: it does something else now.
    pub fn is_done_anew(&self) -> bool {
        self.fate == Fate::Stays && does_something_else(&self.aspects)
    }
}

/// In what a step can differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aspect {
    /// What it does: kind, parameters, outputs.
    What,
    /// A file of the pack that it uses.
    Files,
    /// Where and after what it is done: condition, needs.
    When,
    /// With which rights, secrets, patience: elevation, secrets, timeout, retries, restart, failure, probe.
    How,
    /// Title, reason, follow-up, owner, estimate, promise.
    Words,
}

/// Something a step may do that no step could before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Power {
    /// A step has administrator rights that had none, or does something else with them.
    Elevated(StepId),
    /// A program from outside is run that was not run before, or not with this content.
    Program(StepId),
    /// Something is reached that was not reached before, by these steps.
    Reach(Reach, String, Vec<StepId>),
}

/// What a step can reach by its own declaration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// A host, contacted.
    Host,
    /// A folder or file, written.
    Write,
    /// A folder or file, read by a program from outside.
    Read,
    /// A credential, used.
    Secret,
}

/// Compares two releases.
pub fn changes(old: Release<'_>, new: Release<'_>) -> Changes {
    let ids: BTreeSet<&InputName> = old.pack.inputs.keys().chain(new.pack.inputs.keys()).collect();
    let mut found = Changes { powers: powers(old, new), ..Changes::default() };
    for id in ids {
        match (old.pack.inputs.get(id), new.pack.inputs.get(id)) {
            (None, Some(input)) => found.asked.push((id.clone(), input.default.is_some())),
            (Some(_), None) => found.not_asked.push(id.clone()),
            (Some(_), Some(_)) | (None, None) => {}
        }
    }
    let gone = old.pack.checklists.keys().filter(|id| !new.pack.checklists.contains_key(*id));
    for persona in new.pack.checklists.keys().chain(gone) {
        let change = persona_change(old, new, persona);
        let same = change.fate == Fate::Stays && change.steps.is_empty() && change.first_value.is_none();
        if !same {
            found.personas.push(change);
        }
    }
    found
}

fn persona_change(old: Release<'_>, new: Release<'_>, persona: &PersonaId) -> PersonaChange {
    let places = |pack: &Pack| -> Vec<(StepId, StageId)> {
        let stages = pack.checklists.get(persona).into_iter().flat_map(|list| &list.stages);
        stages.flat_map(|stage| stage.steps.iter().map(|step| (step.clone(), stage.id.clone()))).collect()
    };
    let (before, after) = (places(old.pack), places(new.pack));
    let was: BTreeMap<&StepId, &StageId> = before.iter().map(|(step, stage)| (step, stage)).collect();
    let is: BTreeSet<&StepId> = after.iter().map(|(step, _)| step).collect();
    let mut steps = Vec::new();
    let mut stay = 0;
    for (step, stage) in &after {
        let change = match (was.get(step), old.pack.steps.get(step), new.pack.steps.get(step)) {
            (Some(from), Some(before), Some(now)) => StepChange {
                step: step.clone(),
                fate: Fate::Stays,
                aspects: aspects(before, now, &changed_files(old, new)),
                moved: (*from != stage).then(|| ((*from).clone(), stage.clone())),
            },
            _ => StepChange { step: step.clone(), fate: Fate::New, aspects: BTreeSet::new(), moved: None },
        };
        if change.fate == Fate::Stays && !change.is_done_anew() {
            stay += 1;
        }
        if change.fate == Fate::New || !change.aspects.is_empty() || change.moved.is_some() {
            steps.push(change);
        }
    }
    let gone = before.iter().filter(|(step, _)| !is.contains(step));
    steps.extend(gone.map(|(step, _)| StepChange {
        step: step.clone(),
        fate: Fate::Gone,
        aspects: BTreeSet::new(),
        moved: None,
    }));
    let fate = match (before.is_empty(), after.is_empty()) {
        (true, false) => Fate::New,
        (false, true) => Fate::Gone,
        (true, true) | (false, false) => Fate::Stays,
    };
    let goal = |pack: &Pack| pack.first_value(persona).map(|step| step.id.clone());
    let first_value = goal(old.pack).zip(goal(new.pack)).filter(|(before, after)| before != after);
    PersonaChange { persona: persona.clone(), fate, steps, first_value, stay }
}

fn does_something_else(aspects: &BTreeSet<Aspect>) -> bool {
    aspects.iter().any(|aspect| *aspect != Aspect::Words)
}

/// Files whose content differs, or which only one of the two has.
fn changed_files<'a>(old: Release<'a>, new: Release<'a>) -> BTreeSet<&'a str> {
    let paths = old.files.keys().chain(new.files.keys());
    paths.filter(|path| old.files.get(*path) != new.files.get(*path)).map(String::as_str).collect()
}

/// In what a step differs. A step uses a file of the pack if its parameters name it, or a folder it is in.
fn aspects(old: &Step, new: &Step, changed_files: &BTreeSet<&str>) -> BTreeSet<Aspect> {
    let what = |step: &Step| (step.uses.clone(), step.with.clone(), step.outputs.clone());
    let when = |step: &Step| (step.condition.clone(), step.needs.iter().cloned().collect::<BTreeSet<_>>());
    let how = |step: &Step| {
        (
            step.elevation,
            step.secrets.clone(),
            step.timeout,
            (step.retries, step.restart, step.on_failure),
            step.probe.clone(),
        )
    };
    let words = |step: &Step| {
        let said = (step.title.clone(), step.why.clone(), step.follow_up.clone());
        (said, step.owner.clone(), step.estimate, step.sla.clone())
    };
    let mut texts = Vec::new();
    texts_in(&new.with, &mut texts);
    let uses_changed_file = changed_files.iter().any(|file| texts.iter().any(|text| names(text, file)));
    let found = [
        (Aspect::What, what(old) != what(new)),
        (Aspect::Files, uses_changed_file),
        (Aspect::When, when(old) != when(new)),
        (Aspect::How, how(old) != how(new)),
        (Aspect::Words, words(old) != words(new)),
    ];
    found.into_iter().filter(|(_, differs)| *differs).map(|(aspect, _)| aspect).collect()
}

fn texts_in<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(items) => items.iter().for_each(|item| texts_in(item, found)),
        Value::Object(fields) => fields.values().for_each(|item| texts_in(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn names(text: &str, file: &str) -> bool {
    let folder = text.trim_start_matches("./").trim_end_matches('/');
    text.contains(file)
        || (!folder.is_empty() && file.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')))
}

/// What the steps of all checklists may newly do.
fn powers(old: Release<'_>, new: Release<'_>) -> Vec<Power> {
    let files = changed_files(old, new);
    let does_else = |step: &Step| {
        old.pack.steps.get(&step.id).is_none_or(|before| does_something_else(&aspects(before, step, &files)))
    };
    let elevated = |release: Release<'_>, step: &Step| {
        step.elevation == Elevation::Elevated || (release.needs)(step).elevation
    };
    let mut found = Vec::new();
    let steps = || new.pack.steps.values();
    for step in steps() {
        let had = old.pack.steps.get(&step.id).is_some_and(|before| elevated(old, before));
        if elevated(new, step) && (!had || does_else(step)) {
            found.push(Power::Elevated(step.id.clone()));
        }
    }
    found.extend(
        steps()
            .filter(|step| step.uses == "external" && does_else(step))
            .map(|step| Power::Program(step.id.clone())),
    );
    let known: BTreeSet<(Reach, String)> =
        old.pack.steps.values().flat_map(|step| reached(step, (old.needs)(step))).collect();
    let mut wanted: BTreeMap<(Reach, String), BTreeSet<StepId>> = BTreeMap::new();
    for step in steps() {
        for reach in reached(step, (new.needs)(step)).into_iter().filter(|reach| !known.contains(reach)) {
            wanted.entry(reach).or_default().insert(step.id.clone());
        }
    }
    let reaches = wanted.into_iter();
    found
        .extend(reaches.map(|((reach, name), steps)| Power::Reach(reach, name, steps.into_iter().collect())));
    found
}

fn reached(step: &Step, needs: Capabilities) -> Vec<(Reach, String)> {
    let all = |reach: Reach, names: Vec<String>| names.into_iter().map(move |name| (reach, name));
    let handed = step.secrets.names().map(ToString::to_string).collect();
    let probed = step.probe.as_ref().and_then(Probe::host).into_iter().collect();
    all(Reach::Host, needs.hosts)
        .chain(all(Reach::Host, probed))
        .chain(all(Reach::Write, needs.paths))
        .chain(all(Reach::Read, needs.reads))
        .chain(all(Reach::Secret, needs.secrets))
        .chain(all(Reach::Secret, handed))
        .collect()
}
