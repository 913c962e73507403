//! `firstlight-hub request`: the queue, and answers to it.

use std::fmt::Write as _;

use anyhow::{Result, anyhow, bail};
use firstlight_contract::requests::{PromiseView, QueuedRequest, ReplyGiven, RequestReply, RequestState};
use firstlight_hub::{
    config::Database,
    requests,
    store::requests::{Answering, Which},
};
use jiff::Timestamp;
use uuid::Uuid;

use super::{by, open_existing, print};
use crate::args::{Reply, Request};

pub(super) async fn run(database: &Database, asked: Request) -> Result<()> {
    match asked {
        Request::List { owner, all } => list(database, owner.as_deref(), all).await,
        Request::Answer { id, reply, by } => answer(database, id, reply, by).await,
    }
}

async fn list(database: &Database, owner: Option<&str>, all: bool) -> Result<()> {
    let (store, now) = (open_existing(database).await?, Timestamp::now());
    let calendars = requests::calendars(store.as_ref()).await?;
    let which = if all { Which::Since(Timestamp::MIN) } else { Which::Open };
    let mut found: Vec<QueuedRequest> = store
        .requests(which)
        .await?
        .iter()
        .filter(|request| owner.is_none_or(|owner| request.owner == owner))
        .map(|request| requests::queued(request, &calendars, now))
        .collect();
    found.sort_by(requests::by_urgency);
    let mut text = String::new();
    for request in &found {
        // Writing to a text never fails.
        let _ = writeln!(text, "{}", line(request));
    }
    print(&text)
}

fn line(request: &QueuedRequest) -> String {
    let QueuedRequest { id, owner, title, name, person, asked_at, due_at, promise, state, answer, .. } =
        request;
    let who = name.clone().unwrap_or_else(|| format!("person {person}"));
    let due = due_at.as_deref().map_or_else(String::new, |due| match promise {
        PromiseView::Breached => format!("  was due {due}"),
        PromiseView::None | PromiseView::Open | PromiseView::Met => format!("  due {due}"),
    });
    let state = match (state, answer) {
        (RequestState::Open, _) => String::new(),
        (RequestState::Granted, _) => "  granted".to_owned(),
        (RequestState::Withdrawn, _) => "  withdrawn".to_owned(),
        (RequestState::Answered, None) => "  answered".to_owned(),
        (RequestState::Answered, Some(answer)) => {
            let reply = match answer.reply {
                RequestReply::Done => "done",
                RequestReply::Refused => "refused",
            };
            format!("  {reply} by {}", answer.by)
        }
    };
    format!("{id}  {owner}  {title}  for {who}  since {asked_at}{due}{state}")
}

async fn answer(database: &Database, id: Uuid, reply: Reply, name: Option<String>) -> Result<()> {
    let store = open_existing(database).await?;
    let no_such = || anyhow!("there is no request {id}; `firstlight-hub request list` shows what waits");
    let request = store.request(id).await?.ok_or_else(no_such)?;
    let given = match reply {
        Reply { refused: Some(words), .. } => {
            ReplyGiven { reply: RequestReply::Refused, words: Some(words), by: name }
        }
        Reply { done: words, .. } => ReplyGiven { reply: RequestReply::Done, words, by: name },
    };
    let by = by()?;
    let answered = requests::answered(given, &request.owner, by.at).map_err(|wrong| anyhow!("{wrong}"))?;
    match store.answer_request(&by, id, &answered).await? {
        Answering::Done(_) => print(&format!("{id} is answered\n")),
        Answering::NoSuch => Err(no_such()),
        Answering::Settled => bail!("{id} was answered, granted or withdrawn before"),
    }
}
