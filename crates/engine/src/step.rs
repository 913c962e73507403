//! One step in a run: check → apply → check again, with its timeout and its retries.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use firstlight_domain::{
    event::Event,
    id::{RunId, StepId},
    pack::Step,
    state::{Applied, Failure, StepState, WaitsOn},
};
use tokio_util::sync::CancellationToken;

use crate::{
    engine::{Ready, Secrets, failure, look, secrets},
    host::{Host, Live},
    process::{Output, in_words, out_of_reach},
    provider::{Check, Context},
    run::End,
};

/// Longest wait between two attempts.
const MAX_PAUSE: Duration = Duration::from_secs(30);
/// How long an attempt has to end its processes once it is out of time.
const TO_END: Duration = Duration::from_secs(2);

/// A step to be walked.
pub(crate) struct Work {
    pub(crate) ready: Ready,
    /// For checks: its output goes nowhere.
    pub(crate) cx: Context,
    pub(crate) run: RunId,
    /// Whether the person wants it to run though it was cut off.
    pub(crate) again: bool,
    /// Who answers for what no step's owner does.
    pub(crate) pack_owner: Option<String>,
}

/// Walks one step to its end. Records that it runs, not how it ended.
pub(crate) async fn walk(work: Work) -> End {
    let ready = &work.ready;
    let cancel = work.cx.cancel.clone();
    let restart = if work.again { Restart::NotAsked } else { Restart::of(&ready.step.id, &*work.cx.host) };
    let over = match restart {
        Restart::Pending(applied) => return End::Waiting(WaitsOn::Restart(applied)),
        Restart::Over { outputs } => Some(outputs),
        Restart::NotAsked => None,
    };
    let first = look(ready, again(&work.cx, &cancel)).await;
    if cancel.is_cancelled() {
        return End::Cancelled { begun: false };
    }
    let once = match (first, over) {
        (Ok(Check::Satisfied { outputs }), _) => return End::Done { outputs, changed: false, done: None },
        (Ok(Check::Person { on, .. }), _) => return End::Waiting(on),
        (Ok(Check::Unknown { why }), _) => return End::Unknown(why),
        (Ok(Check::Blocked { why, hint: Some(hint) }), _) => return End::Blocked(format!("{why}; {hint}")),
        (Ok(Check::Blocked { why, hint: None }), _) => return End::Blocked(why),
        (Err(failure), _) => return End::Failed(failure),
        (Ok(Check::Once { .. }), Some(outputs)) => {
            let done = Some(ready.resolved.digest());
            return End::Done { outputs, changed: true, done };
        }
        // Asking for another restart by itself would never end.
        (Ok(Check::Needed { .. }), Some(_)) => {
            let hint = "see its log, and what its check looks at; trying it again applies it once more";
            return End::Failed(Failure { hint: Some(hint.to_owned()), ..failure(NOT_BY_RESTART) });
        }
        (Ok(Check::Once { .. }), None) => {
            let host = &work.cx.host;
            if host.was_done(&ready.step.id, &ready.resolved.digest()) {
                let outputs = host.state(&ready.step.id).and_then(|state| state.outputs().cloned());
                return End::Done { outputs: outputs.unwrap_or_default(), changed: false, done: None };
            }
            if !work.again && may_have_been_done(&ready.step, &**host) {
                return End::Unknown(CUT_OFF.to_owned());
            }
            true
        }
        (Ok(Check::Needed { .. }), None) => false,
    };
    // Done by somebody who may, it is found done by the next look.
    if ready.resolved.elevated && out_of_reach(&*work.cx.host, &work.cx.facts).await.is_some() {
        return End::Waiting(WaitsOn::Owner(administrator(&ready.step, work.pack_owner.as_deref())));
    }
    let handed = match secrets(&ready.step, &*work.cx.host).await {
        Ok(Ok(handed)) => handed,
        Ok(Err(missing)) => {
            return End::Blocked(format!(
                "the credential `{missing}` is not in the keychain; store it first"
            ));
        }
        Err(failure) => return End::Failed(failure),
    };
    if let Err(failure) = record(&work, StepState::Running) {
        return End::Unrecorded(failure);
    }
    let showing = still_running(Arc::clone(&work.cx.host), ready.step.id.clone());
    tokio::select! {
        end = attempts(&work, handed, once) => end,
        () = showing => End::Failed(failure("it never ended")),
    }
}

