//! What the pack's policy does not let pass, as what may not be worked with.

use std::path::PathBuf;

use firstlight_domain::{
    finding::{FindingId, FindingRecord, Place},
    journey::Journey,
    pack::AdvisoryPolicy,
};
use firstlight_engine::{Bar, Barred, What};
use jiff::civil::Date;

/// Whether a finding blocks on this day.
pub(super) fn blocks(policy: &AdvisoryPolicy, record: &FindingRecord, today: Date) -> bool {
    policy.blocks(record.severity) && !record.is_accepted(today)
}

/// Everything that may not be worked with.
pub(super) fn barred(journey: &Journey, policy: &AdvisoryPolicy, today: Date) -> Barred {
    let blocking = journey.findings.iter().filter(|(_, record)| blocks(policy, record, today));
    Barred(blocking.filter_map(|(id, record)| bar(journey, id, record)).collect())
}

fn bar(journey: &Journey, id: &FindingId, record: &FindingRecord) -> Option<Bar> {
    let what = match &id.place {
        Place::Machine => What::Program(id.package.clone()),
        Place::Project { step, .. } => What::Folder {
            path: PathBuf::from(journey.steps.get(step)?.last_outputs()?.get("path")?),
            made_by: step.clone(),
        },
    };
    let place = match &id.place {
        Place::Machine => "on this machine".to_owned(),
        Place::Project { lockfile, .. } => format!("in {lockfile}"),
    };
    let fixed = record.fixed.as_ref().map_or_else(
        || "no version without it is known".to_owned(),
        |fixed| format!("it is fixed in {fixed}"),
    );
    // A folder of a project may be called anything.
    let place = place.replace(char::is_control, "�");
    let FindingId { advisory, package, version, .. } = id;
    let severity = record.severity.name();
    Some(Bar {
        what,
        reason: format!(
            "{package} {version} {place} has a known weakness of {severity} severity ({advisory}), and the pack does not let it pass; {fixed}, see `firstlight status`"
        ),
    })
}
