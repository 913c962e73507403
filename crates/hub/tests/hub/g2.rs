//! G2: nobody gets anything that this table does not say.

use firstlight_contract::hub::BATCH;
use firstlight_hub::{
    http::{ROUTES, has_page},
    rights::Role,
};
use reqwest::RequestBuilder;
use serde_json::Value;

use crate::common::{Device, Hub, read};

/// Method, path, and the status for: nobody in particular, a device (a member), a revoked device, somebody with a made-up
/// token, somebody who comes through a proxy from elsewhere; and from elsewhere, with the token of: a viewer, an author, a
/// publisher, a security reviewer, a step owner, an admin.
#[rustfmt::skip]
const TABLE: &[(&str, &str, [u16; 11])] = &[
    ("POST", "/v1/devices", [403, 403, 403, 403, 403, 403, 403, 403, 403, 403, 403]),
    ("GET", "/v1/devices/self", [401, 200, 401, 401, 401, 401, 401, 401, 401, 401, 401]),
    ("POST", "/v1/devices/self/token", [401, 201, 401, 401, 401, 401, 401, 401, 401, 401, 401]),
    ("POST", "/v1/events", [401, 200, 401, 401, 401, 401, 401, 401, 401, 401, 401]),
    // Asked without saying which release.
    ("GET", "/v1/releases/signal", [400, 400, 400, 400, 401, 403, 403, 403, 403, 403, 403]),
    ("POST", "/v1/signals/cdevents", [401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 401]),
    // Their bodies say who sends: a token in it, a signature over it.
    ("POST", "/batch", [401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 401]),
    ("POST", "/batch/", [401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 401]),
    ("POST", "/v1/hooks/github", [403, 403, 403, 403, 403, 403, 403, 403, 403, 403, 403]),
    ("POST", "/v1/hooks/gitlab", [403, 403, 403, 403, 403, 403, 403, 403, 403, 403, 403]),
    ("GET", "/healthz", [200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200]),
    ("GET", "/readyz", [200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200]),
    ("GET", "/metrics", [200, 200, 200, 200, 401, 403, 403, 403, 403, 403, 403]),
    ("GET", "/openapi.json", [200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200]),
    // There is no repository of releases.
    ("GET", "/releases/{*path}", [404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404]),
    // Where the hub was built with its page, see below.
    ("GET", "/insights", [200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200]),
    ("GET", "/queue", [200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200]),
    // No file is called `{file}`.
    ("GET", "/insights/{file}", [404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404]),
    // Without an identity provider.
    ("GET", "/v1/signin", [404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404]),
    ("GET", "/v1/signin/callback", [404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404]),
    ("POST", "/v1/signin/device", [404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404]),
    ("POST", "/v1/signin/device/token", [404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404]),
    // Without a token to exchange.
    ("POST", "/v1/session", [400, 400, 400, 400, 400, 400, 400, 400, 400, 400, 400]),
    ("GET", "/v1/session", [200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200]),
    ("POST", "/v1/session/end", [204, 204, 204, 204, 204, 204, 204, 204, 204, 204, 204]),
    ("GET", "/v1/insights/filters", [401, 401, 401, 401, 401, 200, 200, 200, 200, 403, 200]),
    ("GET", "/v1/insights/summary", [401, 401, 401, 401, 401, 200, 200, 200, 200, 403, 200]),
    ("GET", "/v1/insights/ttfv", [401, 401, 401, 401, 401, 200, 200, 200, 200, 403, 200]),
    ("GET", "/v1/insights/steps", [401, 401, 401, 401, 401, 200, 200, 200, 200, 403, 200]),
    ("GET", "/v1/insights/funnel", [401, 401, 401, 401, 401, 200, 200, 200, 200, 403, 200]),
    ("GET", "/v1/insights/activity", [401, 401, 401, 401, 401, 200, 200, 200, 200, 403, 200]),
    ("GET", "/v1/insights/services", [401, 401, 401, 401, 401, 200, 200, 200, 200, 403, 200]),
    ("GET", "/v1/insights/surveys", [401, 401, 401, 401, 401, 200, 200, 200, 200, 403, 200]),
    // Asked without saying which release.
    ("GET", "/v1/insights/retrospective", [401, 401, 401, 401, 401, 400, 400, 400, 400, 403, 400]),
    ("GET", "/v1/insights/completeness", [401, 401, 401, 401, 401, 200, 200, 200, 200, 403, 200]),
    ("GET", "/v1/insights/sla", [401, 401, 401, 401, 401, 200, 200, 200, 200, 403, 200]),
    ("GET", "/v1/surveys/cooldown", [401, 200, 401, 401, 401, 401, 401, 401, 401, 401, 401]),
    ("GET", "/v1/surveys/results", [401, 401, 401, 401, 401, 200, 200, 200, 200, 403, 200]),
    ("GET", "/v1/devices/self/requests", [401, 200, 401, 401, 401, 401, 401, 401, 401, 401, 401]),
    ("GET", "/v1/requests", [401, 401, 401, 401, 401, 403, 403, 403, 403, 200, 200]),
    // Such an id is none.
    ("POST", "/v1/requests/{id}/answer", [401, 401, 401, 401, 401, 403, 403, 403, 403, 404, 404]),
    ("GET", "/v1/audit", [401, 401, 401, 401, 401, 403, 403, 403, 200, 403, 200]),
    ("GET", "/v1/audit/checkpoint", [401, 401, 401, 401, 401, 403, 403, 403, 200, 403, 200]),
];

