//! Whose doing it is that the home is not as it was.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use firstlight_contract::pack_test::{Left, StepTest, TestProblem, TestProblemKind};
use firstlight_domain::id::StepId;

use super::{problem, snapshot::Snapshot};
use crate::view::count;

/// At most so many paths are named.
const NAMED: usize = 10;

type Touched = BTreeMap<StepId, BTreeSet<PathBuf>>;

/// What differs from the beginning after everything was taken back: a problem of the step that was taken back, or what
/// stays of one that was not. What no step is known to have touched is nobody's, and given back.
pub(super) fn after_undo(
    begun: &Snapshot,
    now: &Snapshot,
    touched: &Touched,
    kept: &BTreeSet<StepId>,
    tests: &mut [StepTest],
) -> Vec<TestProblem> {
    let differs = now.differs_from(begun);
    let touching = |path: &Path| -> Vec<&StepId> {
        touched.iter().filter(|(_, paths)| paths.contains(path)).map(|(id, _)| id).collect()
    };
    let staying = |path: &Path| touching(path).into_iter().find(|id| kept.contains(*id));
    // A folder in which something stays has to.
    let holds_what_stays =
        |path: &Path| differs.iter().any(|other| other.starts_with(path) && staying(other).is_some());
    let (mut left, mut stays) =
        (BTreeMap::<StepId, Vec<&Path>>::new(), BTreeMap::<StepId, Vec<&Path>>::new());
    let mut nobodys = Vec::new();
    for path in &differs {
        let order = |id: &&StepId| tests.iter().position(|test| test.id == id.as_str());
        let last = touching(path).into_iter().max_by_key(order);
        match (staying(path), last) {
            (Some(step), _) => stays.entry(step.clone()).or_default().push(path),
            (None, Some(_)) if holds_what_stays(path) => {}
            (None, Some(step)) => left.entry(step.clone()).or_default().push(path),
            (None, None) => nobodys.push(path.as_path()),
        }
    }
    for test in tests {
        if let Some(paths) = left.iter().find(|(id, _)| id.as_str() == test.id).map(|(_, paths)| paths) {
            test.problems.push(not_given_back("Taken back, it leaves what was not so before.", paths));
        }
        if let Some(paths) = stays.iter().find(|(id, _)| id.as_str() == test.id).map(|(_, paths)| paths) {
            test.stays = Some(Left { count: count(paths.len()), paths: topmost(paths) });
        }
    }
    let nobodys = (!nobodys.is_empty())
        .then(|| not_given_back("After everything was taken back the home is not as it was.", &nobodys));
    nobodys.into_iter().collect()
}

/// Whether a step that stays has put something into what this one made, so that it cannot be taken back.
pub(super) fn is_built_upon(step: &StepId, kept: &BTreeSet<StepId>, touched: &Touched) -> bool {
    let Some(own) = touched.get(step) else { return false };
    let others =
        touched.iter().filter(|(id, _)| *id != step && kept.contains(*id)).flat_map(|(_, paths)| paths);
    others.into_iter().any(|path| {
        path.ancestors().filter(|above| !above.as_os_str().is_empty()).any(|above| own.contains(above))
    })
}

fn not_given_back(message: &str, paths: &[&Path]) -> TestProblem {
    TestProblem { paths: topmost(paths), ..problem(TestProblemKind::UndoLeaves, message) }
}

/// The paths that are in none of the others, at most some of them.
fn topmost(paths: &[&Path]) -> Vec<String> {
    let inside = |path: &&&Path| path.ancestors().skip(1).any(|above| paths.contains(&above));
    paths.iter().filter(|path| !inside(path)).take(NAMED).map(|path| shown(path)).collect()
}

/// A path of the throwaway home as a person writes it.
pub(super) fn shown(path: &Path) -> String {
    if path.as_os_str().is_empty() { "~".to_owned() } else { format!("~/{}", path.display()) }
}
