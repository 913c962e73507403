//! `pack init` to a published release, by two people with a key each, as the guide tells it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::machine::{Machine, Ran};

/// Two people, a machine and a safe, with their keys, and a pack.
pub(crate) struct Office {
    pub(crate) machine: Machine,
}

fn passphrase(who: &str) -> String {
    format!("{who} likes four random words\n")
}

impl Office {
    fn new() -> Self {
        let office = Self { machine: Machine::new() };
        for (who, owner) in [
            ("ada", "Ada, platform"),
            ("bo", "Bo, security"),
            ("safe", "the safe"),
            ("online", "the publisher"),
        ] {
            office.with(&[who], &["pack", "keygen", &format!("{who}.key"), "--owner", owner]).expect(0);
        }
        office.machine.run(&["pack", "init", "acme"]).expect(0);
        office
    }

    /// With a published repository that has a place for the pack.
    pub(crate) fn with_repository() -> Self {
        let office = Self::new();
        office.begin();
        office.sign("first", "ada").expect(0);
        office.sign("first", "bo").expect(0);
        office.publish("first").expect(0);
        office
    }

    /// Drafts the first root.
    fn begin(&self) {
        let mut args =
            vec!["pack", "root", "begin", "first", "--platform", "ada.key.pub", "--security", "bo.key.pub"];
        args.extend([
            "--spare",
            "safe.key.pub",
            "--online",
            "online.key.pub",
            "--rollout",
            "online.key.pub",
            "--pack",
            "acme",
        ]);
        self.machine.run(&args).expect(0);
    }

    /// A command with these people's passphrases on standard input.
    fn with(&self, people: &[&str], args: &[&str]) -> Ran {
        self.machine.run_with_input(args, &people.iter().map(|who| passphrase(who)).collect::<String>())
    }

    fn sign(&self, draft: &str, who: &str) -> Ran {
        self.with(&[who], &["pack", "sign", draft, "--repo", "repo", "--key", &format!("{who}.key"), "--yes"])
    }

    fn publish(&self, draft: &str) -> Ran {
        self.with(&["online"], &["pack", "publish", draft, "--repo", "repo", "--online", "online.key"])
    }

    fn draft(&self, draft: &str, more: &[&str]) -> Ran {
        let mut args = vec!["pack", "draft", "acme", draft, "--repo", "repo"];
        args.extend(more);
        self.machine.run(&args)
    }

    /// Drafts, signs and publishes the pack as it is.
    pub(crate) fn release(&self, draft: &str) {
        self.draft(draft, &[]).expect(0);
        self.sign(draft, "ada").expect(0);
        self.sign(draft, "bo").expect(0);
        self.publish(draft).expect(0);
    }

    pub(crate) fn rollout(&self, args: &[&str]) -> Ran {
        let mut all = vec!["pack", "rollout"];
        all.extend(args);
        all.extend(["--repo", "repo", "--key", "online.key", "--online", "online.key", "--json"]);
        self.with(&["online"], &all)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.machine.root.path().join(name)
    }

    /// Another version of the pack.
    pub(crate) fn version(&self, from: &str, to: &str) {
        let path = self.path("acme/pack.yaml");
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(path, text.replacen(from, to, 1)).unwrap();
    }

    fn verify(&self) -> Value {
        self.machine.run(&["pack", "verify", "repo", "--json"]).expect(0).json()
    }
}

fn files(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}

#[test]
fn a2_from_pack_init_to_a_release_that_two_people_signed() {
    let office = Office::with_repository();
    let drafted = office.draft("d1", &[]).expect(0).stdout;
    assert!(drafted.contains("acme 0.1.0"), "{drafted}");
    assert!(drafted.contains("The first release"), "{drafted}");
    assert!(drafted.contains("acme 0.1.0: everybody"), "{drafted}");
    // Whoever signs it sees what is in it and what it may do, as for any later one.
    for words in ["Newly allowed", "use administrator rights: Install Git", "+ See your workspace"] {
        assert!(drafted.contains(words), "{words}: {drafted}");
    }
    assert!(drafted.contains("what is in `acme`: 2 of Ada, platform; Bo, security"), "{drafted}");

    let early = office.publish("d1").expect(1).stderr;
    assert!(early.contains("error[not_signed]"), "{early}");
    office.sign("d1", "ada").expect(0);
    let twice = office.sign("d1", "ada").expect(1).stderr;
    assert!(twice.contains("error[key_refused]: Ada, platform has signed this already"), "{twice}");
    let one = office.publish("d1").expect(1).stderr;
    assert!(one.contains("was signed by Ada, platform."), "{one}");
    let wrong = office.sign("d1", "safe").expect(1).stderr;
    assert!(
        wrong.contains("this key may not sign this draft") || wrong.contains("This key may not sign"),
        "{wrong}"
    );
    let done = office.sign("d1", "bo").expect(0).stdout;
    assert!(done.contains("Enough people signed"), "{done}");
    let published = office.publish("d1").expect(0).stdout;
    assert!(published.contains("Devices enrol with"), "{published}");

    let found = office.verify();
    assert_eq!(found["ok"], true);
    assert_eq!(found["releases"][0]["ring"]["version"], "0.1.0");
    let text = office.machine.run(&["pack", "verify", "repo"]).expect(0).stdout;
    assert!(text.contains("what is in `acme`: Ada, platform and Bo, security (2 needed)"), "{text}");
    assert!(text.contains("all there and whole"), "{text}");
}

