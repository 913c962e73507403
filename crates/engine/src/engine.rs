//! The engine: the providers, and what planning and running share.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroUsize,
    sync::{Arc, OnceLock},
    time::Duration,
};

use firstlight_domain::{
    expr::{ExprError, Scope},
    graph::GraphError,
    id::{CredentialName, PersonaId, RunId, StepId},
    kind::{Class, Kind},
    pack::{Elevation, Pack, Step},
    plan::{Purpose, Resolved},
    state::Failure,
};
use secrecy::SecretString;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::{
    host::Host,
    policy,
    process::{self, Output, Prompts},
    provider::{Check, Context, Operation, Provider, Rendered},
    providers,
};

/// Why a plan or a run cannot be made at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// The pack has no checklist for this persona.
    #[error("the pack has no checklist for `{0}`")]
    NoChecklist(PersonaId),
    /// The checklist has no such step.
    #[error("the checklist has no step `{0}`")]
    NoStep(StepId),
    /// The steps are not a graph that can be walked.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// Something could not be recorded, and what cannot be recorded is not done.
    #[error("it cannot be recorded: {0}")]
    Record(Failure),
    /// A step could not be taken back.
    #[error("`{step}` could not be taken back: {failure}")]
    Undo {
        /// The step.
        step: StepId,
        /// Why.
        failure: Failure,
    },
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Record(failure) => {
                Self { cause: format!("it cannot be recorded: {}", failure.cause), ..failure }
            }
            EngineError::Undo { step, failure } => {
                Self { cause: format!("`{step}` could not be taken back: {}", failure.cause), ..failure }
            }
            EngineError::NoChecklist(_) | EngineError::NoStep(_) | EngineError::Graph(_) => {
                failure(error.to_string())
            }
        }
    }
}

/// Plans and runs checklists. Cheap to share; made once a program.
pub struct Engine {
    providers: BTreeMap<&'static str, (Arc<dyn Provider>, Kind)>,
}

impl Default for Engine {
    fn default() -> Self {
        Self::new()
    }
}

impl Engine {
    /// With every provider there is.
    pub fn new() -> Self {
        Self::with(providers::all())
    }

    /// With these providers; for tests.
    pub fn with(providers: Vec<Arc<dyn Provider>>) -> Self {
        let named = providers.into_iter().map(|provider| {
            let kind = provider.kind();
            (kind.name, (provider, kind))
        });
        Self { providers: named.collect() }
    }

    /// Where operations work from here on. This program begins to adopt the orphans of its children.
    pub(crate) fn around(
        host: Arc<dyn Host>,
        interactive: bool,
        run: Option<RunId>,
        cancel: &CancellationToken,
    ) -> Around {
        process::become_subreaper();
        Around { host, cancel: cancel.clone(), interactive, prompts: Arc::default(), run }
    }

    /// Looks whether a step holds, as a plan does; for probing steps that wait.
    pub async fn check_step(
        &self,
        pack: &Pack,
        step: &Step,
        scope: &Scope,
        host: Arc<dyn Host>,
    ) -> Result<Check, Failure> {
        let around = Self::around(host, false, None, &CancellationToken::new());
        match self.prepare(pack, step, scope) {
            Prepared::NotNeeded { why } => Ok(Check::Unknown { why }),
            Prepared::Unresolved { .. } => Ok(Check::Unknown { why: "something comes first".to_owned() }),
            Prepared::Impossible(failure) => Err(failure),
            Prepared::Ready(ready) => look(&ready, Self::context(&ready, pack, scope, &around)).await,
        }
    }

    #[expect(clippy::too_many_arguments, reason = "each is a thing of its own, and all of them are needed")]
    /// Takes a step back by its receipts, newest first. Recording that is the caller's.
    pub async fn undo(
        &self,
        pack: &Pack,
        step: &Step,
        scope: &Scope,
        receipts: &[Value],
        host: Arc<dyn Host>,
        interactive: bool,
        cancel: &CancellationToken,
    ) -> Result<(), EngineError> {
        let refuse = |failure| EngineError::Undo { step: step.id.clone(), failure };
        let around = Self::around(host, interactive, None, cancel);
        let ready = match self.prepare(pack, step, scope) {
            Prepared::Ready(ready) => ready,
            Prepared::Impossible(why) => return Err(refuse(why)),
            Prepared::NotNeeded { .. } | Prepared::Unresolved { .. } => {
                return Err(refuse(failure("what it did cannot be worked out any more")));
            }
        };
        if !ready.operation.can_undo() {
            return Err(refuse(failure("this step cannot be taken back")));
        }
        let mut cx = Self::context(&ready, pack, scope, &around);
        // Where a credential is gone, what is taken back may well be what it was for.
        let handed = secrets(&ready.step, &*cx.host).await.map_err(refuse)?.unwrap_or_default();
        let log = cx.host.log_folder().join(format!("{}.undo.log", step.id));
        cx.output = Output::new(Arc::clone(&cx.host), step.id.clone(), &log, handed.named).map_err(refuse)?;
        cx.secret_env = handed.env;
        cx.secret_stdin = handed.stdin;
        let needed = if ready.operation.undoes_at_once() { 1 } else { receipts.len() };
        for receipt in receipts.iter().take(needed) {
            ready.operation.undo(&cx, receipt).await.map_err(refuse)?;
        }
        cx.output.finish();
        Ok(())
    }

