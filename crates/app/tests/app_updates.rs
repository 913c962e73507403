//! Updates of the app against a real server with real signatures, good and bad.

#![expect(clippy::unwrap_used, reason = "a test says what it expects by unwrapping it")]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use firstlight_app::{
    Access, AppError, Firstlight, Home, Options, Surroundings,
    app_update::{AppUpdates, Installation, Package, Publisher, Replace},
};
use firstlight_contract::{
    app_update::{AppUpdateState, AppUpdateView, UpdatedBy},
    commands::{Choice, Consent, Notice},
    error::Code,
};
use firstlight_testkit::{
    Clock, PackFolder,
    app_updates::{UpdateKey, UpdateSite},
    releases::Trick,
};
use firstlight_vault::MemoryKeychain;
use semver::Version;
use serde_json::Value;
use tempfile::TempDir;

/// What was put in place, instead of the program that runs.
#[derive(Clone, Default)]
struct InPlace(Arc<Mutex<Vec<Vec<u8>>>>);

impl Replace for InPlace {
    fn replace(&self, _announced: &Value, package: &[u8]) -> Result<(), String> {
        self.0.lock().unwrap().push(package.to_vec());
        Ok(())
    }
}

/// A person's machine with version 1.1.0, and somebody who publishes.
struct Machine {
    home: TempDir,
    app: Firstlight,
    notices: Arc<Mutex<Vec<Notice>>>,
    publisher: UpdateSite,
    in_place: InPlace,
    updates: AppUpdates,
}

/// What runs.
const HERE: &str = "1.1.0";

impl Machine {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let notices = Arc::default();
        let app = open(&home, &notices);
        let publisher = UpdateSite::new(&installation(&home, None).platform().unwrap());
        let in_place = InPlace::default();
        let trusted = Publisher::new(&publisher.url(), &publisher.key.public()).unwrap();
        let updates = AppUpdates::new(installation(&home, Some(trusted)), in_place.clone());
        Self { home, app, notices, publisher, in_place, updates }
    }

    /// The same machine, asking somewhere else.
    fn asking(&mut self, url: &str) {
        let trusted = Publisher::new(url, &self.publisher.key.public()).unwrap();
        self.updates = AppUpdates::new(installation(&self.home, Some(trusted)), self.in_place.clone());
    }

    async fn check(&self) -> AppUpdateView {
        self.updates.check(&self.app).await.unwrap()
    }

    /// Asks, and expects to be refused so.
    async fn refused(&self) -> Code {
        match self.check().await.state {
            AppUpdateState::Refused { error } => {
                assert!(error.hint.is_some(), "{error:?}");
                assert_eq!(self.installed(), 0);
                error.code
            }
            other => panic!("not refused: {other:?}"),
        }
    }

    /// Asks, is offered this version, agrees, and expects to be refused so.
    async fn refused_to_install(&self, version: &str) -> AppError {
        let AppUpdateState::Available { offer } = self.check().await.state else { panic!("nothing offered") };
        assert_eq!(offer.version, version);
        let error = self.updates.install(&self.app, version).await.unwrap_err();
        assert_eq!(self.installed(), 0);
        assert_eq!(self.updates.view(&self.app).state, AppUpdateState::Refused { error: error.0.clone() });
        error
    }

    fn installed(&self) -> usize {
        self.in_place.0.lock().unwrap().len()
    }

    fn said(&self) -> Vec<AppUpdateView> {
        let said = std::mem::take(&mut *self.notices.lock().unwrap());
        let updates = said.into_iter().filter_map(|notice| match notice {
            Notice::AppUpdate { update } => Some(update),
            _ => None,
        });
        updates.collect()
    }
}

