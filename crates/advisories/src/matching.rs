//! Which advisories are about what is there.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    evaluate::{Verdict, affects},
    finding::Finding,
    osv::Record,
    package::{Ecosystem, Package},
};

/// Records, found by what they are about.
#[derive(Debug, Default)]
pub struct Advisories {
    records: Vec<Record>,
    /// Of each package: the record and its place in `affected`.
    about: BTreeMap<(Ecosystem, String), Vec<(usize, usize)>>,
}

/// What came of matching.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Matched {
    /// What is affected, the worst first.
    pub found: Vec<Finding>,
    /// What an advisory is about and could not be judged.
    pub unjudged: Vec<Unjudged>,
}

/// Something that could not be judged.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unjudged {
    /// The package's name, as its ecosystem compares it; none where it is not known which packages there are.
    pub name: Option<String>,
    /// What, as it is called there.
    pub what: String,
    /// Why.
    pub why: String,
}

impl Advisories {
    /// Of these records. Those that were withdrawn are of no effect.
    pub fn new(records: impl IntoIterator<Item = Record>) -> Self {
        let mut advisories = Self::default();
        for record in records.into_iter().filter(Record::is_in_effect) {
            let number = advisories.records.len();
            for (place, affected) in record.affected.iter().enumerate() {
                if let Some((ecosystem, name)) = affected.package() {
                    let about = advisories.about.entry((ecosystem, ecosystem.normal(name)));
                    about.or_default().push((number, place));
                }
            }
            advisories.records.push(record);
        }
        advisories
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.about.is_empty()
    }

    /// The programs that some record is about.
    pub fn programs(&self) -> impl Iterator<Item = &str> {
        let tools = self.about.keys().filter(|(ecosystem, _)| *ecosystem == Ecosystem::Tool);
        tools.map(|(_, name)| name.as_str())
    }

    /// Whether some record is about a package of this name.
    pub fn concerns(&self, ecosystem: Ecosystem, name: &str) -> bool {
        self.about.contains_key(&(ecosystem, name.to_owned()))
    }

    /// A record by its id.
    pub fn record(&self, id: &str) -> Option<&Record> {
        self.records.iter().find(|record| record.id == id)
    }

    /// What is said of these packages. Records that are the same thing under other ids become one finding; the worst of
    /// them gives its name.
    pub fn matching<'p>(&self, packages: impl IntoIterator<Item = &'p Package>) -> Matched {
        let mut matched = Matched::default();
        // A package may stand in a lockfile more than once.
        let packages: BTreeSet<&Package> = packages.into_iter().collect();
        for package in packages {
            let key = (package.ecosystem, package.name.clone());
            let mut found = Vec::new();
            for &(number, place) in self.about.get(&key).into_iter().flatten() {
                let record = &self.records[number];
                let affected = &record.affected[place];
                match affects(affected, package) {
                    Verdict::Unaffected => {}
                    Verdict::Affected { fixed } => found.push(Finding {
                        id: record.id.clone(),
                        aliases: record.ids().into_iter().map(str::to_owned).collect(),
                        title: record.title(),
                        severity: record.severity(affected),
                        package: Some(package.clone()),
                        fixed,
                        place: None,
                        advice: record.advice().map(str::to_owned),
                        link: record.link().map(str::to_owned),
                    }),
                    Verdict::Unjudged(why) => matched.unjudged.push(Unjudged {
                        name: Some(package.name.clone()),
                        what: format!("{} {} ({})", package.name, package.version, record.id),
                        why,
                    }),
                }
            }
            matched.found.extend(merged(found));
        }
        matched.found.sort_by(|one, other| {
            let key = |finding: &Finding| (finding.package.clone(), finding.id.clone());
            other.severity.cmp(&one.severity).then_with(|| key(one).cmp(&key(other)))
        });
        matched.unjudged.sort();
        matched.unjudged.dedup();
        matched
    }
}

/// Findings about one package, those with an id in common as one.
fn merged(mut found: Vec<Finding>) -> Vec<Finding> {
    // The worst first, so that it is what others are merged into; then by id, so that the order of files does not count.
    found.sort_by(|one, other| other.severity.cmp(&one.severity).then_with(|| one.id.cmp(&other.id)));
    let mut whole: Vec<Finding> = Vec::new();
    for finding in found {
        // Two that had nothing in common so far may have this one in common.
        let (same, others): (Vec<_>, Vec<_>) =
            whole.into_iter().partition(|known| !known.aliases.is_disjoint(&finding.aliases));
        whole = others;
        let mut same = same.into_iter().chain([finding]);
        let Some(mut first) = same.next() else { continue };
        for other in same {
            first.aliases.extend(other.aliases);
            first.fixed = later(first.fixed, other.fixed, first.package.as_ref());
            first.advice = first.advice.or(other.advice);
            first.link = first.link.or(other.link);
        }
        whole.push(first);
    }
    for finding in &mut whole {
        finding.aliases.remove(&finding.id);
    }
    whole
}

/// The version that is without both.
fn later(one: Option<String>, other: Option<String>, package: Option<&Package>) -> Option<String> {
    use crate::version::Version;
    match (one, other) {
        (Some(one), Some(other)) => {
            let read = |text: &str| Version::read(package?.ecosystem, text);
            let other_is_later =
                matches!((read(&one), read(&other)), (Some(a), Some(b)) if b.against(&a).is_gt());
            Some(if other_is_later { other } else { one })
        }
        (one, other) => one.or(other),
    }
}
