//! `firstlight pack keygen | root | draft | sign | publish | refresh | rollout | verify`

mod keys;
mod show;

use std::process::ExitCode;

use firstlight_app::{
    AppError,
    publishing::{self, Change, KeyPlace, NewPack, NewTeam},
};
use firstlight_contract::{
    error::Code,
    publishing::{DraftView, RolloutView},
};
use jiff::Timestamp;

use self::keys::Keys;
use super::super::ask;
use crate::{
    args::publishing::{Publishing, Repository, Rollout, RolloutKeys, Root},
    output::Output,
};

pub(super) async fn run(command: Publishing, output: Output) -> anyhow::Result<ExitCode> {
    let now = Timestamp::now();
    match command {
        Publishing::Keygen { file, owner, keychain, json: _ } => {
            let made = keys::generate(&file, &owner, keychain, output).await?;
            if output.is_json() {
                output.value(&made)?;
            } else {
                show::key(&made, output)?;
            }
        }
        Publishing::Root { command } => drafted(&root(command, now)?, output)?,
        Publishing::Draft { pack, draft, repo, share, keep, json: _ } => {
            let new = NewPack { pack, share, keep };
            drafted(&publishing::draft(&repo, &new, &draft, now)?, output)?;
        }
        Publishing::Sign { draft, repo, key, yes, json: _ } => {
            let reviewed = publishing::review(&draft, &repo)?;
            if !output.is_json() {
                show::changes(&reviewed.view, output)?;
            }
            if !yes && !agreed(output).await? {
                output.line("Nothing was signed.")?;
                return Ok(ExitCode::FAILURE);
            }
            let key = Keys::new(output).open(&key).await?;
            let signed = reviewed.sign(&key)?;
            if output.is_json() {
                output.value(&signed)?;
            } else {
                show::signed(&signed, output)?;
            }
        }
        Publishing::Publish { draft, to } => {
            let online = Keys::new(output).open(&to.online).await?;
            let done = publishing::publish(&draft, &to.repo, &online, now)?;
            if output.is_json() {
                output.value(&done)?;
            } else {
                show::published(&done, output)?;
            }
        }
        Publishing::Refresh(Repository { repo, online, json: _ }) => {
            let online = Keys::new(output).open(&online).await?;
            let done = publishing::refresh(&repo, &online, now)?;
            if output.is_json() {
                output.value(&done)?;
            } else {
                show::refreshed(&done, output)?;
            }
        }
        Publishing::Rollout { command } => {
            let done = rollout(command, now, output).await?;
            if output.is_json() {
                output.value(&done)?;
            } else {
                show::rollout(&done, output)?;
            }
        }
        Publishing::Verify { repo, json: _ } => {
            let found = publishing::verify(&repo, now)?;
            if output.is_json() {
                output.value(&found)?;
            } else {
                show::repository(&found, output)?;
            }
            return Ok(if found.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn root(command: Root, now: Timestamp) -> Result<DraftView, AppError> {
    match command {
        Root::Begin { draft, platform, security, spare, online, rollout, pack, json: _ } => {
            let team = NewTeam { platform, security, spares: spare, online, rollout };
            publishing::begin(&team, &pack, &draft, now)
        }
        Root::Add { to, pack, rollout } => {
            publishing::add_pack(&to.repo, &pack, rollout.as_deref(), &to.draft, now)
        }
        Root::Replace { to, old, new } => publishing::replace(&to.repo, &old, &new, &to.draft, now),
        Root::Renew { to } => publishing::renew(&to.repo, &to.draft, now),
    }
}

fn drafted(draft: &DraftView, output: Output) -> anyhow::Result<()> {
    if output.is_json() {
        return output.value(draft);
    }
    show::changes(draft, output)?;
    show::missing(draft, output)
}

/// Whether the person signs what they were shown.
async fn agreed(output: Output) -> anyhow::Result<bool> {
    if output.is_interactive() {
        return ask("\nSign this?", output).await;
    }
    Err(AppError::new(Code::Usage, "Nobody is there to look at what is signed.")
        .hint("Run it in a terminal, or add `--yes`.")
        .into())
}

async fn rollout(command: Rollout, now: Timestamp, output: Output) -> anyhow::Result<RolloutView> {
    let (release, step, keys) = match command {
        Rollout::Set { release, share, keys } => (release, Change::Share(share), keys),
        Rollout::Halt { release, reason, keys } => (release, Change::Halt { reason }, keys),
        Rollout::Resume { release, keys } => (release, Change::Resume, keys),
        Rollout::Watch { signal, keys } => {
            let (key, online) = both(&keys, output).await?;
            return Ok(publishing::watch(&keys.to.repo, &signal, (&key, &online), now).await?);
        }
    };
    let (key, online) = both(&keys, output).await?;
    let repo = &keys.to.repo;
    Ok(publishing::rollout(repo, &release.pack, &release.version, &step, (&key, &online), now)?)
}

async fn both(keys: &RolloutKeys, output: Output) -> anyhow::Result<(keys::Key, keys::Key)> {
    let mut opened = Keys::new(output);
    let places: [&KeyPlace; 2] = [&keys.key, &keys.to.online];
    Ok((opened.open(places[0]).await?, opened.open(places[1]).await?))
}
