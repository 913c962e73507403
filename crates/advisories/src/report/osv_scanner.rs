//! The JSON of OSV-Scanner.

use serde::Deserialize;

use super::{ReportError, plain};
use crate::{
    finding::Finding,
    osv::Record,
    package::{Ecosystem, Package},
    severity,
};

const FORMAT: &str = "OSV-Scanner JSON";

#[derive(Deserialize)]
struct Written {
    results: Option<Vec<Source>>,
}

#[derive(Deserialize)]
struct Source {
    source: Origin,
    #[serde(default)]
    packages: Vec<Scanned>,
}

#[derive(Deserialize)]
struct Origin {
    path: String,
}

#[derive(Deserialize)]
struct Scanned {
    package: Named,
    #[serde(default)]
    vulnerabilities: Vec<Record>,
    #[serde(default)]
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    ecosystem: String,
}

/// Ids of the same thing.
#[derive(Deserialize)]
struct Group {
    ids: Vec<String>,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    max_severity: String,
}

pub(super) fn read(bytes: &[u8]) -> Result<Vec<Finding>, ReportError> {
    let malformed = |why: String| ReportError::Malformed { format: FORMAT, why };
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let written: Written =
        serde_path_to_error::deserialize(&mut json).map_err(|error| malformed(error.to_string()))?;
    json.end().map_err(|error| malformed(error.to_string()))?;
    // It writes `null` where it found nothing to look at.
    let Some(sources) = written.results else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for source in sources {
        for scanned in &source.packages {
            let groups = scanned.groups.iter().filter(|group| !group.ids.is_empty());
            found.extend(groups.map(|group| finding(&source.source.path, scanned, group)));
        }
    }
    Ok(found)
}

fn finding(path: &str, scanned: &Scanned, group: &Group) -> Finding {
    let of_group = |record: &&Record| group.ids.contains(&record.id);
    let record = scanned.vulnerabilities.iter().find(of_group);
    let package = Ecosystem::named(&scanned.package.ecosystem)
        .map(|ecosystem| Package::new(ecosystem, &scanned.package.name, &scanned.package.version));
    let of_package = |record: &Record| {
        let about = record.affected.iter();
        let worst = about.map(|affected| record.severity(affected)).max();
        worst.unwrap_or_default()
    };
    let scored = group.max_severity.parse().ok().and_then(severity::of_score);
    let said = scanned.vulnerabilities.iter().filter(of_group).map(of_package).max();
    let matched = record.zip(package.as_ref()).and_then(|(record, package)| {
        crate::Advisories::new([record.clone()]).matching([package]).found.into_iter().next()
    });
    let id = plain(group.ids.first().map_or("", String::as_str));
    let mut aliases: std::collections::BTreeSet<String> =
        group.ids.iter().chain(&group.aliases).map(|id| plain(id)).collect();
    aliases.remove(&id);
    let what = format!("{} {}", scanned.package.name, scanned.package.version);
    Finding {
        title: plain(&record.map_or(what, Record::title)),
        severity: scored.into_iter().chain(said).max().unwrap_or_default(),
        fixed: matched.and_then(|matched| matched.fixed),
        place: Some(plain(path)),
        advice: None,
        link: record.and_then(Record::link).map(plain),
        package,
        id,
        aliases,
    }
}
