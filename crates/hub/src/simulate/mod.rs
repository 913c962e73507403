//! A simulated company: its events, sent to a hub as machines would, and what the KPIs must be.
//!
//! `company`, `asking`, `requests` and `outside` make up what happens, from a seed; `replay` sends it over HTTP, late, twice and in
//! disorder; `count` and `requests` say what must come of it, from what was sent alone and with no code of the hub's counting or
//! statistics; `compare` asks the hub.

mod asking;
mod chance;
mod company;
mod compare;
mod count;
mod hours;
mod machine;
mod outside;
mod replay;
mod requests;

use std::sync::Arc;

use firstlight_contract::kpis::Completeness;
use jiff::{Timestamp, tz::TimeZone};

pub use company::Size;
pub use compare::Comparison;
pub use replay::Doors;

use company::{Company, DAY};
use count::Count;
use outside::{Who, login};
use replay::Hub;

use crate::requests::calendar::WorkingHours;

/// Why a company could not be simulated.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// The hub cannot be spoken to.
    #[error("{url} cannot be reached: {cause}")]
    Unreachable {
        /// Which.
        url: String,
        /// Why.
        cause: reqwest::Error,
    },
    /// It says no.
    #[error("{path} answers {status}: {answer}")]
    Refused {
        /// What was asked.
        path: String,
        /// How it answered.
        status: u16,
        /// In its words.
        answer: String,
    },
    /// It says something that is not understood.
    #[error("{path} answers something else than is expected: {cause}")]
    Unreadable {
        /// What was asked.
        path: String,
        /// Why.
        cause: serde_json::Error,
    },
    /// It refuses an event.
    #[error("the hub refuses an event: {message}; is it of this version?")]
    EventRefused {
        /// Why, in its words.
        message: String,
    },
    /// It never had time.
    #[error(
        "{url} is busy all the time; raise `enrolments_per_minute` and `requests_per_minute` of a hub for simulations"
    )]
    Busy {
        /// Which.
        url: String,
    },
    /// Not all that was sent was counted.
    #[error("the hub accepted {accepted} events, and {sent} were sent")]
    Lost {
        /// By the hub.
        accepted: u64,
        /// By the simulation.
        sent: u64,
    },
    /// It has events of others.
    #[error(
        "{url} has {accepted} events already; simulate into a hub of its own, with a database that is thrown away"
    )]
    Used {
        /// Which.
        url: String,
        /// How many.
        accepted: u32,
    },
    /// Too few codes.
    #[error("there are {codes} codes, and {devices} devices")]
    TooFewCodes {
        /// How many there are.
        codes: usize,
        /// How many are needed.
        devices: usize,
    },
    /// An event could not be written.
    #[error("an event could not be written: {0}")]
    Unwritable(serde_json::Error),
    /// The program is going down.
    #[error("the simulation was cut off")]
    CutOff,
}

/// What is known of the hub, and what may be done there.
#[derive(Debug, Clone, Copy)]
pub struct Ground<'a> {
    /// Its zone.
    pub zone: &'a TimeZone,
    /// When people work there. Deadlines in other working hours than those by default are not reckoned with.
    pub hours: &'a WorkingHours,
    /// Whether the token also answers for [`Simulation::owners`]; otherwise nobody answers.
    pub answers: bool,
}

/// A company that is ready to be sent.
#[derive(Debug)]
pub struct Simulation {
    company: Arc<Company>,
}

impl Simulation {
    /// Everything that happens in the weeks up to the day before `now`.
    pub fn of(size: Size, now: Timestamp) -> Self {
        let end = now.as_millisecond() / DAY * DAY - DAY;
        Self { company: Arc::new(Company::of(size, end)) }
    }

    /// Whose each device is, by a number: each needs a code for that person.
    pub fn devices(&self) -> impl Iterator<Item = usize> + '_ {
        self.company.devices.iter().map(|device| device.person)
    }

    /// People, by number: what their codes are for, what the forge calls them, and their team if they are of one.
    pub fn people(&self) -> impl Iterator<Item = (String, String, Option<&'static str>)> + '_ {
        let people = self.company.teams.iter().enumerate();
        people.map(|(person, team)| (Who::Person(person).name(), format!("github:{}", login(person)), *team))
    }

    /// Whoever is asked for something.
    pub fn owners() -> impl Iterator<Item = &'static str> {
        requests::owners().into_iter()
    }

    /// Whether a hub can be used: it has heard of nobody yet. `token` is that of a viewer.
    pub async fn check(&self, url: &str, token: &str) -> Result<(), SimulateError> {
        let completeness: Completeness = Hub::at(url, token)?.get("/v1/insights/completeness", &[]).await?;
        match completeness.accepted {
            0 => Ok(()),
            accepted => Err(SimulateError::Used { url: url.to_owned(), accepted }),
        }
    }

    /// Sends everything, with a code for each device, and compares what comes of it, as a viewer's `token` shows it. Without doors
    /// other programs tell nothing, and nobody is of a team.
    pub async fn run(
        &self,
        url: &str,
        token: &str,
        codes: Vec<String>,
        doors: Option<&Doors>,
        ground: &Ground<'_>,
    ) -> Result<Comparison, SimulateError> {
        let devices = self.company.devices.len();
        if codes.len() < devices {
            return Err(SimulateError::TooFewCodes { codes: codes.len(), devices });
        }
        let hub = Hub::at(url, token)?;
        let (mut sent, machines) = replay::replay(&hub, Arc::clone(&self.company), codes).await?;
        if let Some(doors) = doors {
            replay::tell_of_outside(&hub, &self.company.outside, doors).await?;
        }
        let began = Timestamp::now();
        sent.add(replay::ask_owners(&hub, &self.company, &machines, ground.answers).await?);
        let mut found = Comparison::default();
        let count = Count::of(&self.company, ground.zone, doors.is_some());
        if sent.accepted != count.accepted {
            return Err(SimulateError::Lost { accepted: sent.accepted, sent: count.accepted });
        }
        compare::requests(&hub, &self.company.requests, &count, (began, ground), &mut found).await?;
        compare::compare(&hub, &count, self.company.people, devices, ground, &mut found).await?;
        found.told.insert(0, format!("events sent twice and counted once: {}", sent.duplicates));
        Ok(found)
    }
}
