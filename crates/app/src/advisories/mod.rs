//! Advisories: what those of the pack say of this machine's programs and of the projects of the journey.
//!
//! Looking ([`look`]) changes nothing. What it finds is compared with what the journal knows ([`changes`]): what is new and
//! what is gone are events, so that what is shown is derived like everything else, and a finding closes itself. What the
//! pack's policy does not let pass bars steps ([`bars`]). Matching itself is `firstlight-advisories`.

mod accepting;
mod bars;
mod changes;
mod look;
mod projects;
mod sarif;
mod view;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use firstlight_advisories::Advisories;
use firstlight_contract::{
    advisories::{FindingView, ScanView},
    commands::Notice,
    error::Code,
};
use firstlight_domain::{
    event::{Event, Happened},
    id::StepId,
    journey::{Journey, World},
    pack::{AdvisoryPolicy, Pack},
};
use firstlight_engine::Barred;
use jiff::{civil::Date, tz::TimeZone};

use self::look::{Project, Sight};
use crate::{
    error::{AppError, Result},
    host::AppHost,
    packs,
    session::{Firstlight, lock},
    view::count,
};

pub use self::sarif::scan_report;

/// What a pack says about findings: its advisories, and what they mean.
pub(crate) struct Advising {
    pack: Arc<Pack>,
    advisories: Advisories,
    /// How many are in effect.
    number: usize,
}

impl Advising {
    fn policy(&self) -> &AdvisoryPolicy {
        &self.pack.policy.advisories
    }
}

/// What a scan is asked to look at.
#[derive(Debug, Clone, Default)]
pub struct ScanRequest {
    /// The pack with the advisories; the one that was received, or the journey's, if not said.
    pub pack: Option<PathBuf>,
    /// These folders instead of the journey's projects and this machine's programs. What is found is not kept then.
    pub folders: Vec<PathBuf>,
}

impl Firstlight {
    /// Looks now. What is found in the journey's projects and on this machine is kept, if the advisories are the journey's.
    pub async fn scan(&self, request: &ScanRequest) -> Result<ScanView> {
        let advising = match &request.pack {
            Some(root) => self.advising_of(&Arc::new(packs::load(root, &self.inner.engine)?))?,
            None => self.advising()?,
        };
        let journey = self.with_world(|world| world.journey.clone());
        if !request.folders.is_empty() {
            let projects =
                request.folders.iter().map(|folder| Project::named(folder)).collect::<Result<_>>()?;
            let sight = self.look_for_findings(&advising, projects, false).await?;
            return Ok(self.scan_view(&advising, None, sight));
        }
        let own = journey.filter(|journey| journey.pack.name == advising.pack.name);
        let projects = own.as_ref().map(|journey| self.projects(&advising, journey)).unwrap_or_default();
        let sight = self.look_for_findings(&advising, projects, true).await?;
        let own = match own {
            Some(journey) if !self.is_reading() => {
                self.keep(&advising, &journey, &sight)?;
                Some(self.current_journey()?)
            }
            own => own,
        };
        Ok(self.scan_view(&advising, own.as_ref(), sight))
    }

    /// Where more is said about an advisory.
    pub fn advisory_link(&self, advisory: &str) -> Result<String> {
        let advising = self.advising()?;
        let link = advising.advisories.record(advisory).and_then(|record| record.link());
        link.map(str::to_owned).ok_or_else(|| {
            let message = format!("The pack says nowhere to read more about `{advisory}`.");
            AppError::new(Code::InputInvalid, message).hint("Look for its id on osv.dev.")
        })
    }

    /// Before a run: everything is looked at, programs included, and what may not be worked with is barred.
    pub(crate) async fn check_before_run(&self) -> Result<()> {
        self.check(true).await
    }

    /// Looks at the journey's projects, and keeps what is found. Programs stay as they were when last asked: nothing is
    /// started outside of a run that somebody began, and of a scan.
    pub(crate) async fn check_projects(&self) -> Result<()> {
        if self.with_world(|world| world.journey.is_none()) {
            return Ok(());
        }
        self.check(false).await
    }

    async fn check(&self, programs: bool) -> Result<()> {
        let (advising, journey) = (self.advising()?, self.current_journey()?);
        if advising.advisories.is_empty() && journey.findings.is_empty() {
            *lock(&self.inner.barred) = Arc::default();
            return Ok(());
        }
        let projects = self.projects(&advising, &journey);
        let sight = self.look_for_findings(&advising, projects, programs).await?;
        self.keep(&advising, &journey, &sight)
    }

    /// A run has just made a project, or found it as it should be: what lies in it counts for the steps that come next.
    pub(crate) fn check_made(&self, step: &StepId) -> Result<()> {
        let (advising, journey) = (self.advising()?, self.current_journey()?);
        let made: Vec<Project> = self
            .projects(&advising, &journey)
            .into_iter()
            .filter(|project| project.step.as_ref() == Some(step))
            .collect();
        if advising.advisories.is_empty() || made.is_empty() {
            return Ok(());
        }
        let sight = look::look(&advising.advisories, &made, false);
        self.keep(&advising, &journey, &sight)
    }

    /// For a plan: what would be barred by what lies there now. Keeps nothing.
    pub(crate) async fn barred_in_plan(&self, pack: &Pack) -> Result<Barred> {
        let own = |journey: &Journey| journey.pack.name == pack.name;
        let Some(journey) = self.with_world(|world| world.journey.clone().filter(own)) else {
            return Ok(Barred::default());
        };
        let advising = self.advising()?;
        if advising.policy().block.is_none() || advising.advisories.is_empty() {
            return Ok(Barred::default());
        }
        let sight = self.look_for_findings(&advising, self.projects(&advising, &journey), false).await?;
        let then = self.with_changes(&journey, &changes::changes(&journey, &sight));
        Ok(bars::barred(&then, advising.policy(), self.today()))
    }

