//! The walk itself: each step by itself, so that what it touches is known; then the plan again, then every step again
//! with an empty journal, then everything back.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use firstlight_contract::{
    commands::Choice,
    error::Code,
    pack_test::{PersonaTest, StepTest, TestOutcome, TestProblem, TestProblemKind},
};
use firstlight_domain::{
    graph::Graph,
    id::StepId,
    kind::Class,
    pack::Step,
    plan::{Outcome, PlannedStep},
    state::{Failure, StepState, WaitsOn},
};
use firstlight_engine::STILL_DOES_NOT_HOLD;
use jiff::Timestamp;

use super::{TestRequest, compare, keychain::Forgetful, problem, room::TestRoom, skip, snapshot::Snapshot};
use crate::{
    error::{AppError, Result, sentence},
    home::Home,
    planning::{self, Planned},
    session::{Access, Firstlight, Options, Surroundings},
};

/// What programs say when a write is refused.
const REFUSED: &[&str] = &[
    "permission denied",
    "operation not permitted",
    "read-only file system",
    "eacces",
    "eperm",
    "permissionerror",
];

pub(super) async fn test(request: &TestRequest) -> Result<PersonaTest> {
    let keychain = Arc::new(Forgetful::default());
    let home = TestRoom::home(&request.room);
    let begun = Snapshot::of(&home, &Snapshot::default()).map_err(|error| unreadable(&home, &error))?;
    let first = Visit::open(request, "first", &keychain).await?;
    let mut walk = Walk {
        confined: request.confined,
        home,
        last: begun,
        touched: BTreeMap::new(),
        tests: first.unwalked(),
    };
    // What is compared with at the end.
    let begun = Snapshot::of(&walk.home, &walk.last).map_err(|error| unreadable(&walk.home, &error))?;
    walk.all(&first).await?;
    walk.plan_again(&first).await?;
    let second = Visit::open(request, "second", &keychain).await?;
    walk.all_again(&second).await?;
    drop(second);
    let kept = walk.take_back(&first).await?;
    walk.look()?;
    let problems = compare::after_undo(&begun, &walk.last, &walk.touched, &kept, &mut walk.tests);
    Ok(walk.into_report(&first, problems))
}

/// One opening of Firstlight in the room, with a journal of its own.
struct Visit {
    app: Firstlight,
    planned: Planned,
    graph: Graph,
    choice: Choice,
}

impl Visit {
    async fn open(request: &TestRequest, journal: &str, keychain: &Arc<Forgetful>) -> Result<Self> {
        let surroundings = Surroundings {
            keychain: Arc::clone(keychain) as _,
            ..Surroundings::of_this_machine(Arc::new(Timestamp::now))
        };
        let app = Firstlight::open(Options {
            home: Home::find(Some(TestRoom::state(&request.room).join(journal)))?,
            access: Access::Change,
            listener: Arc::new(|_| {}),
            interactive: false,
            carry_on: false,
            surroundings,
        })?;
        let pack = app.take_pack(&request.pack)?;
        let choice =
            Choice { persona: request.persona.clone(), inputs: request.inputs.clone(), start_date: None };
        let planned = app.plan_for(&pack, &choice).await?;
        let graph = planning::graph(&pack, &planned.persona)?;
        Ok(Self { app, planned, graph, choice })
    }

    /// Every step, not tested yet.
    fn unwalked(&self) -> Vec<StepTest> {
        let titled = |id: &StepId| StepTest {
            id: id.to_string(),
            title: self.step(id).map_or_else(|| id.to_string(), |step| step.title.clone()),
            outcome: TestOutcome::Skipped,
            why: None,
            problems: Vec::new(),
            stays: None,
        };
        self.graph.order().iter().map(titled).collect()
    }

    fn step(&self, id: &StepId) -> Option<&Step> {
        self.planned.pack.steps.get(id)
    }

    fn planned(&self, id: &StepId) -> Option<&PlannedStep> {
        self.planned.plan.steps.iter().find(|step| step.id == *id)
    }

    fn state(&self, id: &StepId) -> Option<StepState> {
        self.app.with_world(|world| world.journey.as_ref()?.state(id).cloned())
    }

    /// Runs one step to its end, everything done before it taken as it is.
    async fn run(&self, id: &StepId) -> Result<Option<StepState>> {
        let done = self.app.with_world(|world| {
            let journey = world.journey.as_ref()?;
            let done = journey.steps.keys().filter_map(|id| {
                let state = journey.state(id).filter(|state| state.is_done())?;
                Some((id.clone(), state.outputs().cloned().unwrap_or_default()))
            });
            Some(done.collect::<BTreeMap<_, _>>())
        });
        self.app.run_one(&self.planned, &self.choice, id, done.unwrap_or_default())?;
        self.app.wait_for_run().await;
        Ok(self.state(id))
    }

    /// Takes a person's step for done.
    fn assume(&self, id: &StepId) -> Result<()> {
        self.app.settle(&self.planned, id, BTreeMap::new(), None)
    }
}

