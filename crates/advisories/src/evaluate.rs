//! The evaluation algorithm of the OSV schema, section "Evaluation".

use std::cmp::Ordering;

use crate::{
    osv::{Affected, Event, Range},
    package::Package,
    version::Version,
};

/// What a record says of one version of one package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is not affected.
    Unaffected,
    /// It is.
    Affected {
        /// The lowest version above it that is not, if the record names one.
        fixed: Option<String>,
    },
    /// It cannot be told.
    Unjudged(String),
}

/// Whether a version of a package is affected: it is listed, or a range holds it.
pub fn affects(affected: &Affected, package: &Package) -> Verdict {
    let read = |text: &str| Version::read(package.ecosystem, text);
    let there = read(&package.version);
    let is_listed = affected.versions.iter().any(|listed| {
        *listed == package.version
            || matches!((&there, read(listed)), (Some(there), Some(listed)) if there.against(&listed).is_eq())
    });
    let Some(there) = there else {
        return if is_listed {
            Verdict::Affected { fixed: None }
        } else {
            Verdict::Unjudged(format!("`{}` is no version of {}", package.version, package.ecosystem))
        };
    };
    let mut timelines = Vec::new();
    for range in affected.comparable() {
        match Timeline::of(range, read) {
            Ok(timeline) => timelines.push(timeline),
            Err(text) => {
                return Verdict::Unjudged(format!("`{text}` is no version of {}", package.ecosystem));
            }
        }
    }
    if is_listed || timelines.iter().any(|timeline| timeline.affects(&there)) {
        // A fix of one line of versions may lie inside of another range, which is then no fix.
        let fixes = timelines.iter().flat_map(|timeline| timeline.fixes_above(&there));
        let fixes = fixes.filter(|(fix, _)| !timelines.iter().any(|timeline| timeline.affects(fix)));
        let lowest = fixes.min_by(|(one, _), (other, _)| one.against(other));
        return Verdict::Affected { fixed: lowest.map(|(_, text)| text.to_owned()) };
    }
    if affected.versions.is_empty() && timelines.is_empty() && !affected.ranges.is_empty() {
        return Verdict::Unjudged("only commits are named, which are not judged".to_owned());
    }
    Verdict::Unaffected
}

/// The events of a range in the order of their versions. No version: before every version.
struct Timeline<'r> {
    events: Vec<(Option<Version>, &'r Event)>,
    /// Below one of these, if there are any.
    limits: Vec<Version>,
}

impl<'r> Timeline<'r> {
    /// Error: the text of a version that is none.
    fn of(range: &'r Range, read: impl Fn(&str) -> Option<Version>) -> Result<Self, &'r str> {
        let (mut events, mut limits, mut unlimited) = (Vec::new(), Vec::new(), false);
        for event in &range.events {
            let version = || read(event.version()).ok_or_else(|| event.version());
            match event {
                Event::Introduced(text) if text == "0" => events.push((None, event)),
                Event::Limit(text) if text == "*" => unlimited = true,
                Event::Limit(_) => limits.push(version()?),
                Event::Introduced(_) | Event::Fixed(_) | Event::LastAffected(_) => {
                    events.push((Some(version()?), event));
                }
            }
        }
        if unlimited {
            limits.clear();
        }
        // Stable: what one version says twice, it says in the order it was written.
        events.sort_by(|(one, _), (other, _)| match (one, other) {
            (Some(one), Some(other)) => one.against(other),
            (one, other) => one.is_some().cmp(&other.is_some()),
        });
        Ok(Self { events, limits })
    }

    fn affects(&self, there: &Version) -> bool {
        let within = self.limits.is_empty() || self.limits.iter().any(|limit| there.against(limit).is_lt());
        let mut affected = false;
        for (version, event) in &self.events {
            let order = version.as_ref().map_or(Ordering::Greater, |version| there.against(version));
            match event {
                Event::Introduced(_) if order.is_ge() => affected = true,
                Event::Fixed(_) if order.is_ge() => affected = false,
                Event::LastAffected(_) if order.is_gt() => affected = false,
                Event::Introduced(_) | Event::Fixed(_) | Event::LastAffected(_) | Event::Limit(_) => {}
            }
        }
        within && affected
    }

    fn fixes_above(&self, there: &Version) -> impl Iterator<Item = (&Version, &'r str)> {
        self.events.iter().filter_map(move |(version, event)| match (version, event) {
            (Some(version), Event::Fixed(text)) if there.against(version).is_lt() => {
                Some((version, text.as_str()))
            }
            _ => None,
        })
    }
}
