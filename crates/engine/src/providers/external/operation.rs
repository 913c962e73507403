//! One step of a program from outside: looked at, done, taken back.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use firstlight_domain::{
    plan::{FileChange, Purpose, Reach, Resolved},
    state::{Failure, WaitsOn},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    Confined, With,
    program::{Found, Program, Question, words},
    protocol::{Action, Description, Done, Planned, State},
};
use crate::{
    process::is_confining,
    provider::{Check, Context, Operation, read_receipt},
    providers::{
        diff, failure, failure_with,
        json_schema::{self, When},
        naming::{did_you_mean, list},
        path, paths,
        whole_file::{self, missing_folders},
    },
};

/// A program that is asked.
pub(super) struct Asked {
    pub(super) program: Program,
    pub(super) with: With,
    /// Declared by the step.
    pub(super) outputs: Vec<String>,
    pub(super) owner: Option<String>,
}

/// What is kept.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
enum Receipt {
    /// Folders that were made for the program, outermost first.
    Folders { folders: Vec<PathBuf> },
    /// What the program wants to be told when it takes back.
    Program { version: String, receipt: Value },
}

#[async_trait]
impl Operation for Asked {
    fn resolved(&self) -> Resolved {
        let found = self.program.find().ok();
        let line = |purpose, action| self.program.line(found.as_ref(), purpose, action);
        let values = &self.with.values;
        let shown = |paths: &[PathBuf]| paths.iter().map(|path| path.display().to_string()).collect();
        Resolved {
            commands: vec![
                line(Purpose::Check, Action::Check),
                line(Purpose::Run, Action::Apply),
                line(Purpose::Undo, Action::Undo),
            ],
            hosts: self.with.hosts.clone(),
            reach: Some(Box::new(Reach {
                program: found.map(|found| found.digest).unwrap_or_default(),
                values: if values.is_empty() {
                    String::new()
                } else {
                    Value::Object(values.clone()).to_string()
                },
                reads: shown(&self.program.reads),
                writes: shown(&self.program.writes),
                enforced: is_confining(),
            })),
            ..Resolved::default()
        }
    }

    async fn check(&self, cx: &Context) -> Result<Check, Failure> {
        let ready = match self.ready(cx).await? {
            Ok(ready) => ready,
            Err(Failure { cause, hint, .. }) => return Ok(Check::Blocked { why: cause, hint }),
        };
        let Ready { found, description, values } = &ready;
        let state: State =
            self.program.ask(cx, found, Question { action: Action::Check, values, receipt: None }).await?;
        Ok(match state {
            State::Satisfied { outputs } => {
                let outputs = self.good_outputs(cx, description, outputs)?;
                Check::Satisfied { outputs }
            }
            State::Needed { what } => self.needed(cx, &ready, what).await?,
            State::Person { what, who } => {
                let who = who.map(|who| words(cx, &who)).or_else(|| self.owner.clone());
                Check::Person {
                    on: who.map_or(WaitsOn::You, WaitsOn::Owner),
                    what: says(cx, description, &what),
                }
            }
            State::Unknown { why } => Check::Unknown { why: says(cx, description, &why) },
            State::Blocked { why, hint } => {
                Check::Blocked { why: says(cx, description, &why), hint: hint.map(|hint| words(cx, &hint)) }
            }
        })
    }

    async fn apply(&self, cx: &Context) -> Result<(), Failure> {
        let ready = self.ready(cx).await??;
        self.make_folders(cx)?;
        let Ready { found, description, values } = &ready;
        let question = Question { action: Action::Apply, values, receipt: None };
        let done: Done = self
            .program
            .ask_keeping(cx, found, question, |receipt| {
                if !description.can_undo {
                    return Err("has something kept, and says that it cannot take back".to_owned());
                }
                Ok(cx.keep_receipt(Receipt::Program { version: description.version.clone(), receipt }))
            })
            .await?;
        self.really(cx, done, Action::Apply)
    }