    /// What a step leaves to the person once it has changed something; nothing where that cannot be worked out.
    pub fn follow_ups(&self, pack: &Pack, step: &Step, scope: &Scope) -> Vec<String> {
        match self.prepare(pack, step, scope) {
            Prepared::Ready(ready) => ready.follow_ups(),
            Prepared::NotNeeded { .. } | Prepared::Impossible(_) | Prepared::Unresolved { .. } => Vec::new(),
        }
    }

    /// What every provider says of itself, by name.
    pub fn kinds(&self) -> Vec<Kind> {
        self.providers.values().map(|(_, kind)| kind.clone()).collect()
    }

    pub(crate) fn kind(&self, uses: &str) -> Option<&Kind> {
        self.providers.get(uses).map(|(_, kind)| kind)
    }

    /// How much is done at once, if not said: processes mostly wait, so more than there are processors.
    pub(crate) fn parallelism() -> usize {
        // Asking reads the control group's files each time.
        static FOUND: OnceLock<usize> = OnceLock::new();
        *FOUND.get_or_init(|| {
            std::thread::available_parallelism().map_or(4, NonZeroUsize::get).saturating_mul(2).max(4)
        })
    }

    pub(crate) fn class(&self, step: &Step) -> Class {
        self.providers.get(step.uses.as_str()).map_or(Class::Task, |(_, kind)| kind.class)
    }

    /// Resolves a step as far as it can be.
    pub(crate) fn prepare(&self, pack: &Pack, step: &Step, scope: &Scope) -> Prepared {
        let Some((provider, kind)) = self.providers.get(step.uses.as_str()) else {
            return Prepared::Impossible(failure(format!("there is no kind of step called `{}`", step.uses)));
        };
        let mut waits_for = BTreeSet::new();
        if let Some(condition) = &step.condition {
            match scope.holds(condition) {
                Ok(Some(true)) => {}
                Ok(Some(false)) => {
                    return Prepared::NotNeeded { why: format!("`{}` does not hold here", condition.trim()) };
                }
                // The expression says whose outputs are missing.
                Ok(None) => waits_for.extend(steps_named(condition)),
                Err(error) => return Prepared::Impossible(expression(step, &error)),
            }
        }
        let rendered = scope.render_value(&step.with).and_then(|(with, missing)| {
            waits_for.extend(missing);
            Ok((with, rendered_step(step, scope)?))
        });
        let (with, step) = match rendered {
            Ok(rendered) => rendered,
            Err(error) => return Prepared::Impossible(expression(step, &error)),
        };
        if let Err(why) = policy::allowed(pack, &step, &(kind.needs)(&with), scope) {
            return Prepared::Impossible(why);
        }
        let rendered = Rendered { step: &step, with, pack_root: &pack.root, facts: scope.facts() };
        match provider.prepare(&rendered) {
            Ok(operation) => {
                let mut resolved = operation.resolved();
                resolved.elevated |= step.elevation == Elevation::Elevated;
                resolved.restart = step.restart;
                for name in step.secrets.names() {
                    if !resolved.secrets.iter().any(|known| known == name.as_str()) {
                        resolved.secrets.push(name.to_string());
                    }
                }
                Prepared::Ready(Ready {
                    operation: Arc::from(operation),
                    resolved,
                    waits_for,
                    step: Arc::new(step),
                })
            }
            // Text that is not resolved yet need not make sense yet.
            Err(_) if !waits_for.is_empty() => Prepared::Unresolved { waits_for },
            Err(failure) => Prepared::Impossible(failure),
        }
    }

    /// What an operation works with; output goes nowhere, secrets are none.
    pub(crate) fn context(ready: &Ready, pack: &Pack, scope: &Scope, around: &Around) -> Context {
        Context {
            step: ready.step.id.clone(),
            host: Arc::clone(&around.host),
            facts: Arc::new(scope.facts().clone()),
            cancel: around.cancel.clone(),
            timeout: ready.step.timeout,
            output: Output::discard(),
            secret_env: Vec::new(),
            secret_stdin: None,
            plan: None,
            interactive: around.interactive,
            prompts: Arc::clone(&around.prompts),
            listed_hosts: Arc::from(pack.policy.hosts.clone()),
            run: around.run,
        }
    }
}

/// Where an operation works.
pub(crate) struct Around {
    pub(crate) host: Arc<dyn Host>,
    pub(crate) cancel: CancellationToken,
    pub(crate) interactive: bool,
    pub(crate) prompts: Arc<Prompts>,
    pub(crate) run: Option<RunId>,
}

