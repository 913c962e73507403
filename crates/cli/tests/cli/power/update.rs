//! The power goes while a release is received: the pack in use is the old one or the new one, whole, and the next update
//! brings the new one.

use std::process::Command;

use firstlight_testkit::releases::Repository;
use jiff::Timestamp;

use super::{
    disk::{Disk, Survives, put, tree},
    expect,
    log::{Noted, Recorder},
    same,
};
use crate::{
    machine::{Machine, Ran},
    receiving::{enroll, pack},
};

/// How many cuts are gone on from.
const CUTS: usize = 16;
/// Nothing of this test happens outside.
const OUTSIDE: &str = "nowhere";

#[test]
fn a7_the_power_goes_at_any_moment_of_an_update() {
    let (machine, recorder) = (Machine::new(), Recorder::build());
    let mut repository = Repository::empty(Timestamp::now());
    repository.release("1.0.0", &[("pack.yaml", &pack("1.0.0", "one")), ("docs/kept.md", "# Kept\n")]);
    repository.publish();
    enroll(&machine, &repository).expect(0);
    let files = [("pack.yaml", pack("2.0.0", "two")), ("docs/kept.md", "# Kept\n".to_owned())];
    let more = [("docs/new.md", "# New\n".to_owned()), ("docs/twice.md", "# New\n".to_owned())];
    let files: Vec<(&str, &str)> =
        files.iter().chain(&more).map(|(path, text)| (*path, text.as_str())).collect();
    repository.release("2.0.0", &files);
    repository.publish();

    let root = machine.root.path().to_owned();
    let before = Disk::read(&root);
    let mut update: Command = machine.command(&["update"]);
    recorder.record(&mut update, &root);
    assert_eq!(Ran::of(update.output().unwrap()).expect(0).stdout, "Received release 2.0.0.\n");
    let noted = recorder.noted();
    let mut now = before.clone();
    for noted in &noted {
        now.apply(noted);
    }
    same(&now.after(Survives::All, OUTSIDE), &tree(&root), "something went past the recorder");

    for cut in 0..=CUTS {
        let moment = noted.len() * cut / CUTS;
        let mut disk = before.clone();
        let mut told = false;
        for noted in &noted[..moment] {
            disk.apply(noted);
            told |= matches!(noted, Noted::Told { .. });
        }
        for survives in [Survives::Nothing, Survives::Some(moment as u64), Survives::Names] {
            let place = format!("cut after {moment} of {}, {survives:?}", noted.len());
            put(&root, &disk.after(survives, OUTSIDE));
            // A pack that is not whole is refused here.
            let plan = expect(machine.run(&["plan", "--json"]), &place).json();
            let version = plan["version"].as_str().unwrap().to_owned();
            assert!(version == "2.0.0" || (version == "1.0.0" && !told), "{version}, {place}");
            let updated = expect(machine.run(&["update", "--json"]), &place).json();
            assert_eq!(updated["current"]["version"], "2.0.0", "{place}");
            assert_eq!(machine.run(&["plan", "--json"]).expect(0).json()["version"], "2.0.0", "{place}");
        }
    }
}
