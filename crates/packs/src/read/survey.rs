//! `surveys:`, read field by field; what the parts say of each other is the linter's.

use std::ops::Range;

use firstlight_domain::{
    id::{ChoiceId, PersonaId, QuestionId, StepId, SurveyId},
    survey::{Condition, Question, QuestionKind, Survey, Test, Trigger},
};
use indexmap::IndexMap;

use super::{
    entries,
    fields::{Fields, id, text},
    key_of,
};
use crate::{
    names,
    node::Node,
    problem::{ProblemCode, Problems},
};

pub(crate) const SURVEY_FIELDS: &[&str] =
    &["title", "audience", "ask", "personas", "if", "even-if-asked-lately", "questions"];
pub(crate) const QUESTION_FIELDS: &[&str] = &["kind", "text", "platform", "options", "several", "show-if"];
pub(crate) const SHOW_IF_FIELDS: &[&str] = &["question", "at-least", "at-most", "is"];
pub(crate) const KINDS: &[&str] = &["nps", "csat", "ces", "choice", "text"];
/// A day of a journey on which something may be asked.
const LAST_DAY: u16 = 365;

/// A survey, and where its parts are.
pub(crate) struct SurveyDraft<'n> {
    pub(crate) survey: Survey,
    pub(crate) node: &'n Node,
    pub(crate) personas: Vec<(PersonaId, Range<usize>)>,
    /// The steps it is asked after.
    pub(crate) after: Vec<(StepId, Range<usize>)>,
    /// Where each question's `show-if` is.
    pub(crate) conditions: IndexMap<QuestionId, Range<usize>>,
}

pub(super) fn surveys<'n>(
    top: &Fields<'n>,
    problems: &mut Problems<'_>,
) -> IndexMap<SurveyId, SurveyDraft<'n>> {
    let Some(node) = top.get("surveys") else { return IndexMap::new() };
    entries(node, "surveys", SurveyId::new, problems)
        .into_iter()
        .filter_map(|(id, key, node)| Some((id.clone(), survey(id, &key, node, problems)?)))
        .collect()
}

fn survey<'n>(
    survey_id: SurveyId,
    key: &Range<usize>,
    node: &'n Node,
    problems: &mut Problems<'_>,
) -> Option<SurveyDraft<'n>> {
    let fields = Fields::open(node, key, SURVEY_FIELDS, "a survey", problems)?;
    let title = fields.need_text("title", "Your first day", problems);
    let audience = fields.need_text("audience", "The platform team, all answers together", problems);
    let (mut triggers, mut after) = (Vec::new(), Vec::new());
    if fields.need("ask", "[first-value]", problems).is_some() {
        for (written, span) in fields.texts("ask", problems) {
            let Some(trigger) = trigger(&written, &span, problems) else { continue };
            if let Trigger::After(step) = &trigger {
                after.push((step.clone(), span));
            }
            triggers.push(trigger);
        }
    }
    let personas: Vec<(PersonaId, Range<usize>)> = fields
        .texts("personas", problems)
        .into_iter()
        .filter_map(|(name, span)| Some((id(&name, &span, PersonaId::new, problems)?, span)))
        .collect();
    let sooner = fields.get("even-if-asked-lately").is_some().then(|| {
        fields.need_text("even-if-asked-lately", "The network is being rebuilt this week.", problems)
    });
    let (mut questions, mut conditions) = (IndexMap::new(), IndexMap::new());
    let asked = fields.need("questions", "{ hard: { kind: ces, text: It was easy to begin. } }", problems);
    let named = asked.map(|node| entries(node, "questions", QuestionId::new, problems));
    for (id, key, node) in named.unwrap_or_default() {
        let Some(question) = question(&key, node, problems) else { continue };
        if question.show_if.is_some() {
            conditions.insert(id.clone(), key_of(node, "show-if"));
        }
        questions.insert(id, question);
    }
    let survey = Survey {
        id: survey_id,
        title,
        audience,
        triggers,
        personas: personas.iter().map(|(persona, _)| persona.clone()).collect(),
        condition: fields.text("if", problems),
        sooner,
        questions,
    };
    Some(SurveyDraft { survey, node, personas, after, conditions })
}

fn trigger(written: &str, span: &Range<usize>, problems: &mut Problems<'_>) -> Option<Trigger> {
    let words: Vec<&str> = written.split_whitespace().collect();
    match words.as_slice() {
        ["first-value"] => return Some(Trigger::FirstValue),
        ["on-demand"] => return Some(Trigger::OnDemand),
        ["after", step] => return id(step, span, StepId::new, problems).map(Trigger::After),
        ["day", day] => {
            if let Ok(day @ 1..=LAST_DAY) = day.parse() {
                return Some(Trigger::Day(day));
            }
        }
        _ => {}
    }
    problems
        .error(ProblemCode::BadValue, span.clone(), format!("`{written}` is not when a survey can be asked"))
        .help(format!(
            "write `first-value`, `on-demand`, `after STEP`, or `day 7` (up to {LAST_DAY} days after the start)"
        ));
    None
}

