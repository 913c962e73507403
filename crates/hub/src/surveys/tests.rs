use firstlight_domain::id::{ChoiceId, QuestionId, StepId, SurveyId};
use proptest::prelude::*;

use super::*;
use crate::store::surveys::Feedback;

fn nps(score: u8) -> Answer {
    Answer::Score { kind: Scale::Nps, score }
}

fn heard(answers: impl IntoIterator<Item = (u32, Answer)>) -> Heard {
    let answers = answers.into_iter().map(|(person, answer)| Answered {
        person: PersonKey(person),
        survey: SurveyId::new("s").unwrap(),
        question: QuestionId::new("q").unwrap(),
        answer,
    });
    Heard { answers: answers.collect(), ..Heard::default() }
}

fn one(answers: impl IntoIterator<Item = (u32, Answer)>) -> QuestionResult {
    results(&heard(answers)).remove(0).questions.remove(0)
}

fn counts(result: &QuestionResult) -> Vec<(&str, u64)> {
    result.counts.iter().map(|count| (count.answer.as_str(), count.n)).collect()
}

#[test]
fn g5_four_answers_say_nothing_and_five_do() {
    let four = one((0..4).map(|person| (person, nps(if person == 0 { 3 } else { 10 }))));
    assert_eq!((four.n, four.enough, four.value, four.low), (0, false, None, None));
    assert!(four.counts.is_empty());
    let five = one((0..5).map(|person| (person, nps(if person == 0 { 3 } else { 10 }))));
    assert_eq!(five.n, 5);
    assert_eq!(counts(&five), [("detractors", 1), ("promoters", 4)]);
    assert!(!five.enough && five.value.is_none(), "five are too few to say a number");
}

#[test]
fn g5_what_all_said_tells_of_each_and_is_not_shown() {
    let alike = one((0..30).map(|person| (person, nps(10))));
    assert_eq!((alike.n, alike.counts.len()), (0, 0));
    // Different numbers, but shown as the same.
    assert_eq!(one((0..30_u8).map(|person| (person.into(), nps(person % 7)))).n, 0);
    assert_eq!(one((0..31_u8).map(|person| (person.into(), nps(if person == 30 { 9 } else { 2 })))).n, 31);
    let chose = |names: &[&str]| Answer::Choice {
        chosen: names.iter().map(|name| ChoiceId::new(name).unwrap()).collect(),
    };
    // One option that all chose, beside others.
    let docs = (0..9)
        .map(|person| (person, if person % 2 == 0 { chose(&["docs"]) } else { chose(&["docs", "tools"]) }));
    assert_eq!(one(docs.clone()).n, 0);
    let more = one(docs.chain([(9, chose(&["tools"]))]));
    assert_eq!(counts(&more), [("docs", 9), ("tools", 5)]);
}

#[test]
fn g5_words_are_shown_above_a_higher_number_and_in_no_order_that_tells() {
    let words = |n: u32| {
        one((0..n).map(|person| (person, Answer::Text { text: format!("{:02} words", 50 - person) })))
    };
    assert!(words(9).texts.is_empty());
    let shown = words(10).texts;
    assert_eq!(shown.len(), 10);
    assert!(shown.is_sorted());
}

#[test]
fn a_person_counts_once_with_what_they_said_first() {
    let again = (0..5).chain(0..5).enumerate();
    let result = one(again.map(|(place, person)| (person, nps(if place < 4 { 10 } else { 0 }))));
    assert_eq!(counts(&result), [("detractors", 1), ("promoters", 4)]);
}

#[test]
fn figures_are_those_of_the_published_vectors() {
    let scores = [(162, 10), (108, 7), (54, 0)];
    // Mixed, so that no batch is alike.
    let mut answers: Vec<u8> = Vec::new();
    for index in 0..54 {
        answers.extend(scores.iter().flat_map(|(n, score)| vec![*score; n / 54]));
        assert_eq!(answers.len(), (index + 1) * 6);
    }
    let result = one((0_u32..).zip(answers.into_iter().map(nps)));
    // 324 people make batches of five, and four wait for a fifth.
    assert!(result.n >= 320 && result.enough);
    let value = result.value.unwrap();
    assert!((value - 33.33).abs() < 1.0, "{value}");
    assert!(result.low.unwrap() < value && value < result.high.unwrap());
}

