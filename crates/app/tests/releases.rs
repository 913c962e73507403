//! Receiving as the window does it: in the background, with a clock that can be moved, and only a word when there is one
//! to say.

#![expect(clippy::unwrap_used, reason = "a test says what it expects by unwrapping it")]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use firstlight_app::{Access, Firstlight, Home, Options, RunOptions, Surroundings, TrustedRoot};
use firstlight_contract::{
    commands::{Choice, Consent, Notice},
    error::Code,
    releases::UpdateView,
};
use firstlight_testkit::{Clock, releases::Repository};
use firstlight_vault::MemoryKeychain;
use jiff::SignedDuration;
use tempfile::TempDir;

const DAY: i64 = 24 * 60 * 60;

/// A machine that has enrolled with a repository whose timestamp is good for a week.
struct Machine {
    home: TempDir,
    clock: Clock,
    notices: Arc<Mutex<Vec<Notice>>>,
    repository: Repository,
}

impl Machine {
    async fn enrolled() -> Self {
        let clock = Clock::new();
        let mut repository = Repository::empty(clock.now());
        let week = clock.now() + SignedDuration::from_secs(7 * DAY);
        repository.expires.insert("timestamp".to_owned(), week);
        repository.release("1.0.0", &[("pack.yaml", &pack("1.0.0"))]);
        repository.publish();
        let machine = Self { home: tempfile::tempdir().unwrap(), clock, notices: Arc::default(), repository };
        let root = machine.home.path().join("root.json");
        std::fs::write(&root, machine.repository.first_root()).unwrap();
        let url = machine.repository.site.url();
        let enrolled =
            machine.open().enroll(&url, "acme", &TrustedRoot::File(root), &|_, _| {}).await.unwrap();
        assert!(enrolled.taken);
        machine
    }

    fn open(&self) -> Firstlight {
        let (clock, notices) = (self.clock.clone(), Arc::clone(&self.notices));
        Firstlight::open(Options {
            home: Home::find(Some(self.home.path().join("home"))).unwrap(),
            access: Access::Change,
            listener: Arc::new(move |notice| notices.lock().unwrap().push(notice)),
            interactive: false,
            carry_on: false,
            surroundings: Surroundings {
                keychain: Arc::new(MemoryKeychain::new()),
                now: Arc::new(move || clock.now()),
                boot: Arc::new(String::new),
                slept: Arc::new(|| Duration::ZERO),
                at_login: None,
                administrator: None,
            },
        })
        .unwrap()
    }

    /// One look in the background, and what was said.
    async fn look(&self) -> Vec<UpdateView> {
        self.open().look_for_release().await;
        let said = std::mem::take(&mut *self.notices.lock().unwrap());
        said.into_iter()
            .filter_map(|notice| match notice {
                Notice::Releases { update } => Some(update),
                _ => None,
            })
            .collect()
    }
}

fn pack(version: &str) -> String {
    format!(
        "apiVersion: firstlight.dev/v1\nkind: Pack\n\
         metadata: {{ name: acme, version: {version}, title: Welcome to Acme, owner: platform }}\n\
         personas:\n  dev: {{ title: Developer }}\n\
         checklists:\n  dev:\n    stages:\n      - {{ id: day-1, title: Day one, steps: [look] }}\n\
         steps:\n  look: {{ title: Look around, run: ['true'], first-value: true }}\n"
    )
}

fn code(update: &UpdateView) -> Option<Code> {
    update.refused.as_ref().map(|refused| refused.code)
}

#[tokio::test]
async fn a_release_is_said_once_and_nothing_new_is_not() {
    let mut machine = Machine::enrolled().await;
    assert_eq!(machine.look().await, []);
    machine.repository.release("1.1.0", &[("pack.yaml", &pack("1.1.0"))]);
    machine.repository.publish();
    let said = machine.look().await;
    assert_eq!(said.len(), 1);
    assert_eq!((said[0].taken, said[0].current.as_ref().unwrap().version.as_str()), (true, "1.1.0"));
    assert_eq!(machine.look().await, []);
    assert_eq!(machine.open().open_received_pack().unwrap().version, "1.1.0");
}

