//! G5 over time: an attacker who asks everything at two moments isolates nobody who stays as they are between them.
//!
//! What somebody changes by themselves shows, see ARCHITECTURE; and so does what a group was while it was small, once it is not.

use firstlight_contract::kpis::InsightsFilter;
use firstlight_domain::id::StepId;
use firstlight_hub::{
    insights::{Filter, Insights, Promises},
    requests::Calendars,
    store::{DeviceKey, PersonKey, kpis::Known, requests::Request},
};
use jiff::SignedDuration;
use proptest::prelude::*;
use uuid::Uuid;

use crate::{
    company::{Somebody, company, insights, now, somebody},
    g5::{FEW, Space, Sum, answered, n_of, naive, one, questions, runner, under_way},
};

/// Who is there at two moments, by number, and everybody who ever is.
struct Twice {
    people: Vec<Somebody>,
    then: Vec<usize>,
    now: Vec<usize>,
}

impl Twice {
    /// Of each kind of people so many who stay, who go and who join.
    fn of<'a>(kinds: impl IntoIterator<Item = (&'a Somebody, [usize; 3])>) -> Self {
        let mut twice = Self { people: Vec::new(), then: Vec::new(), now: Vec::new() };
        for (kind, [stay, go, join]) in kinds {
            let first = twice.people.len();
            twice.people.extend(std::iter::repeat_n(kind.clone(), stay + go + join));
            twice.then.extend(first..first + stay + go);
            twice.now.extend((first..first + stay).chain(first + stay + go..first + stay + go + join));
        }
        twice
    }

    fn some(&self, who: &[usize]) -> Vec<Somebody> {
        who.iter().map(|index| self.people[*index].clone()).collect()
    }

    /// Attacks what is answered at both moments together: whoever stays has done nothing new. Answers are about those who are
    /// `met`. Says how many answers there were.
    fn attack(
        &self,
        met: impl Fn(&Somebody) -> bool,
        ask: impl Fn(&Insights, &Filter) -> Option<u32>,
    ) -> usize {
        let all_of = |who: &[usize]| -> Vec<(InsightsFilter, Sum)> {
            let who: Vec<usize> = who.iter().copied().filter(|index| met(&self.people[*index])).collect();
            let all = questions(&self.some(&who)).into_iter();
            all.map(|(filter, sum)| (filter, sum.into_iter().map(|index| who[index]).collect())).collect()
        };
        let (earlier, later) = (all_of(&self.then), all_of(&self.now));
        let first = insights(company(&self.some(&self.then)));
        let precedence = first.precedence_to_keep().cloned().unwrap_or_default();
        let second = insights(Known { precedence, ..company(&self.some(&self.now)) });
        let mut known = answered(&earlier, &first, &ask);
        known.extend(answered(&later, &second, &ask));
        let stays = |index: &usize| self.then.contains(index) && self.now.contains(index);
        // What changed by itself shows: what was answered of some, it and the few who stay follow from each other.
        let follows_anyway =
            |few: &Sum| known.iter().any(|all| few.is_subset(all) && !all.difference(few).any(stays));
        let is_secret = |sum: &Sum| FEW.contains(&sum.len()) && sum.iter().any(stays) && !follows_anyway(sum);
        for all in &known {
            for part in known.iter().filter(|part| part.is_subset(all)) {
                let rest: Sum = all.difference(part).copied().collect();
                assert!(!is_secret(&rest), "{rest:?} are left of {all:?} without {part:?}");
            }
        }
        let space = Space::of(&known, self.people.len());
        for (filter, sum) in earlier.iter().chain(&later).filter(|(_, sum)| is_secret(sum)) {
            assert!(!space.holds(sum), "{filter:?} follows: {sum:?}");
        }
        known.len()
    }
}

/// Some who are alike, and how many of them stay, go and join: only of those of whom there are enough before and after.
fn kinds_that_change() -> impl Strategy<Value = Vec<(Somebody, [usize; 3])>> {
    let some = || prop_oneof![Just(0), Just(0), 1_usize..40];
    let kind = (one(), 1_usize..12, some(), some())
        .prop_map(|(kind, stay, go, join)| (kind, if stay < 5 { [stay, 0, 0] } else { [stay, go, join] }));
    prop::collection::vec(kind, 2..16)
}