async fn attempts(work: &Work, handed: Secrets, once: bool) -> End {
    let step = &work.ready.step;
    let log = work.cx.host.log_folder().join(format!("{}.log", step.id));
    let output = match Output::new(Arc::clone(&work.cx.host), step.id.clone(), &log, handed.named) {
        Ok(output) => output,
        Err(failure) => return End::Failed(failure),
    };
    let mut attempt = 0;
    let end = loop {
        let own = work.cx.cancel.child_token();
        let mut cx = again(&work.cx, &own);
        cx.output = output.clone();
        cx.secret_env.clone_from(&handed.env);
        cx.secret_stdin.clone_from(&handed.stdin);
        let tried = apply(work, &cx, &own).await;
        let tried = match tried {
            Ok(()) => verify(work, once).await,
            Err(failure) => Err(failure),
        };
        if work.cx.cancel.is_cancelled() && tried.is_err() {
            break End::Cancelled { begun: true };
        }
        match tried {
            Ok(end) => break end,
            Err(mut failure) => {
                if failure.last_lines.is_empty() {
                    failure.last_lines = output.last_lines();
                }
                if attempt >= u32::from(step.retries) {
                    break End::Failed(failure);
                }
                let pause = pause(work.run, attempt);
                output.say(&format!("{} Trying again in {}.", sentence(&failure.cause), in_words(pause)));
                attempt += 1;
                tokio::select! {
                    () = work.cx.cancel.cancelled() => break End::Cancelled { begun: true },
                    () = tokio::time::sleep(pause) => {}
                }
            }
        }
    };
    if let End::Failed(failure) = &end {
        output.say(&sentence(&failure.cause));
    }
    output.finish();
    end
}

/// One attempt, within the step's time. Out of time, its processes are ended before it is given up.
async fn apply(work: &Work, cx: &Context, own: &CancellationToken) -> Result<(), Failure> {
    let timeout = work.ready.step.timeout;
    let applying = work.ready.operation.apply(cx);
    tokio::pin!(applying);
    tokio::select! {
        applied = &mut applying => return applied,
        () = work.cx.cancel.cancelled() => {}
        // A process has the step's own time, and says so better than we can.
        () = tokio::time::sleep(timeout + TO_END) => {}
    }
    own.cancel();
    let late = tokio::time::timeout(TO_END, applying).await;
    if work.cx.cancel.is_cancelled() {
        return Err(failure("it was stopped"));
    }
    // It may just have made it.
    match late {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(Failure {
            cause: format!("it did not finish within {}", in_words(timeout)),
            last_lines: cx.output.last_lines(),
            hint: Some("try again, or give the step a longer `timeout`".to_owned()),
        }),
    }
}

/// Who is asked for what needs an administrator where the person is none.
pub(crate) fn administrator(step: &Step, pack_owner: Option<&str>) -> String {
    step.owner.as_deref().or(pack_owner).unwrap_or("an administrator").to_owned()
}

/// What is said of a step that was to hold after a restart and does not.
pub(crate) const NOT_BY_RESTART: &str = "it still does not hold, though the machine was restarted";

/// What a step's last state says about a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Restart {
    /// It did not ask for one.
    NotAsked,
    /// It was applied, and the machine has not been restarted since this start.
    Pending(Applied),
    /// It was applied, and the machine was restarted since.
    Over {
        /// What it gave when it was applied.
        outputs: BTreeMap<String, String>,
    },
}

impl Restart {
    pub(crate) fn of(step: &StepId, host: &dyn Host) -> Self {
        match host.state(step) {
            Some(StepState::Waiting { on: WaitsOn::Restart(applied) }) if applied.boot == host.boot() => {
                Self::Pending(applied)
            }
            Some(StepState::Waiting { on: WaitsOn::Restart(Applied { outputs, .. }) }) => {
                Self::Over { outputs }
            }
            Some(_) | None => Self::NotAsked,
        }
    }
}

/// Why a step that has no check does not run a second time by itself.
pub(crate) const CUT_OFF: &str = "it was cut off while it ran, and has no check that could tell whether it took effect; look, then say whether it did or run it again";

