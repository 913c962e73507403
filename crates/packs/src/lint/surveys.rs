//! Surveys: who and what they name is there, and each question goes by an earlier one only.

use std::ops::Range;

use firstlight_domain::{
    id::{ChoiceId, PersonaId, QuestionId, StepId},
    survey::{Condition, Question, QuestionKind, Test},
};
use indexmap::IndexMap;

use super::{expressions, graph::Needs};
use crate::{
    names,
    problem::{ProblemCode, Problems},
    read::{Draft, survey::SurveyDraft},
};

pub(super) fn check(draft: &Draft<'_, '_>, needs: &Needs<'_>, problems: &mut Problems<'_>) {
    for survey in draft.surveys.values() {
        people_and_steps(survey, draft, problems);
        expressions::check_survey(survey, draft, needs, problems);
        for (asked, span) in &survey.conditions {
            if let Some(condition) =
                survey.survey.questions.get(asked).and_then(|question| question.show_if.as_ref())
            {
                goes_by(asked, condition, &survey.survey.questions, span, problems);
            }
        }
    }
}

fn people_and_steps(survey: &SurveyDraft<'_>, draft: &Draft<'_, '_>, problems: &mut Problems<'_>) {
    for (persona, span) in &survey.personas {
        if !draft.personas.contains_key(persona) {
            let known: Vec<&str> = draft.personas.keys().map(PersonaId::as_str).collect();
            problems
                .error(ProblemCode::BadSurvey, span.clone(), format!("there is no persona `{persona}`"))
                .help(names::did_you_mean(persona.as_str(), &known, "personas"));
        }
    }
    let known: Vec<&str> = draft.steps.keys().map(StepId::as_str).collect();
    for (step, span) in &survey.after {
        if !draft.steps.contains_key(step) && !draft.unreadable.contains(step) {
            problems
                .error(ProblemCode::MissingStep, span.clone(), format!("there is no step `{step}`"))
                .help(names::did_you_mean(step.as_str(), &known, "steps"));
        }
    }
}

/// Whether a question comes after the one whose answer it goes by, and that one can be answered so.
fn goes_by(
    asked: &QuestionId,
    Condition { question: other, test }: &Condition,
    questions: &IndexMap<QuestionId, Question>,
    span: &Range<usize>,
    problems: &mut Problems<'_>,
) {
    let (here, there) = (questions.get_index_of(asked), questions.get_index_of(other));
    let Some(target) = questions.get(other) else {
        let known: Vec<&str> =
            questions.keys().map(QuestionId::as_str).filter(|id| *id != asked.as_str()).collect();
        problems
            .error(ProblemCode::BadSurvey, span.clone(), format!("there is no question `{other}` here"))
            .help(names::did_you_mean(other.as_str(), &known, "other questions"));
        return;
    };
    if leads_to(other, asked, questions) {
        problems
            .error(
                ProblemCode::Cycle,
                span.clone(),
                format!("`{asked}` waits for an answer that itself waits for `{asked}`, so it is never seen"),
            )
            .help("let one of them be seen without the other: remove its `show-if`");
        return;
    }
    if there >= here {
        problems
            .error(
                ProblemCode::BadSurvey,
                span.clone(),
                format!("`{asked}` goes by the answer to `{other}`, which is asked after it"),
            )
            .help(format!("move `{other}` before `{asked}`"));
        return;
    }
    fits(other, &target.kind, test, span, problems);
}

/// Whether `from` goes by `to`, directly or through others.
fn leads_to(from: &QuestionId, to: &QuestionId, questions: &IndexMap<QuestionId, Question>) -> bool {
    let mut current = from;
    // Each goes by one other at most: so many steps visit everything there is.
    for _ in 0..=questions.len() {
        if current == to {
            return true;
        }
        match questions.get(current).and_then(|question| question.show_if.as_ref()) {
            Some(condition) => current = &condition.question,
            None => return false,
        }
    }
    false
}

fn fits(
    other: &QuestionId,
    kind: &QuestionKind,
    test: &Test,
    span: &Range<usize>,
    problems: &mut Problems<'_>,
) {
    let (message, help) = match (kind, test, kind.scale()) {
        (_, Test::Between(low, high), Some((first, last))) => {
            if low <= high && *high >= first && *low <= last {
                return;
            }
            let message = format!("no answer to `{other}` is from {low} to {high}");
            (message, format!("its answers are from {first} to {last}"))
        }
        (QuestionKind::Choice { options, .. }, Test::AnyOf(wanted), None) => {
            let known: Vec<&str> = options.keys().map(ChoiceId::as_str).collect();
            match wanted.iter().find(|one| !options.contains_key(*one)) {
                Some(unknown) => {
                    let message = format!("`{unknown}` is not an option of `{other}`");
                    (message, names::did_you_mean(unknown.as_str(), &known, "options"))
                }
                None if wanted.is_empty() => {
                    ("`is` names no option".to_owned(), format!("the options are {}", names::list(known)))
                }
                None => return,
            }
        }
        (QuestionKind::Choice { .. }, ..) => {
            let message = format!("`{other}` is a choice and has no scale");
            (message, "write `is: [option]`".to_owned())
        }
        (QuestionKind::Text, ..) => {
            let message = format!("`{other}` is answered in free words, which nothing can go by");
            (message, "go by a scale or a choice".to_owned())
        }
        (_, Test::AnyOf(_), _) => {
            (format!("`{other}` is a scale"), "write `at-least` or `at-most`".to_owned())
        }
        (_, Test::Between(..), None) => return,
    };
    problems.error(ProblemCode::BadSurvey, span.clone(), message).help(help);
}
