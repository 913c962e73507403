//! What became of a template since it made a folder: the folder is the person's and is only read; the older and the newer
//! template are run in memory from the values in the folder's record, and what they make is compared.
//!
//! The older template is known by its digest, not by its name or version: a pack on this machine either has exactly the
//! files that made the folder, or it does not have the template that did. Without it, the newer result is compared with
//! the folder as it is, which also shows what the person changed; that is said.

use std::{
    collections::BTreeMap,
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use firstlight_domain::plan::FileChange;
use serde_json::{Map, Value};

use super::{
    With,
    build::{self, Given},
    inspect::{self, Said},
    parameters,
    record::Record,
    sources::{OnDisk, Sources},
    template::Template,
    tree::{File, Tree},
    trouble::Trouble,
};
use crate::providers::{diff, json_schema::When, paths::is_absent, whole_file::digest};

/// At most this many files are compared line by line; the rest is counted.
const MOST_FILES: usize = 100;
/// At most this many bytes of diffs; after that, files are only named.
const MOST_SHOWN: usize = 128 * 1024;
/// At most this many bytes are read of a file in the folder: a larger one is described, not compared.
const MOST_READ: u64 = 1024 * 1024;

/// A folder that a template was recorded to have made.
#[derive(Debug, Clone, PartialEq)]
pub enum Project {
    /// There is no such folder any more: it was deleted or moved.
    Gone,
    /// It is there, and does not say what made it.
    Unrecorded,
    /// It says what made it.
    Made(Box<Made>),
}

/// What made a folder.
#[derive(Debug, Clone, PartialEq)]
pub struct Made {
    record: Record,
}

/// The template as it is now, against what made a folder.
#[derive(Debug, Clone, PartialEq)]
pub enum Comparison {
    /// It is the same.
    Same,
    /// The pack has no template of that name any more.
    NoTemplate,
    /// It is another one.
    Another {
        /// Its version.
        version: String,
        /// With what its result was compared.
        against: Against,
        /// The files that differ, within bounds.
        files: Vec<FileChange>,
        /// How many more differ.
        more: usize,
    },
    /// It is another one, and cannot be run with the values that made the folder.
    CannotTell {
        /// Its version, as far as it says one.
        version: Option<String>,
        /// Why.
        why: String,
    },
}

/// With what a newer result was compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Against {
    /// What the template that made the folder makes: only the template's own changes.
    OlderTemplate,
    /// The files as they are now: the person's changes as well.
    FilesAsTheyAre,
}

/// Where templates come from.
#[derive(Debug, Clone)]
pub struct Packs<'a> {
    /// The pack at hand.
    pub now: &'a Path,
    /// Its templates that steps name.
    pub templates: Vec<&'a str>,
    /// Packs that may still have the older template.
    pub before: Vec<PathBuf>,
    /// What the pack at hand gives to the template, resolved: for what the record does not say.
    pub with: Value,
}

/// Looks who made a folder.
pub fn look(folder: &Path) -> Project {
    match folder.symlink_metadata() {
        Err(error) if is_absent(&error) => Project::Gone,
        Ok(found) if !found.is_dir() && !found.is_symlink() => Project::Gone,
        Ok(_) | Err(_) => {
            Record::of(folder).map_or(Project::Unrecorded, |record| Project::Made(Box::new(Made { record })))
        }
    }
}

impl Made {
    /// The template's name.
    pub fn template(&self) -> &str {
        &self.record.template.name
    }

    /// Its version.
    pub fn version(&self) -> &str {
        &self.record.template.version
    }

