//! What others are asked for: what was promised, whether it was kept, and what those see who answer.

pub mod calendar;

use std::{
    cmp::{Ordering, Reverse},
    collections::BTreeMap,
};

use firstlight_contract::requests::{
    PromiseView, QueuedRequest, ReplyGiven, RequestAnswer, RequestReply, RequestState,
};
use firstlight_domain::{
    registry::{LONGEST_COMMENT, LONGEST_TEXT},
    request::{Answered, Closing, Reply},
    sla::Sla,
};
use firstlight_metrics::working_time::{Calendar, Promise, Standing};
use jiff::Timestamp;

use crate::store::{Store, StoreError, requests::Request};

/// Working hours by version.
pub type Calendars = BTreeMap<u32, Calendar>;

/// Every version of the working hours a hub was given.
pub async fn calendars(store: &dyn Store) -> Result<Calendars, StoreError> {
    let kept = store.calendars().await?;
    let read = kept.into_iter().map(|(version, hours)| match hours.calendar(version) {
        Ok(calendar) => Ok((version, calendar)),
        // They were read before they were kept.
        Err(wrong) => {
            Err(StoreError::Damaged(format!("the working hours {version}: `{}` {wrong}", hours.hours)))
        }
    });
    read.collect()
}

/// Until when a request has to be answered; none where nothing was promised that can be reckoned with. What was promised
/// counts from when the hub heard of it: nobody can answer what they do not know of.
pub fn due(request: &Request, calendars: &Calendars) -> Option<Timestamp> {
    let calendar = || calendars.get(&request.calendar?);
    match Sla::read(request.sla.as_deref()?)? {
        Sla::Elapsed(time) => request.received.checked_add(time).ok(),
        Sla::Working(time) => calendar()?.after(request.received, time),
        Sla::WorkingDays(days) => calendar()?.after_days(request.received, days),
    }
}

/// What was promised with a request, and what came of it: all that its standing at some time hangs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Promised {
    promise: Promise,
    /// When it was not needed any more, if nothing came before.
    withdrawn: Option<Timestamp>,
    has_ended: bool,
}

impl Promised {
    /// What was promised; nothing if nothing was that can be reckoned with.
    pub fn of(request: &Request, due: Option<Timestamp>) -> Option<Self> {
        let promise = Promise { due: due?, kept: kept(request) };
        let withdrawn = match request.ended {
            Some((Closing::Withdrawn, at)) if promise.kept.is_none() => Some(at.max(request.received)),
            _ => None,
        };
        Some(Self { promise, withdrawn, has_ended: request.ended.is_some() })
    }

    /// Whether it was kept, as of `now`.
    pub fn stands(&self, now: Timestamp) -> PromiseView {
        // What is not wanted any more stops to count as it stands.
        let until = self.withdrawn.map_or(now, |at| at.min(now));
        match self.promise.standing(until) {
            Standing::Met => PromiseView::Met,
            Standing::Breached => PromiseView::Breached,
            Standing::Open if until < now || self.has_ended => PromiseView::None,
            Standing::Open => PromiseView::Open,
        }
    }
}

/// When it was answered, or what was asked for was seen to be there.
fn kept(request: &Request) -> Option<Timestamp> {
    let granted = request.ended.filter(|(closing, _)| *closing == Closing::Granted).map(|(_, at)| at);
    let answered = request.answered.as_ref().map(|answered| answered.at);
    // A machine that was offline may tell of both at once.
    let kept = granted.into_iter().chain(answered).min()?;
    Some(kept.max(request.received))
}

/// Whether a promise was kept, as of `now`.
pub fn promise(request: &Request, due: Option<Timestamp>, now: Timestamp) -> PromiseView {
    Promised::of(request, due).map_or(PromiseView::None, |promised| promised.stands(now))
}

