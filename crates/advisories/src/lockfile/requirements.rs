//! `requirements.txt`: only what is pinned by `==` says which version is there.

use super::{Listed, LockfileError};
use crate::{
    matching::Unjudged,
    package::{Ecosystem, Package},
};

pub(super) fn read(text: &str) -> Result<Listed, LockfileError> {
    let mut listed = Listed::default();
    for (number, line) in lines(text) {
        let line = without_comment(&line);
        let option = line.starts_with('-');
        if line.is_empty() || (option && !names_more(line)) {
            continue;
        }
        if option {
            let (what, why) = (cut(line), "what it names is not looked at from here".to_owned());
            listed.unjudged.push(Unjudged { name: None, what, why });
            continue;
        }
        // Hashes and other options of one requirement come after it.
        let requirement = line.split(" --").next().unwrap_or(line).trim();
        let name_ends = requirement
            .find(|sign: char| !sign.is_ascii_alphanumeric() && !matches!(sign, '-' | '_' | '.'))
            .unwrap_or(requirement.len());
        let (name, rest) = requirement.split_at(name_ends);
        let begins = name.starts_with(|sign: char| sign.is_ascii_alphanumeric());
        if !begins && !is_place(requirement) {
            return Err(LockfileError::Damaged(format!("line {number} is no requirement: `{}`", cut(line))));
        }
        if is_place(requirement) {
            let (what, why) = (cut(requirement), "it does not come from a registry".to_owned());
            listed.unjudged.push(Unjudged { name: None, what, why });
            continue;
        }
        let rest = without_extras(rest.trim_start());
        let left_out = |why: &str| Unjudged {
            name: Some(Ecosystem::PyPi.normal(name)),
            what: cut(requirement),
            why: why.to_owned(),
        };
        if rest.starts_with('@') {
            listed.unjudged.push(left_out("it does not come from a registry"));
            continue;
        }
        // A marker says where it counts; it may count here.
        let versions = rest.split(';').next().unwrap_or_default().trim();
        match pinned(versions) {
            Some(version) => listed.packages.push(Package::new(Ecosystem::PyPi, name, version)),
            None => listed.unjudged.push(left_out("it is not pinned to one version")),
        }
    }
    Ok(listed)
}

/// The version of `==1.2` or `===1.2`; nothing for anything wider.
fn pinned(versions: &str) -> Option<&str> {
    let versions = versions.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')).unwrap_or(versions);
    let version = versions.trim().strip_prefix("==")?;
    let version = version.strip_prefix('=').unwrap_or(version).trim();
    (!version.is_empty() && !version.contains(['*', ',', ' '])).then_some(version)
}

/// Lines as they are meant, with their number: a `\` at the end goes on in the next one.
fn lines(text: &str) -> Vec<(usize, String)> {
    let mut whole: Vec<(usize, String)> = Vec::new();
    let mut goes_on = false;
    for (number, line) in text.lines().enumerate() {
        let (line, more) = match line.trim_end().strip_suffix('\\') {
            Some(line) => (line, true),
            None => (line, false),
        };
        match whole.last_mut() {
            Some((_, last)) if goes_on => last.extend([" ", line.trim()]),
            _ => whole.push((number + 1, line.trim().to_owned())),
        }
        goes_on = more;
    }
    whole
}

fn without_comment(line: &str) -> &str {
    if line.starts_with('#') {
        return "";
    }
    let comment = line.match_indices('#').find(|(at, _)| line[..*at].ends_with([' ', '\t']));
    comment.map_or(line, |(at, _)| &line[..at]).trim()
}

/// Options that bring requirements from elsewhere.
fn names_more(option: &str) -> bool {
    let more = ["-r", "-c", "-e", "--requirement", "--constraint", "--editable"];
    let word = option.split([' ', '=', '\t']).next().unwrap_or_default();
    more.contains(&word) || ["-r", "-c", "-e"].iter().any(|short| word.starts_with(short))
}

/// A folder, a file or an address instead of a name.
fn is_place(requirement: &str) -> bool {
    requirement.starts_with(['.', '/'])
        || requirement
            .split([' ', ';', '['])
            .next()
            .is_some_and(|word| word.contains("://") || word.contains('/'))
}

fn without_extras(rest: &str) -> &str {
    match rest.strip_prefix('[') {
        Some(extras) => extras.split_once(']').map_or("", |(_, rest)| rest).trim_start(),
        None => rest,
    }
}

fn cut(text: &str) -> String {
    let plain = text.chars().map(|sign| if sign.is_control() { ' ' } else { sign });
    let mut words: String = plain.take(81).collect();
    if words.chars().count() > 80 {
        words = words.chars().take(79).chain(['…']).collect();
    }
    words
}
