//! Adding lines to a file of the person's, and taking exactly those away again.
//!
//! The receipt holds what was added and nothing else of the file: these files are where people keep tokens.

use std::path::{Path, PathBuf};

use firstlight_domain::state::Failure;
use serde::{Deserialize, Serialize};

use crate::{
    provider::Context,
    providers::{failure_with, whole_file},
};

/// What was added to a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Added {
    path: PathBuf,
    text: String,
    /// Where, in bytes.
    at: usize,
    /// Whether there was no file.
    made: bool,
    /// Folders that were made for it, outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    folders: Vec<PathBuf>,
}

/// A person's file as it is: its text, or none.
pub(super) fn text(path: &Path, home: &Path) -> Result<Option<String>, Failure> {
    let Some(found) = whole_file::find(path, home)? else { return Ok(None) };
    String::from_utf8(found.content).map(Some).map_err(|_| {
        failure_with(format!("{} is not text in UTF-8", path.display()), "look at it, and save it as UTF-8")
    })
}

/// What `wanted` adds to a file's text. Error: something else differs, too.
pub(super) fn added(path: &Path, now: &str, wanted: &str) -> Result<String, Failure> {
    match insertion(now, wanted) {
        Some((_, added)) => Ok(added.to_owned()),
        None => Err(cannot_add(path, "its other lines would change")),
    }
}

/// Why a file cannot be added to.
pub(super) fn cannot_add(path: &Path, why: &str) -> Failure {
    failure_with(
        format!("the settings cannot be added to {}: {why}", path.display()),
        "look at the file, or set proxy and certificates in it by hand",
    )
}

/// Writes the text, which is what is there with something added in one place.
pub(super) fn add(cx: &Context, path: &Path, wanted: &str) -> Result<(), Failure> {
    let home = Path::new(&cx.facts.home);
    let now = text(path, home)?;
    let found = whole_file::find(path, home)?;
    let Some((at, added)) = insertion(now.as_deref().unwrap_or_default(), wanted) else {
        return Err(cannot_add(path, "it was changed meanwhile"));
    };
    cx.keep_receipt(Added {
        path: path.to_owned(),
        text: added.to_owned(),
        at,
        made: found.is_none(),
        folders: whole_file::missing_folders(path),
    })?;
    whole_file::write_all(path, found.as_ref(), wanted.as_bytes())
}

/// Takes away what was added, wherever in the file it is now.
pub(super) fn take_away(receipt: &Added, home: &Path) -> Result<(), Failure> {
    let path = &receipt.path;
    let Some(found) = whole_file::find(path, home)? else {
        // Cut off after the folders were made.
        whole_file::remove_made(&receipt.folders);
        return Ok(());
    };
    let (now, added) = (&found.content, receipt.text.as_bytes());
    let here = now.get(receipt.at..).is_some_and(|rest| rest.starts_with(added)).then_some(receipt.at);
    let anywhere = || now.windows(added.len().max(1)).position(|window| window == added);
    let Some(at) = here.or_else(anywhere) else {
        let text = String::from_utf8_lossy(now);
        let ours = |line: &str| receipt.text.lines().any(|one| !one.trim().is_empty() && one == line);
        // Not one of the lines is there: it was never written, or the person took them away.
        if !text.lines().any(ours) {
            return Ok(());
        }
        return Err(failure_with(
            format!("{} was changed since; it is left as it is", path.display()),
            "take the lines for the proxy and the certificates out of it by hand",
        ));
    };
    let rest = [&now[..at], &now[at + added.len()..]].concat();
    if !(receipt.made && rest.is_empty()) {
        return whole_file::write_all(path, Some(&found), &rest);
    }
    whole_file::remove(path)?;
    whole_file::remove_made(&receipt.folders);
    Ok(())
}

/// Where `new` has something that `old` has not, and what; none if that is not all that differs.
fn insertion<'a>(old: &str, new: &'a str) -> Option<(usize, &'a str)> {
    let same = old.bytes().zip(new.bytes()).take_while(|(a, b)| a == b).count();
    // Of several places that would do, the first that lies between two characters.
    let at = (0..=same)
        .rev()
        .find(|&at| new.is_char_boundary(at) && new.ends_with(old.get(at..).unwrap_or(new)))?;
    let end = new.len() - (old.len() - at);
    new.get(at..end).map(|added| (at, added))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_found_and_nothing_else_is() {
        assert_eq!(insertion("", "a\n"), Some((0, "a\n")));
        assert_eq!(insertion("b\n", "a\nb\n"), Some((0, "a\n")));
        assert_eq!(insertion("a\nb\n", "a\nx\nb\n").map(|(_, added)| added.len()), Some(2));
        assert_eq!(insertion("é\n", "é\nè\n"), Some((3, "è\n")));
        assert_eq!(insertion("a\nb\n", "a\nc\n"), None);
        assert_eq!(insertion("a\nb\n", "a\n"), None);
        for (old, new) in [("aa\n", "aa\naa\n"), ("[http]\nx\n", "[http]\nproxy\nx\n"), ("é", "éé")] {
            let (at, added) = insertion(old, new).unwrap();
            let mut back = new.to_owned();
            back.replace_range(at..at + added.len(), "");
            assert_eq!(back, old);
        }
    }
}