    /// Looks on a thread of its own: there may be much to read.
    async fn look_for_findings(
        &self,
        advising: &Arc<Advising>,
        projects: Vec<Project>,
        programs: bool,
    ) -> Result<Sight> {
        let of = Arc::clone(advising);
        let looked = tokio::task::spawn_blocking(move || look::look(&of.advisories, &projects, true)).await;
        let mut sight =
            looked.map_err(|error| AppError::new(Code::Internal, format!("Looking broke off: {error}.")))?;
        if programs {
            let host = Arc::new(AppHost::new(self, None));
            let names = advising.advisories.programs();
            let versions = self.inner.engine.tool_versions(names, &self.inner.facts, host).await;
            look::programs(&advising.advisories, versions, &mut sight);
        }
        Ok(sight)
    }

    /// Records what is new and what is gone, and bars what may not be worked with.
    fn keep(&self, advising: &Advising, journey: &Journey, sight: &Sight) -> Result<()> {
        let events = changes::changes(journey, sight);
        let happened = self.append(&events)?;
        self.bar(advising)?;
        if !happened.is_empty()
            && let Ok(journey) = self.journey()
        {
            self.tell(Notice::Journey { journey });
        }
        Ok(())
    }

    fn bar(&self, advising: &Advising) -> Result<()> {
        let barred = bars::barred(&self.current_journey()?, advising.policy(), self.today());
        *lock(&self.inner.barred) = Arc::new(barred);
        Ok(())
    }

    /// The journey as it would be after these events.
    fn with_changes(&self, journey: &Journey, events: &[Event]) -> Journey {
        let mut world = World { journey: Some(journey.clone()), ..World::default() };
        for event in events {
            world.apply(&Happened { at: self.now(), event: event.clone() });
        }
        world.journey.unwrap_or_else(|| journey.clone())
    }

    /// What is known, as it is shown; nothing where the pack cannot be read any more.
    pub(crate) fn known_findings(&self, journey: &Journey) -> Vec<FindingView> {
        if journey.findings.is_empty() {
            return Vec::new();
        }
        match self.advising() {
            Ok(advising) => view::known(&advising, journey, self.today()),
            Err(error) => {
                tracing::warn!(%error, "what advisories say cannot be read");
                Vec::new()
            }
        }
    }

    fn scan_view(&self, advising: &Advising, journey: Option<&Journey>, sight: Sight) -> ScanView {
        ScanView {
            findings: view::seen(advising, journey, &sight.hits, self.today()),
            advisories: count(advising.number),
            looked_at: sight.looked_at,
            unsure: sight.unsure,
            not_judged: sight.not_judged,
        }
    }

    pub(crate) fn today(&self) -> Date {
        TimeZone::system().to_datetime(self.now()).date()
    }

    /// The folders that steps of the journey have made projects in. Where the journey's own pack cannot be read any more, the
    /// one with the advisories knows its steps.
    fn projects(&self, advising: &Advising, journey: &Journey) -> Vec<Project> {
        let pack = self.journey_pack().unwrap_or_else(|_| Arc::clone(&advising.pack));
        projects::of(&pack, journey)
    }

    /// The advisories that count: those of the newest release received of the journey's pack, for what is known to be weak
    /// does not wait until a checklist is agreed to; else those of the journey's pack, else of the pack that was received.
    fn advising(&self) -> Result<Arc<Advising>> {
        let (journey, received) =
            self.with_world(|world| (world.journey.clone(), world.releases.received.clone()));
        let Some(journey) = journey else {
            if self.pack_at_hand().is_none() {
                self.open_received_pack()?;
            }
            return self.advising_of(&self.pack_at_hand().ok_or_else(AppError::no_journey)?);
        };
        match received {
            Some(newer)
                if newer.pack.name == journey.pack.name
                    && newer.pack.version > journey.pack.version
                    && Path::new(&newer.pack_path).is_dir() =>
            {
                if let Some(known) = self.advising_known(&newer.pack.digest) {
                    return Ok(known);
                }
                self.advising_of(&Arc::new(packs::load(Path::new(&newer.pack_path), &self.inner.engine)?))
            }
            _ => match self.journey_pack() {
                Ok(pack) => self.advising_of(&pack),
                // It was moved or deleted. The same pack may have been opened from elsewhere.
                Err(error) => match self.pack_at_hand().filter(|pack| pack.name == journey.pack.name) {
                    Some(pack) => self.advising_of(&pack),
                    None => Err(error),
                },
            },
        }
    }

    fn advising_known(&self, digest: &str) -> Option<Arc<Advising>> {
        lock(&self.inner.advising).clone().filter(|known| known.pack.digest == digest)
    }

    fn advising_of(&self, pack: &Arc<Pack>) -> Result<Arc<Advising>> {
        if let Some(known) = self.advising_known(&pack.digest) {
            return Ok(known);
        }
        let mut records = firstlight_packs::advisories(&pack.root)?;
        records.retain(firstlight_advisories::osv::Record::is_in_effect);
        let advising = Arc::new(Advising {
            pack: Arc::clone(pack),
            number: records.len(),
            advisories: Advisories::new(records),
        });
        *lock(&self.inner.advising) = Some(Arc::clone(&advising));
        Ok(advising)
    }
}
