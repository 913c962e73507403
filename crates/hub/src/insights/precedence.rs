//! Which groups were of enough people first.
//!
//! Where only some of several may be told of, it is those ([`super::questions`]). The order is kept, because the people who made
//! it can be erased or become too old to be kept: read from who is left it would change with them, and what was told before
//! and after would together tell of the few beside. It names no group that was not of enough people, and so nobody.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use firstlight_contract::kpis::InsightsFilter;

use super::{Filter, MOST_WIDE};

/// Groups in the order in which they came to be of enough people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Precedence {
    /// How often it was written: whoever writes it says which one they read.
    pub written: i64,
    groups: Vec<Filter>,
}

impl Precedence {
    /// As it was written so many times.
    pub fn from_json(written: i64, json: &str) -> Option<Self> {
        let groups: Vec<InsightsFilter> = serde_json::from_str(json).ok()?;
        let groups = groups.into_iter().map(Filter::of).collect::<Result<_, _>>().ok()?;
        Some(Self { written, groups })
    }

    /// As it is written.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string(&self.groups.iter().map(Filter::to_view).collect::<Vec<_>>())
    }

    /// The same of the groups there are now, each with since when it has been of enough people if it is: without those that
    /// have nobody any more, and with those that have become enough since it was written, the earliest first.
    pub(super) fn of_now(&self, groups: &BTreeMap<&Filter, Option<i64>>) -> Self {
        let known: BTreeSet<&Filter> = self.groups.iter().collect();
        let kept = self.groups.iter().filter(|group| groups.contains_key(group));
        let mut new: Vec<(i64, &Filter)> = groups
            .iter()
            .filter(|(group, _)| group.width() <= MOST_WIDE && !known.contains(*group))
            .filter_map(|(group, since)| Some(((*since)?, *group)))
            .collect();
        new.sort_unstable();
        let groups = kept.chain(new.into_iter().map(|(_, group)| group)).cloned().collect();
        Self { written: self.written, groups }
    }

    /// The place of each group.
    pub(super) fn places(&self) -> HashMap<&Filter, usize> {
        self.groups.iter().enumerate().map(|(place, group)| (group, place)).collect()
    }
}

/// How a group stands among all others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Standing {
    /// Where it comes among those that were of enough people at some time.
    pub(super) place: Option<usize>,
    /// Whether it is of too few now.
    pub(super) is_few: bool,
}

impl Standing {
    /// Whether what is told no more may have been told: whoever remembers it has it.
    pub(super) fn is_known(self) -> bool {
        self.is_few && self.place.is_some()
    }

    /// Those that were never enough come last.
    pub(super) fn order(self) -> usize {
        self.place.unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(persona: &str) -> Filter {
        Filter { persona: Some(persona.to_owned()), ..Filter::default() }
    }

    fn names(precedence: &Precedence) -> Vec<&str> {
        precedence.groups.iter().filter_map(|group| group.persona.as_deref()).collect()
    }

    #[test]
    fn whoever_was_enough_first_stays_first_and_who_is_gone_is_forgotten() {
        let [data, legal, qa, web] = ["data", "legal", "qa", "web"].map(group);
        let first =
            [(&web, Some(10)), (&data, Some(15)), (&qa, None)].into_iter().collect::<BTreeMap<_, _>>();
        let first = Precedence::default().of_now(&first);
        assert_eq!(names(&first), ["web", "data"]);
        // The first of web are gone, those of qa began long ago and are heard of only now.
        let later = [(&web, None), (&data, Some(15)), (&qa, Some(3)), (&legal, Some(2))];
        let later = first.of_now(&later.into_iter().collect());
        assert_eq!(names(&later), ["web", "data", "legal", "qa"]);
        assert_eq!(later.places()[&data], 1);
        let last = later.of_now(&[(&qa, Some(3))].into_iter().collect());
        assert_eq!(names(&last), ["qa"]);
    }

    #[test]
    fn what_was_written_is_read() {
        let all = Filter {
            persona: Some("data".to_owned()),
            release: Some(("acme@home".to_owned(), "1.0.0".to_owned())),
            ..Filter::default()
        };
        let of_period = Filter { period: "2026-Q4".parse().ok(), ..Filter::default() };
        let groups = vec![Filter::default(), all, of_period, Filter::of_team("orders")];
        let precedence = Precedence { written: 3, groups };
        let json = precedence.to_json().unwrap();
        assert_eq!(Precedence::from_json(3, &json), Some(precedence));
        assert_eq!(Precedence::from_json(1, r#"[{"period":"yesterday"}]"#), None);
    }
}
