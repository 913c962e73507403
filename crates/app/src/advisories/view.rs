//! Findings as they are shown.

use firstlight_advisories::{lockfile::Lockfile, osv::Record, package::Package};
use firstlight_contract::advisories::{AcceptedView, FindingProject, FindingSeverity, FindingView};
use firstlight_domain::{
    finding::{FindingId, FindingRecord, Place, Severity},
    journey::Journey,
};
use jiff::civil::Date;

use super::{
    Advising,
    accepting::acceptable_until,
    bars,
    look::{Hit, Project, Spot},
};

/// What the journal knows, the worst first.
pub(super) fn known(advising: &Advising, journey: &Journey, today: Date) -> Vec<FindingView> {
    let views = journey.findings.iter().map(|(id, record)| {
        let advisory = advising.advisories.record(&id.advisory);
        view(advising, id, record, advisory, project(journey, id), today)
    });
    sorted(views.collect())
}

/// What was seen just now, with what the journal knows of it.
pub(super) fn seen(
    advising: &Advising,
    journey: Option<&Journey>,
    hits: &[Hit],
    today: Date,
) -> Vec<FindingView> {
    let views = hits.iter().filter_map(|hit| {
        let advisory = advising.advisories.record(&hit.finding.id);
        let package = hit.finding.package.as_ref()?;
        let id = hit.id().unwrap_or_else(|| FindingId {
            advisory: hit.finding.id.clone(),
            package: package.name.clone(),
            version: package.version.clone(),
            place: Place::Machine,
        });
        let kept = journey.and_then(|journey| journey.findings.get(&id));
        let record = FindingRecord {
            since: kept.map_or_else(Default::default, |kept| kept.since),
            severity: hit.finding.severity,
            fixed: hit.finding.fixed.clone(),
            accepted: kept.and_then(|kept| kept.accepted.clone()),
        };
        let mut view = view(advising, &id, &record, advisory, hit.spot.clone(), today);
        if kept.is_none() {
            view.since = None;
            view.acceptable_until = None;
        }
        view.aliases = hit.finding.aliases.iter().cloned().collect();
        Some(view)
    });
    sorted(views.collect())
}

fn sorted(mut views: Vec<FindingView>) -> Vec<FindingView> {
    let place = |view: &FindingView| {
        view.project.as_ref().map(|project| (project.folder.clone(), project.lockfile.clone()))
    };
    let key = |view: &FindingView| {
        (
            !view.blocks,
            view.accepted.is_some(),
            std::cmp::Reverse(rank(view.severity)),
            place(view),
            view.package.clone(),
            view.advisory.clone(),
        )
    };
    views.sort_by_cached_key(key);
    views
}

fn rank(severity: FindingSeverity) -> u8 {
    match severity {
        FindingSeverity::Unknown => 0,
        FindingSeverity::Low => 1,
        FindingSeverity::Moderate => 2,
        FindingSeverity::High => 3,
        FindingSeverity::Critical => 4,
    }
}

fn view(
    advising: &Advising,
    id: &FindingId,
    record: &FindingRecord,
    advisory: Option<&Record>,
    spot: Option<Spot>,
    today: Date,
) -> FindingView {
    let update = spot.as_ref().and_then(|spot| {
        let there = Package::new(spot.kind.ecosystem(), &id.package, &id.version);
        spot.kind.update(&there, record.fixed.as_deref())
    });
    let ids = advisory.map(Record::ids).unwrap_or_default();
    FindingView {
        advisory: id.advisory.clone(),
        aliases: ids.into_iter().filter(|other| *other != id.advisory).map(str::to_owned).collect(),
        title: advisory.map_or_else(|| id.advisory.clone(), Record::title),
        severity: severity(record.severity),
        package: id.package.clone(),
        version: id.version.clone(),
        fixed: record.fixed.clone(),
        command: update.unwrap_or_default(),
        project: spot.map(|spot| FindingProject {
            step: spot.project.step.as_ref().map(ToString::to_string),
            name: spot.project.name(),
            folder: spot.path().parent().unwrap_or(&spot.project.folder).display().to_string(),
            lockfile: spot.lockfile,
        }),
        advice: advisory.and_then(Record::advice).map(str::to_owned),
        link: advisory.and_then(Record::link).map(str::to_owned),
        since: Some(record.since.to_string()),
        blocks: bars::blocks(advising.policy(), record, today),
        accepted: record.accepted.as_ref().filter(|accepted| today <= accepted.until).map(|accepted| {
            AcceptedView { until: accepted.until.to_string(), because: accepted.because.clone() }
        }),
        acceptable_until: acceptable_until(advising.policy(), today).map(|day| day.to_string()),
    }
}

/// The lockfile of a finding that is known.
fn project(journey: &Journey, id: &FindingId) -> Option<Spot> {
    let Place::Project { step, lockfile } = &id.place else { return None };
    let folder = journey.steps.get(step)?.last_outputs()?.get("path")?;
    Some(Spot {
        kind: Lockfile::named(lockfile.rsplit('/').next().unwrap_or(lockfile))?,
        project: Project { step: Some(step.clone()), folder: folder.into() },
        lockfile: lockfile.clone(),
    })
}

fn severity(severity: Severity) -> FindingSeverity {
    match severity {
        Severity::Unknown => FindingSeverity::Unknown,
        Severity::Low => FindingSeverity::Low,
        Severity::Moderate => FindingSeverity::Moderate,
        Severity::High => FindingSeverity::High,
        Severity::Critical => FindingSeverity::Critical,
    }
}
