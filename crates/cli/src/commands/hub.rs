//! `firstlight hub`

use std::{process::ExitCode, time::Duration};

use firstlight_app::{Access, Delivered, Firstlight};
use firstlight_contract::{
    privacy::{HubAsked, HubStanding, Sharing},
    requests::AskingName,
};
use secrecy::ExposeSecret;

use super::{credential, open};
use crate::{
    args::{Hub, SharingChoice},
    output::Output,
    stop, words,
};

/// How long a command that is done otherwise stays to send what it caused.
const BRIEFLY: Duration = Duration::from_secs(5);

pub(super) async fn run(command: Hub, output: Output) -> anyhow::Result<ExitCode> {
    match command {
        Hub::Join { address, .. } => {
            let app = open(Access::Change, output)?;
            let code = credential::value("Code (not shown): ", output).await?;
            let asked = HubAsked { address, code: code.expose_secret().to_owned() };
            let hub = app.join_hub(&asked).await?;
            if !output.is_json() {
                output.line(format!("This machine sends to {} from now on.", hub.address))?;
            }
            deliver_briefly(&app).await;
            show(&app, output)?;
        }
        Hub::Status { .. } => show(&open(Access::Read, output)?, output)?,
        Hub::Sharing { choice, .. } => {
            let app = open(Access::Change, output)?;
            app.set_sharing(match choice {
                SharingChoice::On => Sharing::On,
                SharingChoice::Paused => Sharing::Paused,
            })?;
            deliver_briefly(&app).await;
            show(&app, output)?;
        }
        Hub::Send { .. } => {
            let app = open(Access::Change, output)?;
            let Delivered { sent, refused, answers } = app.deliver().await?;
            if !output.is_json() {
                if answers > 0 {
                    let answers = words::count(answers, "answer", "answers");
                    output.line(format!("Learned: {answers}; `firstlight status` says what."))?;
                }
                output.line(format!("Sent: {}.", words::count(sent, "event", "events")))?;
                if refused > 0 {
                    let refused = words::count(refused, "event", "events");
                    output.line(format!("The hub did not want {refused}; `firstlight events` says why."))?;
                }
            }
            show(&app, output)?;
        }
        Hub::Name { name, .. } => {
            let app = open(Access::Change, output)?;
            app.ask_as(&AskingName { name })?;
            deliver_briefly(&app).await;
            show(&app, output)?;
        }
        Hub::Access { remove, .. } => {
            let app = open(Access::Change, output)?;
            if remove {
                app.forget_hub_access().await?;
            } else {
                app.set_hub_access(&credential::value("Access token (not shown): ", output).await?).await?;
            }
            if output.is_json() {
                show(&app, output)?;
            } else {
                output.line(if remove {
                    "The access token is forgotten."
                } else {
                    "The access token is in the keychain. The window's Insights ask the hub with it."
                })?;
            }
        }
        Hub::Leave { .. } => {
            let app = open(Access::Change, output)?;
            app.leave_hub().await?;
            show(&app, output)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Sends what a command caused, before it ends. What does not go now goes next time, so nobody has to wait for it.
pub(super) async fn deliver_briefly(app: &Firstlight) {
    tokio::select! {
        () = app.deliver_within(BRIEFLY) => {}
        _ = stop::asked() => {}
    }
}

/// Learns what others answered, before a command goes on with what waited for them.
pub(super) async fn learn_briefly(app: &Firstlight) {
    tokio::select! {
        () = app.learn_within(BRIEFLY) => {}
        _ = stop::asked() => {}
    }
}

fn show(app: &Firstlight, output: Output) -> anyhow::Result<()> {
    let standing = app.hub_standing()?;
    if output.is_json() {
        return output.value(&standing);
    }
    let HubStanding { sharing, hub, waiting, sent, asks_as } = standing;
    output.line(match &hub {
        Some(hub) => format!("Events go to {}, since {}.", hub.address, words::moment(&hub.joined_at)),
        None => "There is no hub to send to.".to_owned(),
    })?;
    output.line(match sharing {
        Sharing::On => "Sharing is on.",
        Sharing::Paused => {
            "Sharing is paused: nothing leaves this machine until you say `firstlight hub sharing on`."
        }
    })?;
    output.line(match asks_as {
        Some(name) => format!("Whom a step waits for is told through the hub that “{name}” asks."),
        None => "Whom a step waits for is told through the hub, without your name; `firstlight hub name NAME` gives it."
            .to_owned(),
    })?;
    let last = hub.as_ref().and_then(|hub| hub.last_sent_at.as_deref());
    let last = last.map_or_else(String::new, |at| format!(", last {}", words::moment(at)));
    output.line(format!("Sent: {}{last}.", words::count(sent, "event", "events")))?;
    output.line(format!("Waiting: {}.", words::count(waiting, "event", "events")))?;
    if let Some(problem) = hub.and_then(|hub| hub.problem) {
        output.problem(&problem)?;
    }
    Ok(())
}
