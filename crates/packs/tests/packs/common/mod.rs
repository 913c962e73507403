//! Small kinds of step, and packs in temporary folders.

use std::path::{Path, PathBuf};

use firstlight_domain::kind::{Capabilities, Class, Kind, WithError, inspects_nothing};
use firstlight_packs::Report;
use miette::{GraphicalReportHandler, GraphicalTheme};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The pack of the design page, with a policy.
pub(crate) const ACME: &str = include_str!("acme.yaml");

fn nothing(_: &Value) -> Capabilities {
    Capabilities::default()
}

fn texts(with: &Value, field: &str) -> Vec<String> {
    with.get(field).and_then(Value::as_str).map(str::to_owned).into_iter().collect()
}

fn object(required: &[&str], properties: Value) -> Value {
    let mut schema = json!({ "type": "object", "additionalProperties": false });
    schema["properties"] = properties;
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

/// Kinds as providers describe them, in the shapes that derived schemas have.
#[expect(clippy::too_many_lines, reason = "one kind after another")]
pub(crate) fn kinds() -> Vec<Kind> {
    let words = json!({ "type": "array", "items": { "type": "string" } });
    let kind = |name, class, summary, schema| Kind {
        name,
        class,
        summary,
        docs: "",
        schema,
        outputs: &[],
        needs: nothing,
        accepts: |_| Ok(()),
        inspect: inspects_nothing,
    };
    let mut package = object(
        &[],
        json!({
            "apt": { "description": "For Debian and Ubuntu.", "anyOf": [{ "$ref": "#/$defs/Names" }, { "type": "null" }] },
            "dnf": { "anyOf": [{ "$ref": "#/$defs/Names" }, { "type": "null" }] },
            "brew": { "anyOf": [{ "$ref": "#/$defs/Names" }, { "type": "null" }] },
            "winget": { "anyOf": [{ "$ref": "#/$defs/Names" }, { "type": "null" }] },
            "command": { "type": ["string", "null"] },
        }),
    );
    package["$defs"] = json!({ "Names": { "anyOf": [{ "type": "string" }, words.clone()] } });
    vec![
        Kind {
            accepts: |with| match with.get("run") {
                Some(_) => Ok(()),
                None => Err(WithError { path: String::new(), message: "should have `run`".to_owned() }),
            },
            ..kind(
                "command",
                Class::Task,
                "A program, run as it is.",
                object(
                    &[],
                    json!({
                        "run": words,
                        "check": words,
                        "undo": words,
                        "cwd": { "type": ["string", "null"] },
                        "env": { "type": "object", "additionalProperties": { "type": "string" } },
                        "shell": { "type": "boolean", "default": false },
                    }),
                ),
            )
        },
        Kind {
            needs: |with| Capabilities { elevation: with.get("apt").is_some(), ..Capabilities::default() },
            ..kind("package", Class::Task, "Software from the machine's own package manager.", package)
        },
        Kind {
            needs: |with| Capabilities { paths: texts(with, "path"), ..Capabilities::default() },
            accepts: |with| match with.get("mode").and_then(Value::as_str) {
                Some(mode) if mode.len() != 4 => Err(WithError {
                    path: "mode".to_owned(),
                    message: format!("`{mode}` should be permissions like \"0644\""),
                }),
                Some(_) | None => Ok(()),
            },
            ..kind(
                "file",
                Class::Task,
                "A file with exactly this content.",
                object(
                    &["path"],
                    json!({
                        "path": { "type": "string", "description": "The file on this machine." },
                        "content": { "type": ["string", "null"] },
                        "source": { "type": ["string", "null"] },
                        "mode": { "type": ["string", "null"] },
                        "merge": { "type": ["object", "null"], "additionalProperties": true },
                    }),
                ),
            )
        },
        Kind {
            outputs: &["path", "commit"],
            needs: |with| Capabilities {
                hosts: texts(with, "url")
                    .iter()
                    .filter_map(|url| url.strip_prefix("git@")?.split(':').next().map(str::to_owned))
                    .collect(),
                paths: texts(with, "into"),
                ..Capabilities::default()
            },
            ..kind(
                "git/clone",
                Class::Task,
                "A copy of a Git repository.",
                object(
                    &["url", "into"],
                    json!({
                        "url": { "type": "string" },
                        "into": { "type": "string" },
                        "ref": { "type": ["string", "null"] },
                        "depth": { "type": ["integer", "null"], "minimum": 1 },
                    }),
                ),
            )
        },
        Kind {
            outputs: &["path", "public_key"],
            ..kind(
                "ssh/key",
                Class::Task,
                "An SSH key of your own.",
                object(
                    &["type"],
                    json!({ "type": { "type": "string", "enum": ["ed25519"] }, "path": { "type": "string" } }),
                ),
            )
        },
        Kind {
            outputs: &["url", "pid"],
            needs: |with| {
                let http = with.pointer("/ready/http").and_then(Value::as_str).unwrap_or_default();
                let host = http.split("://").nth(1).and_then(|rest| rest.split('/').next());
                Capabilities {
                    hosts: host.map(str::to_owned).into_iter().collect(),
                    ..Capabilities::default()
                }
            },
            ..kind(
                "service",
                Class::Task,
                "A program that keeps running.",
                object(
                    &["run", "ready"],
                    json!({
                        "run": words,
                        "cwd": { "type": ["string", "null"] },
                        "env": { "type": "object", "additionalProperties": { "type": "string" } },
                        "ready": { "description": "When it is ready.", "oneOf": [
                            object(&["http"], json!({ "http": { "type": "string" }, "status": { "type": "integer" } })),
                            object(&["tcp"], json!({ "tcp": { "type": "string" } })),
                            object(&["command"], json!({ "command": words })),
                        ] },
                        "ready-timeout": { "type": ["string", "null"] },
                    }),
                ),
            )
        },
        Kind {
            needs: |with| Capabilities { secrets: texts(with, "name"), ..Capabilities::default() },
            ..kind(
                "credential",
                Class::Credential,
                "A secret, tested and kept in the keychain.",
                object(
                    &["name"],
                    json!({ "name": { "type": "string" }, "title": { "type": ["string", "null"] } }),
                ),
            )
        },
        kind(
            "read",
            Class::Action,
            "Something to read.",
            object(&[], json!({ "doc": { "type": "string" }, "text": { "type": "string" } })),
        ),
        kind(
            "confirm",
            Class::Action,
            "Something a person says they did.",
            object(&["text"], json!({ "text": { "type": "string" } })),
        ),
        kind(
            "request",
            Class::Action,
            "Something another person grants.",
            object(&[], json!({ "text": { "type": ["string", "null"] } })),
        ),
    ]
}

/// A pack in a folder of its own.
pub(crate) struct Folder {
    temporary: TempDir,
}

impl Folder {
    /// With this `pack.yaml`.
    pub(crate) fn with(text: impl AsRef<[u8]>) -> Self {
        let folder = Self { temporary: tempfile::tempdir().unwrap() };
        folder.add("pack.yaml", text);
        folder
    }

    /// One more file.
    pub(crate) fn add(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.root().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// Its path.
    pub(crate) fn root(&self) -> &Path {
        self.temporary.path()
    }

    /// What is wrong with it.
    pub(crate) fn lint(&self) -> Report {
        firstlight_packs::lint(self.root(), &kinds()).unwrap()
    }

    /// What is wrong with it, as the command line shows it.
    pub(crate) fn rendered(&self) -> String {
        let report = self.lint();
        let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor()).with_width(100);
        let mut text = String::new();
        handler.render_report(&mut text, &report).unwrap();
        let text = text.replace(&format!("{}{}", self.root().display(), std::path::MAIN_SEPARATOR), "");
        text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
    }
}

/// [`ACME`] with one place changed.
pub(crate) fn changed(from: &str, to: &str) -> String {
    assert_eq!(ACME.matches(from).count(), 1, "`{from}` is there once");
    ACME.replace(from, to)
}

/// The repository's own packs.
pub(crate) fn own_packs() -> Vec<PathBuf> {
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/packs");
    let entries = std::fs::read_dir(assets).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.join("pack.yaml").is_file()).collect()
}
