//! What a person may ask of the company: what is known of them, and that it goes.

use std::{
    fs::OpenOptions,
    io::{self, IsTerminal as _, Write as _},
    path::Path,
};

use anyhow::{Context as _, Result, bail};
use firstlight_hub::{
    config::Database,
    forgetting,
    store::people::{Erasing, Whom},
};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::json;

use super::{by, open_existing, print};

/// The version of the shape of what is handed over; what would change the meaning of something raises it.
const FORMAT: u32 = 1;
/// Below this many, whoever has noted figures before learns by subtracting what they said of those who are erased.
const TOGETHER: usize = 5;

pub(super) async fn export(database: &Database, person: &str, file: Option<&Path>) -> Result<()> {
    let Some(export) = open_existing(database).await?.export(&by()?, &Whom::read(person)).await? else {
        return Err(unknown(person));
    };
    let document = json!({
        "format": FORMAT,
        "exported_at": Timestamp::now().to_string(),
        "person": export.person,
        "tables": export.tables,
    });
    let text = format!("{document:#}\n");
    let Some(path) = file else { return print(&text) };
    let cannot = || format!("{} cannot be written", path.display());
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut out = options.open(path).with_context(cannot)?;
    out.write_all(text.as_bytes()).and_then(|()| out.sync_all()).with_context(cannot)?;
    print(&format!("{} has everything the hub has of {person}\n", path.display()))
}

pub(super) async fn erase(database: &Database, people: &[String], yes: bool, zone: &TimeZone) -> Result<()> {
    let store = open_existing(database).await?;
    let named = people.join(", ");
    if !yes && !agreed(people)? {
        bail!("nothing was erased");
    }
    let whom: Vec<Whom> = people.iter().map(|person| Whom::read(person)).collect();
    match store.erase(&by()?, &whom, zone).await? {
        Erasing::Done(rows) => print(&format!(
            "{named}: erased, {rows} rows of the tables. Backups from before still have them; see docs/hub.md\n"
        )),
        Erasing::Unknown(whom) => Err(unknown(&whom.to_string())),
    }
}

fn agreed(people: &[String]) -> Result<bool> {
    if !io::stdin().is_terminal() {
        bail!("this asks before it erases, and there is nobody to ask; say --yes");
    }
    let mut err = io::stderr().lock();
    let mut say = |text: &str| err.write_all(text.as_bytes()).context("nothing can be asked");
    say(&format!("Everything the hub has of {} will be gone, for good.\n", people.join(", ")))?;
    if people.len() < TOGETHER {
        say(
            "Figures will be without them: whoever noted some before can subtract. Five or more who are erased together \
             cannot be told apart; see docs/hub.md.\n",
        )?;
    }
    say("Erase? (yes/no) ")?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).context("no answer can be read")?;
    Ok(answer.trim() == "yes")
}

fn unknown(person: &str) -> anyhow::Error {
    anyhow::anyhow!(
        "the hub knows nothing of `{person}`; name them as in `code new --for`, or by the number that `firstlight-hub \
         device list` has, as #7"
    )
}

pub(super) async fn forget(database: &Database, zone: &TimeZone) -> Result<()> {
    let store = open_existing(database).await?;
    let forgotten = forgetting::forget(store.as_ref(), &by()?, zone).await?;
    print(&format!("forgot {forgotten}\n"))
}
