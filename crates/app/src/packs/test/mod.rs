//! A pack tried for real, where nothing is lost: every step walked in a throwaway home, planned again, walked again with
//! an empty memory, and taken back; the home before and after compared byte for byte.
//!
//! Two programs take part. Whoever asks makes a [`TestRoom`] and starts itself again in it, with its environment;
//! the other one confines itself ([`enter_room`]), walks a persona ([`test_persona`]) and says how it went.

mod compare;
mod keychain;
mod room;
mod skip;
mod snapshot;
mod walk;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use firstlight_contract::pack_test::{PackTestView, PersonaTest, TestProblem, TestProblemKind};
use firstlight_engine::Engine;

pub use self::room::{TestRoom, enter_room};
use super::load;
use crate::error::Result;

/// Who is tested, and where.
#[derive(Debug, Clone)]
pub struct TestRequest {
    /// The pack's folder.
    pub pack: PathBuf,
    /// The persona's id.
    pub persona: String,
    /// Answers to the pack's questions.
    pub inputs: BTreeMap<String, String>,
    /// The throwaway folder.
    pub room: PathBuf,
    /// Whether the system keeps us to it.
    pub confined: bool,
}

/// Walks one persona. In a process of its own, with the room's environment.
pub async fn test_persona(request: &TestRequest) -> Result<PersonaTest> {
    walk::test(request).await
}

/// The ids of a pack's personas, or the one that was asked for.
pub fn personas_to_test(pack: &Path, wanted: Option<&str>) -> Result<Vec<String>> {
    let pack = load(pack, &Engine::new())?;
    match wanted {
        Some(wanted) => Ok(vec![crate::planning::persona(&pack, wanted)?.to_string()]),
        None => Ok(pack.personas.keys().map(ToString::to_string).collect()),
    }
}

/// All personas together.
pub fn test_report(pack: &Path, confined: bool, personas: Vec<PersonaTest>) -> Result<PackTestView> {
    let pack = load(pack, &Engine::new())?;
    let limits = if confined { LIMITS } else { LIMITS_UNCONFINED };
    Ok(PackTestView {
        pack: pack.name.to_string(),
        version: pack.version.to_string(),
        ok: personas.iter().all(|persona| persona.ok),
        confined,
        limits: limits.iter().map(ToString::to_string).collect(),
        personas,
    })
}

/// What still runs after everything was taken back.
pub fn still_running(test: &mut PersonaTest, processes: &[String]) {
    for process in processes {
        test.ok = false;
        test.problems.push(problem(
            TestProblemKind::UndoLeaves,
            format!("After everything was taken back this still ran: {process}"),
        ));
    }
}

fn problem(kind: TestProblemKind, message: impl Into<String>) -> TestProblem {
    TestProblem { kind, message: message.into(), last_lines: Vec::new(), paths: Vec::new() }
}

const LIMITS: &[&str] = &[
    "Steps could read this machine and use its network; only writing was kept to the throwaway folder.",
    "A local service that is reached by a file (a container engine, say) could have been told to change something.",
];
const LIMITS_UNCONFINED: &[&str] = &[
    "This system did not keep the test to its throwaway folder: what a step wrote outside of it was neither prevented nor seen.",
    "Steps could read this machine and use its network.",
];