/// As those see it who answer.
pub fn queued(request: &Request, calendars: &Calendars, now: Timestamp) -> QueuedRequest {
    let due = due(request, calendars);
    let (state, settled_at) = match (&request.answered, request.ended) {
        (Some(answered), _) => (RequestState::Answered, Some(answered.at)),
        (None, Some((Closing::Granted, at))) => (RequestState::Granted, Some(at)),
        (None, Some((Closing::Withdrawn, at))) => (RequestState::Withdrawn, Some(at)),
        (None, None) => (RequestState::Open, None),
    };
    let left = due.filter(|_| state == RequestState::Open).map(|due| due.duration_since(now).as_secs());
    let whole =
        |seconds: i64| i32::try_from(seconds).unwrap_or(if seconds < 0 { i32::MIN } else { i32::MAX });
    let by_calendar =
        request.sla.as_deref().and_then(Sla::read).is_some_and(|sla| !matches!(sla, Sla::Elapsed(_)));
    QueuedRequest {
        id: request.id.to_string(),
        owner: request.owner.clone(),
        title: request.title.clone(),
        step: request.step.to_string(),
        name: request.name.clone(),
        person: request.person.0,
        asked_at: request.asked.to_string(),
        received_at: request.received.to_string(),
        sla: request.sla.clone(),
        due_at: due.map(|due| due.to_string()),
        calendar: request.calendar.filter(|_| by_calendar),
        left_seconds: left.map(whole),
        promise: promise(request, due, now),
        state,
        settled_at: settled_at.map(|at| at.to_string()),
        answer: request.answered.as_ref().map(answer),
    }
}

/// What is due first, then what nothing was promised for, the longest wait first; what is settled comes last, the newest first.
pub fn by_urgency(one: &QueuedRequest, other: &QueuedRequest) -> Ordering {
    let at = |text: Option<&String>| text?.parse::<Timestamp>().ok();
    let key = |request: &QueuedRequest| {
        let (due, settled) = (at(request.due_at.as_ref()), at(request.settled_at.as_ref()));
        let received = at(Some(&request.received_at));
        match settled {
            Some(_) => (true, Reverse(settled), false, None, received),
            None => (false, Reverse(None), due.is_none(), due, received),
        }
    };
    key(one).cmp(&key(other))
}

/// An answer within bounds. Without a name it is the owner's. Error: what is wrong.
pub fn answered(given: ReplyGiven, owner: &str, at: Timestamp) -> Result<Answered, &'static str> {
    let ReplyGiven { reply, words, by } = given;
    let (words, by) = (words.unwrap_or_default(), by.unwrap_or_default());
    if words.chars().count() > LONGEST_COMMENT || words.contains('\0') {
        return Err("`words` has more than 2000 characters");
    }
    if by.chars().count() > LONGEST_TEXT || by.contains(char::is_control) {
        return Err("`by` is no name of at most 256 characters");
    }
    let words = words.trim().to_owned();
    let by = Some(by.trim()).filter(|by| !by.is_empty()).unwrap_or(owner).to_owned();
    let reply = match reply {
        RequestReply::Done => Reply::Done,
        RequestReply::Refused => Reply::Refused,
    };
    if reply == Reply::Refused && words.is_empty() {
        return Err("whoever refuses says why, in `words`");
    }
    Ok(Answered { reply, words, by, at })
}

