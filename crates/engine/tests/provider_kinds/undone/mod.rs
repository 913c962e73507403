//! What each kind of step changes, it gives back: everything is looked at before it is brought about and after it is
//! undone, and must be the same, to the byte.
//!
//! One more kind: a row in [`ROWS`], or one in [`NOTHING_TO_GIVE_BACK`] with the reason.

mod fakes;
mod rows;

use std::{collections::BTreeSet, path::Path, process::Command};

use firstlight_engine::{provider::Check, providers};
use serde_json::Value;

use self::{
    fakes::Fakes,
    rows::{NOTHING_TO_GIVE_BACK, ROWS},
};
use crate::{
    Machine, satisfied,
    tree::{Tree, differences, lived_in, tree},
};

/// One case of a kind.
struct Row {
    kind: &'static str,
    case: &'static str,
    /// What is there before.
    ground: fn(&mut Ground),
    /// The step's parameters.
    with: fn(&Ground) -> Value,
}

/// Where a row happens.
struct Ground {
    machine: Machine,
    fakes: Fakes,
}

/// Everything that is compared.
#[derive(Debug, PartialEq, Eq)]
struct Snapshot {
    /// The home folder, what is noted of services, and what the stand-ins know of packages, containers and volumes.
    trees: Vec<Tree>,
    /// Processes that know of the home folder.
    processes: Vec<String>,
}

impl Ground {
    fn snapshot(&self) -> Snapshot {
        let notes =
            |tree: Tree| tree.into_iter().filter(|(path, _)| path.extension().is_some_and(|e| e == "json"));
        let services = tree(&self.machine.host.folder().join("services"));
        Snapshot {
            trees: vec![tree(&self.machine.home()), notes(services).collect(), tree(&self.fakes.state())],
            processes: processes_with(&self.machine.facts.home),
        }
    }
}

/// Processes with this word among their arguments. Only Linux tells.
fn processes_with(word: &str) -> Vec<String> {
    let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    all.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
        .map(|bytes| String::from_utf8_lossy(&bytes).replace('\0', " "))
        .filter(|line| line.contains(word))
        .collect()
}

/// A name of the environment: where the stand-ins are.
const FAKES: &str = "FIRSTLIGHT_TEST_FAKES";

/// The rows themselves run in a process of their own, whose PATH has the stand-ins first.
#[test]
fn every_kind_gives_back_exactly_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    Fakes::install(folder.path());
    let usual = std::env::var_os("PATH").unwrap();
    let path =
        std::env::join_paths(std::iter::once(folder.path().join("bin")).chain(std::env::split_paths(&usual)));
    let ran = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "undone::each_row_where_the_stand_ins_are", "--nocapture"])
        // Nothing of this machine's own settings.
        .env_clear()
        .env("PATH", path.unwrap())
        .env("HOME", folder.path())
        .env(FAKES, folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{said}\n{}", String::from_utf8_lossy(&ran.stderr));
    assert!(said.contains(&format!("{} rows given back", ROWS.len())), "{said}");
}

#[tokio::test]
async fn each_row_where_the_stand_ins_are() {
    // Without them this is not the process that was started for it.
    let Some(folder) = std::env::var_os(FAKES) else { return };
    let mut wrong = Vec::new();
    for row in ROWS {
        if let Err(why) = given_back(row, Path::new(&folder)).await {
            wrong.push(format!("{}, {}:\n  {}", row.kind, row.case, why.join("\n  ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{} rows given back", ROWS.len());
}

/// Brings a row about and undoes it. Error: what was not right.
async fn given_back(row: &Row, fakes: &Path) -> Result<(), Vec<String>> {
    let mut ground = Ground { machine: Machine::new(), fakes: Fakes::blank(fakes.to_owned()) };
    lived_in(&ground.machine.home());
    (row.ground)(&mut ground);
    let before = ground.snapshot();
    let (machine, with) = (&ground.machine, (row.with)(&ground));
    let operation = machine.operation(row.kind, with.clone());
    let failed = |what: &str| {
        let what = what.to_owned();
        move |failure| vec![format!("{what}: {failure:?}")]
    };
    let check = operation.check(&machine.context()).await.map_err(failed("check"))?;
    if !matches!(check, Check::Needed { .. }) {
        return Err(vec![format!("nothing to do: {check:?}")]);
    }
    operation.apply(&machine.context()).await.map_err(failed("apply"))?;
    satisfied(&*operation, &machine.context()).await;
    if ground.snapshot() == before {
        return Err(vec!["nothing was changed".to_owned()]);
    }
    // As a later run would: from the pack once more, newest receipt first.
    let operation = machine.operation(row.kind, with);
    assert!(operation.can_undo(), "{}: {}", row.kind, row.case);
    machine.undo_all(&*operation).await.map_err(failed("undo"))?;
    let after = ground.snapshot();
    let mut wrong: Vec<String> = before
        .trees
        .iter()
        .zip(&after.trees)
        .flat_map(|(before, after)| differences(before, after))
        .collect();
    if before.processes != after.processes {
        wrong.push(format!("{:?} became {:?}", before.processes, after.processes));
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

#[tokio::test]
async fn every_kind_has_a_row_or_a_reason() {
    let kinds: BTreeSet<_> = providers::all().iter().map(|provider| provider.kind().name).collect();
    let with_row: BTreeSet<_> = ROWS.iter().map(|row| row.kind).collect();
    let with_reason: BTreeSet<_> = NOTHING_TO_GIVE_BACK.iter().map(|(kind, ..)| *kind).collect();
    assert_eq!(with_row.intersection(&with_reason).collect::<Vec<_>>(), [&""; 0], "both");
    let known: BTreeSet<_> = with_row.union(&with_reason).copied().collect();
    assert_eq!(kinds, known, "a kind without a row in `ROWS` or a reason in `NOTHING_TO_GIVE_BACK`");
    for (kind, why, with) in NOTHING_TO_GIVE_BACK {
        let operation = Machine::new().operation(kind, serde_json::from_str(with).unwrap());
        assert!(!operation.can_undo(), "{kind} can be undone, so it needs a row; it was said that {why}");
    }
}
