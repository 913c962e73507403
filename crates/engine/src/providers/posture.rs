//! `posture`: whether this machine is kept as the company asks: disk encrypted, screen locked, firewall on, system updated.
//!
#![doc = include_str!("docs/posture.md")]

mod found;
mod linux;
mod macos;
mod windows;

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use firstlight_domain::{
    facts::{Facts, Os},
    kind::{Capabilities, Class, Kind, WithError, inspects_nothing},
    plan::{Purpose, Resolved},
    span,
    state::{Failure, WaitsOn},
};
use schemars::JsonSchema;
use serde::Deserialize;

use self::found::{Found, Lock, Read, Switch, Updates};
use super::{
    failure, person, schema,
    with::{self, Parameters, is_unresolved, wrong},
};
use crate::{
    process::{self, Exit, Process},
    provider::{Check, Context, Operation, Provider, Rendered},
};

/// How long one question may take; the slowest is asking Windows for its updates.
const PATIENCE: Duration = Duration::from_secs(30);

/// The kind `posture`.
pub struct Posture;

/// Parameters of `posture`: what is asked for. At least one of these.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Posture")]
pub struct With {
    /// The disk with the system and the home folder is encrypted.
    #[serde(default)]
    pub disk_encryption: bool,
    /// The screen locks by itself after this long at most: `15m`.
    #[serde(default)]
    pub screen_lock: Option<String>,
    /// A firewall refuses what comes in unasked.
    #[serde(default)]
    pub firewall: bool,
    /// Updates of the system were installed within this time, or looked for with none left to install: `30d`.
    #[serde(default)]
    pub os_updates: Option<String>,
}

impl Parameters for With {
    fn consistent(&self) -> Result<(), WithError> {
        let lengths = [("screen-lock", &self.screen_lock), ("os-updates", &self.os_updates)];
        for (field, text) in lengths {
            if let Some(text) = text.as_ref().filter(|text| !is_unresolved(text)) {
                let length = span::parse(text).map_err(|error| wrong(field, error.to_string()))?;
                if length.is_zero() {
                    return Err(wrong(field, "should be longer than nothing"));
                }
            }
        }
        let asked = self.disk_encryption || self.firewall || lengths.iter().any(|(_, text)| text.is_some());
        if asked {
            Ok(())
        } else {
            Err(wrong(
                "",
                "asks for nothing: needs one of `disk-encryption`, `screen-lock`, `firewall`, `os-updates`",
            ))
        }
    }
}

impl Provider for Posture {
    fn kind(&self) -> Kind {
        Kind {
            name: "posture",
            class: Class::Task,
            summary: "Whether this machine is kept as the company asks; looks, and never changes anything.",
            docs: include_str!("docs/posture.md"),
            schema: schema::<With>(),
            outputs: &Item::OUTPUTS,
            needs: |_| Capabilities::default(),
            accepts: with::accepts::<With>,
            inspect: inspects_nothing,
        }
    }

    fn prepare(&self, step: &Rendered<'_>) -> Result<Box<dyn Operation>, Failure> {
        let with: With = with::parameters(step)?;
        let length = |text: &str| span::parse(text).map_err(|error| failure(error.to_string()));
        let mut wanted = Vec::new();
        if with.disk_encryption {
            wanted.push(Item::DiskEncryption);
        }
        if let Some(text) = &with.screen_lock {
            wanted.push(Item::ScreenLock(length(text)?));
        }
        if with.firewall {
            wanted.push(Item::Firewall);
        }
        if let Some(text) = &with.os_updates {
            wanted.push(Item::OsUpdates(length(text)?));
        }
        Ok(Box::new(Look { wanted, reader: reader(step.facts) }))
    }
}

/// One thing that is asked for, with how long is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Item {
    DiskEncryption,
    ScreenLock(Duration),
    Firewall,
    OsUpdates(Duration),
}

impl Item {
    /// The outputs; a dash would be a minus in an expression.
    const OUTPUTS: [&'static str; 4] = ["disk_encryption", "screen_lock", "firewall", "os_updates"];

    fn output(self) -> &'static str {
        let [disk_encryption, screen_lock, firewall, os_updates] = Self::OUTPUTS;
        match self {
            Self::DiskEncryption => disk_encryption,
            Self::ScreenLock(_) => screen_lock,
            Self::Firewall => firewall,
            Self::OsUpdates(_) => os_updates,
        }
    }

