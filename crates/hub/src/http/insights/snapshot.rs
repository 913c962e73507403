//! Figures as of some moment, and what was answered from them.

use std::{
    collections::HashMap,
    fmt::Debug,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse as _, Response},
};
use firstlight_contract::hub::ProblemCode;
use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::OnceCell;

use super::{
    super::{Failure, Hub, requests},
    Answer, Format,
    table::{self, ToTable},
};
use crate::{
    insights::{Insights, Promises},
    store::requests::Which,
};

/// How much of what was answered is kept, in bytes.
const MOST_KEPT: usize = 16 << 20;

/// Figures as of some moment.
#[derive(Debug)]
pub(super) struct Snapshot {
    insights: Insights,
    /// What the store said then.
    stamp: Option<i64>,
    taken: Timestamp,
    promises: OnceCell<Promises>,
    answered: Mutex<Answered>,
}

/// Answers by question.
#[derive(Debug, Default)]
struct Answered {
    bodies: HashMap<Question, Bytes>,
    size: usize,
}

/// What was asked, and how it is to be said.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Question {
    asked: String,
    csv: bool,
}

impl Question {
    /// `about` says all that the answer hangs on beside the figures.
    pub(super) fn new(figure: &str, about: impl Debug, format: Option<Format>, headers: &HeaderMap) -> Self {
        let csv = match format {
            Some(format) => matches!(format, Format::Csv),
            None => headers
                .get(header::ACCEPT)
                .and_then(|accept| accept.to_str().ok())
                .is_some_and(|accept| accept.split([',', ';']).any(|kind| kind.trim() == "text/csv")),
        };
        Self { asked: format!("{figure} {about:?}"), csv }
    }
}

impl Snapshot {
    /// Reads all that is known, and sorts it out. Which groups came first is kept before anything is told.
    pub(super) async fn take(hub: &Hub, stamp: Option<i64>, now: Timestamp) -> Result<Self, Failure> {
        loop {
            let (known, zone) = (hub.store.known().await?, hub.rules.zone.clone());
            let insights = aside(move || Insights::of(known, &zone, now)).await?;
            let is_kept = match insights.precedence_to_keep() {
                Some(precedence) => hub.store.keep_precedence(precedence).await?,
                None => true,
            };
            if is_kept {
                let (promises, answered) = (OnceCell::new(), Mutex::default());
                return Ok(Self { insights, stamp, taken: now, promises, answered });
            }
            // Another hub has kept another one meanwhile: what is told goes by that.
        }
    }

    /// Whether it would be the same if it were taken now, where this is what the store says.
    pub(super) fn holds(&self, stamp: Option<i64>, now: Timestamp) -> bool {
        self.stamp.is_some() && self.stamp == stamp && !self.insights.is_of_later(now)
    }

    /// What the figures are computed from.
    pub(super) fn insights(&self) -> &Insights {
        &self.insights
    }

    /// What owners have promised.
    pub(super) async fn promises(&self, hub: &Hub) -> Result<&Promises, Failure> {
        let read = async || {
            let asked = hub.store.requests(Which::Since(self.taken - requests::KEPT)).await?;
            let calendars = requests::calendars(hub).await?;
            aside(move || Promises::of(&asked, &calendars)).await
        };
        self.promises.get_or_try_init(read).await
    }

    /// What was answered to the same question.
    pub(super) fn answered(&self, question: &Question) -> Option<Response> {
        let answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        answered.bodies.get(question).cloned().map(|body| response(body, question.csv))
    }

    /// What was answered to the same question, or what is worked out now.
    pub(super) async fn tell<T: Serialize + ToTable>(
        self: Arc<Self>,
        question: Question,
        work: impl FnOnce(&Insights) -> Result<T, Failure> + Send + 'static,
    ) -> Answer {
        if let Some(answer) = self.answered(&question) {
            return Ok(answer);
        }
        let (snapshot, csv) = (Arc::clone(&self), question.csv);
        let body = aside(move || written(&work(&snapshot.insights)?, csv)).await??;
        self.answered.lock().unwrap_or_else(PoisonError::into_inner).keep(question, &body);
        Ok(response(body, csv))
    }
}

impl Answered {
    fn keep(&mut self, question: Question, body: &Bytes) {
        if self.size + body.len() > MOST_KEPT {
            *self = Self::default();
        }
        // Two may have asked at once.
        let before = self.bodies.insert(question, body.clone());
        self.size = self.size + body.len() - before.map_or(0, |before| before.len());
    }
}

/// Says something that is not kept.
pub(super) fn say(told: &(impl Serialize + ToTable), question: &Question) -> Answer {
    Ok(response(written(told, question.csv)?, question.csv))
}

fn written(told: &(impl Serialize + ToTable), csv: bool) -> Result<Bytes, Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::new(ProblemCode::Internal, format!("the answer could not be written: {error}"))
    };
    if csv {
        table::csv(told).map(Into::into).map_err(|error| failed(&error))
    } else {
        serde_json::to_vec(told).map(Into::into).map_err(|error| failed(&error))
    }
}

fn response(body: Bytes, csv: bool) -> Response {
    let kind = if csv { "text/csv; charset=utf-8" } else { "application/json" };
    // What people are in must not be found in a cache.
    let headers = [
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::VARY, HeaderValue::from_static("accept")),
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
    ];
    (headers, body).into_response()
}

/// Works something out where other requests need not wait for it: it takes milliseconds of a processor.
pub(super) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| Failure::new(ProblemCode::Internal, "the figures could not be computed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_otherwise_is_another_question() {
        let mut headers = HeaderMap::new();
        let json = Question::new("steps", ("data", 1), None, &headers);
        headers.insert(header::ACCEPT, HeaderValue::from_static("text/html, text/csv;q=0.9"));
        let csv = Question::new("steps", ("data", 1), None, &headers);
        assert!(csv.csv && !json.csv);
        assert_eq!(Question::new("steps", ("data", 1), Some(Format::Json), &headers), json);
        for other in [
            Question::new("funnel", ("data", 1), None, &HeaderMap::new()),
            Question::new("steps", ("data", 2), None, &HeaderMap::new()),
        ] {
            assert_ne!(other, json);
        }
    }

    #[test]
    fn what_was_answered_takes_no_more_memory_than_it_may() {
        let mut answered = Answered::default();
        let body = Bytes::from(vec![0; MOST_KEPT / 3]);
        let question = |nth: u8| Question::new("activity", nth, None, &HeaderMap::new());
        for nth in 0..7 {
            answered.keep(question(nth), &body);
            assert!(answered.size <= MOST_KEPT && answered.bodies.contains_key(&question(nth)));
        }
        assert_eq!((answered.bodies.len(), answered.size), (1, body.len()));
    }
}
