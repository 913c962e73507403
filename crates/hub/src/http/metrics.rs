//! How the hub is doing, in Prometheus' text format.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use firstlight_contract::hub::Verdict;

use super::Hub;

/// What was counted since the hub started.
#[derive(Debug, Default)]
pub(super) struct Figures {
    answers: Mutex<BTreeMap<u16, u64>>,
    accepted: AtomicU64,
    duplicate: AtomicU64,
    refused: AtomicU64,
}

impl Figures {
    pub(super) fn answered(&self, status: StatusCode) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        *answers.entry(status.as_u16()).or_default() += 1;
    }

    pub(super) fn settled(&self, verdicts: &[Verdict]) {
        for verdict in verdicts {
            let count = match verdict {
                Verdict::Accepted => &self.accepted,
                Verdict::Duplicate => &self.duplicate,
                Verdict::Refused { .. } => &self.refused,
            };
            count.fetch_add(1, Relaxed);
        }
    }
}

pub(super) async fn show(State(hub): State<Arc<Hub>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text(&hub))
}

fn text(hub: &Hub) -> String {
    let mut text = String::new();
    let mut metric = |name: &str, kind: &str, help: &str, rows: &[(String, String)]| {
        // Writing to a text never fails.
        let _ = writeln!(text, "# HELP firstlight_hub_{name} {help}\n# TYPE firstlight_hub_{name} {kind}");
        for (labels, value) in rows {
            let _ = writeln!(text, "firstlight_hub_{name}{labels} {value}");
        }
    };
    let answers: Vec<_> = {
        let answers = hub.figures.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.iter().map(|(status, n)| (format!("{{status=\"{status}\"}}"), n.to_string())).collect()
    };
    metric("answers_total", "counter", "Requests answered.", &answers);
    let verdicts = [
        ("accepted", &hub.figures.accepted),
        ("duplicate", &hub.figures.duplicate),
        ("refused", &hub.figures.refused),
    ]
    .map(|(verdict, n)| (format!("{{verdict=\"{verdict}\"}}"), n.load(Relaxed).to_string()));
    metric("events_total", "counter", "Events settled.", &verdicts);
    let one = |value: String| [(String::new(), value)];
    let queue = &hub.queue;
    metric("queue_events", "gauge", "Events that wait to be written.", &one(queue.depth().to_string()));
    metric("queue_capacity", "gauge", "How many may.", &one(queue.capacity().to_string()));
    let figures = queue.figures();
    let load = |count: &AtomicU64| one(count.load(Relaxed).to_string());
    metric("commits_total", "counter", "Groups of events written.", &load(&figures.groups));
    metric("commits_failed_total", "counter", "Groups that could not be.", &load(&figures.failed));
    let sorted = one(hub.figured.times().to_string());
    metric("figures_sorted_total", "counter", "How often figures were sorted out.", &sorted);
    if let Some(until) = &hub.fresh_until {
        let help = "Until when machines take the releases as fresh.";
        metric("releases_fresh_until_seconds", "gauge", help, &one(until.load(Relaxed).to_string()));
    }
    let micros = figures.micros.load(Relaxed);
    let seconds = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    metric("commit_seconds_total", "counter", "Time spent writing them.", &one(seconds));
    text
}