/// A step, looked at without looking at the machine.
pub(crate) enum Prepared {
    /// Its condition does not hold.
    NotNeeded { why: String },
    /// It makes no sense before these steps gave their outputs.
    Unresolved { waits_for: BTreeSet<StepId> },
    /// It can never be done like this.
    Impossible(Failure),
    /// It can be looked at.
    Ready(Ready),
}

/// A step that can be looked at and done.
#[derive(Clone)]
pub(crate) struct Ready {
    pub(crate) operation: Arc<dyn Operation>,
    pub(crate) resolved: Resolved,
    /// Steps whose outputs are missing: until they are there it can only be shown.
    pub(crate) waits_for: BTreeSet<StepId>,
    pub(crate) step: Arc<Step>,
}

impl Ready {
    /// What it leaves to the person once it has changed something: what the pack says, and what its kind knows.
    pub(crate) fn follow_ups(&self) -> Vec<String> {
        self.step.follow_up.clone().into_iter().chain(self.operation.follow_up()).collect()
    }

    /// Whether its check is a command, which may need the step's secrets as much as `run` does.
    pub(crate) fn checks_by_command(&self) -> bool {
        self.resolved.commands.iter().any(|line| line.purpose == Purpose::Check)
    }
}

/// The secrets a step is handed.
#[derive(Default)]
pub(crate) struct Secrets {
    pub(crate) env: Vec<(String, SecretString)>,
    pub(crate) stdin: Option<SecretString>,
    pub(crate) named: Vec<(CredentialName, SecretString)>,
}

/// Fetches a step's secrets. Inner error: the name of one that is not there.
pub(crate) async fn secrets(
    step: &Step,
    host: &dyn Host,
) -> Result<Result<Secrets, CredentialName>, Failure> {
    let mut found = Secrets::default();
    for (variable, name) in &step.secrets.env {
        let Some(value) = host.secret(name).await? else { return Ok(Err(name.clone())) };
        found.env.push((variable.clone(), value.clone()));
        found.named.push((name.clone(), value));
    }
    if let Some(name) = &step.secrets.stdin {
        let Some(value) = host.secret(name).await? else { return Ok(Err(name.clone())) };
        found.stdin = Some(value.clone());
        found.named.push((name.clone(), value));
    }
    Ok(Ok(found))
}

/// Looks whether a step holds, with the secrets its check needs.
pub(crate) async fn look(ready: &Ready, mut cx: Context) -> Result<Check, Failure> {
    if !ready.step.secrets.env.is_empty() && ready.checks_by_command() {
        match secrets(&ready.step, &*cx.host).await? {
            Ok(found) => cx.secret_env = found.env,
            Err(missing) => {
                return Ok(Check::Unknown {
                    why: format!("the credential `{missing}` is not in the keychain yet"),
                });
            }
        }
    }
    tokio::select! {
        () = cx.cancel.cancelled() => Ok(Check::Unknown { why: "looking was stopped".to_owned() }),
        answer = ready.operation.check(&cx) => answer,
    }
}

/// The step with what lies outside of `with` resolved too: its probe, and what it leaves to the person.
fn rendered_step(step: &Step, scope: &Scope) -> Result<Step, ExprError> {
    let mut step = step.clone();
    let probe = step.probe.iter_mut().flat_map(|probe| {
        probe.http.iter_mut().chain(&mut probe.tcp).chain(probe.command.iter_mut().flatten())
    });
    for text in probe.chain(&mut step.follow_up) {
        *text = match scope.render(text)? {
            firstlight_domain::expr::Rendered::Known(text)
            | firstlight_domain::expr::Rendered::Unknown { text, .. } => text,
        };
    }
    Ok(step)
}

/// The steps whose outputs a text names.
pub(crate) fn steps_named(condition: &str) -> BTreeSet<StepId> {
    firstlight_domain::expr::condition_names(condition).into_iter().flatten().filter_map(step_of).collect()
}

/// The steps whose outputs a tree of values names.
pub(crate) fn steps_in(value: &Value, found: &mut BTreeSet<StepId>) {
    match value {
        Value::String(text) => {
            found.extend(firstlight_domain::expr::names(text).into_iter().flatten().filter_map(step_of));
        }
        Value::Array(items) => items.iter().for_each(|item| steps_in(item, found)),
        Value::Object(fields) => fields.values().for_each(|item| steps_in(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn step_of(name: firstlight_domain::expr::Name) -> Option<StepId> {
    match name {
        firstlight_domain::expr::Name::Output { step, .. } => StepId::new(&step).ok(),
        _ => None,
    }
}

fn expression(step: &Step, error: &ExprError) -> Failure {
    Failure {
        cause: format!("an expression of `{}` cannot be used: {error}", step.id),
        last_lines: Vec::new(),
        hint: Some("change the pack, or the answer it uses".to_owned()),
    }
}

pub(crate) fn failure(cause: impl Into<String>) -> Failure {
    Failure { cause: cause.into(), last_lines: Vec::new(), hint: None }
}

/// How long a step counts on the way to first value when it gives no estimate.
pub(crate) const DEFAULT_ESTIMATE: Duration = Duration::from_secs(30);