/// What is known so far.
struct Walk {
    confined: bool,
    home: PathBuf,
    last: Snapshot,
    /// What each step has touched, in all its runs.
    touched: BTreeMap<StepId, BTreeSet<PathBuf>>,
    tests: Vec<StepTest>,
}

impl Walk {
    /// Looks at the home again; what differs since it was last looked at.
    fn look(&mut self) -> Result<BTreeSet<PathBuf>> {
        let now = Snapshot::of(&self.home, &self.last).map_err(|error| unreadable(&self.home, &error))?;
        let differs = now.differs_from(&self.last);
        self.last = now;
        Ok(differs)
    }

    fn test(&mut self, id: &StepId) -> Option<&mut StepTest> {
        self.tests.iter_mut().find(|test| test.id == id.as_str())
    }

    fn outcome(&self, id: &StepId) -> TestOutcome {
        let test = self.tests.iter().find(|test| test.id == id.as_str());
        test.map_or(TestOutcome::Skipped, |test| test.outcome)
    }

    fn found(&mut self, id: &StepId, problem: TestProblem) {
        if let Some(test) = self.test(id) {
            test.problems.push(problem);
        }
    }

    async fn all(&mut self, visit: &Visit) -> Result<()> {
        for id in visit.graph.order() {
            let (Some(step), Some(planned)) = (visit.step(id), visit.planned(id)) else { continue };
            let behind = visit
                .graph
                .needs(id)
                .find(|need| matches!(self.outcome(need), TestOutcome::Skipped | TestOutcome::Failed));
            let (outcome, why) = if let Some(behind) = behind {
                (TestOutcome::Skipped, Some(format!("it needs `{behind}`, which was not done")))
            } else if let Some(why) = skip::reason(step, planned) {
                (TestOutcome::Skipped, Some(why.to_owned()))
            } else {
                self.walk(visit, step, planned).await?
            };
            if let Some(test) = self.test(id) {
                (test.outcome, test.why) = (outcome, why);
            }
        }
        Ok(())
    }

    async fn walk(
        &mut self,
        visit: &Visit,
        step: &Step,
        planned: &PlannedStep,
    ) -> Result<(TestOutcome, Option<String>)> {
        let state = visit.run(&step.id).await?;
        let touched = self.look()?;
        self.touched.entry(step.id.clone()).or_default().extend(touched);
        Ok(match state {
            Some(StepState::Changed { .. }) => (TestOutcome::Done, None),
            Some(StepState::Satisfied { .. }) => (TestOutcome::Held, Some("it held before".to_owned())),
            Some(StepState::Skipped { why }) => (TestOutcome::Held, Some(why)),
            Some(StepState::Waiting { on }) if planned.class == Class::Action => {
                visit.assume(&step.id)?;
                (TestOutcome::Assumed, Some(format!("taken for done: {}", whom(&on))))
            }
            Some(StepState::Waiting { on }) => (TestOutcome::Skipped, Some(whom(&on))),
            Some(StepState::Failed(failure)) => {
                let problem = self.failed(failure);
                self.found(&step.id, problem);
                (TestOutcome::Failed, None)
            }
            Some(StepState::Blocked { reason, .. } | StepState::Unknown { why: reason }) => {
                self.found(&step.id, problem(TestProblemKind::Fails, sentence(&reason)));
                (TestOutcome::Failed, None)
            }
            Some(StepState::Pending | StepState::Ready | StepState::Running | StepState::Undone) | None => {
                self.found(&step.id, problem(TestProblemKind::Fails, "It was not begun."));
                (TestOutcome::Failed, None)
            }
        })
    }

    fn failed(&self, failure: Failure) -> TestProblem {
        let was_refused = self.confined
            && failure.last_lines.iter().chain([&failure.cause]).any(|line| {
                let line = line.to_lowercase();
                REFUSED.iter().any(|words| line.contains(words))
            });
        let (kind, more) = if was_refused {
            let more = " It was refused what lies outside of the throwaway home; all that a step writes goes below the home folder.";
            (TestProblemKind::WritesOutside, more)
        } else if failure.cause.ends_with(STILL_DOES_NOT_HOLD) {
            (TestProblemKind::NeverHolds, "")
        } else {
            (TestProblemKind::Fails, "")
        };
        TestProblem {
            last_lines: failure.last_lines,
            ..problem(kind, format!("{}{more}", sentence(&failure.cause)))
        }
    }

    /// Steps that hold now, in order.
    fn holding(&self, visit: &Visit) -> Vec<StepId> {
        let holds = |id: &&StepId| {
            matches!(self.outcome(id), TestOutcome::Done | TestOutcome::Held | TestOutcome::Assumed)
        };
        visit.graph.order().iter().filter(holds).cloned().collect()
    }

