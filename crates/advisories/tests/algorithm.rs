//! The evaluation against a literal reading of the schema: its pseudocode, over whole numbers, written down as it stands
//! there.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use firstlight_advisories::{
    Verdict, affects,
    osv::Record,
    package::{Ecosystem, Package},
};
use proptest::{collection::vec, prelude::*};
use serde_json::{Value, json};

/// Versions `1.0.0` to `12.0.0`; events may also name `0`.
const HIGHEST: u32 = 12;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Event {
    /// None: `0`.
    Introduced(Option<u32>),
    Fixed(u32),
    LastAffected(u32),
    /// None: `*`.
    Limit(Option<u32>),
}

fn event() -> impl Strategy<Value = Event> {
    let version = || 1..=HIGHEST;
    prop_oneof![
        3 => prop::option::weighted(0.8, version()).prop_map(Event::Introduced),
        3 => version().prop_map(Event::Fixed),
        2 => version().prop_map(Event::LastAffected),
        1 => prop::option::weighted(0.8, version()).prop_map(Event::Limit),
    ]
}

/// What the schema says under "Evaluation", function by function.
mod literal {
    use super::Event;

    pub(super) fn is_vulnerable(version: u32, versions: &[u32], ranges: &[Vec<Event>]) -> bool {
        included_in_versions(version, versions) || included_in_ranges(version, ranges)
    }

    fn included_in_versions(v: u32, versions: &[u32]) -> bool {
        for version in versions {
            if v == *version {
                return true;
            }
        }
        false
    }

    fn included_in_ranges(v: u32, ranges: &[Vec<Event>]) -> bool {
        for range in ranges {
            if before_limits(v, range) {
                let mut vulnerable = false;
                for evt in sorted(range) {
                    if let Event::Introduced(at) = evt
                        && v >= at.unwrap_or(0)
                    {
                        vulnerable = true;
                    } else if let Event::Fixed(at) = evt
                        && v >= at
                    {
                        vulnerable = false;
                    } else if let Event::LastAffected(at) = evt
                        && v > at
                    {
                        vulnerable = false;
                    }
                }
                if vulnerable {
                    return true;
                }
            }
        }
        false
    }

    fn before_limits(v: u32, range: &[Event]) -> bool {
        let mut has_limits = false;
        for evt in range {
            if let Event::Limit(limit) = evt {
                has_limits = true;
                let Some(limit) = limit else { return true };
                if v < *limit {
                    return true;
                }
            }
        }
        !has_limits
    }

    fn sorted(events: &[Event]) -> Vec<Event> {
        let mut sorted = events.to_vec();
        sorted.sort_by_key(|event| match event {
            Event::Introduced(at) => at.unwrap_or(0),
            Event::Fixed(at) | Event::LastAffected(at) => *at,
            Event::Limit(_) => 0,
        });
        sorted
    }
}

fn written(ecosystem: Ecosystem, kind: &str, versions: &[u32], ranges: &[Vec<Event>]) -> Record {
    let version = |number: &u32| format!("{number}.0.0");
    let event = |event: &Event| match event {
        Event::Introduced(at) => json!({ "introduced": at.as_ref().map_or("0".to_owned(), version) }),
        Event::Fixed(at) => json!({ "fixed": version(at) }),
        Event::LastAffected(at) => json!({ "last_affected": version(at) }),
        Event::Limit(at) => json!({ "limit": at.as_ref().map_or("*".to_owned(), version) }),
    };
    let ranges: Vec<Value> = ranges
        .iter()
        .map(|events| json!({ "type": kind, "events": events.iter().map(event).collect::<Vec<_>>() }))
        .collect();
    let record = json!({
        "id": "X-1", "modified": "2026-01-01T00:00:00Z",
        "affected": [{
            "package": { "ecosystem": ecosystem.name(), "name": "a" },
            "versions": versions.iter().map(version).collect::<Vec<_>>(),
            "ranges": ranges,
        }],
    });
    Record::read(record.to_string().as_bytes()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_version_is_judged_as_the_schema_reads(
        versions in vec(1..=HIGHEST, 0..3),
        ranges in vec(vec(event(), 1..7), 0..3),
    ) {
        for ecosystem in [Ecosystem::CratesIo, Ecosystem::Npm, Ecosystem::PyPi, Ecosystem::Tool] {
            for kind in ["SEMVER", "ECOSYSTEM"] {
                let record = written(ecosystem, kind, &versions, &ranges);
                for version in 1..=HIGHEST + 1 {
                    let package = Package::new(ecosystem, "a", &format!("{version}.0.0"));
                    let verdict = affects(&record.affected[0], &package);
                    let vulnerable = literal::is_vulnerable(version, &versions, &ranges);
                    prop_assert_eq!(
                        matches!(verdict, Verdict::Affected { .. }), vulnerable,
                        "{:?} {} in {:?} {:?}", ecosystem, version, versions, ranges
                    );
                    // What is offered as a fix is above, is named as one, and no range holds it.
                    if let Verdict::Affected { fixed: Some(fixed) } = verdict {
                        let fix: u32 = fixed.split('.').next().unwrap().parse().unwrap();
                        prop_assert!(fix > version);
                        prop_assert!(ranges.iter().flatten().any(|event| *event == Event::Fixed(fix)));
                        prop_assert!(!literal::is_vulnerable(fix, &[], &ranges));
                    }
                }
            }
        }
    }
}
