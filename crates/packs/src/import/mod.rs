//! Packs from what a team has already: each format in a file of its own, behind [`Format`].
//!
//! Every entry of a foreign file either becomes a step or is listed with its line and the reason, never dropped. One
//! more format: a file here, a line in [`FORMATS`], a fixture in `tests/packs/imports`.

mod brewfile;
mod devcontainer;
mod draft;
mod mise;
mod package_json;
mod rhdh;
mod scripts;
mod tree;
mod winget;
mod write;

use std::{
    fs,
    path::{Path, PathBuf},
};

use firstlight_domain::kind::Kind;

pub(crate) use self::write::yaml;
use self::{draft::Draft, tree::Unreadable};
pub use self::{draft::LeftOut, write::LEFT_OUT_FILE};
use crate::{InitError, MAX_OTHER_BYTES, PackError, read_text};

/// Something packs can be made from.
trait Format: Sync {
    /// Its name on the command line.
    fn name(&self) -> &'static str;
    /// Where it lies in a project, `/` between folders.
    fn places(&self) -> &'static [&'static str];
    /// Whether a file of this name is one, wherever it lies.
    fn is_named(&self, name: &str) -> bool {
        self.places().iter().any(|place| place.rsplit('/').next() == Some(name))
    }
    /// Reads one.
    fn read(&self, source: &Source, draft: &mut Draft<'_>) -> Result<(), Unreadable>;
}

/// Every format.
const FORMATS: &[&dyn Format] = &[
    &winget::Winget,
    &brewfile::Brewfile,
    &mise::Mise,
    &devcontainer::Devcontainer,
    &package_json::PackageJson,
    &scripts::Scripts,
    &rhdh::Rhdh,
];

/// What is read: a text, or the names in a folder.
struct Source {
    text: String,
    names: Vec<String>,
}

/// What an import made.
#[derive(Debug)]
pub struct Imported {
    /// Files that were read, each with its format's name.
    pub sources: Vec<(String, &'static str)>,
    /// Files that were written.
    pub files: Vec<PathBuf>,
    /// Ids and titles of the steps that came from them, in order.
    pub steps: Vec<(String, String)>,
    /// Everything that was not carried over.
    pub left: Vec<LeftOut>,
}

/// Why nothing was imported.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ImportError {
    /// The file is none of the formats.
    #[error("nothing that packs are made from is at {}", path.display())]
    Unknown {
        /// What was looked at.
        path: PathBuf,
    },
    /// There is no format of this name.
    #[error("there is no format `{name}`")]
    NoFormat {
        /// The name.
        name: String,
    },
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] PackError),
    /// It is not what it should be.
    #[error("{file} cannot be read as {format}: {why}")]
    Unreadable {
        /// The file.
        file: String,
        /// The format's name.
        format: &'static str,
        /// Where.
        line: u32,
        /// Why.
        why: String,
    },
    /// The pack cannot be written.
    #[error(transparent)]
    Write(#[from] InitError),
}

/// The names of all formats.
pub fn import_formats() -> Vec<&'static str> {
    FORMATS.iter().map(|format| format.name()).collect()
}

/// Makes a pack in a new or empty folder from a file, or from all that is found in a project's folder.
pub fn import(
    from: &Path,
    format: Option<&str>,
    into: &Path,
    kinds: &[Kind],
) -> Result<Imported, ImportError> {
    let mut draft = Draft::new(kinds);
    let mut sources = Vec::new();
    for (path, format) in find(from, format)? {
        let source = Source::open(&path)?;
        let file = path.display().to_string();
        draft.begin(file.clone());
        format.read(&source, &mut draft).map_err(|(line, why)| ImportError::Unreadable {
            file: file.clone(),
            format: format.name(),
            line,
            why,
        })?;
        sources.push((file, format.name()));
    }
    let names: Vec<String> = sources.iter().map(|(file, _)| file.clone()).collect();
    let files = write::pack(into, &names, &draft, kinds)?;
    let steps = draft.steps.iter().map(|step| (step.id.clone(), step.found.title.clone())).collect();
    Ok(Imported { sources, files, steps, left: draft.left })
}

type Place = (PathBuf, &'static dyn Format);

/// The files to read, and as what.
fn find(from: &Path, wanted: Option<&str>) -> Result<Vec<Place>, ImportError> {
    let formats: Vec<&'static dyn Format> = match wanted {
        None => FORMATS.to_vec(),
        Some(name) => {
            let format = FORMATS.iter().find(|format| format.name() == name);
            vec![*format.ok_or_else(|| ImportError::NoFormat { name: name.to_owned() })?]
        }
    };
    let unknown = || ImportError::Unknown { path: from.to_owned() };
    if !from.is_dir() {
        if !from.exists() {
            return Err(PackError::Unreadable {
                path: from.to_owned(),
                source: std::io::ErrorKind::NotFound.into(),
            }
            .into());
        }
        let name = from.file_name().unwrap_or_default().to_string_lossy();
        let format = match (wanted, formats.as_slice()) {
            (Some(_), [format]) => Some(*format),
            _ => formats.into_iter().find(|format| format.is_named(&name)),
        };
        return Ok(vec![(from.to_owned(), format.ok_or_else(unknown)?)]);
    }
    let places = formats.into_iter().flat_map(|format| {
        format.places().iter().map(move |place| (from.join(place), format)).filter(|(path, _)| path.exists())
    });
    let found: Vec<Place> = places.collect();
    if found.is_empty() { Err(unknown()) } else { Ok(found) }
}

impl Source {
    fn open(path: &Path) -> Result<Self, ImportError> {
        if path.is_dir() {
            let unreadable = |source| PackError::Unreadable { path: path.to_owned(), source };
            let mut names = Vec::new();
            for entry in fs::read_dir(path).map_err(unreadable)? {
                names.push(entry.map_err(unreadable)?.file_name().to_string_lossy().into_owned());
            }
            names.sort_unstable();
            return Ok(Self { text: String::new(), names });
        }
        let bytes = read_text(path, MAX_OTHER_BYTES)?;
        match String::from_utf8(bytes) {
            Ok(text) => {
                let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
                Ok(Self { text, names: Vec::new() })
            }
            Err(_) => Err(PackError::Unreadable {
                path: path.to_owned(),
                source: std::io::Error::new(std::io::ErrorKind::InvalidData, "it is not UTF-8 text"),
            }
            .into()),
        }
    }
}