    /// A plan after all was done has nothing to do.
    async fn plan_again(&mut self, visit: &Visit) -> Result<()> {
        let again = visit.app.plan_for(&visit.planned.pack, &visit.choice).await?;
        for id in self.holding(visit) {
            if self.outcome(&id) == TestOutcome::Assumed {
                continue;
            }
            let why = match again.plan.steps.iter().find(|step| step.id == id).map(|step| &step.outcome) {
                Some(Outcome::Ok | Outcome::NotNeeded(_)) | None => continue,
                Some(Outcome::WillChange(why) | Outcome::Unknown(why) | Outcome::Blocked(why)) => why,
            };
            let message = format!("A second plan does not find it done: {}", sentence(why));
            self.found(&id, problem(TestProblemKind::NotIdempotent, message));
        }
        Ok(())
    }

    /// As on a machine where all was done by hand, or whose journal was lost: what has a check is found done, and what
    /// has none can be run a second time.
    async fn all_again(&mut self, visit: &Visit) -> Result<()> {
        for id in self.holding(visit) {
            let Some(step) = visit.step(&id) else { continue };
            let state = visit.run(&id).await?;
            let before = std::mem::take(&mut self.last);
            self.last = Snapshot::of(&self.home, &before).map_err(|error| unreadable(&self.home, &error))?;
            self.touched.entry(id.clone()).or_default().extend(self.last.differs_from(&before));
            let has_check = step.uses != "command" || step.with.get("check").is_some();
            let known = self.test(&id).is_some_and(|test| !test.problems.is_empty());
            match state {
                Some(StepState::Waiting { .. }) if self.outcome(&id) == TestOutcome::Assumed => {
                    visit.assume(&id)?;
                }
                // It was said already what is wrong with its check.
                Some(StepState::Changed { .. }) if has_check && !known => {
                    let message = "It was done a second time, though it was done.";
                    self.found(&id, problem(TestProblemKind::NotIdempotent, message));
                }
                Some(StepState::Changed { .. }) => {
                    let grown = self.last.grown_since(&before, &self.home);
                    let grown =
                        grown.into_iter().filter(|path| path.extension().is_none_or(|ext| ext != "log"));
                    let paths: Vec<String> = grown.map(|path| compare::shown(&path)).collect();
                    if !paths.is_empty() {
                        let message = "Each run adds the same once more. Give it a `check`.";
                        let problem = problem(TestProblemKind::NotIdempotent, message);
                        self.found(&id, TestProblem { paths, ..problem });
                    }
                }
                Some(StepState::Failed(failure)) => {
                    let message = format!("A second run fails: {}", sentence(&failure.cause));
                    let problem = problem(TestProblemKind::NotIdempotent, message);
                    self.found(&id, TestProblem { last_lines: failure.last_lines, ..problem });
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Takes everything back. The steps that were not: they have no `undo`, or it would have taken what such a step made.
    async fn take_back(&mut self, visit: &Visit) -> Result<BTreeSet<StepId>> {
        let steps: Vec<StepId> = match visit.app.undoable() {
            Ok(steps) => steps.iter().filter_map(|id| StepId::new(id).ok()).collect(),
            // Nothing was walked.
            Err(error) if error.code() == Code::NoJourney => Vec::new(),
            Err(error) => return Err(error),
        };
        let changed = self.touched.iter().filter(|(_, paths)| !paths.is_empty()).map(|(id, _)| id.clone());
        let mut kept: BTreeSet<StepId> = changed.filter(|id| !steps.contains(id)).collect();
        for id in &steps {
            let Err(error) = visit.app.undo_step(id.as_str()).await else { continue };
            // What failed may have left nothing that could be taken back.
            let failed = self.outcome(id) == TestOutcome::Failed;
            if !failed && !compare::is_built_upon(id, &kept, &self.touched) {
                let message = format!("Taking it back failed: {}", error.0.message);
                let problem = problem(TestProblemKind::UndoFails, message);
                self.found(id, TestProblem { last_lines: error.0.last_lines, ..problem });
            }
            kept.insert(id.clone());
        }
        Ok(kept)
    }

    fn into_report(self, visit: &Visit, problems: Vec<TestProblem>) -> PersonaTest {
        let id = &visit.planned.persona;
        let title = visit.planned.pack.personas.get(id).map_or_else(|| id.to_string(), |p| p.title.clone());
        let ok = problems.is_empty() && self.tests.iter().all(|test| test.problems.is_empty());
        PersonaTest { id: id.to_string(), title, ok, steps: self.tests, problems }
    }
}

/// Whom a step waits for.
fn whom(on: &WaitsOn) -> String {
    match on {
        WaitsOn::You => "it waits for the person".to_owned(),
        WaitsOn::Owner(owner) => format!("it waits for {owner}"),
        WaitsOn::Restart(_) => "it waits for a restart of the machine".to_owned(),
    }
}

fn unreadable(folder: &Path, error: &std::io::Error) -> AppError {
    AppError::new(Code::Internal, format!("{} cannot be read: {error}.", folder.display()))
        .hint("Test it again; if it stays so, see whether a step takes the home folder's rights away.")
}