    /// Compares the template of that name in the pack at hand with the one that made the folder. Changes nothing.
    pub fn compare(&self, folder: &Path, packs: &Packs<'_>) -> Comparison {
        let Some(template) = self.newer(packs) else { return Comparison::NoTemplate };
        let now = Now::of(&packs.with);
        let newer = match self.run(packs.now, &template, &now) {
            Ok(newer) => newer,
            Err(trouble) => {
                let version = template.version.clone();
                return Comparison::CannotTell { version, why: trouble.cause };
            }
        };
        if newer.digest == self.record.template.digest {
            return Comparison::Same;
        }
        let (against, changes) = match self.older(packs, &now) {
            Some(older) => (Against::OlderTemplate, compare(Some(&older), &newer.tree)),
            None => (Against::FilesAsTheyAre, self.compare_with(folder, &newer.tree)),
        };
        let version = newer.version;
        if changes.count() == 0 && version == self.version() {
            // The same words for the same files, at another place or in another order.
            return Comparison::Same;
        }
        let more = changes.more;
        Comparison::Another { version, against, files: changes.files, more }
    }

    /// The template of this name, as the pack at hand has it: where it was, or where a step names it.
    fn newer(&self, packs: &Packs<'_>) -> Option<Template> {
        let files = OnDisk(packs.now);
        let places = [self.record.template.path()].into_iter().chain(packs.templates.iter().copied());
        let mut found = places.filter_map(|place| Template::load(&files, place).ok());
        found.find(|template| template.name == self.template())
    }

    /// What the template that made the folder makes, if a pack still has exactly that.
    fn older(&self, packs: &Packs<'_>, now: &Now) -> Option<Tree> {
        let roots = packs.before.iter().map(PathBuf::as_path).chain([packs.now]);
        let mut found = roots.filter_map(|root| {
            let template = Template::load(&OnDisk(root), self.record.template.path()).ok()?;
            self.run(root, &template, now).ok()
        });
        found.find(|result| result.digest == self.record.template.digest).map(|result| result.tree)
    }

    fn run(&self, root: &Path, template: &Template, now: &Now) -> Result<Ran, Trouble> {
        let files = OnDisk(root);
        let is_step = |id: &String| template.steps.iter().any(|step| step.id == *id);
        let publish: BTreeMap<String, String> = now
            .publish
            .iter()
            .chain(&self.record.publish)
            .filter(|(id, _)| is_step(id))
            .map(|(id, address)| (id.clone(), address.clone()))
            .collect();
        let skip: Vec<String> = now
            .skip
            .iter()
            .chain(&self.record.skip)
            .filter(|id| is_step(id) && !publish.contains_key(*id))
            .cloned()
            .collect();
        inspect::inspect(template, &Said { publish: &publish, skip: &skip }, &files)?;
        let values = self.values_for(template, &now.values);
        let values = parameters::settle(&template.pages, &values, When::Used)?;
        let mut sources = Sources::new(root, template.folder());
        sources.note(&template.path, &template.text);
        let given = Given { values: &values, publish: &publish, skip: &skip };
        let built = build::build(template, &given, &mut sources)?;
        let digest = sources.digest();
        let version = template.version.clone().unwrap_or_else(|| digest.chars().take(12).collect());
        Ok(Ran { tree: built.tree, digest, version })
    }

