//! package.json: which Node.js and which package manager a project wants, and its packages.
//!
//! Source: <https://docs.npmjs.com/cli/configuring-npm/package-json>, <https://nodejs.org/api/corepack.html> for
//! `packageManager`, <https://docs.volta.sh/advanced/project-config>. Only what is about the machine is read: `engines`,
//! `devEngines`, `packageManager`, `volta`, and whether there are dependencies. The rest describes the package itself.

use serde_json::{Map, json};

use super::{
    Draft, Format, Source,
    draft::Found,
    tree::{self, Branch, Tree, Unreadable},
};

pub(super) struct PackageJson;

/// What mise installs under its own name.
const TOOLS: &[&str] = &["node", "npm", "pnpm", "yarn", "bun"];

impl Format for PackageJson {
    fn name(&self) -> &'static str {
        "package-json"
    }

    fn places(&self) -> &'static [&'static str] {
        &["package.json"]
    }

    fn read(&self, source: &Source, draft: &mut Draft<'_>) -> Result<(), Unreadable> {
        let root = tree::json(&source.text)?;
        let Branch::Fields(fields) = &root.data else {
            return Err((1, "it is not a group of fields".to_owned()));
        };
        let mut manager = "npm".to_owned();
        let mut tools = Vec::new();
        for (name, value) in fields {
            match name.as_str() {
                "engines" | "volta" => {
                    tools.extend(
                        value.fields().iter().filter_map(|(tool, range)| engine(name, tool, range, draft)),
                    );
                }
                "packageManager" => {
                    if let Some((named, step)) = package_manager(value, draft) {
                        manager = named;
                        tools.extend(step);
                    }
                }
                "devEngines" => draft.leave(value.line, name, "say the tools in a `tools` step"),
                _ => {}
            }
        }
        let dependencies = ["dependencies", "devDependencies"]
            .iter()
            .find_map(|name| root.get(name).filter(|list| !list.fields().is_empty()));
        if let Some(dependencies) = dependencies {
            let found = Found {
                name: "packages".to_owned(),
                title: "Install the project's packages".to_owned(),
                run: vec![manager, "install".to_owned()],
                project: Some("cwd"),
                needs: tools,
                ..Found::default()
            };
            draft.add(dependencies.line, "dependencies", found);
        }
        Ok(())
    }
}

fn engine(group: &str, tool: &str, range: &Tree, draft: &mut Draft<'_>) -> Option<usize> {
    let text = range.text().unwrap_or_default();
    let entry = format!("{group}.{tool} {text}");
    if !TOOLS.contains(&tool) {
        draft.leave(range.line, &entry, "no tool of this name is installed by mise");
        return None;
    }
    let Some(version) = version(text) else {
        draft.leave(range.line, &entry, "a range of versions from which one cannot be chosen without asking");
        return None;
    };
    if version != text {
        draft.leave(range.line, &entry, format!("the range: {version} is installed, which is in it"));
    }
    install(tool, &version, range.line, &entry, draft)
}

fn install(tool: &str, version: &str, line: u32, entry: &str, draft: &mut Draft<'_>) -> Option<usize> {
    let found = Found {
        name: tool.to_owned(),
        title: format!("Install {tool} {version}"),
        uses: "tools",
        with: Map::from_iter([("tools".to_owned(), json!({ tool: version }))]),
        ..Found::default()
    };
    draft.add(line, entry, found)
}

/// `pnpm@9.1.0+sha512.…`: the manager's name, and its step.
fn package_manager(value: &Tree, draft: &mut Draft<'_>) -> Option<(String, Option<usize>)> {
    let text = value.text().unwrap_or_default();
    let entry = format!("packageManager {text}");
    let Some((name, version)) = text.split_once('@').filter(|(name, _)| TOOLS.contains(name)) else {
        draft.leave(value.line, &entry, "no package manager that mise installs");
        return None;
    };
    let (version, hash) =
        version.split_once('+').map_or((version, None), |(version, hash)| (version, Some(hash)));
    if let Some(hash) = hash {
        draft.leave(value.line, &format!("{name} {hash}"), "the hash: mise verifies by its own");
    }
    Some((name.to_owned(), install(name, version, value.line, &entry, draft)))
}

/// A version of a simple range: `20`, `20.x`, `^20.1`, `~20.1`, `>=20`, `>=20 <21`. What mise takes: `20`, `20.1.2`.
fn version(range: &str) -> Option<String> {
    let first = range.split_whitespace().next()?;
    // `||` lets one choose, and two bounds are fine if the first is the lower one.
    if range.contains("||") || range.contains(" - ") || first.starts_with('<') || first.starts_with("> ") {
        return None;
    }
    let (exact, number) = match first.trim_start_matches(['^', '~', '=', 'v']) {
        rest if rest.starts_with(">=") => (false, &rest[2..]),
        rest if rest.starts_with('>') => return None,
        rest => (!first.starts_with(['^', '~']), rest),
    };
    let parts: Vec<&str> = number.split('.').take_while(|part| !matches!(*part, "x" | "X" | "*")).collect();
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if parts.is_empty() || parts.len() > 3 || !parts.iter().all(is_number) {
        return None;
    }
    // Of a range the newest of its major version is in it, if nothing bounds it from above within that.
    let bounded =
        range.split_whitespace().skip(1).any(|bound| bound.trim_start_matches(['<', '=']).contains('.'));
    match (exact, bounded) {
        (_, true) => None,
        (true, false) => Some(parts.join(".")),
        (false, false) if first.starts_with('~') => {
            Some(parts.iter().take(2).copied().collect::<Vec<_>>().join("."))
        }
        (false, false) => Some(parts[0].to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn one_version_of_a_range_is_in_it() {
        for (range, expected) in [
            ("20", Some("20")),
            ("20.11.1", Some("20.11.1")),
            ("v18.2.0", Some("18.2.0")),
            ("20.x", Some("20")),
            ("^20.1.0", Some("20")),
            ("~20.1.3", Some("20.1")),
            (">=18", Some("18")),
            (">=18.17.0 <21", Some("18")),
            (">=18 <18.5", None),
            ("^18 || ^20", None),
            ("18 - 20", None),
            (">18", None),
            ("<20", None),
            ("*", None),
            ("", None),
            ("lts/*", None),
        ] {
            assert_eq!(version(range).as_deref(), expected, "{range}");
        }
    }
}