fn question(key: &Range<usize>, node: &Node, problems: &mut Problems<'_>) -> Option<Question> {
    let fields = Fields::open(node, key, QUESTION_FIELDS, "a question", problems)?;
    let kind_node = fields.need("kind", "csat", problems)?;
    let written = text(kind_node, "kind", problems)?;
    let kind = match written.as_str() {
        "nps" => QuestionKind::Nps,
        "csat" => QuestionKind::Csat,
        "ces" => QuestionKind::Ces,
        "choice" => choice(&fields, node, problems)?,
        "text" => QuestionKind::Text,
        other => {
            let message = format!("`{other}` is not a kind of question");
            problems
                .error(ProblemCode::BadValue, kind_node.span.clone(), message)
                .help(names::did_you_mean(other, KINDS, "kinds"));
            return None;
        }
    };
    let stray: &[&str] = match kind {
        // Its wording is fixed: answers to another one could not be compared with anything.
        QuestionKind::Nps => &["text", "options", "several"],
        QuestionKind::Choice { .. } => &["platform"],
        QuestionKind::Csat | QuestionKind::Ces | QuestionKind::Text => &["platform", "options", "several"],
    };
    for field in stray.iter().filter(|field| fields.get(field).is_some()) {
        let help = match (&kind, *field) {
            (QuestionKind::Nps, "text") => {
                "write `platform: …`, which is put into the question everybody asks"
            }
            _ => "remove it",
        };
        problems
            .error(
                ProblemCode::UnknownField,
                key_of(node, field),
                format!("`{field}` is not for a question of the kind `{written}`"),
            )
            .help(help);
    }
    let text = if kind == QuestionKind::Nps {
        let platform = fields.need_text("platform", "our platform", problems);
        format!("How likely are you to recommend {platform} to a colleague here?")
    } else {
        fields.need_text("text", "How satisfied are you with your first day?", problems)
    };
    let show_if =
        fields.get("show-if").and_then(|inner| condition(inner, &key_of(node, "show-if"), problems));
    Some(Question { text, kind, show_if })
}

fn choice(fields: &Fields<'_>, node: &Node, problems: &mut Problems<'_>) -> Option<QuestionKind> {
    let inner = fields.need("options", "{ docs: The documentation, people: Asking people }", problems)?;
    let mut options: IndexMap<ChoiceId, String> = IndexMap::new();
    for (id, _, words) in entries(inner, "options", ChoiceId::new, problems) {
        if let Some(words) = text(words, id.as_str(), problems) {
            options.insert(id, words);
        }
    }
    if options.len() < 2 {
        problems
            .error(ProblemCode::BadValue, key_of(node, "options"), "there is nothing to choose between")
            .help("write two options at least, each as `name: words`");
    }
    let several = fields.flag("several", problems).unwrap_or_default();
    Some(QuestionKind::Choice { options, several })
}

fn condition(node: &Node, key: &Range<usize>, problems: &mut Problems<'_>) -> Option<Condition> {
    let fields = Fields::open(node, key, SHOW_IF_FIELDS, "`show-if`", problems)?;
    let question = fields.need("question", "recommend", problems).and_then(|node| {
        let written = text(node, "question", problems)?;
        id(&written, &node.span, QuestionId::new, problems)
    })?;
    let chosen = fields.texts("is", problems);
    let score = |name, problems: &mut Problems<'_>| {
        fields.whole(name, 10, problems).and_then(|score| u8::try_from(score).ok())
    };
    let (low, high) = (score("at-least", problems), score("at-most", problems));
    let bounded = fields.get("at-least").is_some() || fields.get("at-most").is_some();
    match (fields.get("is").is_some(), bounded) {
        (true, false) => {
            let options =
                chosen.into_iter().filter_map(|(name, span)| id(&name, &span, ChoiceId::new, problems));
            Some(Condition { question, test: Test::AnyOf(options.collect()) })
        }
        (false, true) => {
            let test = Test::Between(low.unwrap_or(0), high.unwrap_or(10));
            Some(Condition { question, test })
        }
        (both, _) => {
            let message = if both {
                "`show-if` has a choice (`is`) and a scale (`at-least`, `at-most`)"
            } else {
                "`show-if` does not say which answer"
            };
            problems
                .error(ProblemCode::BadSurvey, key.clone(), message)
                .help("write `at-least` or `at-most` for a scale, or `is: [option]` for a choice");
            None
        }
    }
}