/// What was answered, as both ends are told.
pub fn answer(answered: &Answered) -> RequestAnswer {
    RequestAnswer {
        reply: match answered.reply {
            Reply::Done => RequestReply::Done,
            Reply::Refused => RequestReply::Refused,
        },
        words: answered.words.clone(),
        by: answered.by.clone(),
        at: answered.at.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use firstlight_domain::id::StepId;
    use uuid::Uuid;

    use super::{calendar::WorkingHours, *};
    use crate::store::{DeviceKey, PersonKey};

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn calendars() -> Calendars {
        let hours = |holidays: &str| WorkingHours {
            zone: "UTC".to_owned(),
            hours: "Mon-Fri 09:00-17:00".to_owned(),
            holidays: holidays.to_owned(),
        };
        let of = |version, holidays| (version, hours(holidays).calendar(version).unwrap());
        [of(1, ""), of(2, "2026-11-30")].into()
    }

    /// Asked on a Friday at four.
    fn request(sla: &str) -> Request {
        Request {
            id: Uuid::nil(),
            device: DeviceKey(1),
            person: PersonKey(1),
            journey: Uuid::nil(),
            step: StepId::new("vpn").unwrap(),
            title: "Ask for VPN".to_owned(),
            owner: "it-helpdesk".to_owned(),
            sla: Some(sla.to_owned()),
            name: None,
            asked: at("2026-11-27T15:00:00Z"),
            received: at("2026-11-27T16:00:00Z"),
            calendar: Some(1),
            ended: None,
            answered: None,
        }
    }

    #[test]
    fn a_promise_is_due_by_the_hours_it_was_given_under() {
        let due = |request: &Request| due(request, &calendars()).map(|due| due.to_string());
        let four = request("4 business hours");
        assert_eq!(due(&four).unwrap(), "2026-11-30T12:00:00Z");
        // A holiday that was added later moves no deadline that was given.
        assert_eq!(due(&Request { calendar: Some(2), ..four.clone() }).unwrap(), "2026-12-01T12:00:00Z");
        assert_eq!(due(&request("1 business day")).unwrap(), "2026-11-30T16:00:00Z");
        assert_eq!(due(&request("2 days")).unwrap(), "2026-11-29T16:00:00Z");
        assert_eq!(due(&request("soon")), None);
        assert_eq!(due(&Request { calendar: None, ..four }), None);
    }

    #[test]
    fn what_is_open_and_past_due_is_breached_and_what_was_withdrawn_in_time_was_no_promise() {
        let stands = |request: &Request, now: &str| promise(request, due(request, &calendars()), at(now));
        let open = request("4 business hours");
        assert_eq!(stands(&open, "2026-11-30T12:00:00Z"), PromiseView::Open);
        assert_eq!(stands(&open, "2026-11-30T12:00:01Z"), PromiseView::Breached);
        assert_eq!(stands(&request("soon"), "2026-12-30T12:00:00Z"), PromiseView::None);
        let answered = |when: &str| Request {
            answered: Some(Answered {
                reply: Reply::Refused,
                words: "No.".to_owned(),
                by: "it-helpdesk".to_owned(),
                at: at(when),
            }),
            ..open.clone()
        };
        assert_eq!(stands(&answered("2026-11-30T11:00:00Z"), "2026-12-30T12:00:00Z"), PromiseView::Met);
        assert_eq!(stands(&answered("2026-11-30T13:00:00Z"), "2026-12-30T12:00:00Z"), PromiseView::Breached);
        let ended = |closing, when: &str| Request { ended: Some((closing, at(when))), ..open.clone() };
        // Seen to be there before the machine found the hub again.
        let granted = ended(Closing::Granted, "2026-11-27T15:30:00Z");
        assert_eq!(stands(&granted, "2026-12-30T12:00:00Z"), PromiseView::Met);
        let in_time = ended(Closing::Withdrawn, "2026-11-30T11:00:00Z");
        assert_eq!(stands(&in_time, "2026-12-30T12:00:00Z"), PromiseView::None);
        let late = ended(Closing::Withdrawn, "2026-11-30T13:00:00Z");
        assert_eq!(stands(&late, "2026-12-30T12:00:00Z"), PromiseView::Breached);
    }

    #[test]
    fn an_answer_is_words_within_bounds_and_a_no_has_a_reason() {
        let given = |reply, words: &str, by: Option<&str>| {
            let (words, by) = (Some(words.to_owned()), by.map(str::to_owned));
            answered(ReplyGiven { reply, words, by }, "it-helpdesk", at("2026-11-27T16:00:00Z"))
        };
        let done = given(RequestReply::Done, " ", Some(" ")).unwrap();
        assert_eq!((done.words.as_str(), done.by.as_str()), ("", "it-helpdesk"));
        let refused = given(RequestReply::Refused, " Not yet. ", Some(" Grace ")).unwrap();
        assert_eq!((refused.words.as_str(), refused.by.as_str()), ("Not yet.", "Grace"));
        for (reply, words, by) in [
            (RequestReply::Refused, " ".to_owned(), None),
            (RequestReply::Done, "ü".repeat(2_001), None),
            (RequestReply::Done, "a\0b".to_owned(), None),
            (RequestReply::Done, String::new(), Some("Grace\u{1b}[2J")),
        ] {
            assert!(given(reply, &words, by).is_err(), "{reply:?} {words}");
        }
    }

    #[test]
    fn those_who_answer_see_how_long_is_left() {
        let seen = |now: &str| queued(&request("4 business hours"), &calendars(), at(now));
        let early = seen("2026-11-30T11:59:00Z");
        assert_eq!(
            (early.left_seconds, early.promise, early.state),
            (Some(60), PromiseView::Open, RequestState::Open)
        );
        assert_eq!((early.calendar, early.due_at.as_deref()), (Some(1), Some("2026-11-30T12:00:00Z")));
        let late = seen("2026-11-30T12:02:00Z");
        assert_eq!((late.left_seconds, late.promise), (Some(-120), PromiseView::Breached));
        assert_eq!(queued(&request("2 days"), &calendars(), at("2026-11-28T00:00:00Z")).calendar, None);
    }
}