#[test]
fn the_second_person_sees_what_changes_for_people() {
    let office = Office::with_repository();
    office.release("d1");
    office.version("version: 0.1.0", "version: 0.2.0");
    let drafted = office.draft("d2", &["--share", "25"]).expect(0);
    assert!(drafted.stdout.contains("acme 0.2.0: 25 of 100 devices"), "{}", drafted.stdout);
    office.sign("d2", "ada").expect(0);
    let seen = office.sign("d2", "bo").expect(0).stdout;
    assert!(seen.contains("0.1.0 → 0.2.0"), "{seen}");
    assert!(seen.contains("Nothing changes for anybody."), "{seen}");
}

#[test]
fn a2_nobody_signs_without_looking_unless_they_say_so() {
    let office = Office::with_repository();
    office.draft("d1", &[]).expect(0);
    let args = ["pack", "sign", "d1", "--repo", "repo", "--key", "ada.key"];
    let refused = office.with(&["ada"], &args).expect(1).stderr;
    assert!(refused.contains("Nobody is there to look"), "{refused}");
    let wrong = office.with(&["bo"], &[&args[..], &["--yes"]].concat()).expect(1).stderr;
    assert!(wrong.contains("The passphrase does not open this key"), "{wrong}");
}

#[test]
fn a7_a_pack_with_errors_is_not_drafted() {
    let office = Office::with_repository();
    office.version("version: 0.1.0", "version: first");
    let refused = office.draft("d1", &[]).expect(1).stderr;
    assert!(refused.contains("error[pack_invalid]"), "{refused}");
    assert!(!office.path("d1").exists());
    office.version("version: first", "version: 0.1.0");
    std::os::unix::fs::symlink("/etc/passwd", office.path("acme/docs/link.md")).unwrap();
    let refused = office.draft("d1", &[]).expect(1).stderr;
    assert!(refused.contains("not a plain file"), "{refused}");
    fs::remove_file(office.path("acme/docs/link.md")).unwrap();
    fs::write(office.path("acme/docs/a:b.md"), "x").unwrap();
    let refused = office.draft("d1", &[]).expect(1).stderr;
    assert!(refused.contains("error[not_publishable]: `docs/a:b.md` cannot be carried"), "{refused}");
    fs::remove_file(office.path("acme/docs/a:b.md")).unwrap();
    office.release("d1");
    let refused = office.draft("d2", &[]).expect(1).stderr;
    assert!(refused.contains("0.1.0 is not newer than 0.1.0, which is published"), "{refused}");
}

/// The draft passes through other hands: what somebody put in between is refused by whoever signs next.
#[test]
fn a7_a_draft_whose_pack_was_swapped_is_not_signed() {
    let office = Office::with_repository();
    office.draft("d1", &[]).expect(0);
    office.sign("d1", "ada").expect(0);
    let folder = office.path("d1/targets/acme/0.1.0");
    let pack = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let pack = pack.into_iter().find(|path| path.to_string_lossy().ends_with(".pack.yaml")).unwrap();
    let text = fs::read_to_string(&pack).unwrap();
    fs::write(&pack, text.replacen("Welcome", "Wellcum", 1)).unwrap();
    let refused = office.sign("d1", "bo").expect(1).stderr;
    assert!(refused.contains("error[repository_unsound]"), "{refused}");
    assert!(refused.contains("not the one that the draft is about"), "{refused}");
}