#[tokio::test]
async fn a5_a_repository_that_froze_is_said_once_and_the_pack_goes_on() {
    let mut machine = Machine::enrolled().await;
    machine.clock.advance(30 * DAY);
    // Already before anybody is asked, from what is remembered.
    assert_eq!(code(&machine.open().releases()), Some(Code::ReleaseFrozen));
    machine.look().await;
    assert_eq!(code(&machine.open().releases()), Some(Code::ReleaseFrozen));
    assert_eq!(machine.look().await, [], "and not again every hour");
    let launch = machine.open().launch("0.0.0", None, None);
    assert_eq!((launch.pack.unwrap().version.as_str(), launch.problem), ("1.0.0", None));
    assert_eq!(code(&launch.releases), Some(Code::ReleaseFrozen));

    machine.repository.expires.clear();
    machine.repository.publish_role("timestamp");
    let said = machine.look().await;
    assert_eq!(said.len(), 1, "that it is over is said as well");
    assert_eq!(code(&said[0]), None);
}

#[tokio::test]
async fn a5_a_clock_that_is_behind_takes_nothing_away() {
    let mut machine = Machine::enrolled().await;
    machine.clock.advance(-30 * DAY);
    assert_eq!(machine.look().await, []);
    machine.repository.release("1.1.0", &[("pack.yaml", &pack("1.1.0"))]);
    machine.repository.publish();
    assert!(machine.look().await[0].taken);
}

#[tokio::test]
async fn offline_is_quiet() {
    let machine = Machine::enrolled().await;
    // Another one, elsewhere: the one it enrolled with is gone.
    let repository = Repository::empty(machine.clock.now());
    let machine = Machine { repository, ..machine };
    assert_eq!(machine.look().await, []);
    assert_eq!(machine.open().releases().refused, None);
}

#[tokio::test]
async fn what_is_wrong_is_said_when_it_begins_changes_and_ends() {
    let mut machine = Machine::enrolled().await;
    machine.repository.release("1.1.0", &[("pack.yaml", &pack("1.1.0"))]);
    machine.repository.signers.insert("acme".to_owned(), vec!["platform".to_owned()]);
    machine.repository.publish();
    let said = machine.look().await;
    assert_eq!(said.iter().map(code).collect::<Vec<_>>(), [Some(Code::ReleaseUnderSigned)]);
    assert_eq!(machine.look().await, []);
    machine.repository.signers.insert("acme".to_owned(), vec!["mallory".to_owned()]);
    machine.repository.publish();
    let said = machine.look().await;
    assert_eq!(said.iter().map(code).collect::<Vec<_>>(), [Some(Code::ReleaseWrongKey)]);
    machine.repository.signers.remove("acme");
    machine.repository.publish();
    let said = machine.look().await;
    assert_eq!((said.len(), said[0].taken, code(&said[0])), (1, true, None));
}

#[tokio::test]
async fn a_pack_that_does_not_hold_together_is_refused_though_it_is_signed() {
    let mut machine = Machine::enrolled().await;
    machine.repository.release("1.1.0", &[("pack.yaml", "apiVersion: firstlight.dev/v1\nkind: Pack\n")]);
    machine.repository.publish();
    let said = machine.look().await;
    assert_eq!(code(&said[0]), Some(Code::ReleaseUnusable));
    assert_eq!(said[0].current.as_ref().unwrap().version, "1.0.0");
}

/// What a window does with a release while somebody is on the way.
#[tokio::test]
async fn a_release_is_looked_at_while_the_journey_of_the_one_before_goes_on() {
    let mut machine = Machine::enrolled().await;
    let app = machine.open();
    app.open_received_pack().unwrap();
    let choice = Choice { persona: "dev".to_owned(), ..Choice::default() };
    let plan = app.make_plan(&choice).await.unwrap();
    let consent = Consent { choice: choice.clone(), consent: plan.consent };
    app.start_run(&consent, &RunOptions::default()).await.unwrap();
    app.wait_for_run().await;
    machine.repository.release("1.1.0", &[("pack.yaml", &pack("1.1.0"))]);
    machine.repository.publish();
    assert!(app.update(&|_, _| {}).await.unwrap().taken);
    assert_eq!(app.open_received_pack().unwrap().version, "1.1.0");
    // The screens of the journey are drawn meanwhile, from the pack it is on.
    app.journey().unwrap();
    assert_eq!(app.make_plan(&choice).await.unwrap().version, "1.1.0");
    app.report().unwrap();
    let plan = app.make_plan(&choice).await.unwrap();
    assert_eq!(plan.version, "1.1.0");
    let consent = Consent { choice, consent: plan.consent };
    app.start_run(&consent, &RunOptions::default()).await.unwrap();
    app.wait_for_run().await;
    // The pack of the run before is still there: it is the one before this one.
    assert!(app.journey().is_ok());
}