/// Whether a step without a check was cut off, so that running it might do it twice. A pack that asks for retries has
/// said that it may be repeated.
pub(crate) fn may_have_been_done(step: &Step, host: &dyn Host) -> bool {
    step.retries == 0 && host.was_cut_off(&step.id)
}

/// How the cause of a failure ends whose command succeeded and whose check says no.
pub const STILL_DOES_NOT_HOLD: &str = "still does not hold after it ran";

/// After it ran: does it hold now? Still not is an error, never a quiet success.
async fn verify(work: &Work, once: bool) -> Result<End, Failure> {
    let done = once.then(|| work.ready.resolved.digest());
    match look(&work.ready, again(&work.cx, &work.cx.cancel)).await? {
        // Without a check nothing can tell that it took effect before.
        Check::Satisfied { outputs } if once && work.ready.step.restart => Ok(restart(work, outputs)),
        Check::Satisfied { outputs } => Ok(End::Done { outputs, changed: true, done }),
        Check::Once { .. } | Check::Needed { .. } if work.ready.step.restart => {
            Ok(restart(work, BTreeMap::new()))
        }
        Check::Once { .. } => Ok(End::Done { outputs: BTreeMap::new(), changed: true, done }),
        Check::Person { on, .. } => Ok(End::Waiting(on)),
        Check::Needed { .. } => Err(Failure {
            cause: format!("`{}` {STILL_DOES_NOT_HOLD}", work.ready.step.title),
            last_lines: Vec::new(),
            hint: Some(
                "what it ran succeeded, but its check says no: see its log, and what the check looks at"
                    .to_owned(),
            ),
        }),
        Check::Unknown { why } | Check::Blocked { why, hint: None } => Err(failure(after(&why))),
        Check::Blocked { why, hint } => Err(Failure { hint, ..failure(after(&why)) }),
    }
}

fn restart(work: &Work, outputs: BTreeMap<String, String>) -> End {
    End::Waiting(WaitsOn::Restart(Applied { boot: work.cx.host.boot(), outputs }))
}

fn after(why: &str) -> String {
    format!("it ran, and cannot be checked now: {why}")
}

/// Never ends; shows each minute that the step goes on.
async fn still_running(host: Arc<dyn Host>, step: StepId) {
    let minute = Duration::from_secs(60);
    let mut seconds = 0;
    loop {
        tokio::time::sleep(minute).await;
        seconds += 60;
        host.show(Live::StillRunning { step: step.clone(), seconds });
    }
}

fn record(work: &Work, state: StepState) -> Result<(), Failure> {
    let step = work.ready.step.id.clone();
    work.cx.host.record(vec![Event::StepChanged { step, run: Some(work.run), state, done: None }])
}

/// The same context once more, under this token.
pub(crate) fn again(cx: &Context, cancel: &CancellationToken) -> Context {
    Context {
        step: cx.step.clone(),
        host: Arc::clone(&cx.host),
        facts: Arc::clone(&cx.facts),
        cancel: cancel.clone(),
        timeout: cx.timeout,
        output: cx.output.clone(),
        secret_env: cx.secret_env.clone(),
        secret_stdin: cx.secret_stdin.clone(),
        plan: cx.plan.clone(),
        interactive: cx.interactive,
        prompts: Arc::clone(&cx.prompts),
        listed_hosts: Arc::clone(&cx.listed_hosts),
        run: cx.run,
    }
}

/// 1 s, 2 s, 4 s …, each shortened by up to a half so that many machines do not come back at once. The chance is the
/// run's own: its id is random.
fn pause(run: RunId, attempt: u32) -> Duration {
    let whole = Duration::from_secs(1 << attempt.min(5)).min(MAX_PAUSE);
    let bytes = run.0.as_bytes();
    let chance =
        f64::from(bytes[15].wrapping_add(u8::try_from(attempt).unwrap_or(u8::MAX).wrapping_mul(101)));
    whole.mul_f64(1.0 - chance / 512.0)
}

/// A cause as a sentence of its own.
fn sentence(cause: &str) -> String {
    let mut letters = cause.chars();
    let capital: String = letters.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
    format!("{capital}{}.", letters.as_str().trim_end_matches('.'))
}
