//! Scripts to rule them all: a project whose scripts have the names everybody knows.
//!
//! Source: <https://github.com/github/scripts-to-rule-them-all>. `bootstrap`, `setup` and `test` are somebody's first
//! day, in this order; the others are for later days, for CI, or run until they are ended.

use super::{Draft, Format, Source, draft::Found, tree::Unreadable};

pub(super) struct Scripts;

/// The scripts that become steps, with their titles.
const STEPS: &[(&str, &str)] = &[
    ("bootstrap", "Install what the project depends on"),
    ("setup", "Set the project up"),
    ("test", "See its tests pass"),
];
/// The others of the pattern, and why they are none.
const OTHERS: &[(&str, &str)] = &[
    ("update", "it is for later days; setup does the same the first time"),
    ("server", "it runs until it is ended: a `service` step, once it is said how to tell that it is ready"),
    ("cibuild", "CI runs it"),
    ("console", "a person types into it"),
];

impl Format for Scripts {
    fn name(&self) -> &'static str {
        "scripts"
    }

    fn places(&self) -> &'static [&'static str] {
        &["script"]
    }

    fn read(&self, source: &Source, draft: &mut Draft<'_>) -> Result<(), Unreadable> {
        if !source.names.iter().any(|name| STEPS.iter().any(|(known, _)| known == name)) {
            return Err((1, "it has none of bootstrap, setup and test".to_owned()));
        }
        let mut before = None;
        for (name, title) in STEPS.iter().filter(|(name, _)| source.names.iter().any(|found| found == name)) {
            let found = Found {
                name: (*name).to_owned(),
                title: (*title).to_owned(),
                run: vec![format!("script/{name}")],
                project: Some("cwd"),
                needs: before.into_iter().collect(),
                ..Found::default()
            };
            before = draft.add(1, &format!("script/{name}"), found).or(before);
            if *name == "test" && draft.goal.is_none() {
                draft.goal = before;
            }
        }
        for name in source.names.iter().filter(|name| !STEPS.iter().any(|(known, _)| known == name)) {
            let why = OTHERS.iter().find(|(known, _)| known == name);
            let why = why.map_or("it is not one of the scripts of that pattern", |(_, why)| why);
            draft.leave(1, &format!("script/{name}"), why);
        }
        Ok(())
    }
}
