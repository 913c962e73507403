//! Packs as they are written: `pack.yaml` in, [`firstlight_domain::pack::Pack`] or a report of everything that is wrong
//! out; the JSON Schema for editors; the provider reference; a starter pack; search in a pack's documents.
//!
//! The text is parsed once, within limits, to a tree that knows where everything stands (`node`); the tree is
//! converted once to the domain's types (`read`); rules about the whole are checked last (`lint`). This crate refuses
//! to know what a kind of step does: kinds come in as [`firstlight_domain::kind::Kind`] and are asked. It never runs,
//! fetches or writes anything but the starter pack.
//!
//! One more field: its name in `read`, its line in `schema` (a test compares the two). One more rule: a
//! [`ProblemCode`], a function in `lint`, a fixture in `tests/packs/rules.rs`.

mod advisories;
mod docs;
mod export;
mod facts;
mod folder;
mod import;
mod init;
mod lint;
mod names;
mod node;
mod problem;
mod read;
mod reference;
mod schema;

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use firstlight_domain::{kind::Kind, pack::Pack};

pub use self::{
    advisories::{advisories, is_advisory},
    docs::{
        Anchors, DocsError, Document, Documents, Hit, Image, ImageError, ImageKind, MAX_IMAGE_BYTES,
        MAX_IMAGE_PIXELS, Target, options as markdown_options, percent_decoded,
    },
    export::{export_formats, markdown_checklist, rhdh_quickstart},
    facts::{FactsError, read_facts},
    folder::{MAX_PACK_BYTES, MAX_PACK_FILES},
    import::{ImportError, Imported, LEFT_OUT_FILE, LeftOut, import, import_formats},
    init::{Ci, InitError, SCHEMA_FILE, StartFrom, Starter, init},
    problem::{Label, Problem, ProblemCode, Report, Severity},
    reference::reference,
    schema::schema,
};
use self::{folder::Folder, node::Node, problem::Problems, read::Draft};

/// The file a pack is described in.
pub const PACK_FILE: &str = "pack.yaml";
/// The version of the format.
pub const API_VERSION: &str = "firstlight.dev/v1";
/// At most this many bytes in `pack.yaml`.
pub const MAX_TEXT_BYTES: u64 = 2 * MAX_OTHER_BYTES;
/// At most this many bytes in a file of facts, and in a foreign one that a pack is made from: 1 MB.
const MAX_OTHER_BYTES: u64 = 1024 * 1024;

/// Why a pack cannot be used.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum PackError {
    /// There is no pack in this folder.
    #[error("there is no pack at {}", path.display())]
    #[diagnostic(help("a pack is a folder with a `{PACK_FILE}`; `firstlight pack init` makes one"))]
    NotFound {
        /// The `pack.yaml` that was looked for.
        path: PathBuf,
    },
    /// The system would not let us read it.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// What.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is larger than a pack may be.
    #[error("this pack is too large: {what}")]
    #[diagnostic(help("keep data and programs out of the pack, and let a step fetch them"))]
    TooLarge {
        /// What is.
        what: String,
    },
    /// Something is wrong with it. The report has at least one error.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Invalid(Box<Report>),
}

/// A pack that can be used.
#[derive(Debug)]
pub struct Loaded {
    /// The pack.
    pub pack: Pack,
    /// What its authors may have meant otherwise.
    pub warnings: Vec<Problem>,
}

/// Reads the pack in a folder. Every rule of [`lint()`] is checked.
pub fn load(root: &Path, kinds: &[Kind]) -> Result<Loaded, PackError> {
    let written = Written::read(root)?;
    let mut problems = Problems::new(&written.text);
    let tree = written.tree(&mut problems);
    let draft = tree.as_ref().and_then(|tree| written.draft(tree, kinds, &mut problems));
    let report = Report::new(&written.name, written.text.clone(), problems.found());
    match draft {
        Some(draft) if report.is_usable() => {
            let root = std::path::absolute(root).unwrap_or_else(|_| root.to_owned());
            match draft.finish(root, written.folder.digest()?) {
                Some(pack) => Ok(Loaded { pack, warnings: report.into_problems() }),
                None => Err(PackError::Invalid(Box::new(report))),
            }
        }
        Some(_) | None => Err(PackError::Invalid(Box::new(report))),
    }
}

/// Everything that is wrong with the pack in a folder; an empty report if nothing is. Fails only if it cannot be read.
pub fn lint(root: &Path, kinds: &[Kind]) -> Result<Report, PackError> {
    let written = Written::read(root)?;
    let mut problems = Problems::new(&written.text);
    if let Some(tree) = written.tree(&mut problems) {
        written.draft(&tree, kinds, &mut problems);
    }
    let found = problems.found();
    Ok(Report::new(&written.name, written.text, found))
}

/// Every file of a pack: its path with `/` and the SHA-256 of its content, hex.
pub fn digests(root: &Path) -> Result<BTreeMap<String, String>, PackError> {
    folder::list(root)?.digests()
}

/// A pack as it is in its folder.
struct Written {
    name: String,
    text: String,
    /// Where the text stopped being UTF-8, if it did.
    not_text: Option<usize>,
    folder: Folder,
}

impl Written {
    fn read(root: &Path) -> Result<Self, PackError> {
        let path = root.join(PACK_FILE);
        let bytes = read_text(&path, MAX_TEXT_BYTES)?;
        let folder = folder::list(root)?;
        let (text, not_text) = match String::from_utf8(bytes) {
            Ok(text) => (text, None),
            Err(error) => {
                let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
                (text, Some(error.utf8_error().valid_up_to()))
            }
        };
        Ok(Self { name: path.display().to_string(), text, not_text, folder })
    }

    fn tree(&self, problems: &mut Problems<'_>) -> Option<Node> {
        if let Some(at) = self.not_text {
            problems
                .error(ProblemCode::BadYaml, at..at + 1, "this is not UTF-8 text")
                .help("save the file as UTF-8");
            return None;
        }
        for path in &self.folder.refused {
            problems
                .error(ProblemCode::OutsidePack, 0..0, format!("`{path}` is not a plain file"))
                .help("replace symbolic links by the files they lead to, and give files Unicode names");
        }
        node::parse(&self.text, problems)
    }

    fn draft<'n, 'k>(
        &self,
        tree: &'n Node,
        kinds: &'k [Kind],
        problems: &mut Problems<'_>,
    ) -> Option<Draft<'n, 'k>> {
        let draft = read::pack(tree, kinds, problems)?;
        lint::check(&draft, &self.folder, problems);
        Some(draft)
    }
}

/// Reads a text, but not more than `most` bytes, whole megabytes.
fn read_text(path: &Path, most: u64) -> Result<Vec<u8>, PackError> {
    let unreadable = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            PackError::NotFound { path: path.to_owned() }
        }
        _ => PackError::Unreadable { path: path.to_owned(), source },
    };
    // Asked before it is opened: a pipe or a device would never end.
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(PackError::NotFound { path: path.to_owned() });
    }
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(unreadable)?;
    file.take(most + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > most {
        let what = format!("{} is larger than {} MB", path.display(), most / MAX_OTHER_BYTES);
        return Err(PackError::TooLarge { what });
    }
    Ok(bytes)
}
