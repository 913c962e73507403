//! `fetch:*` and `fs:*`: files of the pack into the result, rendered or as they are, and changes among them.

use serde_json::{Map, Value, json};

use super::{
    actions::Input,
    glob::Globs,
    language::{Language, Names},
    sources::Sources,
    tree::{File, Tree, safe},
    trouble::Trouble,
};

/// `fetch:template`: a folder, each file and each name rendered.
pub(super) fn template(input: &Input<'_>, sources: &mut Sources, tree: &mut Tree) -> Result<(), Trouble> {
    let how = How::of(input)?;
    let (language, names) = renderer(input)?;
    let target = target(input)?;
    let replace = input.flag("replace")?;
    for (path, file) in sources.folder(input.needed("url")?)? {
        let renders = file.is_some() && how.renders(&path) || file.is_none() && how.renders_names_of(&path);
        let wanted = how.name(&path, renders);
        let rendered = if how.renders_names_of(&path) {
            language.render(&wanted, &names).map_err(|trouble| trouble.at(&path))?
        } else {
            wanted
        };
        // A name that comes to nothing leaves its file out: the way to make one depend on a value.
        if rendered.split('/').any(|name| name.trim().is_empty()) {
            continue;
        }
        let place = safe(&join(&target, &rendered)).map_err(|trouble| trouble.at(&path))?;
        if place.is_empty() || (tree.has(&place) && !(replace && file.is_some())) {
            continue;
        }
        match file {
            None => tree.make_folder(&place)?,
            Some(file) => {
                let content = match text_of(&file) {
                    Some(text) if renders => {
                        language.render(text, &names).map_err(|trouble| trouble.at(&path))?.into_bytes()
                    }
                    Some(_) | None => file.content,
                };
                tree.put(&place, File { content, executable: file.executable })?;
            }
        }
    }
    Ok(())
}

/// `fetch:template:file`: one file, rendered.
pub(super) fn template_file(
    input: &Input<'_>,
    sources: &mut Sources,
    tree: &mut Tree,
) -> Result<(), Trouble> {
    let (language, names) = renderer(input)?;
    let place = safe(input.needed("targetPath")?)?;
    if tree.has(&place) && !input.flag("replace")? {
        return Ok(());
    }
    let url = input.needed("url")?;
    let file = sources.file(url)?;
    let content = match text_of(&file) {
        Some(text) => language.render(text, &names).map_err(|trouble| trouble.at(url))?.into_bytes(),
        None => file.content,
    };
    tree.put(&place, File { content, executable: file.executable })
}

/// `fetch:plain`: a folder as it is.
pub(super) fn plain(input: &Input<'_>, sources: &mut Sources, tree: &mut Tree) -> Result<(), Trouble> {
    let target = target(input)?;
    for (path, file) in sources.folder(input.needed("url")?)? {
        let place = safe(&join(&target, &path))?;
        match file {
            Some(file) => tree.put(&place, file)?,
            None => tree.make_folder(&place)?,
        }
    }
    Ok(())
}

/// `fetch:plain:file`: one file as it is.
pub(super) fn plain_file(input: &Input<'_>, sources: &mut Sources, tree: &mut Tree) -> Result<(), Trouble> {
    let file = sources.file(input.needed("url")?)?;
    tree.put(&safe(input.needed("targetPath")?)?, file)
}

/// `fs:delete`: by name or by pattern.
pub(super) fn delete(input: &Input<'_>, tree: &mut Tree) -> Result<(), Trouble> {
    let patterns = input.texts("files")?.ok_or_else(|| input.wrong("`files` is missing"))?;
    for pattern in &patterns {
        let pattern = safe(pattern)?;
        if pattern.is_empty() {
            return Err(input.wrong("would delete everything"));
        }
        let globs = Globs::new([pattern.as_str()])?;
        let all = tree.files().keys().chain(tree.folders());
        let meant: Vec<String> = all.filter(|path| globs.matches(path)).cloned().collect();
        for path in meant {
            tree.take(&path);
        }
    }
    Ok(())
}

/// `fs:rename`.
pub(super) fn rename(input: &Input<'_>, tree: &mut Tree) -> Result<(), Trouble> {
    let files = input.list("files")?.ok_or_else(|| input.wrong("`files` is missing"))?;
    for file in files {
        let path = |name: &str| {
            let text = file.get(name).and_then(Value::as_str);
            safe(text.ok_or_else(|| input.wrong(format!("each of `files` should have `{name}`")))?)
        };
        let (from, to) = (path("from")?, path("to")?);
        if from.is_empty() || to.is_empty() {
            return Err(input.wrong("would rename the result itself"));
        }
        if !tree.has(&from) {
            return Err(input.wrong(format!("there is no `{from}` to rename")));
        }
        if to == from {
            continue;
        }
        if to.strip_prefix(from.as_str()).is_some_and(|rest| rest.starts_with('/')) {
            return Err(input.wrong(format!("`{from}` cannot be moved into itself")));
        }
        if tree.has(&to) {
            if file.get("overwrite") != Some(&Value::Bool(true)) {
                return Err(input.wrong(format!("`{to}` is there already, and `overwrite` is not set")));
            }
            tree.take(&to);
        }
        let taken = tree.take(&from);
        tree.graft(&to, taken)?;
    }
    Ok(())
}

