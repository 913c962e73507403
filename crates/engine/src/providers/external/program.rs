//! The program itself: where it is, which one it is, and asking it.

use std::{
    collections::BTreeMap,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use firstlight_domain::{
    plan::{CommandLine, Purpose, hex},
    state::Failure,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::protocol::{self, Action, Description, KEPT, Line, Request, VERSION};
use crate::{
    process::{Heard, Output, Printed, Process, Sandbox, in_words, not_found, talk},
    provider::Context,
    providers::{failure, failure_with, paths},
};

/// Bytes of all that a program answers to one question.
const MOST: usize = 1024 * 1024;
/// How long a program may think about a question that changes nothing.
const PATIENCE: Duration = Duration::from_secs(20);
/// Characters shown of one text of a program.
const MOST_WORDS: usize = 500;

/// Where a pack says its program is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A file of the pack.
    InPack(String),
    /// A name on PATH.
    Named(String),
}

impl Place {
    /// A path is the pack's, a name is the system's.
    pub(super) fn of(program: &str) -> Self {
        if program.contains(['/', '\\']) {
            Self::InPack(program.strip_prefix("./").unwrap_or(program).to_owned())
        } else {
            Self::Named(program.to_owned())
        }
    }
}

/// What programs said of themselves, and their content when they did: in a run, the one that was shown.
pub(super) type Known = Mutex<BTreeMap<PathBuf, (String, Arc<Description>)>>;

/// A program and what it may reach.
pub(super) struct Program {
    /// As the pack has it.
    pub(super) written: String,
    pub(super) pack_root: PathBuf,
    /// Who answers for the step.
    pub(super) owner: Option<String>,
    pub(super) reads: Vec<PathBuf>,
    pub(super) writes: Vec<PathBuf>,
    pub(super) network: bool,
    pub(super) known: Arc<Known>,
}

/// A program that is there.
pub(super) struct Found {
    pub(super) path: PathBuf,
    /// SHA-256 of its content, hex.
    pub(super) digest: String,
}

impl Program {
    /// Looks for it.
    pub(super) fn find(&self) -> Result<Found, Failure> {
        let path = match Place::of(&self.written) {
            Place::InPack(file) => paths::file_in_pack(&self.pack_root, &file)?,
            Place::Named(name) => which::which(&name).map_err(|_| not_found(&name))?,
        };
        let digest = digest(&path)
            .map_err(|error| failure(format!("the program {} cannot be read: {error}", path.display())))?;
        Ok(Found { path, digest })
    }

    /// What the plan shows for an action.
    pub(super) fn line(&self, found: Option<&Found>, purpose: Purpose, action: Action) -> CommandLine {
        let program = found.map_or_else(|| self.written.clone(), |found| found.path.display().to_string());
        Process::new(program).arg(action.name()).line(purpose)
    }

    /// What it says of itself. In a run, only the program that was shown in the plan is asked.
    pub(super) async fn describe(&self, cx: &Context, found: &Found) -> Result<Arc<Description>, Failure> {
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let before = known().get(&found.path).cloned();
        match before {
            Some((digest, description)) if digest == found.digest => return Ok(description),
            Some(_) if cx.run.is_some() => {
                return Err(failure_with(
                    format!("the program {} was replaced since the plan was shown", found.path.display()),
                    "nothing was run; look at the plan again and start from there",
                ));
            }
            Some(_) | None => {}
        }
        let none = Map::new();
        let asked = self.ask(cx, found, Question { action: Action::Describe, values: &none, receipt: None });
        let description: Arc<Description> = Arc::new(asked.await?);
        known().insert(found.path.clone(), (found.digest.clone(), Arc::clone(&description)));
        Ok(description)
    }

    /// Asks what needs no receipt to be kept.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        cx: &Context,
        found: &Found,
        question: Question<'_>,
    ) -> Result<T, Failure> {
        self.ask_keeping(cx, found, question, |_| {
            Err("has something kept, which it may while it applies only".to_owned())
        })
        .await
    }

    /// Asks; `keep` puts a receipt into the journal, or says what is wrong with it.
    pub(super) async fn ask_keeping<T: DeserializeOwned>(
        &self,
        cx: &Context,
        found: &Found,
        question: Question<'_>,
        mut keep: impl FnMut(Value) -> Result<Result<(), Failure>, String>,
    ) -> Result<T, Failure> {
        let action = question.action;
        let temporary = tempfile::Builder::new().prefix("firstlight-").tempdir().map_err(|error| {
            failure_with(
                format!("a folder for temporary files cannot be made: {error}"),
                "make room in the system's folder for them",
            )
        })?;
        let timeout = if action.changes() { cx.timeout } else { cx.timeout.min(PATIENCE) };
        let process = self.process(cx, found, action, temporary.path()).timeout(timeout);
        let request = Request {
            protocol: VERSION,
            action,
            step: cx.step.as_str(),
            values: question.values,
            facts: &cx.facts,
            receipt: question.receipt,
        };
        let mut request = serde_json::to_vec(&request)
            .map_err(|error| failure(format!("the question cannot be written: {error}")))?;
        request.push(b'\n');

        let wrong = |what: String| self.wrong(cx, &what);
        let mut answer = None;
        let begun = Instant::now();
        let ended = talk(cx, process, request, MOST, |printed| {
            let Printed::Line(line) = printed else {
                return Err(wrong(format!("answered with more than {} MB", MOST / 1024 / 1024)));
            };
            if answer.is_some() {
                return Err(wrong("went on after its answer".to_owned()));
            }
            match protocol::line(line).map_err(wrong)? {
                Line::Receipt(receipt) => {
                    refuse_secrets(cx, &receipt.to_string()).map_err(wrong)?;
                    keep(receipt).map_err(wrong)??;
                    Ok(Heard::Reply(KEPT.to_vec()))
                }
                other => {
                    answer = Some(other);
                    Ok(Heard::Last)
                }
            }
        })
        .await;
        let exit = ended.map_err(|failure| {
            if begun.elapsed() < timeout || cx.cancel.is_cancelled() {
                return failure;
            }
            let what = if answer.is_some() { "did not end after its answer to" } else { "did not answer" };
            let late = self.wrong(cx, &format!("{what} `{}` within {}", action.name(), in_words(timeout)));
            Failure { last_lines: failure.last_lines, ..late }
        })?;
        let with_log = |failure: Failure| Failure { last_lines: exit.tail.clone(), ..failure };
        match answer {
            Some(Line::Error(error)) => Err(with_log(Failure {
                cause: format!("`{}`: {}", self.written, words(cx, &error.cause)),
                last_lines: Vec::new(),
                hint: Some(error.hint.map_or_else(|| self.tell(), |hint| words(cx, &hint))),
            })),
            _ if !exit.ok() => Err(with_log(wrong(format!("ended with code {}", exit.code)))),
            Some(Line::Answer(value)) => {
                refuse_secrets(cx, &value.to_string()).map_err(wrong)?;
                protocol::answer(action.name(), value).map_err(|what| with_log(wrong(what)))
            }
            Some(Line::Receipt(_)) | None => Err(with_log(wrong("ended without an answer".to_owned()))),
        }
    }

    fn process(&self, cx: &Context, found: &Found, action: Action, temporary: &Path) -> Process {
        let mut reads = self.reads.clone();
        match Place::of(&self.written) {
            Place::InPack(_) => reads.push(self.pack_root.clone()),
            Place::Named(_) => reads.push(found.path.clone()),
        }
        let mut writes = vec![temporary.to_owned()];
        if action.changes() {
            writes.extend(self.writes.iter().cloned());
        } else {
            reads.extend(self.writes.iter().cloned());
        }
        let sandbox = Sandbox { home: PathBuf::from(&cx.facts.home), reads, writes, network: self.network };
        let mut process = Process::new(found.path.display().to_string())
            .arg(action.name())
            .cwd(temporary)
            .env("HOME", &cx.facts.home)
            .sandboxed(sandbox);
        for name in ["TMPDIR", "TMP", "TEMP"] {
            process = process.env(name, temporary.display().to_string());
        }
        if action != Action::Describe {
            process = process.step_secrets(cx);
        }
        process
    }

    /// The program broke the protocol: `what` goes on from its name.
    pub(super) fn wrong(&self, cx: &Context, what: &str) -> Failure {
        failure_with(format!("`{}` {}", self.written, words(cx, what)), self.tell())
    }

    fn tell(&self) -> String {
        let owner = self.owner.as_deref().map_or("the pack's owner".to_owned(), |owner| format!("`{owner}`"));
        format!("tell {owner}, who answers for the program; EXTERNAL.md says what it should answer")
    }
}