/// The roles, in the order of the table.
const ROLES: [&str; 6] =
    ["viewer", "author", "publisher", "security-reviewer", "step-owner:it-helpdesk", "admin"];

fn ask(hub: &Hub, method: &str, path: &str) -> RequestBuilder {
    match (method, path) {
        ("POST", "/v1/devices") => hub
            .post(path)
            .header("content-type", "application/json")
            .body(format!("{{\"code\":\"NONE\",\"source\":\"urn:uuid:{}\"}}", uuid::Uuid::nil())),
        ("POST", "/v1/events") => hub.post(path).header("content-type", BATCH).body("[]"),
        ("POST", "/batch" | "/batch/") => hub
            .post(path)
            .header("content-type", "application/json")
            .body(r#"{"api_key":"made-up","batch":[]}"#),
        ("POST", path) => hub.post(path).header("content-type", "application/json").body("{}"),
        ("GET", path) => hub.get(path),
        other => panic!("say how {other:?} is asked"),
    }
}

#[tokio::test]
async fn g2_every_route_answers_each_kind_of_caller_as_the_table_says() {
    let listed: Vec<_> = ROUTES.iter().map(|route| (route.method, route.path)).collect();
    assert_eq!(ROLES.map(|role| role.split(':').next().unwrap()), Role::ALL.map(Role::name));
    assert_eq!(listed, TABLE.iter().map(|(method, path, _)| (*method, *path)).collect::<Vec<_>>());

    let hub = Hub::start_with("metrics_token = \"a-long-metrics-token\"");
    let (device, revoked) = (hub.enrol().await, hub.enrol().await);
    hub.say(&["device", "revoke", &revoked.id.to_string()]);
    let of_roles = ROLES.map(|role| hub.token_of(role, role));
    let mut tokens = vec![None, Some(device.token.as_str()), Some(&revoked.token), Some("flr_made-up"), None];
    tokens.extend(of_roles.iter().map(|token| Some(token.as_str())));
    for (method, path, expected) in TABLE {
        for (who, (token, status)) in tokens.iter().zip(expected).enumerate() {
            let status = if ["/insights", "/queue"].contains(path) && !has_page() { &404 } else { status };
            let mut request = ask(&hub, method, path);
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            if who >= 4 {
                request = request.header("x-forwarded-for", "203.0.113.7");
            }
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status().as_u16(), *status, "{method} {path}, caller {who}");
        }
    }
    let through = |token| hub.get("/metrics").header("x-forwarded-for", "203.0.113.7").bearer_auth(token);
    assert_eq!(through("a-long-metrics-token").send().await.unwrap().status(), 200);
    assert_eq!(through(&device.token).send().await.unwrap().status(), 403);
}

#[tokio::test]
async fn g2_a_device_speaks_for_itself_only() {
    let hub = Hub::start();
    let (one, other) = (hub.enrol().await, hub.enrol().await);
    let forged = Device { id: other.id, token: one.token.clone() };
    let verdicts = forged.send(&hub, &other.events([1, 2])).await;
    assert!(verdicts.iter().all(|verdict| format!("{verdict:?}").contains("ForeignSource")), "{verdicts:?}");
    for device in [&one, &other] {
        let standing = device.standing(&hub).await;
        assert_eq!((standing.high_water, standing.accepted, standing.refused), (0, 0, 0));
        assert_eq!(standing.device, device.id.to_string());
    }
}

#[tokio::test]
async fn g2_whatever_is_not_listed_does_not_exist() {
    let hub = Hub::start();
    for path in ["/", "/v1", "/v1/devices/other", "/v1/events/", "/admin"] {
        assert_eq!(hub.get(path).send().await.unwrap().status().as_u16() / 100, 4, "{path}");
    }
    assert_eq!(hub.get("/v1/events").send().await.unwrap().status(), 405);
    for route in ROUTES {
        let url = format!("{}{}", hub.url, route.path);
        let deleted = hub.client.delete(url).send().await.unwrap();
        assert_eq!(deleted.status(), 405, "{}", route.path);
        assert!(deleted.headers()["allow"].to_str().unwrap().contains(route.method), "{}", route.path);
    }
}

#[tokio::test]
async fn the_description_names_every_route_and_answer() {
    let hub = Hub::start();
    let document: Value = read(hub.get("/openapi.json").send().await.unwrap()).await;
    let mut described = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let route = ROUTES.iter().find(|route| {
                route.path.replace("{*", "{") == *path && route.method == method.to_uppercase()
            });
            let answers: Vec<String> = route.unwrap().answers.iter().map(u16::to_string).collect();
            assert_eq!(
                operation["responses"].as_object().unwrap().keys().cloned().collect::<Vec<_>>(),
                answers
            );
            described += 1;
        }
    }
    assert_eq!(described, ROUTES.len());
    let text = document.to_string();
    let referred = text.split("\"#/components/schemas/").skip(1).map(|rest| rest.split('"').next().unwrap());
    for schema in referred {
        assert!(document["components"]["schemas"][schema].is_object(), "{schema}");
    }
}