#[test]
fn a8_share_halt_and_resume_and_a_halt_by_counts() {
    let office = Office::with_repository();
    office.release("d1");
    office.version("version: 0.1.0", "version: 0.2.0");
    office.release("d2");
    let release = ["--pack", "acme", "--version", "0.2.0"];
    let set = office.rollout(&[&["set"], &release[..], &["--share", "50"]].concat()).expect(0).json();
    assert_eq!(set["ring"]["share"], 50);

    let counts = |failed: u32| {
        let text = serde_json::json!({
            "pack": "acme",
            "release": { "version": "0.2.0", "started": 120, "failed": failed },
            "before": { "version": "0.1.0", "started": 2400, "failed": 96 },
        });
        fs::write(office.path("counts.json"), text.to_string()).unwrap();
    };
    counts(6);
    let fine = office.rollout(&["watch", "--signal", "counts.json"]).expect(0).json();
    assert_eq!((&fine["verdict"]["says"], fine.get("published")), (&Value::from("fine"), None));
    counts(31);
    let worse = office.rollout(&["watch", "--signal", "counts.json"]).expect(0).json();
    assert_eq!(
        (&worse["verdict"]["says"], &worse["ring"]["halted"]),
        (&Value::from("worse"), &Value::from(true))
    );
    assert_eq!(worse["ring"]["reason"], "31 of 120 runs failed, 96 of 2400 runs of 0.1.0 before it");
    let again = office.rollout(&["watch", "--signal", "counts.json"]).expect(0).json();
    assert_eq!(again.get("published"), None, "a halt is signed once");

    let resumed = office.rollout(&[&["resume"], &release[..]].concat()).expect(0).json();
    assert_eq!(
        (&resumed["ring"]["halted"], &resumed["ring"]["share"]),
        (&Value::from(false), &Value::from(50))
    );
    office.rollout(&[&["halt"], &release[..], &["--reason", "VPN step loops"]].concat()).expect(0);
    let text = office.machine.run(&["pack", "verify", "repo"]).expect(0).stdout;
    assert!(text.contains("acme 0.2.0: 50 of 100 devices, halted: VPN step loops"), "{text}");

    fs::write(office.path("counts.json"), "{}").unwrap();
    let refused = office.rollout(&["watch", "--signal", "counts.json"]).expect(1).stderr;
    assert!(refused.contains("Nothing was halted"), "{refused}");
    let refused = office.rollout(&["watch", "--signal", "http://hub.acme.test/counts"]).expect(1).stderr;
    assert!(refused.contains("is not an https address"), "{refused}");
}

#[test]
fn a9_refresh_says_until_when_and_leaves_no_files_behind() {
    let office = Office::with_repository();
    office.release("d1");
    let before = files(&office.path("repo/metadata"));
    let args = ["pack", "refresh", "--repo", "repo", "--online", "online.key", "--json"];
    let done = office.with(&["online"], &args).expect(0).json();
    assert_eq!(done["version"], 3);
    assert_eq!(done["renew_soon"], serde_json::json!([]));
    assert_eq!(files(&office.path("repo/metadata")), before, "a young snapshot is kept");
    let wrong = ["pack", "refresh", "--repo", "repo", "--online", "ada.key"];
    let refused = office.with(&["ada"], &wrong).expect(1).stderr;
    assert!(refused.contains("error[key_refused]"), "{refused}");
}

/// The drill of docs/publishing.md: Ada's key is lost; Bo and the safe put Ava's in its place.
#[test]
fn drill_a_lost_key() {
    let office = Office::with_repository();
    office.release("d1");
    office.with(&["ava"], &["pack", "keygen", "ava.key", "--owner", "Ava, platform"]).expect(0);
    let mut args = vec!["pack", "root", "replace", "d2", "--repo", "repo", "--old", "Ada, platform"];
    args.extend(["--new", "ava.key.pub"]);
    let drafted = office.machine.run(&args).expect(0).stdout;
    assert!(drafted.contains("Whose keys will count"), "{drafted}");
    let (counts, unsigned) = drafted.split_once("Still to be signed").unwrap();
    assert!(counts.contains("Ada, platform: nothing any more"), "{counts}");
    assert!(counts.contains("the safe: whose keys count\n"), "{counts}");
    assert!(
        unsigned.contains("whose keys count (root 2): 2 of Ada, platform; Bo, security; the safe\n"),
        "{unsigned}"
    );
    assert!(
        unsigned.contains("whose keys count (root 3): 2 of Bo, security; the safe; Ava, platform\n"),
        "{unsigned}"
    );
    assert_eq!(unsigned.matches("whose keys count").count(), 2, "{unsigned}");
    for who in ["bo", "safe", "ava"] {
        office.sign("d2", who).expect(0);
    }
    office.publish("d2").expect(0);
    let found = office.verify();
    let owners: Vec<&str> =
        found["keys"].as_array().unwrap().iter().filter_map(|key| key["owner"].as_str()).collect();
    assert_eq!(owners, ["Ava, platform", "Bo, security", "the publisher", "the safe"]);
    office.version("version: 0.1.0", "version: 0.2.0");
    office.draft("d3", &[]).expect(0);
    let refused = office.sign("d3", "ada").expect(1).stderr;
    assert!(refused.contains("error[key_refused]"), "{refused}");
    office.sign("d3", "ava").expect(0);
    office.sign("d3", "bo").expect(0);
    office.publish("d3").expect(0);
}

#[test]
fn a_folder_that_is_no_repository_is_said_to_be_none() {
    let office = Office::new();
    for refused in [
        office.machine.run(&["pack", "verify", "repo"]),
        office.draft("d1", &[]),
        office.with(&["online"], &["pack", "refresh", "--repo", "repo", "--online", "online.key"]),
    ] {
        let refused = refused.expect(1).stderr;
        assert!(refused.contains("There is no repository at repo"), "{refused}");
    }
    office.begin();
    let same = office.machine.run(&["pack", "keygen", "ada.key", "--owner", "Ada"]).expect(1).stderr;
    assert!(same.contains("A passphrase is missing"), "{same}");
}