#[test]
fn g5_what_few_people_did_does_not_follow_from_what_is_said_before_and_after_others_join_or_go() {
    let began = |persona, ago| somebody(persona, "1.0.0", ago);
    // Which of two beside a few is the larger changes, or which began first.
    let (web, first_of_web, data, qa) =
        (began("web", 10), began("web", 20), began("data", 15), began("qa", 12));
    for (of_web, of_data) in [([10, 5, 0], [12, 0, 0]), ([10, 0, 0], [12, 0, 30]), ([10, 0, 30], [12, 0, 0])]
    {
        let [stay, go, join] = of_web;
        let kinds =
            [(&first_of_web, [0, go.max(5), 0]), (&web, [stay, 0, join]), (&data, of_data), (&qa, [3, 0, 0])];
        assert!(Twice::of(kinds).attack(|_| true, under_way) > 4);
    }
    runner(12)
        .run(&kinds_that_change(), |kinds| {
            let twice = Twice::of(kinds.iter().map(|(kind, many)| (kind, *many)));
            twice.attack(|_| true, under_way);
            twice.attack(|one| one.value.is_some(), naive);
            Ok(())
        })
        .unwrap();
}

#[test]
fn g5_those_who_are_left_of_many_do_not_make_room_for_others() {
    // Of web four are left: they and the three of qa are many together, and data could be told of beside them.
    let began = |persona, ago| somebody(persona, "1.0.0", ago);
    let kinds =
        [(&began("web", 20), [4, 11, 0]), (&began("data", 15), [12, 0, 0]), (&began("qa", 12), [3, 0, 0])];
    assert!(Twice::of(kinds).attack(|_| true, under_way) > 4);
    let of_team = |team, ago| Somebody { team: Some(team), ..somebody("web", "1.0.0", ago) };
    let kinds = [
        (&of_team("orders", 20), [4, 11, 0]),
        (&of_team("payments", 15), [12, 0, 0]),
        (&of_team("labs", 12), [3, 0, 0]),
    ];
    assert!(Twice::of(kinds).attack(|_| true, under_way) > 4);
}

/// Somebody asks an owner for something.
fn asks(person: u32, owner: &str) -> Request {
    Request {
        id: Uuid::now_v7(),
        device: DeviceKey(person.into()),
        person: PersonKey(person),
        journey: Uuid::from_u128(person.into()),
        step: StepId::new("access").unwrap(),
        title: "Access".to_owned(),
        owner: owner.to_owned(),
        sla: Some("4 hours".to_owned()),
        name: None,
        asked: now() - SignedDuration::from_hours(24),
        received: now() - SignedDuration::from_hours(24),
        calendar: None,
        ended: None,
        answered: None,
    }
}

#[test]
fn g5_owners_who_change_places_in_the_list_do_not_tell_of_one_whom_few_asked() {
    let insights = insights(company(&vec![somebody("web", "1.0.0", 20); 60]));
    // One more owner than are listed, and one whom three asked. Who comes last of those whom many asked is not listed.
    let told = |last: usize, few: u32| {
        let many = (0..51_usize).flat_map(|owner| {
            let people = if owner == last { 5 } else { 6 };
            (1..=people).map(move |person| asks(person, &format!("team-{owner}")))
        });
        let requests: Vec<Request> = many.chain((1..=few).map(|person| asks(person, "legal"))).collect();
        let table = insights.sla(&Filter::default(), &Promises::of(&requests, &Calendars::default()), now());
        let names: Vec<String> = table.owners.iter().map(|row| row.owner.clone()).collect();
        assert_eq!((table.owners.len(), names.contains(&format!("team-{last}"))), (50, false));
        n_of(&table.overall)
    };
    for last in [3, 50] {
        assert_eq!(told(last, 0), Some(305));
        assert_eq!(told(last, 3), None, "all but those listed today or another day are the three");
        assert_eq!(told(last, 5), Some(310));
    }
}
