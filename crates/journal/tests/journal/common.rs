//! Events and times for the tests of the journal.

use std::{collections::BTreeMap, path::PathBuf};

use firstlight_domain::{
    event::{Clock, Event, Happened},
    id::{JourneyId, PackName, PersonaId, RunId, StepId},
    pack::PackRef,
    plan::ConsentHash,
    state::StepState,
};
use firstlight_journal::{Journal, Opened};
use jiff::Timestamp;

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).unwrap()
}

pub(crate) struct Home(pub(crate) tempfile::TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().join("journal.sqlite")
    }

    pub(crate) fn open(&self) -> Opened<Vec<Happened>> {
        Journal::open::<Vec<_>>(&self.path(), at(0)).unwrap()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.0.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

pub(crate) fn step(id: &str, state: StepState) -> Event {
    Event::StepChanged { step: StepId::new(id).unwrap(), run: Some(run()), state, done: None }
}

pub(crate) fn run() -> RunId {
    RunId(uuid::Uuid::from_u128(7))
}

pub(crate) fn pack() -> PackRef {
    PackRef {
        name: PackName::new("acme").unwrap(),
        version: semver::Version::new(3, 2, 0),
        digest: "digest".into(),
    }
}

pub(crate) fn journey_started() -> Event {
    Event::JourneyStarted {
        journey: JourneyId(uuid::Uuid::from_u128(1)),
        pack: pack(),
        pack_path: "/home/ada/packs/acme".into(),
        persona: PersonaId::new("backend").unwrap(),
        inputs: BTreeMap::from([("workspace".to_owned(), "/home/ada/src".into())]),
        clock: Clock::FirstLaunch { at: at(0) },
    }
}

pub(crate) fn run_started() -> Event {
    Event::RunStarted {
        run: run(),
        consent: ConsentHash("consent".into()),
        pack: pack(),
        pack_path: "/home/ada/packs/acme".into(),
        inputs: BTreeMap::from([("workspace".to_owned(), "/home/ada/src".into())]),
    }
}

/// A journal with `count` records of one step running.
pub(crate) fn filled(home: &Home, count: usize) -> Journal {
    let mut journal = home.open().journal;
    let events: Vec<Event> = (0..count).map(|n| step(&format!("step-{n}"), StepState::Running)).collect();
    journal.append(at(1), &events).unwrap();
    journal
}

/// The commitments as they are stored.
pub(crate) fn leaves(path: &std::path::Path) -> Vec<Vec<u8>> {
    let conn = rusqlite::Connection::open(path).unwrap();
    let mut select = conn.prepare("SELECT leaf FROM record ORDER BY seq").unwrap();
    select.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}
