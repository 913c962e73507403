//! What publishing says to people.

use firstlight_contract::publishing::{
    DraftView, KeyView, OwnerView, PublishedView, RepositoryView, RingView, RolloutView, VerdictView,
};

use super::super::diff;
use crate::{output::Output, words};

pub(super) fn key(key: &KeyView, output: Output) -> anyhow::Result<()> {
    output.line(format!("{} is the key of {} ({}).", key.key, key.owner, key.fingerprint))?;
    output.line(format!("Keep it. Hand out {}.", key.public))
}

/// What a draft changes.
pub(super) fn changes(draft: &DraftView, output: Output) -> anyhow::Result<()> {
    for release in &draft.releases {
        let files = words::count(release.files, "file", "files");
        output.line(format!(
            "\u{1b}[1m{} {}\u{1b}[0m, {files}, without errors",
            release.pack, release.version
        ))?;
        if release.is_first {
            output.line("The first release: everything in it is new.")?;
            diff::show_changes(&release.changes, output)?;
        } else {
            diff::show(&release.changes, output)?;
        }
    }
    if !draft.rings.is_empty() {
        output.line("\n\u{1b}[1mWho gets what\u{1b}[0m")?;
        draft.rings.iter().try_for_each(|ring| output.line(format!("  {}", ring_line(ring))))?;
    }
    if !draft.keys.is_empty() {
        output.line("\n\u{1b}[1mWhose keys will count\u{1b}[0m")?;
        owners(&draft.keys, output)?;
        draft.keys_gone.iter().try_for_each(|key| {
            output.line(format!("  {}  {}: \u{1b}[31mnothing any more\u{1b}[0m", key.fingerprint, key.owner))
        })?;
        output.line("Compare the digits with each owner before you sign.")?;
    }
    Ok(())
}

fn owners(keys: &[OwnerView], output: Output) -> anyhow::Result<()> {
    keys.iter().try_for_each(|key| {
        output.line(format!("  {}  {}: {}", key.fingerprint, key.owner, key.may.join("; ")))
    })
}

fn ring_line(ring: &RingView) -> String {
    let who = match ring.share {
        100 => "everybody".to_owned(),
        0 => "nobody yet".to_owned(),
        share => format!("{share} of 100 devices"),
    };
    let halted = match (ring.halted, &ring.reason) {
        (false, _) => String::new(),
        (true, None) => ", \u{1b}[31mhalted\u{1b}[0m".to_owned(),
        (true, Some(reason)) => format!(", \u{1b}[31mhalted\u{1b}[0m: {reason}"),
    };
    format!("{} {}: {who}{halted}", ring.pack, ring.version)
}

/// Who still has to sign.
pub(super) fn missing(draft: &DraftView, output: Output) -> anyhow::Result<()> {
    if draft.complete {
        return output.line(format!(
            "\nEnough people signed. Next: firstlight pack publish {} --repo REPO --online KEY",
            draft.draft
        ));
    }
    output.line("\n\u{1b}[1mStill to be signed\u{1b}[0m")?;
    for need in &draft.needs {
        let signed = u32::try_from(need.signed.len()).unwrap_or(u32::MAX);
        if signed < need.threshold {
            let left: Vec<&str> =
                need.keys.iter().filter(|key| !need.signed.contains(key)).map(String::as_str).collect();
            let more = need.threshold - signed;
            output.line(format!("  {}: {more} of {}", need.what, left.join("; ")))?;
        }
    }
    output.line(format!("Next: firstlight pack sign {} --repo REPO --key KEY", draft.draft))
}

pub(super) fn signed(draft: &DraftView, output: Output) -> anyhow::Result<()> {
    if let Some(owner) = &draft.signed_by {
        output.line(format!("\nSigned by {owner}."))?;
    }
    missing(draft, output)
}

pub(super) fn published(done: &PublishedView, output: Output) -> anyhow::Result<()> {
    output.line(format!("{} is published.", done.repository))?;
    refreshed(done, output)?;
    output.line("Devices enrol with the folder's https address and this sum of its first root:")?;
    output.verbatim(format!("  {}", done.root_sha256))
}

pub(super) fn refreshed(done: &PublishedView, output: Output) -> anyhow::Result<()> {
    output.line(format!("Devices take it as fresh until {}.", words::moment(&done.fresh_until)))?;
    for renew in &done.renew_soon {
        warn(
            &format!(
                "“{}” holds until {}; more than half of that is over.",
                renew.what,
                words::moment(&renew.expires)
            ),
            output,
        )?;
    }
    if !done.renew_soon.is_empty() {
        output.line("Next: firstlight pack root renew DRAFT --repo REPO")?;
    }
    Ok(())
}

pub(super) fn rollout(done: &RolloutView, output: Output) -> anyhow::Result<()> {
    match done.verdict {
        None => {}
        Some(VerdictView::TooFew { started, needed }) => {
            output.line(format!("{started} runs so far; below {needed} they say nothing."))?;
        }
        Some(VerdictView::Fine { p }) => {
            output.line(format!("It does not fail more often than chance explains (p = {p:.4})."))?;
        }
        Some(VerdictView::Worse { p }) => {
            output.line(format!(
                "\u{1b}[31mIt fails more often than the release before (p = {p:.2e}).\u{1b}[0m"
            ))?;
        }
    }
    output.line(ring_line(&done.ring))?;
    match &done.published {
        Some(published) => refreshed(published, output),
        None => output.line("Nothing was changed."),
    }
}

pub(super) fn repository(found: &RepositoryView, output: Output) -> anyhow::Result<()> {
    output.line("\u{1b}[1mWho signed what\u{1b}[0m")?;
    for role in &found.roles {
        let until = words::moment(&role.expires);
        let holds = if role.expired {
            format!("\u{1b}[31mexpired {until}\u{1b}[0m")
        } else {
            format!("until {until}")
        };
        output.line(format!(
            "  {}: {} ({} needed), version {}, {holds}",
            role.says,
            role.signed.join(" and "),
            role.threshold,
            role.version
        ))?;
    }
    output.line("\n\u{1b}[1mReleases\u{1b}[0m")?;
    if found.releases.is_empty() {
        output.line("  none so far")?;
    }
    for offer in &found.releases {
        output.line(format!(
            "  {}, {}",
            ring_line(&offer.ring),
            words::count(offer.files, "file", "files")
        ))?;
    }
    output.line("\n\u{1b}[1mKeys\u{1b}[0m")?;
    owners(&found.keys, output)?;
    output.line(format!("\nSHA-256 of the first root: {}", found.root_sha256))?;
    for role in found.roles.iter().filter(|role| role.renew && !role.expired) {
        let next = match role.role.as_str() {
            "timestamp" | "snapshot" => "firstlight pack refresh",
            _ => "firstlight pack root renew",
        };
        warn(&format!("More than half of the life of “{}” is over: {next}", role.says), output)?;
    }
    for (files, what) in [(&found.missing, "missing"), (&found.damaged, "not the file that was signed")] {
        files.iter().try_for_each(|file| output.line(format!("\u{1b}[31m{what}\u{1b}[0m: {file}")))?;
    }
    let files = words::count(found.files, "file", "files");
    output.line(if found.ok {
        format!("{files}, all there and whole.")
    } else {
        "Devices do not take this repository as it is; the pack they have goes on working.".to_owned()
    })
}

fn warn(text: &str, output: Output) -> anyhow::Result<()> {
    output.line(format!("\u{1b}[33mwarning\u{1b}[0m: {text}"))
}
