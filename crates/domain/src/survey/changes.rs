//! What a release of a pack asks people that the one before did not, or otherwise.

use std::collections::BTreeSet;

use super::Survey;
use crate::{changes::Fate, id::SurveyId, pack::Pack};

/// A survey that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SurveyChange {
    /// Which.
    pub survey: SurveyId,
    /// What becomes of it.
    pub fate: Fate,
    /// In what it differs; empty unless it stays.
    pub aspects: BTreeSet<SurveyAspect>,
}

/// In what a survey can differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SurveyAspect {
    /// When it is asked.
    When,
    /// Who is asked.
    Whom,
    /// Who sees the answers.
    Audience,
    /// What is asked.
    Questions,
    /// Whether, and why, it is asked of people who were asked lately.
    Sooner,
    /// What it is called.
    Title,
}

/// Those that differ, in the order of the newer pack, those that are gone last.
pub fn changes(old: &Pack, new: &Pack) -> Vec<SurveyChange> {
    let there = new.surveys.iter().filter_map(|(id, now)| {
        let (fate, aspects) = match old.surveys.get(id) {
            Some(before) => (Fate::Stays, aspects(before, now)),
            None => (Fate::New, BTreeSet::new()),
        };
        let differs = fate == Fate::New || !aspects.is_empty();
        differs.then(|| SurveyChange { survey: id.clone(), fate, aspects })
    });
    let gone = old.surveys.keys().filter(|id| !new.surveys.contains_key(*id));
    let gone = gone.map(|id| SurveyChange { survey: id.clone(), fate: Fate::Gone, aspects: BTreeSet::new() });
    there.chain(gone).collect()
}

fn aspects(old: &Survey, new: &Survey) -> BTreeSet<SurveyAspect> {
    let whom = |survey: &Survey| {
        (survey.personas.iter().cloned().collect::<BTreeSet<_>>(), survey.condition.clone())
    };
    let found = [
        (SurveyAspect::When, old.triggers != new.triggers),
        (SurveyAspect::Whom, whom(old) != whom(new)),
        (SurveyAspect::Audience, old.audience != new.audience),
        // The order counts: a question goes by those before it.
        (SurveyAspect::Questions, !old.questions.iter().eq(new.questions.iter())),
        (SurveyAspect::Sooner, old.sooner != new.sooner),
        (SurveyAspect::Title, old.title != new.title),
    ];
    found.into_iter().filter(|(_, differs)| *differs).map(|(aspect, _)| aspect).collect()
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Question, QuestionKind, Trigger},
        *,
    };
    use crate::id::{PersonaId, QuestionId};

    #[test]
    fn each_thing_that_differs_is_named_and_nothing_else() {
        let before = super::super::tests::survey(
            "a",
            vec![
                ("q", super::super::tests::question(QuestionKind::Csat)),
                ("r", super::super::tests::question(QuestionKind::Text)),
            ],
        );
        let differs = |change: &dyn Fn(&mut Survey)| {
            let mut after = before.clone();
            change(&mut after);
            aspects(&before, &after).into_iter().collect::<Vec<_>>()
        };
        assert_eq!(differs(&|_| {}), []);
        assert_eq!(differs(&|survey| survey.triggers.push(Trigger::Day(7))), [SurveyAspect::When]);
        let persona = || PersonaId::new("dev").unwrap();
        assert_eq!(differs(&|survey| survey.personas.push(persona())), [SurveyAspect::Whom]);
        assert_eq!(differs(&|survey| survey.condition = Some("true".to_owned())), [SurveyAspect::Whom]);
        assert_eq!(differs(&|survey| survey.audience.push('s')), [SurveyAspect::Audience]);
        assert_eq!(differs(&|survey| survey.sooner = Some("Now.".to_owned())), [SurveyAspect::Sooner]);
        assert_eq!(differs(&|survey| survey.title.push('s')), [SurveyAspect::Title]);
        assert_eq!(differs(&|survey| survey.questions.reverse()), [SurveyAspect::Questions]);
        let other = |survey: &mut Survey| {
            let question = Question { text: "Else?".to_owned(), kind: QuestionKind::Csat, show_if: None };
            survey.questions.insert(QuestionId::new("q").unwrap(), question);
        };
        assert_eq!(differs(&other), [SurveyAspect::Questions]);
    }
}