#[test]
fn g5_who_gave_their_name_is_heard_and_who_did_not_is_one_of_many() {
    let feedback_of = |person, name: Option<&str>| Feedback {
        person: PersonKey(person),
        text: format!("by {person}"),
        name: name.map(str::to_owned),
        about: None,
    };
    let mut heard =
        Heard { feedback: vec![feedback_of(1, Some("Ada")), feedback_of(2, None)], ..Heard::default() };
    let shown = feedback(&heard);
    let by_ada = SignedFeedback { name: "Ada".to_owned(), text: "by 1".to_owned(), about: None };
    assert_eq!(shown.signed, [by_ada]);
    assert!(shown.texts.is_empty());
    heard.feedback.extend((3..12).map(|person| feedback_of(person, None)));
    assert_eq!(feedback(&heard).texts.len(), 10);
}

/// Keeps some of a list, and what was settled of it.
fn keep<T>(
    list: &mut Vec<T>,
    settled: &mut BTreeSet<usize>,
    more: &BTreeSet<usize>,
    stays: impl Fn(&T) -> bool,
) {
    let mut left = BTreeSet::new();
    let mut kept = Vec::new();
    for (place, one) in std::mem::take(list).into_iter().enumerate() {
        if stays(&one) {
            if settled.contains(&place) || more.contains(&place) {
                left.insert(kept.len());
            }
            kept.push(one);
        }
    }
    (*list, *settled) = (kept, left);
}

/// Erases some people, as a store does: settles their batches, then takes away what they said.
fn erase(heard: &mut Heard, goes: impl Fn(u32) -> bool) {
    let settled = settle(heard, |person| goes(person.0));
    for (sum, n) in settled.sums {
        *heard.settled.sums.entry(sum).or_default() += n;
    }
    let Heard { answers, endings, feedback, settled: before } = heard;
    keep(answers, &mut before.answers, &settled.answers, |one| !goes(one.person.0));
    keep(endings, &mut before.endings, &settled.endings, |one| !goes(one.person.0));
    keep(feedback, &mut before.feedback, &settled.feedback, |one| !goes(one.person.0));
}

#[test]
fn g6_what_was_let_out_stays_the_same_numbers_when_somebody_is_erased() {
    let scores: Vec<(u32, u8)> =
        (0..30).map(|person| (person, u8::try_from(person * 7 % 11).unwrap())).collect();
    let effort =
        |(person, score): &(u32, u8)| (*person, Answer::Score { kind: Scale::Ces, score: score % 7 + 1 });
    let choice = |(person, score): &(u32, u8)| {
        let chosen = ["docs", "tools", "people"][usize::from(score % 3)];
        (*person, Answer::Choice { chosen: vec![ChoiceId::new(chosen).unwrap()] })
    };
    let figures = |heard: &Heard| -> Vec<_> {
        let out = LetOut::of(heard);
        let of = |((_, scale), out): (&(String, Scale), &Out<u8>)| figure(scale.name(), &out.shown);
        out.surveys.values().flat_map(|survey| &survey.scores).map(of).collect()
    };
    let of_nps: Vec<_> = scores.iter().map(|(person, score)| (*person, nps(*score))).collect();
    for answers in [of_nps, scores.iter().map(effort).collect(), scores.iter().map(choice).collect()] {
        let mut heard = heard(answers);
        let before = (results(&heard), figures(&heard));
        assert!(before.0[0].questions[0].n >= 20);
        erase(&mut heard, |person| person == 3);
        assert_eq!((results(&heard), figures(&heard)), before);
        // The others of that batch, until nobody is left of it.
        erase(&mut heard, |person| person < 5);
        assert_eq!((results(&heard), figures(&heard)), before);
        erase(&mut heard, |_| true);
        assert_eq!((results(&heard), figures(&heard)), before);
    }
}