    fn can_undo(&self) -> bool {
        true
    }

    async fn undo(&self, cx: &Context, receipt: &Value) -> Result<(), Failure> {
        match read_receipt(receipt)? {
            Receipt::Folders { folders } => {
                for folder in folders.iter().rev() {
                    // Only an empty one goes: what others put there stays.
                    let _ = fs::remove_dir(folder);
                }
                Ok(())
            }
            Receipt::Program { receipt, .. } => {
                let Ready { found, description, values } = self.ready(cx).await??;
                if !description.can_undo {
                    return Err(self.program.wrong(cx, "says now that it cannot take back"));
                }
                let question = Question { action: Action::Undo, values: &values, receipt: Some(&receipt) };
                let done: Done = self.program.ask(cx, &found, question).await?;
                self.really(cx, done, Action::Undo)
            }
        }
    }
}

/// A program that can be asked.
struct Ready {
    found: Found,
    description: std::sync::Arc<Description>,
    values: Map<String, Value>,
}

impl Asked {
    /// Everything that has to be right before it is asked about the step. Inner error: it cannot be done here like this.
    async fn ready(&self, cx: &Context) -> Result<Result<Ready, Failure>, Failure> {
        if self.with.confined == Confined::Required && !is_confining() {
            return Ok(Err(failure_with(
                format!("this system cannot confine `{}`, and the pack requires it", self.with.program),
                "it can be done on Linux 5.13 or later with Landlock enabled",
            )));
        }
        for writes in &self.program.writes {
            let link = paths::followed_out(writes, Path::new(&cx.facts.home))
                .map_err(|error| failure(format!("{} cannot be looked at: {error}", writes.display())))?;
            if let Some(link) = link {
                return Ok(Err(failure_with(
                    format!("{link}; it is not written through"),
                    "if it should be written, the pack's owner can name the path the link leads to",
                )));
            }
        }
        let found = match self.program.find() {
            Ok(found) => found,
            Err(missing) => return Ok(Err(missing)),
        };
        let description = self.program.describe(cx, &found).await?;
        let known = &description.outputs;
        if let Some(output) = self.outputs.iter().find(|output| !known.contains(output)) {
            return Ok(Err(failure_with(
                format!("`{}` gives no output `{}`", self.with.program, words(cx, output)),
                format!("it gives {}", words(cx, &list(known.iter().map(String::as_str)))),
            )));
        }
        Ok(self.values(cx, &description).map(|values| Ready { found, description, values }))
    }

    /// The values, with defaults filled in and text from expressions given its type back.
    fn values(&self, cx: &Context, description: &Description) -> Result<Map<String, Value>, Failure> {
        let schema = &description.schema;
        let mut known = Vec::new();
        json_schema::properties(schema, &mut known);
        let names = || known.iter().map(|(name, _)| *name).collect::<std::collections::BTreeSet<_>>();
        let given = &self.with.values;
        if let Some(name) = given.keys().find(|name| !known.iter().any(|(known, _)| known == name)) {
            return Err(failure_with(
                format!("`{}` takes no value `{name}`", self.with.program),
                words(cx, &format!("{}it takes {}", did_you_mean(name, names()), list(names()))),
            ));
        }
        let typed = given.iter().map(|(name, value)| {
            let schemas = known.iter().filter(|(known, _)| known == name).map(|(_, schema)| *schema);
            (name.clone(), json_schema::typed(value, schemas))
        });
        let mut values: Map<String, Value> = typed.collect();
        json_schema::fill(schema, &mut values);
        let mut wrong = Vec::new();
        json_schema::check(schema, &values, When::Used, &mut wrong);
        if wrong.is_empty() {
            return Ok(values);
        }
        Err(failure_with(
            format!("the values for `{}` do not fit: {}", self.with.program, words(cx, &wrong.join("; "))),
            "write them under `values`; what is the person's choice can come from an input",
        ))
    }

