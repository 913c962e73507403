//! A plan: what would happen now, and the hash that consent binds to.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    id::{PersonaId, StepId},
    kind::Class,
    pack::PackRef,
};

/// What would happen to every step of a checklist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Of which pack.
    pub pack: PackRef,
    /// For whom.
    pub persona: PersonaId,
    /// In an order in which they could be walked.
    pub steps: Vec<PlannedStep>,
}

/// What would happen to one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedStep {
    /// Its id.
    pub id: StepId,
    /// Who does it.
    pub class: Class,
    /// What would happen.
    pub outcome: Outcome,
    /// Exactly what would be done.
    pub resolved: Resolved,
    /// The outputs it has, if its check was just found to hold.
    pub held: Option<BTreeMap<String, String>>,
    /// What it would fetch.
    pub download: Download,
}

/// How much a step would fetch from elsewhere. Not part of what is agreed to: servers change it by the hour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Download {
    /// Nothing by its kind's own doing.
    #[default]
    Nothing,
    /// So many bytes.
    Bytes(u64),
    /// Something; nobody says how much.
    Unknown,
}

/// The honest groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Something would change, or be asked: what, in words.
    WillChange(String),
    /// Its check holds.
    Ok,
    /// Its condition does not hold on this machine.
    NotNeeded(String),
    /// It cannot be known yet: why.
    Unknown(String),
    /// It cannot be done as things are: why.
    Blocked(String),
}

/// Everything a step would do, with expressions resolved as far as they can be. What is not known yet keeps its
/// expression, and so consent covers exactly what was shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolved {
    /// Commands, word by word.
    pub commands: Vec<CommandLine>,
    /// Files that would be written.
    pub files: Vec<FileChange>,
    /// Hosts that would be contacted by our own doing.
    pub hosts: Vec<String>,
    /// Credentials that would be handed over.
    pub secrets: Vec<String>,
    /// Whether administrator rights are needed.
    pub elevated: bool,
    /// Whether the machine may have to be restarted afterwards.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub restart: bool,
    /// What a person would be asked or shown.
    pub text: Option<String>,
    /// What a program from outside may reach. Absent for every other kind, so that what they did keeps its hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reach: Option<Box<Reach>>,
}

/// What a program from outside is, and what it may reach beside the system's own programs and settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// SHA-256 of the program, hex; empty as long as it is not there.
    pub program: String,
    /// What it is given, as JSON; empty if nothing.
    pub values: String,
    /// Files and folders it may read.
    pub reads: Vec<String>,
    /// Files and folders it may change while the step is done or taken back.
    pub writes: Vec<String>,
    /// Whether the system holds it to that. If not, it can do whatever the person can.
    pub enforced: bool,
}

/// One command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandLine {
    /// What it is for.
    pub purpose: Purpose,
    /// Program and arguments.
    pub argv: Vec<String>,
    /// The folder it runs in.
    pub cwd: Option<String>,
    /// Environment variables it gets, values of secrets excepted.
    pub env: Vec<(String, String)>,
    /// Whether a shell interprets it.
    pub shell: bool,
}

/// What a command is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Finds out; changes nothing.
    Check,
    /// Changes.
    Run,
    /// Takes back.
    Undo,
    /// Finds out whether a service answers.
    Ready,
    /// Tries a credential.
    Test,
}

impl Purpose {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Run => "run",
            Self::Undo => "undo",
            Self::Ready => "ready",
            Self::Test => "test",
        }
    }
}

/// One file that would be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileChange {
    /// Its full path.
    pub path: String,
    /// What changes, as a unified diff.
    pub diff: String,
    /// SHA-256 of what would be written, hex.
    pub digest: String,
}

/// SHA-256 over what a person agreed to, hex.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConsentHash(pub String);

impl Plan {
    /// The hash consent binds to: pack content, persona, and for every step that is not yet fine exactly what would be
    /// done. A step that becomes fine in between does not ask again; anything else that differs does.
    pub fn consent(&self) -> ConsentHash {
        let steps: Vec<(&StepId, &Resolved)> = self
            .steps
            .iter()
            .filter(|step| !matches!(step.outcome, Outcome::Ok | Outcome::NotNeeded(_)))
            .map(|step| (&step.id, &step.resolved))
            .collect();
        digest(&(&self.pack, &self.persona, steps))
    }

