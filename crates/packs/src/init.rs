//! A starter pack: small, whole, and free of problems, to be changed step by step.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use firstlight_domain::kind::Kind;

use crate::{API_VERSION, PACK_FILE, schema};

/// The schema's file in a starter pack, for editors.
pub const SCHEMA_FILE: &str = "pack.schema.json";

/// What a starter pack says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Starter {
    /// The greeting, for example "Welcome to Acme".
    pub title: String,
    /// The first persona's title, for example "Backend engineer".
    pub persona: String,
}

impl Default for Starter {
    fn default() -> Self {
        Self { title: "Welcome".to_owned(), persona: "Engineer".to_owned() }
    }
}

/// Why no starter pack was written.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum InitError {
    /// Something is there already.
    #[error("{} is not empty", path.display())]
    #[diagnostic(help("choose a new folder; nothing is overwritten"))]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// The system would not let us write.
    #[error("{} cannot be written", path.display())]
    Unwritable {
        /// What.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Writes a starter pack into a new or empty folder (a fresh `.git` may be there). Gives the files, in the order they
/// were written.
pub fn init(root: &Path, starter: &Starter, kinds: &[Kind]) -> Result<Vec<PathBuf>, InitError> {
    refuse_if_used(root)?;
    let persona = slug(&starter.persona).unwrap_or_else(|| "engineer".to_owned());
    let folder = std::path::absolute(root).unwrap_or_else(|_| root.to_owned());
    let name = folder
        .file_name()
        .and_then(|name| slug(&name.to_string_lossy()))
        .unwrap_or_else(|| "pack".to_owned());
    let words = [
        ("API", API_VERSION),
        ("SCHEMA", SCHEMA_FILE),
        ("NAME", &name),
        ("PERSONA", &persona),
        ("PERSONA_TITLE", &quoted(&starter.persona)),
        ("TITLE", &quoted(&starter.title)),
        ("PLAIN_TITLE", &one_line(&starter.title)),
    ];
    let (pack, welcome) = (fill(PACK, &words), fill(WELCOME, &words));
    let mut described = serde_json::to_string_pretty(&schema(kinds)).unwrap_or_default();
    described.push('\n');
    let files = [(PACK_FILE, pack), ("docs/welcome.md", welcome), (SCHEMA_FILE, described)];
    files.into_iter().map(|(path, content)| write(&root.join(path), &content)).collect()
}

/// Puts words for `@NAME@`, once: a word may hold `@` itself.
fn fill(template: &str, words: &[(&str, &str)]) -> String {
    template
        .split('@')
        .enumerate()
        .map(|(at, part)| match words.iter().find(|(name, _)| at % 2 == 1 && *name == part) {
            Some((_, word)) => word,
            None => part,
        })
        .collect()
}

pub(crate) fn refuse_if_used(root: &Path) -> Result<(), InitError> {
    let entries = match fs::read_dir(root) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(InitError::Unwritable { path: root.to_owned(), source }),
    };
    for entry in entries {
        let entry = entry.map_err(|source| InitError::Unwritable { path: root.to_owned(), source })?;
        if entry.file_name() != ".git" {
            return Err(InitError::NotEmpty { path: root.to_owned() });
        }
    }
    Ok(())
}

pub(crate) fn write(path: &Path, content: &str) -> Result<PathBuf, InitError> {
    let unwritable = |source| InitError::Unwritable { path: path.to_owned(), source };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(unwritable)?;
    }
    let mut file = fs::File::create_new(path).map_err(unwritable)?;
    io::Write::write_all(&mut file, content.as_bytes()).map_err(unwritable)?;
    Ok(path.to_owned())
}

/// An id from words; `None` if nothing of them can be in one.
pub(crate) fn slug(words: &str) -> Option<String> {
    let mut id = String::new();
    for c in words.chars().flat_map(char::to_lowercase) {
        if c.is_ascii_alphanumeric() {
            id.push(c);
        } else if !id.is_empty() && !id.ends_with('-') {
            id.push('-');
        }
    }
    id.truncate(64);
    let id = id.trim_end_matches('-');
    (!id.is_empty()).then(|| id.to_owned())
}

/// A YAML text: JSON's double-quoted form is one.
fn quoted(text: &str) -> String {
    serde_json::Value::String(one_line(text)).to_string()
}

pub(crate) fn one_line(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    if plain.is_empty() { "Welcome".to_owned() } else { plain }
}

const PACK: &str = r#"# yaml-language-server: $schema=@SCHEMA@
# Check it with `firstlight pack lint`; see what it would do with `firstlight plan --pack . --persona @PERSONA@`.
apiVersion: @API@
kind: Pack
metadata:
  name: @NAME@
  version: 0.1.0
  title: @TITLE@

# Asked once; used below as ${{ inputs.workspace }}.
inputs:
  workspace:
    type: string
    title: Where your code lives
    default: ~/src

personas:
  @PERSONA@:
    title: @PERSONA_TITLE@

checklists:
  @PERSONA@:
    stages:
      - id: day-1
        title: Day one
        steps: [welcome, git, first-file]

steps:
  welcome:
    title: What today is about
    why: Two minutes of reading, so that nothing surprises you.
    uses: read
    estimate: 2m
    with: { doc: docs/welcome.md }

  git:
    title: Install Git
    why: All our code lives in Git repositories.
    uses: package
    estimate: 1m
    with: { apt: git, dnf: git, brew: git, winget: Git.Git, command: git }

  # Replace this by what is worth the journey: a service that answers, a test that passes.
  first-file:
    title: See your workspace
    why: From here on, what you make has a place.
    uses: file
    needs: [git]
    estimate: 1s
    first-value: true
    with:
      path: ${{ inputs.workspace }}/hello.md
      content: |
        # Hello

        This folder is yours.

# What the steps above may do, and nothing else.
policy:
  capabilities:
    paths: ["${{ inputs.workspace }}"]
    elevation: true
"#;

const WELCOME: &str = "# @PLAIN_TITLE@\n\nToday you set up your machine and see something of your own work.\n\n- What is \
done for you is shown before it is done.\n- If a step fails, it says why and what to do. Nothing you have is removed.\n\
- Whom to ask: put a name here.\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_from_words() {
        assert_eq!(slug("Backend engineer").as_deref(), Some("backend-engineer"));
        assert_eq!(slug("  Überflieger (QA) ").as_deref(), Some("berflieger-qa"));
        assert_eq!(slug("工程师"), None);
        assert_eq!(slug(&"x".repeat(99)).map(|id| id.len()), Some(64));
    }
}
