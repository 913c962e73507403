//! One open Firstlight: its home, its history, its keychain, its engine, and who listens.

use std::{
    collections::BTreeMap,
    fs::File,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use firstlight_contract::{
    commands::Notice,
    error::{Code, ErrorBody},
    settings::Launch,
};
use firstlight_domain::{
    event::{Event, Happened, RunEnd},
    expr::Scope,
    facts::Facts,
    id::CredentialName,
    journey::{Journey, World},
    pack::Pack,
    release,
    state::StepState,
    survey::Ending,
};
use firstlight_engine::{Barred, Engine};
use firstlight_vault::{Keychain, OsKeychain};
use jiff::Timestamp;
use secrecy::SecretString;

use crate::{
    advisories::Advising,
    at_login::AtLogin,
    drift::Drift,
    error::{AppError, Result},
    history::History,
    home::Home,
    hub::Sending,
    packs,
    planning::Planned,
    running::ActiveRun,
};

/// Who is told what happens. Called from any thread; must not block.
pub type Listener = Arc<dyn Fn(Notice) + Send + Sync>;

/// What a program may do with the home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Change it. One program at a time.
    Change,
    /// Read it, next to one that changes it.
    Read,
}

/// The world outside, so that a test can bring its own.
#[derive(Clone)]
pub struct Surroundings {
    /// Where secrets are kept.
    pub keychain: Arc<dyn Keychain>,
    /// What time it is.
    pub now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// The id of the system's last start.
    pub boot: Arc<dyn Fn() -> String + Send + Sync>,
    /// How long the machine has slept so far, counted from any moment.
    pub slept: Arc<dyn Fn() -> Duration + Send + Sync>,
    /// What opens Firstlight at the next login, where a program can be opened again like that.
    pub at_login: Option<Arc<dyn AtLogin>>,
    /// The program that calls [`administrator_session`](firstlight_engine::process::administrator_session) when it is
    /// started for that. Without one the system asks for each command by itself.
    pub administrator: Option<PathBuf>,
}

impl Surroundings {
    /// The keychain of the system. Times are cut to milliseconds: nobody reads or needs what is below.
    pub fn of_this_machine(now: Arc<dyn Fn() -> Timestamp + Send + Sync>) -> Self {
        let cut = move || {
            let exact = now();
            Timestamp::from_millisecond(exact.as_millisecond()).unwrap_or(exact)
        };
        Self {
            keychain: Arc::new(OsKeychain::new()),
            now: Arc::new(cut),
            boot: Arc::new(crate::restart::boot),
            slept: Arc::new(crate::sleep::slept),
            at_login: None,
            administrator: None,
        }
    }
}

/// How to open.
#[derive(Clone)]
pub struct Options {
    /// The data folder.
    pub home: Home,
    /// Read, or change.
    pub access: Access,
    /// Who is told what happens.
    pub listener: Listener,
    /// Whether a person sits at a terminal (`sudo` may ask there).
    pub interactive: bool,
    /// Whether steps that become possible start by themselves, within what was agreed to. The window wants that; the
    /// terminal walks by itself.
    pub carry_on: bool,
    /// The outside.
    pub surroundings: Surroundings,
}

/// Firstlight, open on one home. Cheap to clone; all clones are the same.
#[derive(Clone)]
pub struct Firstlight {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) home: Home,
    /// Held as long as we live.
    lock: Option<File>,
    pub(crate) listener: Listener,
    pub(crate) interactive: bool,
    pub(crate) carry_on: bool,
    pub(crate) surroundings: Surroundings,
    pub(crate) engine: Engine,
    pub(crate) facts: Facts,
    history: Mutex<History>,
    pack: Mutex<Option<Arc<Pack>>>,
    /// The pack of the journey, while a newer release of it is the pack at hand.
    walked: Mutex<Option<Arc<Pack>>>,
    pub(crate) planned: Mutex<Option<Planned>>,
    pub(crate) active: Mutex<Option<ActiveRun>>,
    /// What was found when it was last looked whether what is done still holds.
    pub(crate) drift: Mutex<Drift>,
    /// The advisories that were read last.
    pub(crate) advising: Mutex<Option<Arc<Advising>>>,
    /// What a run may not work with, as it was last looked.
    pub(crate) barred: Mutex<Arc<Barred>>,
    /// The text for whoever helps that was made last. Redacted.
    pub(crate) help_bundle: Mutex<Option<String>>,
    /// Held while events are sent.
    pub(crate) sending: tokio::sync::Mutex<Sending>,
    /// Why the hub could not be sent to the last time.
    pub(crate) hub_problem: Mutex<Option<ErrorBody>>,
    /// How long the machine had slept when that was last taken into account.
    pub(crate) slept: Mutex<Duration>,
    /// The number of the last view of the journey.
    pub(crate) revision: Mutex<u32>,
    /// Whether a survey was asked since we opened.
    pub(crate) asked_in_this_session: Mutex<bool>,
    /// Values read or stored since we opened, for masking. Never leaves memory.
    pub(crate) secrets: Mutex<BTreeMap<CredentialName, SecretString>>,
}

