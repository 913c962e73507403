//! What was found, written as a pack: whole, linting clean, each foreign word a quoted text.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use firstlight_domain::kind::{Capabilities, Kind};
use serde_json::Value;

use super::draft::{Draft, Found, LeftOut};
use crate::{
    API_VERSION, PACK_FILE, SCHEMA_FILE,
    init::{InitError, one_line, refuse_if_used, slug, write},
    schema,
};

/// The step that stands for first value where no file names one.
pub(super) const GOAL: &str = "first-value";
/// The list of what was not carried over, in the pack.
pub const LEFT_OUT_FILE: &str = "not-carried-over.md";

/// Writes the pack; the files, in order.
pub(super) fn pack(
    root: &Path,
    sources: &[String],
    draft: &Draft<'_>,
    kinds: &[Kind],
) -> Result<Vec<PathBuf>, InitError> {
    refuse_if_used(root)?;
    let mut described = serde_json::to_string_pretty(&schema(kinds)).unwrap_or_default();
    described.push('\n');
    let mut files = vec![(PACK_FILE, pack_yaml(root, sources, draft)), (SCHEMA_FILE, described)];
    if !draft.left.is_empty() {
        files.push((LEFT_OUT_FILE, left_out(&draft.left)));
    }
    files.into_iter().map(|(path, content)| write(&root.join(path), &content)).collect()
}

fn pack_yaml(root: &Path, sources: &[String], draft: &Draft<'_>) -> String {
    let folder = std::path::absolute(root).unwrap_or_else(|_| root.to_owned());
    let name = folder.file_name().and_then(|name| slug(&name.to_string_lossy()));
    let from = one_line(&sources.join(", "));
    let mut text = format!("# yaml-language-server: $schema={SCHEMA_FILE}\n# Made from {from}.\n");
    if !draft.left.is_empty() {
        let _ = writeln!(text, "# What could not be carried over, and why, is in {LEFT_OUT_FILE}.");
    }
    let _ = write!(
        text,
        "apiVersion: {API_VERSION}\nkind: Pack\nmetadata:\n  name: {}\n  version: 0.1.0\n  title: Welcome\n",
        yaml(&name.unwrap_or_else(|| "pack".to_owned()).into())
    );
    if draft.steps.iter().any(|step| step.found.project.is_some()) {
        text.push_str(
            "\n# Put the project there before: a `git/clone` step, and the steps below need it.\ninputs:\n  project:\n    type: string\n    title: Where the project is\n    default: ~/src/project\n",
        );
    }
    text.push_str("\npersonas:\n  engineer:\n    title: Engineer\n\nchecklists:\n  engineer:\n    stages:\n      - id: day-1\n        title: Day one\n        steps:\n");
    for step in &draft.steps {
        let _ = writeln!(text, "          - {}", yaml(&step.id.as_str().into()));
    }
    if draft.goal.is_none() {
        let _ = writeln!(text, "          - {GOAL}");
    }
    text.push_str("\nsteps:\n");
    for (at, step) in draft.steps.iter().enumerate() {
        step_yaml(&mut text, draft, &step.id, &step.found, draft.goal == Some(at));
    }
    if draft.goal.is_none() {
        let _ = write!(
            text,
            "  # Replace this by what is worth the journey: a service that answers, a test that passes.\n  {GOAL}:\n    title: See that you can begin\n    uses: confirm\n    first-value: true\n    with: {{ text: I have what I need to begin. }}\n"
        );
        let needs: Vec<Value> = draft.steps.iter().map(|step| step.id.as_str().into()).collect();
        if !needs.is_empty() {
            let _ = writeln!(text, "    needs: {}", yaml(&needs.into()));
        }
    }
    text.push_str(&policy(draft));
    text
}

fn step_yaml(text: &mut String, draft: &Draft<'_>, id: &str, found: &Found, is_goal: bool) {
    let _ = writeln!(text, "  {}:", yaml(&id.into()));
    let mut field = |name: &str, value: &Value| {
        let _ = writeln!(text, "    {name}: {}", yaml(value));
    };
    field("title", &plain(&one_line(&found.title)).into());
    if let Some(why) = found.why.as_deref().filter(|why| !why.trim().is_empty()) {
        field("why", &plain(why.trim()).into());
    }
    if let Some(os) = found.os {
        field("if", &format!("${{{{ facts.os == '{os}' }}}}").into());
    }
    let mut needs: Vec<&str> =
        found.needs.iter().filter_map(|at| draft.steps.get(*at)).map(|step| step.id.as_str()).collect();
    // The goal is there once all is.
    if is_goal {
        needs = draft.steps.iter().map(|step| step.id.as_str()).filter(|other| *other != id).collect();
    }
    if !needs.is_empty() {
        field("needs", &needs.into());
    }
    if is_goal {
        field("first-value", &true.into());
    }
    if found.uses.is_empty() {
        if found.project.is_some() {
            field("cwd", &"${{ inputs.project }}".into());
        }
        field("run", &found.run.clone().into());
        if !found.undo.is_empty() {
            field("undo", &found.undo.clone().into());
        }
        return;
    }
    field("uses", &found.uses.into());
    let mut with = found.with.clone();
    if let Some(project) = found.project {
        with.insert(project.to_owned(), "${{ inputs.project }}".into());
    }
    field("with", &with.into());
}

/// What the steps need, as their kinds say.
fn policy(draft: &Draft<'_>) -> String {
    let mut needed = Capabilities::default();
    for step in &draft.steps {
        let Some(kind) = draft.kind(step.found.kind()) else { continue };
        let needs = (kind.needs)(&step.found.parameters());
        needed.elevation |= needs.elevation;
        needed.hosts.extend(needs.hosts);
    }
    needed.hosts.sort_unstable();
    needed.hosts.dedup();
    if needed.hosts.is_empty() && !needed.elevation {
        return String::new();
    }
    let mut text =
        "\n# What the steps above may do, and nothing else.\npolicy:\n  capabilities:\n".to_owned();
    if !needed.hosts.is_empty() {
        let _ = writeln!(text, "    hosts: {}", yaml(&needed.hosts.into()));
    }
    if needed.elevation {
        text.push_str("    elevation: true\n");
    }
    text
}

fn left_out(left: &[LeftOut]) -> String {
    let mut text = "# Not carried over\n\nLook at each: it may be a step of another kind, or nobody needs it any more.\n\n".to_owned();
    for one in left {
        // As code, so that nothing in it is a link or a picture.
        let code = |text: &str| text.replace('`', "'");
        let entry = if one.entry.is_empty() { String::new() } else { format!(" `{}`", code(&one.entry)) };
        let _ = writeln!(text, "- `{}:{}`{entry}: {}", code(&one.file), one.line, one.reason);
    }
    text
}

/// A text that nobody computes.
fn plain(text: &str) -> String {
    text.replace("${{", "$ {{")
}

/// A value as YAML: JSON is, once what YAML does not print is escaped.
pub(crate) fn yaml(value: &Value) -> String {
    let is_unprintable = |c: char| {
        matches!(c, '\u{7f}'..='\u{9f}' | '\u{feff}' | '\u{2028}' | '\u{2029}' | '\u{fffe}' | '\u{ffff}')
    };
    let mut text = String::new();
    for c in value.to_string().chars() {
        if is_unprintable(c) {
            let _ = write!(text, "\\u{:04x}", u32::from(c));
        } else {
            text.push(c);
        }
    }
    text
}