#[test]
fn g6_nobody_learns_whose_words_are_gone() {
    let words = |n: u32| (0..n).map(|person| (person, Answer::Text { text: format!("{person:02} words") }));
    let mut heard = heard(words(25));
    let before = results(&heard)[0].questions[0].texts.clone();
    assert_eq!(before.len(), 20);
    erase(&mut heard, |person| person == 3);
    let after = results(&heard)[0].questions[0].texts.clone();
    assert_eq!(after, before[10..], "all ten go, not one");
    erase(&mut heard, |person| person == 24);
    assert_eq!(results(&heard)[0].questions[0].texts, after, "what was not shown yet is missed by nobody");
}

#[test]
fn g5_a_place_is_named_once_enough_people_wrote_about_it() {
    let about_vpn = |person: u32, about: bool| Feedback {
        person: PersonKey(person),
        text: format!("by {person}"),
        name: None,
        about: about.then(|| About::Step { step: StepId::new("vpn").unwrap() }),
    };
    // Nine of twenty wrote about the step, then one more who is in no closed batch yet.
    let mut heard =
        Heard { feedback: (0..20).map(|one| about_vpn(one, one < 9)).collect(), ..Heard::default() };
    assert_eq!((feedback(&heard).texts.len(), feedback(&heard).places.len()), (20, 0));
    heard.feedback.push(about_vpn(20, true));
    assert!(feedback(&heard).places.is_empty());
    heard.feedback.extend((21..30).map(|one| about_vpn(one, false)));
    let places = feedback(&heard).places;
    assert_eq!(places.len(), 1);
    assert_eq!(places[0].about, FeedbackAbout::Step { step: "vpn".to_owned() });
    assert_eq!(places[0].texts.len(), 10);
    // Whoever gave their name is heard with the place.
    heard.feedback.push(Feedback { name: Some("Ada".to_owned()), ..about_vpn(31, true) });
    assert_eq!(feedback(&heard).signed[0].about, Some(places[0].about.clone()));
}

proptest! {
    /// Whoever asks before and after somebody is erased learns nothing of them, whoever answered how often.
    #[test]
    fn g6_an_erase_changes_no_result(
        scores in prop::collection::vec((0_u32..40, 0_u8..=10), 0..120),
        gone in prop::collection::vec(0_u32..40, 1..4),
    ) {
        let mut heard = heard(scores.iter().map(|(person, score)| (*person, nps(*score))));
        let before = results(&heard);
        for person in gone {
            erase(&mut heard, |one| one == person);
            let shown: Vec<_> = results(&heard).into_iter().flat_map(|result| result.questions).filter(|one| one.n > 0).collect();
            let were: Vec<_> = before.iter().flat_map(|result| result.questions.clone()).filter(|one| one.n > 0).collect();
            prop_assert_eq!(shown, were);
        }
    }

    /// Whoever asks after every answer and subtracts learns of five people or more at once, who did not all say the same.
    #[test]
    fn g5_no_two_results_differ_by_fewer_than_five_people_or_by_what_all_of_them_said(
        scores in prop::collection::vec((0_u32..60, 0_u8..=10), 0..120),
    ) {
        let mut before = (0, BTreeMap::new());
        for until in 0..=scores.len() {
            let result = one_or_none(&scores[..until]);
            let after = result.map_or((0, BTreeMap::new()), |result| {
                let counts = result.counts.into_iter().map(|count| (count.answer, count.n));
                (result.n, counts.collect::<BTreeMap<_, _>>())
            });
            let people = after.0 - before.0;
            if people > 0 {
                prop_assert!(people >= 5, "{people}");
                for (answer, n) in &after.1 {
                    let more = n - before.1.get(answer).copied().unwrap_or(0);
                    prop_assert!(more < people, "all of {people} said {answer}");
                }
            }
            prop_assert_eq!(after.1.values().sum::<u64>(), after.0);
            before = after;
        }
    }
}

fn one_or_none(scores: &[(u32, u8)]) -> Option<QuestionResult> {
    let heard = heard(scores.iter().map(|(person, score)| (*person, nps(*score))));
    results(&heard).pop()?.questions.pop()
}
