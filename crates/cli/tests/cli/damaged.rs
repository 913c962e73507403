//! A journal that was damaged: said, put aside, restored from its last good copy; never a silent empty start.

use std::{
    fs,
    io::{Seek, SeekFrom, Write},
    path::Path,
};

use firstlight_testkit::PackFolder;

use crate::machine::Machine;

fn pack() -> PackFolder {
    PackFolder::with_steps(
        &["one", "two"],
        "  one: { title: One, run: [sh, -c, 'echo done >> \"$0\"-once', '${{ inputs.place }}'] }
  two: { title: Two, needs: [one], run: ['true'], first-value: true }",
    )
}

fn flip(file: &Path) {
    let mut bytes = fs::read(file).unwrap();
    // The middle of every page but the first, whose header tells a database from any other file.
    for page in bytes.chunks_mut(4_096).skip(1) {
        for byte in page {
            *byte ^= 0x5a;
        }
    }
    fs::write(file, bytes).unwrap();
}

fn cut(file: &Path) {
    let length = fs::metadata(file).unwrap().len();
    fs::File::options().write(true).open(file).unwrap().set_len(length / 2).unwrap();
}

fn garbage(file: &Path) {
    let mut file = fs::File::options().write(true).open(file).unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    file.write_all(&b"this is no database. ".repeat(400)).unwrap();
}

#[test]
fn f5_a_damaged_journal_is_said_kept_and_restored() {
    for (how, damage) in [("flipped", flip as fn(&Path)), ("truncated", cut), ("garbage", garbage)] {
        let (machine, pack) = (Machine::new(), pack());
        machine.on(&pack, "up", &["--yes"]).expect(0);
        let before = machine.run(&["status", "--json"]).expect(0).json();
        damage(&machine.state().join("journal.sqlite"));

        // Reading changes nothing, and says what to do.
        let error = machine.run(&["status", "--json"]).error();
        assert_eq!(error["code"], "journal_damaged", "{how}");
        assert!(error["hint"].as_str().unwrap().contains("firstlight up"), "{how}: {error}");

        let up = machine.on(&pack, "up", &["--yes"]).expect(0);
        assert!(up.stderr.starts_with("note: The journal was damaged ("), "{how}: {}", up.stderr);
        assert!(up.stderr.contains("restored from its last good copy"), "{how}: {}", up.stderr);
        let kept = machine.kept();
        assert!(
            kept.iter().any(|(path, _)| path.to_str().unwrap().contains("damaged")),
            "{how}: the damaged file is gone"
        );
        assert_eq!(fs::read_to_string(machine.root.path().join("place-once")).unwrap(), "done\n", "{how}");
        let after = machine.run(&["status", "--json"]).expect(0).json();
        assert_eq!(after["clock_start"], before["clock_start"], "{how}");
        assert_eq!(after["reached_at"], before["reached_at"], "{how}");
        // Said once.
        assert_eq!(machine.on(&pack, "up", &["--yes"]).expect(0).stderr, "", "{how}");
    }
}

#[test]
fn f5_for_scripts_the_note_is_an_object_beside_the_answer() {
    let (machine, pack) = (Machine::new(), pack());
    machine.on(&pack, "up", &["--yes"]).expect(0);
    garbage(&machine.state().join("journal.sqlite"));
    let up = machine.on(&pack, "up", &["--yes", "--json"]).expect(0);
    let note: serde_json::Value = serde_json::from_str(&up.stderr).unwrap();
    assert_eq!(note["note"]["code"], "journal_damaged");
    assert_eq!(up.lines().last().unwrap()["ok"], true);
}

#[test]
fn f5_without_a_good_copy_nothing_begins_anew_by_itself() {
    let (machine, pack) = (Machine::new(), pack());
    machine.on(&pack, "up", &["--yes"]).expect(0);
    for (path, _) in machine.kept() {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name.starts_with("journal") && name != "journal.sqlite" {
            fs::remove_file(path).unwrap();
        }
    }
    let file = machine.state().join("journal.sqlite");
    garbage(&file);
    let damaged = fs::read(&file).unwrap();
    let error = machine.on(&pack, "up", &["--yes", "--json"]).error();
    assert_eq!(error["code"], "journal_damaged");
    assert_eq!(fs::read(&file).unwrap(), damaged, "what could be rescued was touched");
    let hint = error["hint"].as_str().unwrap();
    assert!(hint.contains("firstlight journal start-anew"), "{hint}");

    machine.run(&["journal", "start-anew"]).expect(0);
    let kept = machine.kept().into_iter().any(|(_, content)| content == damaged);
    assert!(kept, "the damaged file is put aside, not deleted");
    machine.on(&pack, "up", &["--yes"]).expect(0);
}