/// What a program is asked.
pub(super) struct Question<'a> {
    pub(super) action: Action,
    pub(super) values: &'a Map<String, Value>,
    pub(super) receipt: Option<&'a Value>,
}

/// A text of a program on one line: masked, without anything that steers a terminal, within bounds.
pub(super) fn words(cx: &Context, text: &str) -> String {
    let said = Output::discard();
    let mut stream = said.stream(&*cx.host, &[]);
    stream.push(text.as_bytes());
    stream.finish();
    let line = said.last_lines().join(" ");
    // Colours are for logs.
    let mut plain = String::new();
    let mut rest = line.as_str();
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = after.split_once('m').map_or("", |(_, rest)| rest);
    }
    plain.push_str(rest);
    if plain.chars().count() <= MOST_WORDS {
        return plain;
    }
    plain.chars().take(MOST_WORDS - 1).chain(['…']).collect()
}

/// What a program answers is kept and shown: no stored secret may be in it.
fn refuse_secrets(cx: &Context, text: &str) -> Result<(), String> {
    let mut mask = cx.host.mask(&[]);
    let mut shown = mask.push(text.as_bytes());
    shown.extend(mask.finish());
    if shown == text.as_bytes() { Ok(()) } else { Err("answered with a stored credential".to_owned()) }
}

fn digest(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(&hasher.finalize())),
            count => hasher.update(&buffer[..count]),
        }
    }
}