/// `fs:readdir`: what is in folders of the result.
pub(super) fn read_dir(input: &Input<'_>, tree: &Tree) -> Result<Map<String, Value>, Trouble> {
    let recursive = input.flag("recursive")?;
    let paths = input.texts("paths")?.ok_or_else(|| input.wrong("`paths` is missing"))?;
    let (mut files, mut folders) = (Vec::new(), Vec::new());
    for path in paths {
        let folder = safe(path)?;
        if !tree.is_folder(&folder) {
            return Err(input.wrong(format!("there is no folder `{folder}`")));
        }
        let entry = |name: &String| {
            let rest = if folder.is_empty() {
                name.as_str()
            } else {
                name.strip_prefix(folder.as_str())?.strip_prefix('/')?
            };
            let own = name.rsplit('/').next().unwrap_or(name);
            let within = !rest.is_empty() && (recursive || !rest.contains('/'));
            within.then(|| json!({ "name": own, "path": name, "fullPath": name }))
        };
        files.extend(tree.files().keys().filter_map(entry));
        folders.extend(tree.folders().iter().filter_map(entry));
    }
    Ok([("files".to_owned(), files.into()), ("folders".to_owned(), folders.into())].into_iter().collect())
}

fn join(target: &str, path: &str) -> String {
    if target.is_empty() { path.to_owned() } else { format!("{target}/{path}") }
}

fn target(input: &Input<'_>) -> Result<String, Trouble> {
    safe(input.text("targetPath")?.unwrap_or_default())
}

/// A file's content, if it is text.
fn text_of(file: &File) -> Option<&str> {
    std::str::from_utf8(&file.content).ok().filter(|text| !text.contains('\0'))
}

fn renderer(input: &Input<'_>) -> Result<(Language, Names), Trouble> {
    if input.flag("cookiecutterCompat")? {
        return Err(input.wrong(
            "`cookiecutterCompat` is not known here: write `${{ values.x }}` where cookiecutter has `{{ cookiecutter.x }}`",
        ));
    }
    let language = Language::new(input.flag("trimBlocks")?, input.flag("lstripBlocks")?)?;
    let names: Map<String, Value> =
        [("values".to_owned(), input.group("values")?.into())].into_iter().collect();
    Ok((language, Names::new(&names)))
}

/// Which files of a folder are rendered, and which names.
struct How {
    /// Only files with this ending, which goes; every name.
    ending: Option<String>,
    copied: Globs,
    /// Whether the names of what is copied are left alone too.
    legacy: bool,
}

impl How {
    fn of(input: &Input<'_>) -> Result<Self, Trouble> {
        let legacy = input.texts("copyWithoutRender")?;
        let copied = input.texts("copyWithoutTemplating")?;
        if legacy.is_some() && copied.is_some() {
            return Err(
                input.wrong("has both `copyWithoutRender` and `copyWithoutTemplating`; one is enough")
            );
        }
        let ending = match input.fields.get("templateFileExtension") {
            None | Some(Value::Null | Value::Bool(false)) => None,
            Some(Value::Bool(true)) => Some(".njk".to_owned()),
            Some(Value::String(ending)) if ending.starts_with('.') => Some(ending.clone()),
            Some(Value::String(ending)) => Some(format!(".{ending}")),
            Some(_) => return Err(input.wrong("`templateFileExtension` should be a text, or true")),
        };
        if ending.is_some() && (legacy.is_some() || copied.is_some()) {
            return Err(input.wrong(
                "`templateFileExtension` says which files are templates, so `copyWithoutTemplating` cannot stand beside it",
            ));
        }
        Ok(Self {
            ending,
            legacy: legacy.is_some(),
            copied: Globs::new(legacy.or(copied).unwrap_or_default())?,
        })
    }

    fn renders(&self, path: &str) -> bool {
        match &self.ending {
            Some(ending) => path
                .rsplit('/')
                .next()
                .is_some_and(|name| name.len() > ending.len() && name.ends_with(ending)),
            None => !self.copied.matches(path),
        }
    }

    fn renders_names_of(&self, path: &str) -> bool {
        !self.legacy || !self.copied.matches(path)
    }

    fn name(&self, path: &str, renders: bool) -> String {
        match &self.ending {
            Some(ending) if renders => path.strip_suffix(ending.as_str()).unwrap_or(path).to_owned(),
            Some(_) | None => path.to_owned(),
        }
    }
}