fn open(home: &TempDir, notices: &Arc<Mutex<Vec<Notice>>>) -> Firstlight {
    let (clock, notices) = (Clock::new(), Arc::clone(notices));
    Firstlight::open(Options {
        home: Home::find(Some(home.path().join("home"))).unwrap(),
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

fn installation(home: &TempDir, publisher: Option<Publisher>) -> Installation {
    let package = match std::env::consts::OS {
        "macos" => Package::App,
        "windows" => Package::Nsis,
        _ => Package::AppImage,
    };
    Installation {
        version: Version::parse(HERE).unwrap(),
        package: Some(package),
        place: home.path().join("Firstlight"),
        publisher,
        managed_by: None,
    }
}

#[tokio::test]
async fn a_newer_version_is_shown_and_installed_when_the_person_says_so() {
    let machine = Machine::new();
    assert_eq!(machine.updates.view(&machine.app).state, AppUpdateState::NotAsked);
    machine.publisher.publish("1.2.0", b"the new program", 100);
    let view = machine.check().await;
    assert_eq!((view.version.as_str(), &view.by), (HERE, &UpdatedBy::Itself));
    assert_eq!(view.last_check.as_deref(), Some("2026-11-23T09:00:00Z"));
    let AppUpdateState::Available { offer } = &view.state else { panic!("{view:?}") };
    assert_eq!((offer.version.as_str(), offer.notes.len()), ("1.2.0", 1));
    assert_eq!(machine.said(), [view]);
    // Asking downloads nothing.
    assert_eq!(machine.publisher.site.asked(), ["latest.json.sig", "latest.json"]);
    assert_eq!(machine.installed(), 0);

    let view = machine.updates.install(&machine.app, "1.2.0").await.unwrap();
    assert_eq!(view.state, AppUpdateState::Installed { version: "1.2.0".to_owned() });
    assert_eq!(*machine.in_place.0.lock().unwrap(), [b"the new program"]);
    let said = machine.said();
    assert!(matches!(said[0].state, AppUpdateState::Downloading { received: 0, .. }), "{said:?}");
    assert_eq!(said.last().unwrap().state, view.state);
    // What is in place waits for a restart; asking again does not offer it anew.
    assert_eq!(machine.check().await.state, view.state);
}

#[tokio::test]
async fn what_was_not_shown_is_not_installed() {
    let machine = Machine::new();
    machine.publisher.publish("1.2.0", b"new", 100);
    let error = machine.updates.install(&machine.app, "1.2.0").await.unwrap_err();
    assert_eq!(error.code(), Code::ConsentStale);
    machine.check().await;
    let error = machine.updates.install(&machine.app, "1.3.0").await.unwrap_err();
    assert_eq!(error.code(), Code::ConsentStale);
    assert_eq!(machine.installed(), 0);
}

#[tokio::test]
async fn the_same_version_is_nothing_new_and_nothing_to_say() {
    let machine = Machine::new();
    for same in [HERE, "1.1.0+rebuilt"] {
        machine.publisher.publish(same, b"same", 100);
        assert_eq!(machine.check().await.state, AppUpdateState::Newest, "{same}");
    }
    assert_eq!(machine.said(), []);
}

#[tokio::test]
async fn d4_an_old_signed_artefact_under_a_new_version_is_refused() {
    let machine = Machine::new();
    let old = b"version 1.0.0, with a known hole";
    machine.publisher.publish("1.0.0", old, 50);
    let signature = machine.publisher.key.sign_for(old, "1.0.0", 50);

    // Whoever serves the file writes a new number over the old package: the announcement is signed, so that this shows.
    let forged = machine.publisher.announcement("9.0.0", "app-1.0.0", &signature);
    let genuine = machine.publisher.site.get("latest.json.sig");
    machine.publisher.site.put("latest.json", forged.to_string());
    assert_eq!(machine.refused().await, Code::UpdateForged);
    machine.publisher.site.put("latest.json.sig", genuine);
    assert_eq!(machine.refused().await, Code::UpdateForged);

    // Even where the announcement is signed as well, by mistake or with a stolen online key.
    machine.publisher.announce(&forged, "9.0.0", 60);
    let error = machine.refused_to_install("9.0.0").await;
    assert_eq!(error.code(), Code::UpdateWrongVersion);
    assert!(error.0.message.contains("9.0.0") && error.0.message.contains("1.0.0"), "{}", error.0.message);

    // A signature of the time before signatures named a version.
    let nameless = machine.publisher.key.sign(old, "timestamp:40\tfile:x");
    machine.publisher.announce(&machine.publisher.announcement("9.0.0", "app-1.0.0", &nameless), "9.0.0", 70);
    let error = machine.refused_to_install("9.0.0").await;
    assert_eq!(error.code(), Code::UpdateWrongVersion);
    assert!(error.0.message.contains("no version"), "{}", error.0.message);
}

#[tokio::test]
async fn d4_the_announcement_is_bound_to_its_version_too() {
    let machine = Machine::new();
    machine.publisher.publish("1.2.0", b"new", 100);
    let text = machine.publisher.site.get("latest.json");
    for (signature, code) in [
        (machine.publisher.key.sign_for(&text, "1.1.5", 100), Code::UpdateWrongVersion),
        (machine.publisher.key.sign(&text, "timestamp:100"), Code::UpdateWrongVersion),
        (machine.publisher.key.sign(&text, "version:1.2.0"), Code::UpdateNotUnderstood),
    ] {
        machine.publisher.site.put("latest.json.sig", signature);
        assert_eq!(machine.refused().await, code);
    }
}

#[tokio::test]
async fn d4_an_older_version_is_refused_however_well_it_is_signed() {
    let machine = Machine::new();
    for older in ["1.0.9", "1.1.0-rc.1"] {
        machine.publisher.publish(older, b"older", 100);
        assert_eq!(machine.refused().await, Code::UpdateOlder, "{older}");
    }
}

#[tokio::test]
async fn an_announcement_of_the_past_is_refused_after_a_restart_too() {
    let mut machine = Machine::new();
    machine.publisher.publish("1.2.0", b"1.2.0", 100);
    let then = machine.publisher.site.copy();
    machine.check().await;
    machine.publisher.publish("1.3.0", b"1.3.0, which closes a hole", 200);
    assert!(matches!(machine.check().await.state, AppUpdateState::Available { .. }));
    machine.publisher.site.restore(then);
    assert_eq!(machine.refused().await, Code::UpdateReplayed);
    let url = machine.publisher.url();
    machine.asking(&url);
    assert_eq!(machine.refused().await, Code::UpdateReplayed);
}

#[tokio::test]
async fn what_is_forged_or_signed_by_somebody_else_is_refused() {
    let machine = Machine::new();
    let stranger = UpdateKey::new();
    machine.publisher.publish("1.2.0", b"the new program", 100);
    let good = machine.publisher.site.copy();

    // The announcement.
    let text = machine.publisher.site.get("latest.json");
    machine.publisher.site.put("latest.json.sig", stranger.sign_for(&text, "1.2.0", 100));
    assert_eq!(machine.refused().await, Code::UpdateWrongKey);
    machine.publisher.site.put("latest.json.sig", "not a signature");
    assert_eq!(machine.refused().await, Code::UpdateNotUnderstood);
    machine.publisher.site.restore(good.clone());
    machine.publisher.site.put("latest.json", [&text[..], b" "].concat());
    assert_eq!(machine.refused().await, Code::UpdateForged);

    // The package.
    machine.publisher.site.restore(good);
    machine.publisher.site.put("app-1.2.0", "another program");
    assert_eq!(machine.refused_to_install("1.2.0").await.code(), Code::UpdateForged);
    let signature = stranger.sign_for(b"another program", "1.2.0", 100);
    let announcement = machine.publisher.announcement("1.2.0", "app-1.2.0", &signature);
    machine.publisher.announce(&announcement, "1.2.0", 101);
    assert_eq!(machine.refused_to_install("1.2.0").await.code(), Code::UpdateWrongKey);
}

#[tokio::test]
async fn what_is_for_another_machine_or_is_nothing_known_is_refused() {
    let machine = Machine::new();
    let mut other = machine.publisher.announcement("1.2.0", "app", "c2ln");
    let package = other["platforms"].as_object().unwrap().values().next().unwrap().clone();
    other["platforms"] = serde_json::json!({ "plan9-mips-tape": package });
    machine.publisher.announce(&other, "1.2.0", 100);
    assert_eq!(machine.refused().await, Code::UpdateOtherPlatform);
    for odd in [serde_json::json!([]), serde_json::json!({ "version": "newest" })] {
        machine.publisher.announce(&odd, "1.2.0", 100);
        assert_eq!(machine.refused().await, Code::UpdateNotUnderstood, "{odd}");
    }
}

#[tokio::test]
async fn what_never_ends_or_is_too_large_or_breaks_off_is_refused() {
    let machine = Machine::new();
    machine.publisher.publish("1.2.0", b"the new program", 100);
    let site = &machine.publisher.site;
    for file in ["latest.json", "latest.json.sig"] {
        site.trick(file, Trick::Endless);
        assert_eq!(machine.refused().await, Code::UpdateTooLarge, "{file}");
        site.trick(file, Trick::Instead(vec![b' '; 1024 * 1024]));
        assert_eq!(machine.refused().await, Code::UpdateTooLarge, "{file}");
        site.trick(file, Trick::Missing);
        assert_eq!(machine.refused().await, Code::UpdateIncomplete, "{file}");
        site.trick(file, Trick::CutAfter(10));
        assert_eq!(machine.refused().await, Code::UpdateIncomplete, "{file}");
        site.behave();
    }
    site.trick("app-1.2.0", Trick::CutAfter(3));
    assert_eq!(machine.refused_to_install("1.2.0").await.code(), Code::UpdateIncomplete);
    site.trick("app-1.2.0", Trick::Missing);
    assert_eq!(machine.refused_to_install("1.2.0").await.code(), Code::UpdateIncomplete);
    site.behave();
    machine.check().await;
    machine.updates.install(&machine.app, "1.2.0").await.unwrap();
}

#[tokio::test]
async fn only_https_is_asked_and_followed() {
    let mut machine = Machine::new();
    machine.publisher.publish("1.2.0", b"new", 100);
    machine
        .publisher
        .site
        .trick("latest.json", Trick::Redirect("http://updates.acme.test/latest.json".into()));
    assert_eq!(machine.refused().await, Code::UpdateNotHttps);
    machine.publisher.site.behave();

    let signature = machine.publisher.key.sign_for(b"new", "1.2.0", 100);
    let mut plain = machine.publisher.announcement("1.2.0", "app-1.2.0", &signature);
    for package in plain["platforms"].as_object_mut().unwrap().values_mut() {
        package["url"] = "http://updates.acme.test/app".into();
    }
    machine.publisher.announce(&plain, "1.2.0", 101);
    assert_eq!(machine.refused_to_install("1.2.0").await.code(), Code::UpdateNotHttps);

    machine.asking("http://updates.acme.test/latest.json");
    assert_eq!(machine.refused().await, Code::UpdateNotHttps);
}

#[tokio::test]
async fn being_offline_is_said_to_who_asks_and_to_nobody_else() {
    let mut machine = Machine::new();
    let gone = UpdateSite::new("x").url();
    machine.asking(&gone);
    assert_eq!(machine.refused().await, Code::Network);
    assert_eq!(machine.said(), []);
    assert_eq!(machine.updates.view(&machine.app).last_check, None);
}

#[tokio::test]
async fn a_program_that_somebody_else_brings_asks_nobody() {
    let machine = Machine::new();
    machine.publisher.publish("1.2.0", b"new", 100);
    let trusted = Publisher::new(&machine.publisher.url(), &machine.publisher.key.public()).unwrap();
    let deb =
        Installation { package: Some(Package::Deb), ..installation(&machine.home, Some(trusted.clone())) };
    let managed =
        Installation { managed_by: Some("IT".to_owned()), ..installation(&machine.home, Some(trusted)) };
    for (theirs, word) in [(deb, "apt"), (managed, "IT")] {
        let updates = AppUpdates::new(theirs, machine.in_place.clone());
        let error = updates.check(&machine.app).await.unwrap_err();
        assert_eq!(error.code(), Code::UpdateElsewhere);
        assert!(error.0.message.contains(word), "{}", error.0.message);
        assert!(updates.install(&machine.app, "1.2.0").await.is_err());
        updates.watch(&machine.app).await;
    }
    assert_eq!(machine.publisher.site.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn nothing_is_installed_during_a_run() {
    let machine = Machine::new();
    machine.publisher.publish("1.2.0", b"new", 100);
    machine.check().await;
    let steps = "  wait: { title: Wait, first-value: true, run: [sh, -c, 'until test -e \"$0\"; do sleep 0.05; done', \"${{ inputs.place }}\"] }\n";
    let pack = PackFolder::with_steps(&["wait"], steps);
    machine.app.open_pack(pack.path()).unwrap();
    let done = machine.home.path().join("done");
    let choice = Choice {
        persona: "dev".to_owned(),
        inputs: [("place".to_owned(), done.display().to_string())].into(),
        start_date: None,
    };
    let plan = machine.app.make_plan(&choice).await.unwrap();
    machine
        .app
        .start_run(&Consent { choice, consent: plan.consent }, &firstlight_app::RunOptions::default())
        .await
        .unwrap();
    let error = machine.updates.install(&machine.app, "1.2.0").await.unwrap_err();
    assert_eq!(error.code(), Code::RunInProgress);
    assert_eq!(machine.installed(), 0);
    std::fs::write(&done, "").unwrap();
    machine.app.wait_for_run().await;
    machine.updates.install(&machine.app, "1.2.0").await.unwrap();
    assert_eq!(machine.installed(), 1);
}

#[test]
fn a_key_that_is_none_and_an_address_that_is_none_are_found_before_anything_is_asked() {
    let key = UpdateKey::new().public();
    assert!(Publisher::new("https://x.test/latest.json", &key).is_ok());
    for (url, key) in [("nowhere", &*key), ("https://x.test/a?b", &key), ("https://x.test/a", "RWQ")] {
        assert!(Publisher::new(url, key).is_err(), "{url} {key}");
    }
}
