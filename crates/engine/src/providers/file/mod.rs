//! `file`: a file with exactly this content, or with this part in it.
//!
#![doc = include_str!("../docs/file.md")]

use std::{borrow::Cow, collections::BTreeMap, path::PathBuf};

use async_trait::async_trait;
use firstlight_domain::{
    kind::{Capabilities, Class, Kind},
    plan::{FileChange, Resolved},
    state::Failure,
};
use serde_json::Value;

use self::{
    part::Part,
    whole::Whole,
    with::{Said, With},
};
use super::{
    diff, failure, path, schema,
    whole_file::{self, Found},
    with::{accepts, parameters},
};
use crate::provider::{Check, Context, Operation, Provider, Rendered};

mod block;
mod merge;
mod part;
mod template;
mod whole;
mod with;

/// The kind `file`.
pub struct File;

impl Provider for File {
    fn kind(&self) -> Kind {
        Kind {
            name: "file",
            class: Class::Task,
            summary: "A file with exactly this content, or with this part in it.",
            docs: include_str!("../docs/file.md"),
            schema: schema::<With>(),
            outputs: &["path"],
            needs: |with| Capabilities {
                paths: with.get("path").and_then(Value::as_str).map(str::to_owned).into_iter().collect(),
                ..Capabilities::default()
            },
            accepts: accepts::<With>,
            inspect: with::inspect,
        }
    }

    fn prepare(&self, step: &Rendered<'_>) -> Result<Box<dyn Operation>, Failure> {
        let with: With = parameters(step)?;
        let mode = with.parse_mode().map_err(|error| failure(error.message))?;
        let said = with.said().map_err(|error| failure(error.message))?;
        Ok(Box::new(Wanted {
            path: path(&with.path, step.facts),
            home: PathBuf::from(&step.facts.home),
            mode: mode.filter(|_| cfg!(unix)),
            source: Source::of(said, &with, step)?,
        }))
    }
}

struct Wanted {
    path: PathBuf,
    home: PathBuf,
    source: Source,
    mode: Option<u32>,
}

/// Where the content comes from.
enum Source {
    /// All of it is said.
    Whole(Whole),
    /// A part of it is said; the rest is what is there.
    Part(Part),
}

impl Source {
    fn of(said: Said<'_>, with: &With, step: &Rendered<'_>) -> Result<Self, Failure> {
        let in_pack = |file: &str| (step.pack_root.to_owned(), file.to_owned());
        Ok(match said {
            Said::Content(text) => Self::Whole(Whole::Text(text.to_owned())),
            Said::Source(file) => {
                let (root, file) = in_pack(file);
                Self::Whole(Whole::Copy { root, file })
            }
            Said::Template(file) => {
                let (root, file) = in_pack(file);
                Self::Whole(Whole::Template { root, file, values: with.values.clone().unwrap_or_default() })
            }
            Said::Block(text) => {
                let name = with.name.as_deref().unwrap_or(step.step.id.as_str());
                Self::Part(Part::block(with.comment.unwrap_or_default(), name, text))
            }
            Said::Merge(fields) => Self::Part(Part::merge(with.format()?, fields)?),
        })
    }

    fn part(&self) -> Option<&Part> {
        match self {
            Self::Whole(_) => None,
            Self::Part(part) => Some(part),
        }
    }
}

/// The file as it is, and what it should hold.
struct Look {
    found: Option<Found>,
    content: Vec<u8>,
}

impl Wanted {
    /// Inner error: the machine does not allow it as it is. Outer: the pack is wrong.
    fn look(&self) -> Result<Result<Look, Failure>, Failure> {
        let find = || whole_file::find(&self.path, &self.home);
        Ok(match &self.source {
            Source::Whole(whole) => {
                let content = whole.bytes()?;
                find().map(|found| Look { found, content })
            }
            Source::Part(part) => find().and_then(|found| {
                let now = found.as_ref().map(|found| found.content.as_slice());
                let content = part.within(&self.path, now)?;
                Ok(Look { found, content })
            }),
        })
    }

    fn holds(&self, look: &Look) -> bool {
        look.found.as_ref().is_some_and(|found| {
            found.content == look.content && (self.mode.is_none() || self.mode == found.mode)
        })
    }

    fn outputs(&self) -> BTreeMap<String, String> {
        [("path".to_owned(), self.path.display().to_string())].into()
    }
}

#[async_trait]
impl Operation for Wanted {
    fn resolved(&self) -> Resolved {
        // What is written is known without looking at what is there; the difference is not.
        let (digest, shown) = match &self.source {
            Source::Whole(whole) => (whole.identity(), String::new()),
            Source::Part(part) => (part.identity(), part.shown()),
        };
        let mode = self.mode.map(|mode| format!("new mode {mode:04o}\n")).unwrap_or_default();
        let file = FileChange { path: self.path.display().to_string(), diff: mode + &shown, digest };
        Resolved { files: vec![file], ..Resolved::default() }
    }

    async fn check(&self, cx: &Context) -> Result<Check, Failure> {
        let look = match self.look()? {
            Ok(look) => look,
            Err(failure) => return Ok(Check::Blocked { why: failure.cause, hint: failure.hint }),
        };
        if self.holds(&look) {
            return Ok(Check::Satisfied { outputs: self.outputs() });
        }
        let Look { found, content } = look;
        let path = self.path.display().to_string();
        let what = match &found {
            None => format!("would write {path}"),
            Some(found) if found.content == content => format!("would change the permissions of {path}"),
            Some(_) => format!("would change {path}"),
        };
        let old = found.as_ref().map(|found| found.content.as_slice());
        let mut diff = if old == Some(&*content) {
            String::new()
        } else {
            diff::masked(cx, &diff::unified(&path, old, &content))
        };
        let was = found.and_then(|found| found.mode);
        if let Some(mode) = self.mode.filter(|mode| Some(*mode) != was) {
            let was = was.map(|was| format!("old mode {was:04o}\n")).unwrap_or_default();
            diff = format!("{was}new mode {mode:04o}\n{diff}");
        }
        let digest = whole_file::digest(&content);
        Ok(Check::Needed { what, files: vec![FileChange { path, diff, digest }] })
    }

    async fn apply(&self, cx: &Context) -> Result<(), Failure> {
        let look = self.look()??;
        if self.holds(&look) {
            return Ok(());
        }
        let part = self.source.part();
        whole_file::replace(cx, &self.path, look.found.as_ref(), &look.content, self.mode, part)
    }

    fn can_undo(&self) -> bool {
        true
    }

    async fn undo(&self, cx: &Context, receipt: &Value) -> Result<(), Failure> {
        whole_file::give_back(cx, receipt, Part::take_out)
    }

    fn exclusive(&self) -> Option<Cow<'static, str>> {
        Some(whole_file::resource(&self.path))
    }
}
