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
