//! Two releases of a pack, compared.

use std::{collections::BTreeMap, path::Path};

use firstlight_contract::{
    pack_diff::{
        AskedView, DiffView, FateView, FirstValueDiff, PersonaDiff, PowerView, StepDiff, SurveyDiff,
    },
    surveys::{QuestionOutline, SurveyOutline},
};
use firstlight_domain::{
    changes::{Aspect, Fate, PersonaChange, Power, Reach, Release, StepChange, changes},
    id::{PersonaId, QuestionId, StepId},
    pack::{Pack, Policy, Step},
    survey::{
        self, Question, Survey,
        changes::{SurveyAspect, SurveyChange},
    },
};
use firstlight_engine::Engine;
use indexmap::IndexMap;
use semver::Version;

use super::load;
use crate::{
    error::Result,
    view::{count, stage_of},
};

/// What the pack in `new` changes against the one in `old`. Both must hold together.
pub fn diff(old: &Path, new: &Path) -> Result<DiffView> {
    let engine = Engine::new();
    let (old_pack, new_pack) = (load(old, &engine)?, load(new, &engine)?);
    let (old_files, new_files) = (firstlight_packs::digests(old)?, firstlight_packs::digests(new)?);
    Ok(compared(&engine, (&old_pack, &old_files), (&new_pack, &new_files)))
}

/// What is in a pack that comes after none: who gets what, and what its steps may do.
pub(crate) fn diff_from_nothing(new: &Path) -> Result<DiffView> {
    let engine = Engine::new();
    let (pack, files) = (load(new, &engine)?, firstlight_packs::digests(new)?);
    let nothing = Pack {
        version: Version::new(0, 0, 0),
        inputs: IndexMap::new(),
        personas: IndexMap::new(),
        checklists: IndexMap::new(),
        steps: IndexMap::new(),
        surveys: IndexMap::new(),
        policy: Policy::default(),
        ..pack.clone()
    };
    Ok(compared(&engine, (&nothing, &Files::new()), (&pack, &files)))
}

/// The digest of each file.
type Files = BTreeMap<String, String>;

fn compared(engine: &Engine, old: (&Pack, &Files), new: (&Pack, &Files)) -> DiffView {
    let needs = |step: &Step| engine.capabilities(step);
    let release = |(pack, files)| Release { pack, files, needs: &needs };
    let found = changes(release(old), release(new));
    let both = Both { old: old.0, new: new.0 };
    DiffView {
        pack: both.new.name.to_string(),
        from: both.old.version.to_string(),
        to: both.new.version.to_string(),
        is_update: both.old.name == both.new.name && both.old.version < both.new.version,
        personas: found.personas.iter().map(|change| both.persona(change)).collect(),
        powers: found.powers.iter().map(|power| both.power(power)).collect(),
        asked: found
            .asked
            .iter()
            .map(|(name, has_default)| AskedView {
                name: name.to_string(),
                title: both.new.inputs.get(name).map_or_else(String::new, |input| input.title.clone()),
                has_default: *has_default,
            })
            .collect(),
        not_asked: found.not_asked.iter().map(ToString::to_string).collect(),
        surveys: survey::changes::changes(both.old, both.new)
            .iter()
            .filter_map(|change| both.survey(change))
            .collect(),
    }
}

/// The two, for the words of what differs.
struct Both<'a> {
    old: &'a Pack,
    new: &'a Pack,
}

