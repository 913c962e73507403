//! What looking has changed in what is known: findings that are new or say something else, and those that are gone.

use std::collections::BTreeMap;

use firstlight_domain::{
    event::Event,
    finding::{Finding, FindingId, Place},
    journey::Journey,
};

use super::look::Sight;

/// The events that bring what is known in line with what was seen; none if it is already.
pub(super) fn changes(journey: &Journey, sight: &Sight) -> Vec<Event> {
    let mut seen: BTreeMap<FindingId, Finding> = BTreeMap::new();
    for hit in &sight.hits {
        if let Some(id) = hit.id() {
            let (severity, fixed) = (hit.finding.severity, hit.finding.fixed.clone());
            seen.entry(id.clone()).or_insert(Finding { id, severity, fixed });
        }
    }
    let gone = journey.findings.keys().filter(|id| !seen.contains_key(*id) && is_gone(id, sight));
    let gone = gone.map(|id| Event::FindingGone { finding: id.clone() }).collect::<Vec<_>>();
    let is_new = |finding: &&Finding| {
        let known = journey.findings.get(&finding.id);
        known.is_none_or(|known| known.severity != finding.severity || known.fixed != finding.fixed)
    };
    let new = seen.values().filter(is_new);
    gone.into_iter().chain(new.map(|finding| Event::FindingAppeared { finding: finding.clone() })).collect()
}

/// Whether what was not seen is not there, and not only out of sight.
fn is_gone(id: &FindingId, sight: &Sight) -> bool {
    match &id.place {
        Place::Machine => {
            let silent = (Place::Machine, Some(id.package.clone()));
            sight.asked_programs && !sight.unread.contains(&silent)
        }
        Place::Project { step, .. } => {
            let was_read = sight.whole.contains(step) && !sight.unread.contains(&(id.place.clone(), None));
            // A step that the pack no longer has, has no project.
            was_read || (sight.all_projects && !sight.projects.contains(step))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use firstlight_domain::{
        event::{Clock, Happened},
        finding::Severity,
        id::{JourneyId, PackName, PersonaId, StepId},
        journey::World,
        pack::PackRef,
    };
    use jiff::Timestamp;

    use super::*;

    fn finding(place: Place) -> Finding {
        let id = FindingId { advisory: "X-1".into(), package: "a".into(), version: "1.0.0".into(), place };
        Finding { id, severity: Severity::High, fixed: None }
    }

    fn lockfile() -> Place {
        Place::Project { step: StepId::new("clone").unwrap(), lockfile: "Cargo.lock".into() }
    }

    /// A journey in which a program and a package are known to be weak.
    fn journey() -> Journey {
        let started = Event::JourneyStarted {
            journey: JourneyId(uuid::Uuid::nil()),
            pack: PackRef {
                name: PackName::new("acme").unwrap(),
                version: semver::Version::new(1, 0, 0),
                digest: String::new(),
            },
            pack_path: "/packs/acme".into(),
            persona: PersonaId::new("backend").unwrap(),
            inputs: BTreeMap::new(),
            clock: Clock::FirstLaunch { at: Timestamp::UNIX_EPOCH },
        };
        let known =
            [Place::Machine, lockfile()].map(|place| Event::FindingAppeared { finding: finding(place) });
        let mut world = World::default();
        world.extend(
            [started].into_iter().chain(known).map(|event| Happened { at: Timestamp::UNIX_EPOCH, event }),
        );
        world.journey.unwrap()
    }

    fn gone(sight: &Sight) -> Vec<Place> {
        let events = changes(&journey(), sight).into_iter();
        let gone = events.map(|event| match event {
            Event::FindingGone { finding } => finding.place,
            other => panic!("{other:?}"),
        });
        gone.collect()
    }

    #[test]
    fn only_what_was_looked_at_and_not_found_is_gone() {
        let clone = BTreeSet::from([StepId::new("clone").unwrap()]);
        let looked = || Sight { projects: clone.clone(), whole: clone.clone(), ..Sight::default() };
        assert_eq!(gone(&looked()), [lockfile()], "programs were not asked");
        assert_eq!(gone(&Sight { asked_programs: true, ..looked() }), [Place::Machine, lockfile()]);
        let silent = BTreeSet::from([(Place::Machine, Some("a".to_owned()))]);
        assert_eq!(gone(&Sight { asked_programs: true, unread: silent, ..looked() }), [lockfile()]);
        let damaged = BTreeSet::from([(lockfile(), None)]);
        assert_eq!(gone(&Sight { unread: damaged, ..looked() }), []);
        let in_part = Sight { projects: clone.clone(), ..Sight::default() };
        assert_eq!(gone(&in_part), [], "what was not reached may be there");
        assert_eq!(gone(&Sight::default()), [], "another project was looked at");
        let none_left = Sight { all_projects: true, ..Sight::default() };
        assert_eq!(gone(&none_left), [lockfile()], "the step is no longer in the pack");
    }
}
