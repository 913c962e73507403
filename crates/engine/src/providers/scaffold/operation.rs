//! One template to be run into one folder: looked at, done, taken back.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use firstlight_domain::{
    facts::Facts,
    plan::{FileChange, Resolved},
    state::Failure,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    With,
    build::{self, Built, Effect, Given},
    inspect, parameters,
    publish::{self, Address},
    record::Record,
    sources::{OnDisk, Sources},
    template::Template,
    trouble::Trouble,
    write,
};
use crate::{
    provider::{Check, Context, Operation, read_receipt},
    providers::{
        diff, empty_folder, failure, failure_with, git_clone,
        json_schema::When,
        paths::{self, is_absent},
        whole_file::{digest, missing_folders},
    },
};

/// At most this many files are listed in a plan, one by one.
const MOST_LISTED: usize = 200;
/// Content is shown up to this many bytes in all; what comes after is named.
const MOST_SHOWN: usize = 128 * 1024;

/// A template, and where its result goes.
pub(super) struct Scaffolding {
    pub(super) with: With,
    pub(super) into: PathBuf,
    pub(super) pack_root: PathBuf,
    pub(super) facts: Facts,
}

/// What a step made.
#[derive(Debug, Serialize, Deserialize)]
struct Receipt {
    path: PathBuf,
    /// Whether there was an empty folder.
    was_empty_folder: bool,
    /// Its permissions; unknown to older receipts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mode: Option<u32>,
    /// SHA-256 of each file that was made.
    files: BTreeMap<String, String>,
    /// Folders of it that became clones.
    #[serde(default)]
    clones: Vec<String>,
    /// Repositories of this machine that were made to publish to.
    #[serde(default)]
    repositories: Vec<PathBuf>,
    /// Folders that were made on the way, outermost first.
    #[serde(default)]
    folders: Vec<PathBuf>,
}

/// What is in the folder.
enum There {
    Nothing,
    EmptyFolder,
    /// Made by this template.
    Made(Box<Record>),
    /// Something else, in words.
    Other(String),
}

#[async_trait]
impl Operation for Scaffolding {
    fn resolved(&self) -> Resolved {
        let With { template, values, publish, skip, .. } = &self.with;
        let what = json!({ "template": template, "values": values, "publish": publish, "skip": skip });
        // What the template makes of it is known when it is run; the pack's digest covers the template.
        let file = FileChange {
            path: self.into.display().to_string(),
            diff: String::new(),
            digest: digest(what.to_string().as_bytes()),
        };
        let mut resolved = Resolved { files: vec![file], ..Resolved::default() };
        for address in publish.values().filter_map(|text| Address::parse("publish", text).ok()) {
            resolved.commands.extend(address.lines(&self.facts));
            if let Address::Remote { host, .. } = address {
                resolved.hosts.push(host);
            }
        }
        resolved
    }

    async fn check(&self, cx: &Context) -> Result<Check, Failure> {
        let blocked = |trouble: Trouble| Check::Blocked { why: trouble.cause, hint: Some(trouble.hint) };
        let template = match self.template() {
            Ok(template) => template,
            Err(trouble) => return Ok(blocked(trouble)),
        };
        match self.there(&template)? {
            There::Made(record) => return Ok(Check::Satisfied { outputs: record.outputs(&self.into) }),
            There::Other(why) => {
                let hint = "move it away, or choose another folder; nothing is overwritten".to_owned();
                return Ok(Check::Blocked { why, hint: Some(hint) });
            }
            There::Nothing | There::EmptyFolder => {}
        }
        let (built, record) = match self.run(&template) {
            Ok(built) => built,
            Err(trouble) => return Ok(blocked(trouble)),
        };
        for effect in &built.effects {
            if let Effect::Publish(publication) = effect
                && let Some(blocked) = publication.check(cx).await?
            {
                return Ok(blocked);
            }
        }
        let count = built.tree.files().len();
        let what = format!(
            "would make {} ({count} {}) from the template `{}` {}: {}",
            self.into.display(),
            if count == 1 { "file" } else { "files" },
            record.template.name,
            record.template.version,
            built.done.join(", then "),
        );
        Ok(Check::Needed { what, files: self.changes(&built) })
    }