impl Both<'_> {
    fn persona(&self, change: &PersonaChange) -> PersonaDiff {
        let id = &change.persona;
        let persona = self.new.personas.get(id).or_else(|| self.old.personas.get(id));
        PersonaDiff {
            id: id.to_string(),
            title: persona.map_or_else(|| id.to_string(), |persona| persona.title.clone()),
            fate: fate(change.fate),
            steps: change.steps.iter().map(|step| self.step(id, step)).collect(),
            first_value: change
                .first_value
                .as_ref()
                .map(|(from, to)| FirstValueDiff { from: title(self.old, from), to: title(self.new, to) }),
            stay_done: count(change.stay),
        }
    }

    fn step(&self, persona: &PersonaId, change: &StepChange) -> StepDiff {
        let is_placed = change.fate == Fate::New || change.moved.is_some();
        let stage = || {
            let id = stage_of(self.new, persona, &change.step)?;
            let stages = &self.new.checklists.get(persona)?.stages;
            stages.iter().find(|stage| stage.id == *id).map(|stage| stage.title.clone())
        };
        let of = if change.fate == Fate::Gone { self.old } else { self.new };
        StepDiff {
            id: change.step.to_string(),
            title: title(of, &change.step),
            fate: fate(change.fate),
            aspects: change.aspects.iter().map(|aspect| aspect_name(*aspect).to_owned()).collect(),
            stage: is_placed.then(stage).flatten(),
            looked_at_again: change.is_done_anew(),
        }
    }

    fn survey(&self, change: &SurveyChange) -> Option<SurveyDiff> {
        let of = if change.fate == Fate::Gone { self.old } else { self.new };
        Some(SurveyDiff {
            survey: outline(of, of.surveys.get(&change.survey)?),
            fate: fate(change.fate),
            aspects: change.aspects.iter().map(|aspect| survey_aspect_name(*aspect).to_owned()).collect(),
        })
    }

    fn power(&self, power: &Power) -> PowerView {
        let (name, what, steps) = match power {
            Power::Elevated(step) => ("elevated", self.as_written(step), std::slice::from_ref(step)),
            Power::Program(step) => ("program", self.as_written(step), std::slice::from_ref(step)),
            Power::Reach(reach, what, steps) => (reach_name(*reach), what.clone(), steps.as_slice()),
        };
        let steps = steps.iter().map(|step| title(self.new, step)).collect();
        PowerView { power: name.to_owned(), what, steps }
    }

    /// A step's kind and parameters, as the pack has them.
    fn as_written(&self, step: &StepId) -> String {
        self.new.steps.get(step).map_or_else(String::new, |step| format!("{} {}", step.uses, step.with))
    }
}

fn title(pack: &Pack, step: &StepId) -> String {
    pack.steps.get(step).map_or_else(|| step.to_string(), |step| step.title.clone())
}

fn fate(fate: Fate) -> FateView {
    match fate {
        Fate::New => FateView::New,
        Fate::Stays => FateView::Stays,
        Fate::Gone => FateView::Gone,
    }
}

fn aspect_name(aspect: Aspect) -> &'static str {
    match aspect {
        Aspect::What => "what",
        Aspect::Files => "files",
        Aspect::When => "when",
        Aspect::How => "how",
        Aspect::Words => "words",
    }
}

fn survey_aspect_name(aspect: SurveyAspect) -> &'static str {
    match aspect {
        SurveyAspect::When => "when",
        SurveyAspect::Whom => "whom",
        SurveyAspect::Audience => "audience",
        SurveyAspect::Questions => "questions",
        SurveyAspect::Sooner => "sooner",
        SurveyAspect::Title => "title",
    }
}

/// A survey as its pack has it.
pub(super) fn outline(pack: &Pack, survey: &Survey) -> SurveyOutline {
    let persona = |id: &PersonaId| {
        pack.personas.get(id).map_or_else(|| id.to_string(), |persona| persona.title.clone())
    };
    let question = |(id, question): (&QuestionId, &Question)| QuestionOutline {
        id: id.to_string(),
        kind: question.kind.name().to_owned(),
        text: question.text.clone(),
        goes_by: question.show_if.as_ref().map(|condition| condition.question.to_string()),
    };
    SurveyOutline {
        id: survey.id.to_string(),
        title: survey.title.clone(),
        audience: survey.audience.clone(),
        when: survey.triggers.iter().map(ToString::to_string).collect(),
        personas: survey.personas.iter().map(persona).collect(),
        condition: survey.condition.clone(),
        sooner: survey.sooner.clone(),
        questions: survey.questions.iter().map(question).collect(),
    }
}

fn reach_name(reach: Reach) -> &'static str {
    match reach {
        Reach::Host => "host",
        Reach::Write => "write",
        Reach::Read => "read",
        Reach::Secret => "secret",
    }
}
