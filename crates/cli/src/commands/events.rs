//! `firstlight events`

use std::process::ExitCode;

use firstlight_app::Access;
use firstlight_contract::privacy::Sharing;

use super::open;
use crate::{output::Output, words};

pub(super) fn run(output: Output) -> anyhow::Result<ExitCode> {
    let privacy = open(Access::Read, output)?.privacy()?;
    if output.is_json() {
        output.value(&privacy)?;
        return Ok(ExitCode::SUCCESS);
    }
    let number = |events: &[_]| u32::try_from(events.len()).unwrap_or(u32::MAX);
    output.line(match privacy.sharing {
        Sharing::On => "Sharing is on.",
        Sharing::Paused => "Sharing is paused: nothing leaves this machine.",
    })?;
    output.line(match &privacy.hub {
        Some(hub) => format!("Events go to {}.", hub.address),
        None => "There is no hub to send to.".to_owned(),
    })?;
    output.line(format!("Sent: {}.", words::count(number(&privacy.sent), "event", "events")))?;
    for event in privacy.sent.iter().rev() {
        if let Some(refused) = &event.refused {
            output.line(format!("  {} was not wanted: {refused}", event.id))?;
        }
    }
    for (what, events) in [("Waiting", &privacy.queued), ("Never leaves", &privacy.held_back)] {
        output.line(format!("{what}: {}.", words::count(number(events), "event", "events")))?;
        for event in events {
            output.verbatim(format!("  {}", event.body))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
