//! The steps of a journey, by name: small, in one piece of memory, and with names that are there once, since figures are told
//! from those of every journey.

use std::{collections::HashSet, sync::Arc};

use super::story::StepFacts;

/// What each step came to, in the order of their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JourneySteps(Vec<(Arc<str>, StepFacts)>);

/// Names that were met, each kept once.
#[derive(Debug, Default)]
pub(crate) struct Names(HashSet<Arc<str>>);

impl Names {
    pub(crate) fn of(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.0.get(name) {
            return Arc::clone(known);
        }
        let new: Arc<str> = name.into();
        self.0.insert(Arc::clone(&new));
        new
    }
}

impl JourneySteps {
    fn place(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| known.as_ref().cmp(name))
    }

    /// What a step came to.
    pub fn get(&self, name: &str) -> Option<&StepFacts> {
        self.0.get(self.place(name).ok()?).map(|(_, facts)| facts)
    }

    /// Sets that.
    pub fn insert(&mut self, name: &str, facts: StepFacts) {
        match self.place(name) {
            Ok(at) => self.0[at].1 = facts,
            Err(at) => self.0.insert(at, (name.into(), facts)),
        }
    }

    /// The last by name.
    pub fn last(&self) -> Option<&str> {
        self.0.last().map(|(name, _)| name.as_ref())
    }

    /// The same, and it is not there any more.
    pub fn pop_last(&mut self) -> Option<Arc<str>> {
        self.0.pop().map(|(name, _)| name)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each of them, by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &StepFacts)> {
        self.0.iter().map(|(name, facts)| (name.as_ref(), facts))
    }
}

impl<Name: Into<Arc<str>>> FromIterator<(Name, StepFacts)> for JourneySteps {
    /// Of two that are called the same, the last counts.
    fn from_iter<I: IntoIterator<Item = (Name, StepFacts)>>(steps: I) -> Self {
        let mut all: Vec<(Arc<str>, StepFacts)> =
            steps.into_iter().map(|(name, facts)| (name.into(), facts)).collect();
        // Mostly they come in order.
        if !all.is_sorted_by(|(one, _), (other, _)| one < other) {
            all.sort_by(|(one, _), (other, _)| one.cmp(other));
            all.dedup_by(|later, earlier| {
                let same = later.0 == earlier.0;
                if same {
                    earlier.1 = later.1;
                }
                same
            });
        }
        Self(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(at: i64) -> StepFacts {
        StepFacts { tried: Some(at), ..StepFacts::default() }
    }

    #[test]
    fn steps_are_in_the_order_of_their_names_and_each_is_there_once() {
        let mut steps: JourneySteps =
            [("vpn", tried(1)), ("git", tried(2)), ("vpn", tried(3))].into_iter().collect();
        steps.insert("git", tried(4));
        steps.insert("mail", tried(5));
        assert_eq!(steps.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["git", "mail", "vpn"]);
        let at = |name| steps.get(name).and_then(|facts| facts.tried);
        assert_eq!(["git", "mail", "vpn", "chat"].map(at), [Some(4), Some(5), Some(3), None]);
        assert_eq!((steps.last(), steps.len()), (Some("vpn"), 3));
        assert_eq!((steps.pop_last().as_deref(), steps.last()), (Some("vpn"), Some("mail")));
    }

    #[test]
    fn a_name_is_kept_once() {
        let mut names = Names::default();
        assert!(Arc::ptr_eq(&names.of("git"), &names.of("git")));
    }
}