    async fn apply(&self, cx: &Context) -> Result<(), Failure> {
        let template = self.template()?;
        let was_empty_folder = match self.there(&template)? {
            There::Made(_) => return Ok(()),
            There::Other(why) => return Err(failure(why)),
            There::Nothing => false,
            There::EmptyFolder => true,
        };
        let (mut built, record) = self.run(&template)?;
        let record_file = record.file()?;
        write::put_record(&mut built.tree, &record_file)?;
        refuse_secrets(cx, &built)?;
        let publications = || {
            built.effects.iter().filter_map(|effect| match effect {
                Effect::Publish(publication) => Some(publication),
                Effect::Say(_) | Effect::Wait(_) => None,
            })
        };
        let repositories: Vec<PathBuf> =
            publications().filter_map(|publication| publication.makes(&self.facts)).collect();
        let mut folders: Vec<PathBuf> =
            repositories.iter().chain([&self.into]).flat_map(|path| missing_folders(path)).collect();
        // Outermost first: a folder comes before what lies in it.
        folders.sort();
        folders.dedup();
        let receipt = Receipt {
            path: self.into.clone(),
            was_empty_folder,
            mode: empty_folder::mode(&self.into),
            files: built.tree.digests(),
            clones: publications().map(|publication| publication.folder().to_owned()).collect(),
            repositories,
            folders,
        };
        cx.keep_receipt(&receipt)?;
        let (beside, staging) =
            (write::beside(&self.into, "scaffold")?, write::beside(&self.into, "publish")?);
        let made = self.make(cx, built, &record_file, was_empty_folder, (&beside, &staging)).await;
        write::remove_tree(&staging)?;
        if made.is_err() {
            write::remove_tree(&beside)?;
        } else {
            record.follow_ups.iter().for_each(|left| cx.output.say(left));
        }
        made
    }

    fn can_undo(&self) -> bool {
        true
    }

    async fn undo(&self, cx: &Context, receipt: &Value) -> Result<(), Failure> {
        let receipt: Receipt = read_receipt(receipt)?;
        let path = &receipt.path;
        if *path != self.into {
            return Err(failure_with(
                format!("the step names {} now, but made {}", self.into.display(), path.display()),
                "remove the old folder yourself if you do not need it",
            ));
        }
        let kept = |path: &Path, why: &str| {
            failure_with(
                format!("{} is kept: {why}", path.display()),
                "save what you need, then remove the folder yourself",
            )
        };
        let there = is_filled(path)?;
        if there {
            if let Some(why) = write::changed(path, &receipt.files, &receipt.clones)? {
                return Err(kept(path, &why));
            }
            for clone in &receipt.clones {
                let clone = path.join(clone);
                if clone.join(".git").symlink_metadata().is_ok()
                    && let Some(why) = git_clone::not_pushed(cx, &clone, None).await?
                {
                    return Err(kept(&clone, &why));
                }
            }
        }
        for repository in receipt.repositories.iter().filter(|folder| folder.is_dir()) {
            if let Some(why) = publish::grown(cx, repository).await? {
                return Err(kept(repository, &why));
            }
        }
        if there {
            write::take_away(path)?;
        }
        receipt.repositories.iter().try_for_each(|repository| write::take_away(repository))?;
        if receipt.was_empty_folder && !path.exists() {
            empty_folder::make_again(path, receipt.mode)
                .map_err(|error| write::cannot("made", path, &error))?;
        }
        for folder in receipt.folders.iter().rev() {
            // Only an empty one goes: what others put there stays.
            let _ = fs::remove_dir(folder);
        }
        Ok(())
    }
}

impl Scaffolding {
    /// The template, looked over.
    fn template(&self) -> Result<Template, Trouble> {
        let files = OnDisk(&self.pack_root);
        let template = Template::load(&files, &self.with.template)?;
        inspect::inspect(&template, &self.with.said(), &files)?;
        Ok(template)
    }

    /// Everything the template comes to. Changes nothing.
    fn run(&self, template: &Template) -> Result<(Built, Record), Trouble> {
        let values = parameters::settle(&template.pages, &self.with.values, When::Used)?;
        let mut sources = Sources::new(&self.pack_root, template.folder());
        sources.note(&template.path, &template.text);
        let given = Given { values: &values, publish: &self.with.publish, skip: &self.with.skip };
        let built = build::build(template, &given, &mut sources)?;
        let record = Record::new(template, values, &self.with.said(), &built, sources.digest());
        Ok((built, record))
    }

