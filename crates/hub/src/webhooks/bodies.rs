//! What is told, in the shape each wants. What people wrote is text in all of them, never markup.

use firstlight_contract::requests::{QueuedRequest, RequestReply};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Happening, Template};

pub(super) fn body(
    template: &Template,
    happening: Happening,
    request: &QueuedRequest,
    id: Uuid,
    at: Timestamp,
) -> String {
    let body = match template {
        Template::CloudEvents => json!({
            "specversion": "1.0",
            "id": id,
            "source": "urn:firstlight:hub",
            "type": format!("dev.firstlight.hub.request.{}", happening.name()),
            "subject": request.id,
            "time": at,
            "datacontenttype": "application/json",
            "data": request,
        }),
        Template::Slack => slack(happening, request),
        Template::Jira { project } => jira(happening, request, project.as_deref()),
    };
    body.to_string()
}

/// One line for people.
fn headline(happening: Happening, request: &QueuedRequest) -> String {
    let QueuedRequest { owner, title, .. } = request;
    let who = request.name.clone().unwrap_or_else(|| format!("person {}", request.person));
    match (happening, &request.answer) {
        (Happening::Answered, Some(answer)) => {
            let said = match answer.reply {
                RequestReply::Done => "it is done",
                RequestReply::Refused => "no",
            };
            format!("{} answers {who} on “{title}”: {said}", answer.by)
        }
        (Happening::Opened | Happening::Answered, _) => format!("{who} asks {owner}: “{title}”"),
        (Happening::Breached, _) => format!("{who} still waits for {owner}: “{title}”"),
    }
}

/// What else is known.
fn details(request: &QueuedRequest) -> String {
    let words = request.answer.as_ref().map(|answer| answer.words.clone()).filter(|words| !words.is_empty());
    let due = request.due_at.as_ref().map(|due| format!("due {due}"));
    let sla = request.sla.as_ref().map(|sla| format!("promised within {sla}"));
    let parts = [words, sla, due, Some(format!("request {}", request.id))];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// As Slack's incoming webhooks take it: plain text in blocks, and escaped where it would be markup.
fn slack(happening: Happening, request: &QueuedRequest) -> Value {
    let plain = |text: String| json!({ "type": "plain_text", "text": text, "emoji": false });
    let headline = headline(happening, request);
    let escaped = headline.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    json!({
        "text": escaped,
        "blocks": [
            { "type": "section", "text": plain(headline) },
            { "type": "context", "elements": [plain(details(request))] },
        ],
    })
}

/// As Jira makes an issue of it.
fn jira(happening: Happening, request: &QueuedRequest, project: Option<&str>) -> Value {
    let mut fields = json!({
        "summary": headline(happening, request),
        "description": details(request),
        "issuetype": { "name": "Task" },
        "labels": ["firstlight", format!("request-{}", happening.name())],
    });
    if let Some(project) = project {
        fields["project"] = json!({ "key": project });
    }
    if let Some(day) = request.due_at.as_ref().and_then(|due| due.get(..10)) {
        fields["duedate"] = json!(day);
    }
    json!({ "fields": fields })
}

#[cfg(test)]
mod tests {
    use firstlight_contract::requests::{PromiseView, RequestAnswer, RequestState};

    use super::*;

    fn request() -> QueuedRequest {
        QueuedRequest {
            id: Uuid::nil().to_string(),
            owner: "it-helpdesk".to_owned(),
            title: "Ask for <VPN> & more".to_owned(),
            step: "vpn".to_owned(),
            name: None,
            person: 7,
            asked_at: "2026-11-27T16:00:00Z".to_owned(),
            received_at: "2026-11-27T16:00:00Z".to_owned(),
            sla: Some("4 business hours".to_owned()),
            due_at: Some("2026-11-30T12:00:00Z".to_owned()),
            calendar: Some(1),
            left_seconds: Some(60),
            promise: PromiseView::Open,
            state: RequestState::Open,
            settled_at: None,
            answer: None,
        }
    }

    fn told(template: &Template, happening: Happening, request: &QueuedRequest) -> Value {
        let at = "2026-11-27T16:00:01Z".parse().unwrap();
        serde_json::from_str(&body(template, happening, request, Uuid::max(), at)).unwrap()
    }

    #[test]
    fn each_shape_is_what_its_reader_takes() {
        let event = told(&Template::CloudEvents, Happening::Opened, &request());
        assert_eq!(event["type"], "dev.firstlight.hub.request.opened");
        assert_eq!((&event["specversion"], &event["id"]), (&json!("1.0"), &json!(Uuid::max())));
        assert_eq!(event["data"]["title"], "Ask for <VPN> & more");

        let slack = told(&Template::Slack, Happening::Opened, &request());
        assert_eq!(slack["text"], "person 7 asks it-helpdesk: “Ask for &lt;VPN&gt; &amp; more”");
        assert_eq!(slack["blocks"][0]["text"]["type"], "plain_text");
        assert_eq!(slack["blocks"][0]["text"]["text"], "person 7 asks it-helpdesk: “Ask for <VPN> & more”");

        let project = Some("IT".to_owned());
        let jira = told(&Template::Jira { project }, Happening::Breached, &request());
        let fields = &jira["fields"];
        assert_eq!((&fields["project"]["key"], &fields["duedate"]), (&json!("IT"), &json!("2026-11-30")));
        assert!(fields["summary"].as_str().unwrap().starts_with("person 7 still waits for it-helpdesk"));
        let nowhere = told(&Template::Jira { project: None }, Happening::Opened, &request());
        assert!(nowhere["fields"].get("project").is_none());
    }

    #[test]
    fn an_answer_is_told_with_who_gave_it_and_their_words() {
        let answer = RequestAnswer {
            reply: RequestReply::Refused,
            words: "Not before <!channel> Monday.".to_owned(),
            by: "Grace".to_owned(),
            at: "2026-11-27T17:00:00Z".to_owned(),
        };
        let answered = QueuedRequest { answer: Some(answer), name: Some("Ada".to_owned()), ..request() };
        let slack = told(&Template::Slack, Happening::Answered, &answered);
        assert_eq!(slack["blocks"][0]["text"]["text"], "Grace answers Ada on “Ask for <VPN> & more”: no");
        let context = &slack["blocks"][1]["elements"][0];
        assert_eq!(context["type"], "plain_text", "nobody calls a whole channel with their words");
        assert!(context["text"].as_str().unwrap().contains("<!channel>"));
    }
}
