//! `file`: a file with exactly this content, or with this part in it.
//!
//! - What it holds is said in one of five ways: `content`, word for word; `source`, a copy of a file of the pack;
//!   `template`, a file of the pack rendered with `values`; `block`, lines of our own in a file that is somebody else's;
//!   `merge`, fields set in a JSON, TOML, YAML or INI file.
//! - A template is minijinja's: `${{ name }}` prints one of `values`, `{% %}` controls, `{# #}` is a comment; a line that
//!   holds only tags leaves no line. It sees `values` and nothing else: no files, no machine, no secrets. A name that is
//!   not there is an error.
//! - A block stands between two marker lines that hold its name (the step's id, if not said). Around it nothing changes.
//! - A merge sets exactly the fields it names, however deep; lists and single values are replaced. Everything else stays
//!   byte for byte: comments, order, indentation, line ends. Comments inside a list that is replaced go with it. Values
//!   that come from an expression are text. What cannot be kept honestly is refused, and the file left as it is: fields
//!   that are there twice; YAML with several documents, and anchors, aliases, tags and `? key` at the place that is
//!   changed; a TOML table where a value should be; INI values with something like a comment behind them, or over more
//!   than one line. Files above 4 MB are not merged into.
//! - Checks content, and permissions where `mode` is given. The plan shows the difference, with stored credentials masked.
//! - Changes: the file is replaced in one moment (a new file beside it, written to the disk, then renamed). Its
//!   permissions and owner stay unless `mode` says otherwise; folders that are missing are made. Symbolic links are
//!   refused: the file itself may not be one, and none on the way may lead out of the home folder. Steps that change the
//!   same file wait for each other.
//! - Undo gives back the content and permissions that were there, or removes what was added. Where the file was changed
//!   since, a block is taken out, and each merged field gets the value it had or goes, with the fields and the file that
//!   were made for it; a block or field that was itself changed since stays, and is named. Whole content that was changed
//!   since is left alone. What was there is kept in the receipt; if it is larger than 256 KB or holds a stored credential,
//!   it stays beside the file as `.NAME.ID.before-firstlight` instead. Files above 64 MB are left alone.

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