    fn there(&self, template: &Template) -> Result<There, Failure> {
        let into = &self.into;
        let shown = into.display();
        let link = paths::followed_out(into, Path::new(&self.facts.home))
            .map_err(|error| write::cannot("looked at", into, &error))?;
        if let Some(link) = link {
            return Ok(There::Other(link));
        }
        match into.symlink_metadata() {
            Ok(found) if found.is_dir() => {}
            Ok(_) => return Ok(There::Other(format!("{shown} is there, but is not a folder"))),
            Err(error) if is_absent(&error) => return Ok(There::Nothing),
            Err(error) => return Err(write::cannot("looked at", into, &error)),
        }
        if !is_filled(into)? {
            return Ok(There::EmptyFolder);
        }
        Ok(match Record::of(into) {
            Some(record) if record.template.name == template.name => There::Made(Box::new(record)),
            Some(record) => {
                There::Other(format!("{shown} was made by another template, `{}`", record.template.name))
            }
            None => There::Other(format!("{shown} is there, with something else in it")),
        })
    }

    /// What the plan shows of the files, within bounds; consent covers all of them.
    fn changes(&self, built: &Built) -> Vec<FileChange> {
        let files = built.tree.files();
        let mut shown = 0;
        let mut changes = Vec::new();
        for (path, file) in files.iter().take(MOST_LISTED) {
            let full = self.into.join(path).display().to_string();
            let diff = if shown < MOST_SHOWN {
                diff::unified(&full, None, &file.content)
            } else {
                format!("{full}: a new file of {} bytes\n", file.content.len())
            };
            shown += diff.len();
            changes.push(FileChange { path: full, diff, digest: digest(&file.content) });
        }
        if files.len() > MOST_LISTED {
            let rest: Vec<(&String, String)> =
                files.iter().skip(MOST_LISTED).map(|(path, file)| (path, digest(&file.content))).collect();
            let all = json!(rest).to_string();
            changes.push(FileChange {
                path: format!("{} more files in {}", files.len() - MOST_LISTED, self.into.display()),
                diff: String::new(),
                digest: digest(all.as_bytes()),
            });
        }
        changes
    }

    async fn make(
        &self,
        cx: &Context,
        built: Built,
        record: &super::tree::File,
        was_empty_folder: bool,
        (beside, staging): (&Path, &Path),
    ) -> Result<(), Failure> {
        // Left by a run that was cut off.
        write::remove_tree(beside)?;
        write::write_tree(beside, &built.tree)?;
        for effect in built.effects {
            match effect {
                Effect::Say(text) => text.lines().for_each(|line| cx.output.say(line)),
                Effect::Wait(time) => tokio::select! {
                    () = tokio::time::sleep(time) => {}
                    () = cx.cancel.cancelled() => return Err(failure("it was stopped")),
                },
                Effect::Publish(mut publication) => {
                    publication.push(cx, staging, record).await?;
                    let clone = beside.join(publication.folder()).join(".git");
                    if clone.symlink_metadata().is_err() {
                        fs::rename(staging.join(".git"), &clone)
                            .map_err(|error| write::cannot("made", &clone, &error))?;
                    }
                }
            }
        }
        if was_empty_folder {
            empty_folder::hand_on(empty_folder::mode(&self.into), beside)
                .and_then(|()| fs::remove_dir(&self.into))
                .map_err(|error| write::cannot("replaced", &self.into, &error))?;
        }
        fs::rename(beside, &self.into).map_err(|error| write::cannot("made", &self.into, &error))?;
        write::sync_parent(&self.into)
    }
}

/// A template is handed no secret, but a person may have typed one where it does not belong.
fn refuse_secrets(cx: &Context, built: &Built) -> Result<(), Failure> {
    for (path, file) in built.tree.files() {
        let mut mask = cx.host.mask(&[]);
        let mut shown = mask.push(&file.content);
        shown.extend(mask.finish());
        if shown != file.content {
            return Err(failure_with(
                format!("`{path}` would hold a stored credential, and files of a template never do"),
                "change the answer it comes from",
            ));
        }
    }
    Ok(())
}

/// Whether there is a folder with something in it.
fn is_filled(path: &Path) -> Result<bool, Failure> {
    match fs::read_dir(path) {
        Ok(mut entries) => Ok(entries.next().is_some()),
        Err(error) if is_absent(&error) => Ok(false),
        Err(error) => Err(write::cannot("looked at", path, &error)),
    }
}