    /// What the folder was made from, as far as this template asks for it; for what is new, what the pack gives now.
    fn values_for(&self, template: &Template, more: &Map<String, Value>) -> Map<String, Value> {
        let asked = parameters::names(&template.pages);
        let known = more.iter().chain(&self.record.values).filter(|(name, _)| asked.contains(name.as_str()));
        known.map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    fn compare_with(&self, folder: &Path, newer: &Tree) -> Changes {
        let mut changes = Changes::default();
        for (path, file) in newer.files() {
            match on_disk(folder, path) {
                Found::Nothing => changes.add(path, None, Some(&file.content)),
                Found::Content(content) => {
                    changes.add(path, Some(&content), Some(&file.content));
                }
                Found::Unread(what) => changes.say(path, format!("{path}: {what}, and is not compared\n")),
            }
        }
        for path in self.record.files.keys().filter(|path| !newer.has(path)) {
            match on_disk(folder, path) {
                // The person removed it already.
                Found::Nothing => {}
                Found::Content(content) => changes.add(path, Some(&content), None),
                Found::Unread(what) => {
                    changes.say(path, format!("{path}: {what}, and is no longer made\n"));
                }
            }
        }
        changes
    }
}

/// What the step of the pack at hand says, as far as it can be read.
#[derive(Default)]
struct Now {
    values: Map<String, Value>,
    publish: BTreeMap<String, String>,
    skip: Vec<String>,
}

impl Now {
    fn of(with: &Value) -> Self {
        // What cannot be read gives nothing; the step itself says why.
        let Ok(With { values, publish, skip, .. }) = super::with::read(with) else { return Self::default() };
        Self { values, publish, skip }
    }
}

/// What a template came to.
struct Ran {
    tree: Tree,
    digest: String,
    version: String,
}

fn compare(older: Option<&Tree>, newer: &Tree) -> Changes {
    let mut changes = Changes::default();
    let before = |path: &str| older.and_then(|older| older.get(path));
    for (path, file) in newer.files() {
        let old = before(path);
        changes.add(path, old.map(|old| old.content.as_slice()), Some(&file.content));
        if old.is_some_and(|old| old.executable != file.executable) {
            changes.say(path, format!("{path}: {}\n", executable(file)));
        }
    }
    for (path, file) in older.into_iter().flat_map(Tree::files).filter(|(path, _)| !newer.has(path)) {
        changes.add(path, Some(&file.content), None);
    }
    changes
}

fn executable(file: &File) -> &'static str {
    if file.executable { "becomes executable" } else { "is no longer executable" }
}

/// Files that differ.
#[derive(Default)]
struct Changes {
    files: Vec<FileChange>,
    shown: usize,
    more: usize,
}

impl Changes {
    fn count(&self) -> usize {
        self.files.len() + self.more
    }

    fn add(&mut self, path: &str, old: Option<&[u8]>, new: Option<&[u8]>) {
        if old == new {
            return;
        }
        if self.shown >= MOST_SHOWN {
            self.say(path, format!("{path}: differs\n"));
            return;
        }
        let diff = match new {
            Some(new) => diff::unified(path, old, new),
            None => diff::removed(path, old.unwrap_or_default()),
        };
        self.say(path, diff);
    }

    fn say(&mut self, path: &str, diff: String) {
        if self.files.len() == MOST_FILES {
            self.more += 1;
            return;
        }
        self.shown += diff.len();
        let digest = digest(diff.as_bytes());
        self.files.push(FileChange { path: path.to_owned(), diff, digest });
    }
}

/// A file of the folder, as the person has it now.
enum Found {
    Nothing,
    Content(Vec<u8>),
    /// Why it was not read.
    Unread(&'static str),
}

/// Reads a file of the folder, but follows no link: it could lead anywhere.
fn on_disk(folder: &Path, path: &str) -> Found {
    let mut way = folder.to_owned();
    for name in path.split('/') {
        // A record is the person's to edit: a name in it is no way out.
        if matches!(name, "" | "." | "..") || name.contains('\\') {
            return Found::Nothing;
        }
        way.push(name);
        match way.symlink_metadata() {
            Ok(found) if found.is_symlink() => return Found::Unread("is a link now"),
            Ok(_) => {}
            Err(error) if is_absent(&error) => return Found::Nothing,
            Err(_) => return Found::Unread("cannot be read"),
        }
    }
    match way.symlink_metadata() {
        Ok(found) if !found.is_file() => return Found::Unread("is no file any more"),
        Ok(found) if found.len() > MOST_READ => return Found::Unread("is larger than 1 MB now"),
        Ok(_) => {}
        Err(_) => return Found::Unread("cannot be read"),
    }
    let mut content = Vec::new();
    match fs::File::open(&way).and_then(|file| file.take(MOST_READ).read_to_end(&mut content)) {
        Ok(_) => Found::Content(content),
        Err(_) => Found::Unread("cannot be read"),
    }
}
