//! What a provider is: a kind of step that can be described, checked, applied and undone.

use std::{borrow::Cow, collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use firstlight_domain::{
    facts::Facts,
    id::StepId,
    kind::Kind,
    pack::Step,
    plan::{Download, FileChange, Resolved},
    state::{Failure, WaitsOn},
};
use secrecy::SecretString;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::{
    host::Host,
    process::{Output, Programs, Prompts},
};

/// A kind of step.
pub trait Provider: Send + Sync {
    /// What it says of itself: name, schema, capabilities.
    fn kind(&self) -> Kind;

    /// Reads a step's parameters. Nothing is touched, and nothing is looked at: what depends on the machine belongs in
    /// [`Operation::check`]. Errors are about the parameters only.
    fn prepare(&self, step: &Rendered<'_>) -> Result<Box<dyn Operation>, Failure>;
}

/// A step with its expressions resolved as far as they can be.
#[derive(Debug, Clone)]
pub struct Rendered<'a> {
    /// As the pack has it.
    pub step: &'a Step,
    /// `with`, resolved. Outputs not there yet keep their `${{ }}` text.
    pub with: Value,
    /// The pack's folder.
    pub pack_root: &'a Path,
    /// The machine.
    pub facts: &'a Facts,
}

/// One step, ready to be looked at and done.
#[async_trait]
pub trait Operation: Send + Sync {
    /// Exactly what would be done: argv, files, hosts, elevation. Cheap; changes nothing. File diffs come from
    /// [`Check::Needed`], because they depend on what is there.
    fn resolved(&self) -> Resolved;

    /// Whether what the step is for holds already. Never changes anything.
    async fn check(&self, cx: &Context) -> Result<Check, Failure>;

    /// Brings it about. Keeps a receipt ([`Context::keep_receipt`]) before it changes anything that can be given back.
    /// The outputs may be empty: the check that follows gives them.
    async fn apply(&self, cx: &Context) -> Result<(), Failure>;

    /// Whether a receipt of this operation can be taken back.
    fn can_undo(&self) -> bool {
        false
    }

    /// Gives back what was there before. Never removes what it did not add.
    async fn undo(&self, _cx: &Context, _receipt: &Value) -> Result<(), Failure> {
        Err(Failure {
            cause: "this kind of step cannot be taken back".to_owned(),
            last_lines: Vec::new(),
            hint: None,
        })
    }

    /// Whether one undo takes back everything it did, however often it was applied: its receipts tell no difference.
    fn undoes_at_once(&self) -> bool {
        false
    }

    /// What the person still has to do themselves once it was applied, in one sentence, where this kind knows it.
    fn follow_up(&self) -> Option<String> {
        None
    }

    /// How much it would fetch from elsewhere; asked for a plan only, when it is needed. Changes nothing, and does not
    /// contact anybody for it.
    async fn download(&self, _cx: &Context) -> Download {
        Download::Nothing
    }

    /// The resource of which there is one (`apt`, `brew`, a file): two steps that name the same never run at once.
    fn exclusive(&self) -> Option<Cow<'static, str>> {
        None
    }
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// It holds.
    Satisfied {
        /// What later steps may use.
        outputs: BTreeMap<String, String>,
    },
    /// It does not hold, and apply would change this.
    Needed {
        /// In words, for the plan: "would install git".
        what: String,
        /// Files that would be written.
        files: Vec<FileChange>,
    },
    /// Only a person can bring it about.
    Person {
        /// Whose turn it is.
        on: WaitsOn,
        /// What they are asked, for the plan.
        what: String,
    },
    /// There is no check: done once for each content (the engine asks the journal).
    Once {
        /// In words, for the plan.
        what: String,
    },
    /// It cannot be known yet.
    Unknown {
        /// Why.
        why: String,
    },
    /// It cannot be done on this machine as it is.
    Blocked {
        /// Why.
        why: String,
        /// What to do about it.
        hint: Option<String>,
    },
}

/// What an operation works with.
pub struct Context {
    /// Which step.
    pub step: StepId,
    /// The surroundings.
    pub host: Arc<dyn Host>,
    /// The machine.
    pub facts: Arc<Facts>,
    /// Cancelled when the run is; every wait must give way to it.
    pub cancel: CancellationToken,
    /// How long one process may take.
    pub timeout: Duration,
    /// Where output goes: masked, live and into the step's log. A check's goes nowhere but into failures.
    pub output: Output,
    /// Environment variables with secrets, for the processes of this step only.
    pub secret_env: Vec<(String, SecretString)>,
    /// The secret written to standard input of this step's `run`.
    pub secret_stdin: Option<SecretString>,
    /// Where this is one of the looks of a plan: on a thread of its own, which may wait without giving way to others, and
    /// with the programs that were found so far.
    pub plan: Option<Arc<Programs>>,
    /// Whether a person sits at a terminal (decides between `sudo` and a graphical prompt).
    pub interactive: bool,
    /// How often the person is asked for administrator rights: shared by all steps of a run.
    pub prompts: Arc<Prompts>,
    /// The hosts the pack's policy lists: a probe may reach private addresses only among these.
    pub listed_hosts: Arc<[String]>,
    /// The present run, while applying.
    pub run: Option<firstlight_domain::id::RunId>,
}

impl Context {
    /// Writes a receipt to the journal; durable once it returns. Call before the change it describes.
    pub fn keep_receipt(&self, receipt: impl Serialize) -> Result<(), Failure> {
        let Some(run) = self.run else {
            return Ok(());
        };
        let receipt = serde_json::to_value(receipt)
            .map_err(|error| unusable(format!("what is changed cannot be noted: {error}")))?;
        let step = self.step.clone();
        self.host.record(vec![firstlight_domain::event::Event::ReceiptKept { step, run, receipt }])
    }
}

/// A receipt as it was kept. Error: another kind of step, or another version, wrote it.
pub(crate) fn read_receipt<R: DeserializeOwned>(receipt: &Value) -> Result<R, Failure> {
    R::deserialize(receipt).map_err(|error| unusable(format!("what was changed cannot be read: {error}")))
}

fn unusable(cause: String) -> Failure {
    Failure { cause, last_lines: Vec::new(), hint: None }
}
