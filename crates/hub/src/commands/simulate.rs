//! A simulated company, sent to a hub.

use std::{fmt::Write as _, path::Path};

use anyhow::{Context as _, Result, bail};
use firstlight_domain::id::TeamId;
use firstlight_hub::{
    config::Database,
    http::Rules,
    rights::Grant,
    secrets,
    simulate::{Comparison, Doors, Ground, Simulation, Size},
    store::Store,
};
use jiff::{SignedDuration, Timestamp};

use super::{by, open_existing, print, roles};
use crate::args::Simulate;

/// What the hub knows it as.
const SIMULATION: &str = "firstlight-hub simulate";

pub(super) async fn run(database: &Database, asked: Simulate, rules: &Rules) -> Result<()> {
    let found = match &asked.token_file {
        Some(file) => send(database, &asked, read(file)?.trim(), false, rules).await?,
        None => {
            let store = open_existing(database).await?;
            let reader = Reader::new(store.as_ref()).await?;
            let found = send(database, &asked, &reader.token, true, rules).await;
            reader.end().await?;
            found?
        }
    };
    let mut text = String::new();
    for line in &found.told {
        // Writing to a text never fails.
        let _ = writeln!(text, "{line}");
    }
    let _ =
        writeln!(text, "{} figures are what they have to be, {} are not told", found.equal, found.suppressed);
    print(&text)?;
    if found.different.is_empty() {
        return Ok(());
    }
    bail!("{} figures are not what they have to be:\n{}", found.different.len(), found.different.join("\n"))
}

/// Sends a company; `answers` says whether the token also answers requests.
async fn send(
    database: &Database,
    asked: &Simulate,
    token: &str,
    answers: bool,
    rules: &Rules,
) -> Result<Comparison> {
    let size = Size { people: asked.people as usize, weeks: asked.weeks, seed: asked.seed, late: asked.late };
    let simulation = Simulation::of(size, Timestamp::now());
    simulation.check(&asked.hub, token).await?;
    let (codes, doors) = match &asked.codes {
        Some(file) => {
            let text = read(file)?;
            let codes = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned);
            (codes.collect(), None)
        }
        None => {
            let store = open_existing(database).await?;
            let doors = Doors { integration: secrets::new_token()?, github: rules.hooks.github.clone() };
            store.add_integration(&by()?, SIMULATION, secrets::hash_token(&doors.integration)).await?;
            (let_in(store.as_ref(), &simulation).await?, Some(doors))
        }
    };
    let ground = Ground { zone: &rules.zone, hours: &rules.working_hours, answers };
    Ok(simulation.run(&asked.hub, token, codes, doors.as_ref(), &ground).await?)
}

fn read(file: &Path) -> Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))
}

/// Codes for the devices of a simulation; who its people are, and of which team.
async fn let_in(store: &dyn Store, simulation: &Simulation) -> Result<Vec<String>> {
    let by = by()?;
    let people: Vec<_> = simulation.people().collect();
    let expires_at = by.at + SignedDuration::from_hours(24 * 7);
    let mut codes = Vec::new();
    for person in simulation.devices() {
        let code = secrets::new_code()?;
        let name = people.get(person).map(|(name, ..)| name.as_str());
        store.add_code(&by, secrets::hash_code(&code), name, expires_at).await?;
        codes.push(code);
    }
    for (name, login, team) in &people {
        store.add_alias(&by, name, login).await?;
        if let Some(team) = team {
            store.join(&by, name, Some(&TeamId::new(team)?)).await?;
        }
    }
    Ok(codes)
}

/// Lets the simulation read figures, and answer requests, for as long as it runs.
struct Reader<'a> {
    store: &'a dyn Store,
    roles: Vec<Grant>,
    id: i64,
    token: String,
}

impl<'a> Reader<'a> {
    async fn new(store: &'a dyn Store) -> Result<Self> {
        let words = Simulation::owners().map(|owner| format!("step-owner:{owner}"));
        let words = std::iter::once("viewer".to_owned()).chain(words);
        let roles = words.map(|word| Ok(word.parse()?)).collect::<Result<Vec<Grant>>>()?;
        for role in &roles {
            // One that was cut off may have left it.
            store.grant(&by()?, SIMULATION, role).await?;
        }
        let (token, id) = roles::token(store, SIMULATION, SignedDuration::from_hours(24)).await?;
        Ok(Self { store, roles, id, token })
    }

    async fn end(self) -> Result<()> {
        self.store.revoke_access(&by()?, self.id).await?;
        for role in &self.roles {
            self.store.revoke_role(&by()?, SIMULATION, role).await?;
        }
        Ok(())
    }
}