    /// In a plan, the program is asked for what it would change.
    async fn needed(&self, cx: &Context, ready: &Ready, what: String) -> Result<Check, Failure> {
        let Ready { found, description, values } = ready;
        let planned = if cx.run.is_some() {
            Planned::default()
        } else {
            self.program.ask(cx, found, Question { action: Action::Plan, values, receipt: None }).await?
        };
        let what = says(cx, description, &planned.what.unwrap_or(what));
        let mut files = Vec::new();
        for file in planned.files {
            files.push(self.file(cx, &file.path, file.content.as_deref())?);
        }
        Ok(Check::Needed { what, files })
    }

    /// A file it would write, compared with what is there.
    fn file(&self, cx: &Context, text: &str, content: Option<&str>) -> Result<FileChange, Failure> {
        let wrong = |what: String| self.program.wrong(cx, &what);
        paths::check_machine("path", text)
            .map_err(|error| wrong(format!("plans to write a path that {}", error.message)))?;
        let target = path(text, &cx.facts);
        if !self.program.writes.iter().any(|writes| target.starts_with(writes)) {
            return Err(wrong(format!("plans to write {text}, which the step does not declare in `writes`")));
        }
        let shown = target.display().to_string();
        let Some(content) = content else {
            return Ok(FileChange { path: shown, diff: String::new(), digest: String::new() });
        };
        let found = whole_file::find(&target, Path::new(&cx.facts.home))?;
        let diff =
            diff::unified(&shown, found.as_ref().map(|found| found.content.as_slice()), content.as_bytes());
        Ok(FileChange { path: shown, diff: clean(&diff), digest: whole_file::digest(content.as_bytes()) })
    }

    /// The step's outputs, if the program gave them and nothing it did not announce.
    fn good_outputs(
        &self,
        cx: &Context,
        description: &Description,
        mut given: BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>, Failure> {
        let wrong = |what: String| self.program.wrong(cx, &what);
        if let Some(name) = given.keys().find(|name| !description.outputs.contains(name)) {
            return Err(wrong(format!("gave an output `{name}`, which it does not describe")));
        }
        if let Some(name) = self.outputs.iter().find(|name| !given.contains_key(*name)) {
            return Err(wrong(format!("did not give the output `{name}`")));
        }
        if let Some((name, _)) = given.iter().find(|(_, value)| value.chars().any(char::is_control)) {
            return Err(wrong(format!("gave an output `{name}` with line breaks or control characters")));
        }
        given.retain(|name, _| self.outputs.contains(name));
        Ok(given)
    }

    /// Makes the folders it may write: what is not there cannot be given to it.
    fn make_folders(&self, cx: &Context) -> Result<(), Failure> {
        let mut missing: Vec<PathBuf> = Vec::new();
        for writes in self.program.writes.iter().filter(|path| !path.exists()) {
            missing.extend(missing_folders(writes));
            missing.push(writes.clone());
        }
        // Outermost first: a folder comes before what lies in it.
        missing.sort();
        missing.dedup();
        if missing.is_empty() {
            return Ok(());
        }
        cx.keep_receipt(Receipt::Folders { folders: missing.clone() })?;
        for folder in &missing {
            fs::create_dir_all(folder).map_err(|error| {
                failure_with(
                    format!("the folder {} cannot be made: {error}", folder.display()),
                    "see that you may write there",
                )
            })?;
        }
        Ok(())
    }

    fn really(&self, cx: &Context, Done { done }: Done, action: Action) -> Result<(), Failure> {
        if done { Ok(()) } else { Err(self.program.wrong(cx, &format!("did not do `{}`", action.name()))) }
    }
}

/// The program's words, as its words.
fn says(cx: &Context, description: &Description, text: &str) -> String {
    words(cx, &format!("{} {}: {text}", description.name, description.version))
}

/// A diff without anything that steers a terminal.
fn clean(diff: &str) -> String {
    diff.chars().filter(|&c| c == '\n' || c == '\t' || !c.is_control()).collect()
}
