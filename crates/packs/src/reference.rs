//! The provider reference: what every kind of step takes and gives, in Markdown, from what the kinds say of themselves.

use std::fmt::Write as _;

use firstlight_domain::kind::{Class, Kind};

use crate::{names, read::with::Shape};

/// How deep groups of fields are listed.
const DEPTH: usize = 4;

/// Markdown: a section for each kind, those of the machine first.
pub fn reference(kinds: &[Kind]) -> String {
    let mut text = String::from(
        "# Kinds of steps\n\nGenerated from the kinds themselves. A text may hold expressions, `${{ inputs.workspace }}`.\n",
    );
    let classes = [
        (Class::Task, "Tasks: the machine does them", "Checked, applied, and checked again."),
        (
            Class::Credential,
            "Credentials",
            "The person gives a secret; it is tested, then kept in the keychain.",
        ),
        (Class::Action, "Actions: a person does them", "Closed by the person, or by a probe."),
    ];
    for (class, title, about) in classes {
        let mut of_class = kinds.iter().filter(|kind| kind.class == class).peekable();
        if of_class.peek().is_some() {
            let _ = write!(text, "\n## {title}\n\n{about}\n");
        }
        for kind in of_class {
            section(kind, &mut text);
        }
    }
    text
}

fn section(kind: &Kind, text: &mut String) {
    let _ = write!(text, "\n### `{}`\n\n{}\n", kind.name, kind.summary);
    if !kind.docs.is_empty() {
        let _ = write!(text, "\n{}\n", kind.docs.trim_end());
    }
    let mut rows = String::new();
    table(Shape::new(&kind.schema), "", DEPTH, &mut rows);
    if rows.is_empty() {
        text.push_str("\nTakes no parameters.\n");
    } else {
        let _ = write!(text, "\n| parameter | value | meaning |\n|---|---|---|\n{rows}");
    }
    if !kind.outputs.is_empty() {
        let _ = write!(text, "\nOutputs: {}.\n", names::list(kind.outputs.iter().copied()));
    }
}

fn table(shape: Shape<'_>, path: &str, depth: usize, rows: &mut String) {
    if depth == 0 {
        return;
    }
    let required = shape.required();
    for name in shape.properties() {
        let Some(property) = shape.property(name) else { continue };
        let place = crate::read::with::join(path, name);
        let must = if required.contains(&name) { ", required" } else { "" };
        let meaning = property.description().replace('\n', " ").replace('|', "\\|");
        let _ = writeln!(rows, "| `{place}` | {}{must} | {meaning} |", value(property));
        table(property, &place, depth - 1, rows);
    }
}

fn value(shape: Shape<'_>) -> String {
    let choices = shape.choices();
    if !choices.is_empty() {
        return choices.iter().map(|choice| format!("`{choice}`")).collect::<Vec<_>>().join(" or ");
    }
    let words = shape.expected();
    if words.is_empty() { "anything".to_owned() } else { words.replace("a group of fields", "fields") }
}
