//! A starter pack: small, whole, and free of problems, to be changed step by step. What each persona begins with is in a
//! file beside this one, what CI runs in `ci/`.

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
    /// Whose first steps it begins with.
    pub from: StartFrom,
    /// The persona's title, for example "Backend engineer"; that of `from` if empty.
    pub persona: String,
    /// Whether CI looks at every change.
    pub ci: Option<Ci>,
}

impl Default for Starter {
    fn default() -> Self {
        Self { title: "Welcome".to_owned(), from: StartFrom::Own, persona: String::new(), ci: None }
    }
}

/// A persona to start from: small steps that end in something real, each to be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartFrom {
    /// A repository and its first commit.
    Developer,
    /// Data and an answer from it.
    DataScientist,
    /// A state that is described and holds.
    DevopsEngineer,
    /// A test that passes.
    QaEngineer,
    /// A file, to be replaced by whatever it shall be.
    Own,
}

impl StartFrom {
    /// Every one, in the order they are offered.
    pub const ALL: &'static [Self] =
        &[Self::Developer, Self::DataScientist, Self::DevopsEngineer, Self::QaEngineer, Self::Own];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Developer => "developer",
            Self::DataScientist => "data-scientist",
            Self::DevopsEngineer => "devops-engineer",
            Self::QaEngineer => "qa-engineer",
            Self::Own => "own",
        }
    }

    /// What such a persona is called if nobody says otherwise.
    pub fn title(self) -> &'static str {
        match self {
            Self::Developer => "Developer",
            Self::DataScientist => "Data scientist",
            Self::DevopsEngineer => "DevOps engineer",
            Self::QaEngineer => "QA engineer",
            Self::Own => "Engineer",
        }
    }

    /// The steps that follow the welcome: their ids, and how they are written.
    fn steps(self) -> (&'static str, &'static str) {
        match self {
            Self::Developer => ("git, repository, program, first-commit", include_str!("developer.yaml")),
            Self::DataScientist => ("python, data, first-answer", include_str!("data-scientist.yaml")),
            Self::DevopsEngineer => {
                ("git, state, repository, first-state", include_str!("devops-engineer.yaml"))
            }
            Self::QaEngineer => ("python, test, first-test", include_str!("qa-engineer.yaml")),
            Self::Own => ("git, first-file", include_str!("own.yaml")),
        }
    }
}

/// Where changes of the pack are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ci {
    /// GitHub Actions.
    Github,
    /// GitLab CI.
    Gitlab,
}

impl Ci {
    /// Every one.
    pub const ALL: &'static [Self] = &[Self::Github, Self::Gitlab];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Github => "github",
            Self::Gitlab => "gitlab",
        }
    }

    /// The file it looks for, and what is written into it.
    fn file(self) -> (&'static str, &'static str) {
        match self {
            Self::Github => (".github/workflows/pack.yml", include_str!("ci/github.yml")),
            Self::Gitlab => (".gitlab-ci.yml", include_str!("ci/gitlab.yml")),
        }
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
    let title = if starter.persona.trim().is_empty() { starter.from.title() } else { &starter.persona };
    let persona = slug(title).unwrap_or_else(|| "engineer".to_owned());
    let folder = std::path::absolute(root).unwrap_or_else(|_| root.to_owned());
    let name = folder
        .file_name()
        .and_then(|name| slug(&name.to_string_lossy()))
        .unwrap_or_else(|| "pack".to_owned());
    let (ids, steps) = starter.from.steps();
    let words = [
        ("API", API_VERSION),
        ("SCHEMA", SCHEMA_FILE),
        ("NAME", &name),
        ("PERSONA", &persona),
        ("PERSONA_TITLE", &quoted(title)),
        ("IDS", ids),
        ("GIT", if ids.starts_with("git") { GIT } else { "" }),
        ("STEPS", steps),
        ("TITLE", &quoted(&starter.title)),
        ("PLAIN_TITLE", &one_line(&starter.title)),
    ];
    let (pack, welcome) = (fill(PACK, &words), fill(WELCOME, &words));
    let mut described = serde_json::to_string_pretty(&schema(kinds)).unwrap_or_default();
    described.push('\n');
    let mut files = vec![(PACK_FILE, pack), ("docs/welcome.md", welcome), (SCHEMA_FILE, described)];
    files.extend(starter.ci.map(Ci::file).map(|(path, content)| (path, content.to_owned())));
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
# Check it with `firstlight pack lint`; walk it in a throwaway home with `firstlight pack test`.
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
        steps: [welcome, @IDS@]

steps:
  welcome:
    title: What today is about
    why: Two minutes of reading, so that nothing surprises you.
    uses: read
    estimate: 2m
    with: { doc: docs/welcome.md }

@GIT@@STEPS@
# What the steps above may do, and nothing else.
policy:
  capabilities:
    paths: ["${{ inputs.workspace }}"]
    elevation: true
"#;

const GIT: &str = "  git:
    title: Install Git
    why: All our code lives in Git repositories.
    uses: package
    estimate: 1m
    with: { apt: git, dnf: git, brew: git, winget: Git.Git, command: git }

";

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
