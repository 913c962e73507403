//! Taking back what steps changed.

use std::{path::Path, sync::Arc};

use firstlight_contract::{error::Code, journey::JourneyView};
use firstlight_domain::{event::Event, id::StepId, journey::Journey, pack::Pack, state::StepState};
use tokio_util::sync::CancellationToken;

use crate::{
    error::{AppError, Result},
    host::AppHost,
    packs, planning,
    running::known_step,
    session::Firstlight,
};

impl Firstlight {
    /// The steps that can be taken back, last changed first; but a step that needs another goes before it, though the
    /// other was mended since: a table before the server it is in.
    pub fn undoable(&self) -> Result<Vec<String>> {
        let journey = self.current_journey()?;
        let mut steps: Vec<_> = journey
            .steps
            .iter()
            .filter_map(|(id, record)| Some((record.receipts.last()?.number, id)))
            .collect();
        steps.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
        let mut left: Vec<&StepId> = steps.into_iter().map(|(_, id)| id).collect();
        // A pack that cannot be read now is said when the first step is taken back.
        let graph = self.journey_pack().ok().and_then(|pack| planning::graph(&pack, &journey.persona).ok());
        let needed_by = |id: &StepId| graph.as_ref().map(|graph| graph.descendants(id)).unwrap_or_default();
        let mut ordered = Vec::with_capacity(left.len());
        while !left.is_empty() {
            let free = left.iter().position(|id| {
                let needed_by = needed_by(id);
                !left.iter().any(|other| needed_by.contains(*other))
            });
            ordered.push(left.remove(free.unwrap_or(0)).to_string());
        }
        Ok(ordered)
    }

    /// Takes a step back, with what it kept before it changed anything.
    pub async fn undo_step(&self, step: &str) -> Result<JourneyView> {
        if self.is_running() {
            return Err(
                AppError::new(Code::RunInProgress, "A run is going on.").hint("Wait for it, or cancel it.")
            );
        }
        let journey = self.current_journey()?;
        let id = StepId::new(step).map_err(|_| AppError::unknown_step(step))?;
        let pack = self.pack_of(&journey, &id)?;
        let found = pack.steps.get(&id).ok_or_else(|| AppError::unknown_step(step))?;
        let record = journey.steps.get(&id).cloned().unwrap_or_default();
        if record.receipts.is_empty() {
            return Err(AppError::new(
                Code::StepState,
                format!("There is nothing of `{step}` to take back."),
            )
            .hint("Only what Firstlight changed itself can be taken back."));
        }
        // What it was made from may have been taken back before it.
        let mut scope = self.scope(&pack, journey.inputs.clone());
        for (id, record) in &journey.steps {
            if let Some(outputs) = record.last_outputs() {
                scope.add_outputs(id, outputs.clone());
            }
        }
        let receipts: Vec<serde_json::Value> =
            record.receipts.iter().rev().map(|receipt| receipt.content.clone()).collect();
        let host = Arc::new(AppHost::new(self, record.last_run));
        self.inner
            .engine
            .undo(&pack, found, &scope, &receipts, host, self.inner.interactive, &CancellationToken::new())
            .await
            .map_err(|error| {
                let error = AppError::from_failure(Code::StepState, error.into());
                match error.0.hint {
                    Some(_) => error,
                    None => error.hint("Mend what it says and take it back again, or leave it as it is."),
                }
            })?;
        let event = Event::StepChanged { step: id, run: None, state: StepState::Undone, done: None };
        let happened = self.append(&[event])?;
        self.tell_of_all(&happened);
        self.journey()
    }

    /// The pack by which a step is taken back: the one that was agreed to, or, for a step it has no more, the release that
    /// did it, as far as that is still there.
    fn pack_of(&self, journey: &Journey, step: &StepId) -> Result<Arc<Pack>> {
        let planned = self.planned_journey()?;
        let from = journey.steps.get(step).and_then(|record| record.from.as_ref());
        let Some((made_by, path)) = from.filter(|_| known_step(&planned, step.as_str()).is_err()) else {
            known_step(&planned, step.as_str())?;
            return Ok(planned.pack);
        };
        let gone = || {
            AppError::new(
                Code::StepState,
                format!("`{step}` was done by release {}, which is not in {path} any more.", made_by.version),
            )
            .hint("Put that release's files back there, and take the step back then.")
        };
        let pack = packs::load(Path::new(path), &self.inner.engine).map_err(|_| gone())?;
        if pack.digest == made_by.digest { Ok(Arc::new(pack)) } else { Err(gone()) }
    }
}