/// A lock whose holder panicked still guards consistent data: every change under it is a single assignment, or was
/// durable before.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Firstlight {
    /// Opens the home: takes the lock (to change), reads the journal, and closes a run that was cut off.
    pub fn open(options: Options) -> Result<Self> {
        let now = (options.surroundings.now)();
        let (lock, history) = match options.access {
            Access::Change => {
                options.home.create()?;
                let lock = options.home.lock()?;
                (Some(lock), History::open(&options.home.journal(), now)?)
            }
            Access::Read => (None, History::read(&options.home.journal())?),
        };
        let slept = (options.surroundings.slept)();
        let app = Self {
            inner: Arc::new(Inner {
                home: options.home,
                lock,
                listener: options.listener,
                interactive: options.interactive,
                carry_on: options.carry_on,
                surroundings: options.surroundings,
                engine: Engine::new(),
                facts: firstlight_engine::facts::find(),
                history: Mutex::new(history),
                pack: Mutex::new(None),
                walked: Mutex::new(None),
                planned: Mutex::new(None),
                active: Mutex::new(None),
                drift: Mutex::default(),
                advising: Mutex::default(),
                barred: Mutex::default(),
                help_bundle: Mutex::default(),
                sending: tokio::sync::Mutex::default(),
                hub_problem: Mutex::default(),
                slept: Mutex::new(slept),
                revision: Mutex::new(0),
                asked_in_this_session: Mutex::new(false),
                secrets: Mutex::new(BTreeMap::new()),
            }),
        };
        if options.access == Access::Change {
            app.close_what_was_cut_off()?;
            app.opened_again();
        }
        Ok(app)
    }

    /// A run found open was killed with its program. Its running steps become ready: they are checked before anything
    /// is applied again. A survey found open was abandoned.
    fn close_what_was_cut_off(&self) -> Result<()> {
        let abandoned = self
            .with_world(|world| world.asked.open.clone())
            .map(|(submission, survey)| Event::SurveyEnded { submission, survey, ending: Ending::Abandoned });
        let mut events: Vec<Event> = self.with_world(|world| {
            let Some((journey, run)) = world.journey.as_ref().and_then(|j| Some((j, j.run?))) else {
                return Vec::new();
            };
            let cut_off = journey
                .steps
                .iter()
                .filter(|(_, record)| matches!(record.now(), Some((_, StepState::Running))));
            let ready = |step: &firstlight_domain::id::StepId| Event::StepChanged {
                step: step.clone(),
                run: Some(run),
                state: StepState::Ready,
                done: None,
            };
            let mut events: Vec<Event> = cut_off.map(|(step, _)| ready(step)).collect();
            events.push(Event::RunFinished { run, end: RunEnd::Interrupted });
            events
        });
        events.extend(abandoned);
        self.append(&events).map(drop)
    }

    /// The data folder.
    pub fn home(&self) -> &Home {
        &self.inner.home
    }

    /// Whether we may not change anything.
    pub(crate) fn is_reading(&self) -> bool {
        self.inner.lock.is_none()
    }

    /// What is known of the machine.
    pub fn facts(&self) -> &Facts {
        &self.inner.facts
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.inner.surroundings.now)()
    }

    pub(crate) fn tell(&self, notice: Notice) {
        (self.inner.listener)(notice);
    }

    pub(crate) fn with_world<T>(&self, read: impl FnOnce(&World) -> T) -> T {
        read(lock(&self.inner.history).world())
    }

    pub(crate) fn history(&self) -> MutexGuard<'_, History> {
        lock(&self.inner.history)
    }

    pub(crate) fn append(&self, events: &[Event]) -> Result<Vec<Happened>> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let slept = self.slept_meanwhile();
        let now = self.now();
        match slept {
            Some(slept) => lock(&self.inner.history).append(now, &[&[slept], events].concat()),
            None => lock(&self.inner.history).append(now, events),
        }
    }

    /// The journey at hand, as it is now.
    pub(crate) fn current_journey(&self) -> Result<Journey> {
        self.with_world(|world| world.journey.clone()).ok_or_else(AppError::no_journey)
    }

    /// Reads a pack and makes it the one at hand.
    pub(crate) fn take_pack(&self, root: &Path) -> Result<Arc<Pack>> {
        let pack = Arc::new(packs::load(root, &self.inner.engine)?);
        *lock(&self.inner.pack) = Some(Arc::clone(&pack));
        Ok(self.as_begun(pack))
    }

    /// The pack at hand, if one was read.
    pub(crate) fn pack_at_hand(&self) -> Option<Arc<Pack>> {
        let pack = lock(&self.inner.pack).clone()?;
        Some(self.as_begun(pack))
    }

    /// The clock of a journey stops where it meant to when it began, whatever a newer release says.
    fn as_begun(&self, pack: Arc<Pack>) -> Arc<Pack> {
        let goal = self.with_world(|world| {
            let journey = world.journey.as_ref().filter(|journey| journey.pack.name == pack.name)?;
            let now = pack.first_value(&journey.persona).map(|step| &step.id);
            let goal = journey.goal.as_ref().filter(|goal| Some(*goal) != now)?;
            Some((journey.persona.clone(), goal.clone()))
        });
        match goal {
            Some((persona, goal)) => Arc::new(release::with_goal(Pack::clone(&pack), &persona, &goal)),
            None => pack,
        }
    }

    /// The pack of the journey at hand. A newer release of it that is being looked at stays the pack at hand.
    pub(crate) fn journey_pack(&self) -> Result<Arc<Pack>> {
        let journey = self.current_journey()?;
        let path = PathBuf::from(journey.pack_path);
        let releases = self.home().releases();
        match self.pack_at_hand() {
            Some(pack) if pack.root == path => Ok(pack),
            Some(pack) if pack.name == journey.pack.name && pack.root.starts_with(releases) => {
                self.walked_pack()
            }
            _ => self.take_pack(&path),
        }
    }

    /// The pack of the journey at hand, for what is done beside whatever somebody looks at: the pack at hand stays.
    pub(crate) fn walked_pack(&self) -> Result<Arc<Pack>> {
        let path = PathBuf::from(self.current_journey()?.pack_path);
        let known = self.pack_at_hand().into_iter().chain(lock(&self.inner.walked).clone());
        if let Some(walked) = known.into_iter().find(|known| known.root == path) {
            return Ok(walked);
        }
        let walked = Arc::new(packs::load(&path, &self.inner.engine)?);
        *lock(&self.inner.walked) = Some(Arc::clone(&walked));
        Ok(walked)
    }

    /// What expressions of a pack may see, for these answers.
    pub(crate) fn scope(&self, pack: &Pack, inputs: BTreeMap<String, serde_json::Value>) -> Scope {
        Scope::new(inputs, self.inner.facts.clone(), pack.root.display().to_string())
    }

    /// What was wrong with the journal and was mended while it was opened; said once.
    pub fn take_notice(&self) -> Option<ErrorBody> {
        self.history().take_notice().map(|message| ErrorBody {
            hint: Some("Nothing needs to be done. The damaged file was kept.".to_owned()),
            ..ErrorBody::new(Code::JournalDamaged, message)
        })
    }

    /// Everything a window needs for its first paint. Never an error: what is wrong is part of the answer. Without a
    /// journey it shows `pack` if one is named, else the one that was received, else another.
    pub fn launch(&self, version: &str, pack: Option<&Path>, otherwise: Option<&Path>) -> Launch {
        let problem_of = |error: AppError| Some(error.0);
        let mut problem = self.take_notice();
        let has_journey = self.with_world(|world| world.journey.is_some());
        let journey = match has_journey.then(|| self.journey()) {
            Some(Ok(journey)) => Some(journey),
            Some(Err(error)) => {
                problem = problem.or_else(|| problem_of(error));
                None
            }
            None => None,
        };
        let releases = self.releases();
        let opened = match (self.pack_at_hand(), pack) {
            (Some(pack), _) => Some(Ok(packs::overview(&pack))),
            (None, Some(root)) => Some(self.open_pack(root)),
            (None, None) if releases.current.is_some() => Some(self.open_received_pack()),
            (None, None) => otherwise.map(|root| self.open_pack(root)),
        };
        let pack = match opened.transpose() {
            Ok(pack) => pack,
            Err(error) => {
                problem = problem.or_else(|| problem_of(error));
                None
            }
        };
        Launch {
            version: version.to_owned(),
            settings: self.settings(),
            pack,
            journey,
            releases,
            problem,
            home: self.home().root().display().to_string(),
        }
    }
}