    /// What should hold, as a sentence.
    fn wish(self) -> String {
        match self {
            Self::DiskEncryption => "The disk is encrypted.".to_owned(),
            Self::ScreenLock(limit) => {
                format!("The screen locks by itself within {}.", process::in_words(limit))
            }
            Self::Firewall => "A firewall is on.".to_owned(),
            Self::OsUpdates(limit) => {
                format!("Updates of the system are not older than {}.", process::in_words(limit))
            }
        }
    }
}

/// How one operating system is read. Every answer comes without administrator rights, or not at all.
#[async_trait]
trait Reader: Send + Sync {
    /// Whether the disk is encrypted.
    async fn disk_encryption(&self, cx: &Context) -> Read<Switch>;

    /// When the screen locks.
    async fn screen_lock(&self, cx: &Context) -> Read<Lock>;

    /// Whether a firewall is on.
    async fn firewall(&self, cx: &Context) -> Read<Switch>;

    /// How old the system's updates are.
    async fn os_updates(&self, cx: &Context) -> Read<Updates>;

    /// The processes that are started to find out, for the plan.
    fn asks(&self, item: Item) -> Vec<Process>;

    /// Where the person changes it, as this system calls it.
    fn advice(&self, item: Item) -> String;
}

fn reader(facts: &Facts) -> Box<dyn Reader> {
    match facts.os {
        Os::Linux => Box::new(linux::Linux::here(facts)),
        Os::Macos => Box::new(macos::Macos),
        Os::Windows => Box::new(windows::Windows),
    }
}

/// Asks a program. Error: why it did not answer.
async fn ask(cx: &Context, process: Process) -> Read<Exit> {
    let asked = process::quick(cx, process.timeout(PATIENCE.min(cx.timeout))).await;
    asked.map_err(|failure| found::Unreadable(failure.cause))
}

struct Look {
    wanted: Vec<Item>,
    reader: Box<dyn Reader>,
}

impl Look {
    async fn find(&self, cx: &Context, item: Item) -> Found {
        match item {
            Item::DiskEncryption => found::switch(self.reader.disk_encryption(cx).await),
            Item::Firewall => found::switch(self.reader.firewall(cx).await),
            Item::ScreenLock(limit) => found::lock(limit, self.reader.screen_lock(cx).await),
            Item::OsUpdates(limit) => found::updates(limit, self.reader.os_updates(cx).await, cx.host.now()),
        }
    }
}

#[async_trait]
impl Operation for Look {
    fn resolved(&self) -> Resolved {
        let asks = self.wanted.iter().flat_map(|item| self.reader.asks(*item));
        let wishes: Vec<String> = self
            .wanted
            .iter()
            .map(|item| format!("- {} {}", item.wish(), self.reader.advice(*item)))
            .collect();
        Resolved {
            commands: asks.map(|process| process.line(Purpose::Check)).collect(),
            text: Some(format!(
                "This looks at your machine and changes nothing on it. What does not hold is yours to change:\n\n{}",
                wishes.join("\n")
            )),
            ..Resolved::default()
        }
    }

    async fn check(&self, cx: &Context) -> Result<Check, Failure> {
        // Every kind of step has all of its outputs; what was not asked about is not known.
        let mut outputs: BTreeMap<String, String> =
            Item::OUTPUTS.iter().map(|name| ((*name).to_owned(), "unknown".to_owned())).collect();
        let (mut lacking, mut unreadable) = (Vec::new(), Vec::new());
        for item in &self.wanted {
            match self.find(cx, *item).await {
                Found::Holds { value } => {
                    outputs.insert(item.output().to_owned(), value);
                }
                Found::Lacks { why } => lacking.push(format!("{why}. {}", self.reader.advice(*item))),
                Found::Unknown { why } => {
                    unreadable.push(format!("`{}` is not known: {why}", item.output().replace('_', "-")));
                }
            }
        }
        if lacking.is_empty() && unreadable.is_empty() {
            return Ok(Check::Satisfied { outputs });
        }
        let unreadable = unreadable.join("; ");
        if lacking.is_empty() {
            return Ok(Check::Unknown { why: unreadable });
        }
        let mut what = format!("would wait for you: {}", lacking.join(" "));
        if !unreadable.is_empty() {
            what = format!("{what} Besides, {unreadable}.");
        }
        Ok(Check::Person { on: WaitsOn::You, what })
    }

    async fn apply(&self, _cx: &Context) -> Result<(), Failure> {
        Err(person::not_the_machine())
    }
}