    /// How many steps have each outcome: (will change, ok, unknown, blocked).
    pub fn counts(&self) -> (u32, u32, u32, u32) {
        self.steps.iter().fold((0, 0, 0, 0), |(change, ok, unknown, blocked), step| match step.outcome {
            Outcome::WillChange(_) => (change + 1, ok, unknown, blocked),
            Outcome::Ok | Outcome::NotNeeded(_) => (change, ok + 1, unknown, blocked),
            Outcome::Unknown(_) => (change, ok, unknown + 1, blocked),
            Outcome::Blocked(_) => (change, ok, unknown, blocked + 1),
        })
    }
}

impl Resolved {
    /// SHA-256 over what would be done, hex. A step without a check is done once for each such hash.
    pub fn digest(&self) -> ConsentHash {
        digest(self)
    }
}

/// Hashes the JSON text: field order is fixed by the types, so equal values have equal hashes.
fn digest<T: Serialize>(value: &T) -> ConsentHash {
    let mut hasher = Sha256::new();
    // Writing these types into a hasher cannot fail: no maps with other than string keys, no fallible writer.
    if serde_json::to_writer(HashWriter(&mut hasher), value).is_err() {
        hasher.update(b"unserialisable");
    }
    ConsentHash(hex(&hasher.finalize()))
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

struct HashWriter<'a>(&'a mut Sha256);

impl std::io::Write for HashWriter<'_> {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        self.0.update(buffer);
        Ok(buffer.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The longest path through what is still to be done, by estimate; steps without one count `default`.
pub fn road_length(
    steps: &[(StepId, Vec<StepId>, Option<Duration>)],
    to: &StepId,
    default: Duration,
) -> Duration {
    let mut finish: std::collections::BTreeMap<&StepId, Duration> = std::collections::BTreeMap::new();
    for (id, needs, estimate) in steps {
        let start = needs.iter().filter_map(|need| finish.get(need)).max().copied().unwrap_or_default();
        finish.insert(id, start + estimate.unwrap_or(default));
    }
    finish.get(to).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::PackName;

    fn plan(argv: &[&str], outcome: Outcome) -> Plan {
        let command = CommandLine {
            purpose: Purpose::Run,
            argv: argv.iter().map(|&word| word.to_owned()).collect(),
            cwd: None,
            env: Vec::new(),
            shell: false,
        };
        Plan {
            pack: PackRef {
                name: PackName::new("acme").unwrap(),
                version: semver::Version::new(1, 0, 0),
                digest: "d".into(),
            },
            persona: PersonaId::new("backend").unwrap(),
            steps: vec![PlannedStep {
                held: None,
                download: Download::Nothing,
                id: StepId::new("build").unwrap(),
                class: Class::Task,
                outcome,
                resolved: Resolved { commands: vec![command], ..Resolved::default() },
            }],
        }
    }

    #[test]
    fn e1_consent_binds_to_every_word_and_to_the_pack() {
        let change = || Outcome::WillChange("runs".into());
        let agreed = plan(&["make"], change());
        assert_eq!(agreed.consent(), plan(&["make"], change()).consent());
        assert_ne!(agreed.consent(), plan(&["make", "-j"], change()).consent());
        let mut other_pack = agreed.clone();
        other_pack.pack.digest = "e".into();
        assert_ne!(agreed.consent(), other_pack.consent());
        let mut elevated = agreed.clone();
        elevated.steps[0].resolved.elevated = true;
        assert_ne!(agreed.consent(), elevated.consent());
    }

    #[test]
    fn a_road_is_as_long_as_its_longest_path() {
        let id = |text: &str| StepId::new(text).unwrap();
        let minutes = |n: u64| Some(Duration::from_secs(n * 60));
        let steps = vec![
            (id("a"), vec![], minutes(1)),
            (id("b"), vec![], minutes(5)),
            (id("c"), vec![id("a"), id("b")], None),
        ];
        assert_eq!(road_length(&steps, &id("c"), Duration::from_secs(30)), Duration::from_secs(330));
    }
}
