//! Which name was probably meant.

/// Words that other tools use for what is called otherwise here.
const ELSEWHERE: &[(&str, &str)] = &[
    ("args", "with"),
    ("choices", "enum"),
    ("command", "run"),
    ("cmd", "run"),
    ("depends-on", "needs"),
    ("depends_on", "needs"),
    ("dependsOn", "needs"),
    ("description", "why"),
    ("environment", "env"),
    ("label", "title"),
    ("name", "title"),
    ("params", "with"),
    ("requires", "needs"),
    ("script", "run"),
    ("type", "uses"),
    ("when", "if"),
    ("working-directory", "cwd"),
    ("working_directory", "cwd"),
];

/// The known name nearest to one that is not, if any is near.
pub(crate) fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let plain = |text: &str| text.to_lowercase().replace(['_', ' '], "-");
    let wanted = plain(name);
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&wanted, &plain(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.len().max(name.len()) / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The field probably meant: the nearest one, or what other tools call it.
pub(crate) fn nearest_field<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    nearest(name, known.iter().copied()).or_else(|| {
        let (_, here) = ELSEWHERE.iter().find(|(elsewhere, _)| *elsewhere == name)?;
        known.iter().copied().find(|field| field == here)
    })
}

/// A few names for a message: `a`, `b` and `c`.
pub(crate) fn list<'k>(names: impl IntoIterator<Item = &'k str>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        None => "none".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

/// The fix for an unknown name: the nearest one, else all there are.
pub(crate) fn did_you_mean(name: &str, known: &[&str], what: &str) -> String {
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => format!("there are no {what}"),
        None => format!("there are these {what}: {}", list(known.iter().copied().take(20))),
    }
}
