//! `cargo xtask gen`: files that are made from others and kept in Git, so that readers and editors have them.
//!
//! Everything is made in a scratch folder first. `gen` copies what differs, `check` only says what differs: a clean tree
//! stays clean. One more: produce it in [`make`].

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use crate::{
    args::{Args, Spec},
    bundle, contributor,
    workspace::Workspace,
};

pub(crate) const USAGE: &str = "gen                                       make TypeScript types, pack schema, provider reference, sample bundles";

/// Every file in it is generated; one that no longer is has to go.
const TYPES: &str = "ui/src/lib/contract/generated";
const SCHEMA: &str = "assets/packs/pack.schema.json";
const PROVIDERS: &str = "assets/packs/PROVIDERS.md";
const TEMPLATES: &str = "assets/templates";
const BUNDLES: &str = "assets/packs/sample/bundles";

/// Runs the command.
pub(crate) fn run(workspace: &Workspace, words: &[String]) -> Result<()> {
    Args::parse(words, &Spec { flags: &[], options: &[], name: false })?;
    contributor::build(workspace, "firstlight")?;
    let changes = make(workspace)?.changes(&workspace.root)?;
    for change in &changes {
        change.apply(&workspace.root)?;
        println!("{}", change.describe());
    }
    if changes.is_empty() {
        println!("every generated file was up to date");
    }
    Ok(())
}

/// Says which generated files are not what they would be made into now. Needs `firstlight` built.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let changes = make(workspace)?.changes(&workspace.root)?;
    if !changes.is_empty() {
        let lines: Vec<String> = changes.iter().map(Change::describe).collect();
        bail!("`cargo xtask gen` would change the tree:\n{}", lines.join("\n"));
    }
    println!("every generated file is up to date");
    Ok(())
}

/// What was generated: file contents by path from the root, and the folders in which nothing else may be.
#[derive(Debug, Default)]
struct Generated {
    files: BTreeMap<PathBuf, Vec<u8>>,
    folders: Vec<PathBuf>,
}

#[derive(Debug, PartialEq, Eq)]
enum Change {
    Add { path: PathBuf, content: Vec<u8> },
    Update { path: PathBuf, content: Vec<u8> },
    Remove { path: PathBuf },
}

fn make(workspace: &Workspace) -> Result<Generated> {
    let scratch = workspace.scratch("gen")?;
    let mut generated = Generated::default();
    types(workspace, &scratch.folder("types")?, &mut generated)?;
    let schema = || contributor::firstlight(workspace).args(["pack", "schema"]);
    generated.files.insert(SCHEMA.into(), schema().read()?.into_bytes());
    generated.files.insert(PROVIDERS.into(), schema().arg("--markdown").read()?.into_bytes());
    for name in folders(&workspace.root.join(TEMPLATES))? {
        let existing = Path::new(BUNDLES).join(format!("{name}.bundle"));
        let template = Path::new(TEMPLATES).join(&name);
        let content = bundle::bundle(&workspace.root, &template, &existing, &scratch.folder(&name)?)
            .with_context(|| format!("{} could not be made into a bundle", template.display()))?;
        generated.files.insert(existing, content);
    }
    generated.folders.extend([PathBuf::from(TYPES), PathBuf::from(BUNDLES)]);
    Ok(generated)
}

/// ts-rs writes while the contract's tests run, into the folder named by the environment.
fn types(workspace: &Workspace, into: &Path, generated: &mut Generated) -> Result<()> {
    workspace
        .cargo()
        .args(["test", "--quiet", "--package", "firstlight-contract", "--lib", "--locked", "export_bindings"])
        .env("TS_RS_EXPORT_DIR", into)
        .read()?;
    for file in files(into)? {
        let path = into.join(&file);
        let content = fs::read(&path).with_context(|| format!("{} could not be read", path.display()))?;
        generated.files.insert(Path::new(TYPES).join(file), content);
    }
    if generated.files.is_empty() {
        bail!("the contract's tests exported no TypeScript; do its types still say `#[ts(export)]`?");
    }
    Ok(())
}

impl Generated {
    fn changes(self, root: &Path) -> Result<Vec<Change>> {
        let mut changes = Vec::new();
        for folder in &self.folders {
            for file in files(&root.join(folder))? {
                let path = folder.join(file);
                if !self.files.contains_key(&path) {
                    changes.push(Change::Remove { path });
                }
            }
        }
        for (path, content) in self.files {
            match fs::read(root.join(&path)) {
                Ok(existing) if existing == content => {}
                Ok(_) => changes.push(Change::Update { path, content }),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    changes.push(Change::Add { path, content });
                }
                Err(error) => {
                    return Err(error).with_context(|| format!("{} could not be read", path.display()));
                }
            }
        }
        Ok(changes)
    }
}

impl Change {
    fn describe(&self) -> String {
        match self {
            Self::Add { path, .. } => format!("new       {}", path.display()),
            Self::Update { path, .. } => format!("changed   {}", path.display()),
            Self::Remove { path } => format!("removed   {}", path.display()),
        }
    }

    fn apply(&self, root: &Path) -> Result<()> {
        match self {
            Self::Add { path, content } | Self::Update { path, content } => {
                let file = root.join(path);
                let written =
                    file.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&file, content));
                written.with_context(|| format!("{} could not be written", file.display()))
            }
            Self::Remove { path } => {
                let file = root.join(path);
                fs::remove_file(&file).with_context(|| format!("{} could not be removed", file.display()))
            }
        }
    }
}

/// The names of the folders in `folder`, sorted.
fn folders(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in entries(folder)? {
        if entry.path().is_dir() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Every file below `folder`, as paths from there; none when the folder does not exist.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut left = vec![PathBuf::new()];
    while let Some(inner) = left.pop() {
        for entry in entries(&folder.join(&inner))? {
            let path = inner.join(entry.file_name());
            if entry.path().is_dir() { left.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    Ok(found)
}

fn entries(folder: &Path) -> Result<Vec<fs::DirEntry>> {
    let listed = match fs::read_dir(folder) {
        Ok(entries) => entries.collect(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    };
    listed.with_context(|| format!("{} could not be read", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_new_changed_or_left_over_is_found_and_then_put_right() {
        let root = std::env::temp_dir().join(format!("firstlight-generated-{}", std::process::id()));
        fs::create_dir_all(root.join("types/inner")).unwrap();
        for (file, content) in
            [("types/Same.ts", "same"), ("types/inner/Old.ts", "old"), ("types/Gone.ts", "gone")]
        {
            fs::write(root.join(file), content).unwrap();
        }
        fs::write(root.join("beside.ts"), "not ours").unwrap();
        let generated = || Generated {
            files: [("types/Same.ts", "same"), ("types/inner/Old.ts", "now"), ("schema/new.json", "new")]
                .map(|(path, content)| (PathBuf::from(path), content.as_bytes().to_vec()))
                .into(),
            folders: vec!["types".into()],
        };
        let changes = generated().changes(&root).unwrap();
        assert_eq!(
            changes,
            [
                Change::Remove { path: "types/Gone.ts".into() },
                Change::Add { path: "schema/new.json".into(), content: b"new".to_vec() },
                Change::Update { path: "types/inner/Old.ts".into(), content: b"now".to_vec() },
            ]
        );
        assert_eq!(changes[0].describe(), "removed   types/Gone.ts");
        for change in &changes {
            change.apply(&root).unwrap();
        }
        assert_eq!(generated().changes(&root).unwrap(), []);
        assert!(root.join("beside.ts").exists());
        fs::remove_dir_all(&root).unwrap();
    }
}
