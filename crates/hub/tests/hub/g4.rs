//! G4: whatever `/openapi.json` allows or does not allow is asked, by each kind of caller, on both databases. schemathesis makes
//! it up and checks every answer; all of its checks are on.

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use firstlight_hub::http::{ROUTES, Route, Who};
use serde::Deserialize;
use uuid::Uuid;

use crate::{common::Hub, requests};

const VERSION: &str = "schemathesis, version 4.32.5";
const SEED: &str = "20261127";
/// How many cases are made up for each operation, beside those that follow from its description.
const EXAMPLES: &str = "20";

const METRICS_TOKEN: &str = "a-long-metrics-token";
const GITHUB_SECRET: &str = "what-github-signs-with";
const GITLAB_SECRET: &str = "what-gitlab-signs-with";

/// Somebody who asks. All of them come from elsewhere: on the hub's own machine everybody is the operator.
struct Caller {
    name: &'static str,
    token: Option<String>,
    /// What `g4.py` needs to sign and to fill in.
    secrets: Vec<(&'static str, String)>,
    /// Where they have to be let in.
    may: fn(&Route) -> bool,
}

/// Whether whoever may ask is told by what they send.
fn is_vouched(route: &Route) -> bool {
    route.path.starts_with("/batch") || route.path.starts_with("/v1/hooks/")
}

/// What goes well for nobody here, and in which test it does: no path of several folders can be described, the page is built
/// by itself, and nobody signs in without a provider.
const ELSEWHERE: &[&str] = &[
    "/releases/{*path}",
    "/insights",
    "/queue",
    "/insights/{file}",
    "/v1/signin",
    "/v1/signin/callback",
    "/v1/signin/device",
    "/v1/signin/device/token",
];

fn callers(hub: &Hub, device: &str, request: Uuid) -> Vec<Caller> {
    let integration = hub.say(&["integration", "new", "g4"]).trim().to_owned();
    let secrets = vec![
        ("G4_API_KEY", integration.clone()),
        ("G4_GITHUB_SECRET", GITHUB_SECRET.to_owned()),
        ("G4_GITLAB_SECRET", GITLAB_SECRET.to_owned()),
    ];
    let admin = hub.token_of("ada", "admin");
    let of_admin = vec![("G4_TOKEN", admin.clone()), ("G4_REQUEST", request.to_string())];
    let one = |name, token: Option<&str>, secrets, may| Caller {
        name,
        token: token.map(str::to_owned),
        secrets,
        may,
    };
    vec![
        one("nobody", None, vec![], |route| {
            route.who == Who::Anyone && (route.method == "GET" || route.path == "/v1/session/end")
        }),
        one("device", Some(device), vec![], |route| route.who == Who::Device),
        one("program", Some(&integration), secrets, |route| {
            route.who == Who::Integration || is_vouched(route)
        }),
        one("admin", Some(&admin), of_admin, |route| {
            matches!(route.who, Who::Role(_)) || (route.path, route.method) == ("/v1/session", "POST")
        }),
        one("operator", Some(METRICS_TOKEN), vec![], |route| route.who == Who::Operator),
    ]
}

/// What schemathesis reports.
#[derive(Debug, Deserialize)]
struct Report {
    complete: bool,
    operations: Operations,
    test_cases: TestCases,
    /// For each operation and phase, what came of what its description allows.
    valid_rates: BTreeMap<String, BTreeMap<String, Rate>>,
}

#[derive(Debug, Deserialize)]
struct Operations {
    tested: usize,
}

#[derive(Debug, Deserialize)]
struct TestCases {
    generated: usize,
}

#[derive(Debug, Deserialize)]
struct Rate {
    accepted: usize,
}

/// Said past the harness, which would keep it to itself.
fn not_tested(why: &str) {
    std::io::stderr().write_all(format!("not tested with schemathesis: {why}\n").as_bytes()).unwrap();
}

/// The program, if it is there in the version whose checks are meant.
fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found =
        std::env::split_paths(&path).map(|folder| folder.join("schemathesis")).find(|file| file.is_file());
    let Some(program) = found else {
        not_tested("it is not installed");
        return None;
    };
    let version = Command::new(&program).arg("--version").output().unwrap().stdout;
    let version = String::from_utf8(version).unwrap();
    if version.trim() != VERSION {
        not_tested(&format!("it is `{}`, not `{VERSION}`", version.trim()));
        return None;
    }
    Some(program)
}

fn ask(program: &Path, hub: &Hub, caller: &Caller) -> Child {
    let folder = hub.folder.path().join(caller.name);
    fs::create_dir(&folder).unwrap();
    let mut command = Command::new(program);
    command
        .args(["--config-file", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/hub/g4.toml")])
        .args(["run", &format!("{}/openapi.json", hub.url), "--checks", "all", "--no-color"])
        .args(["--seed", SEED, "--max-examples", EXAMPLES, "--generation-database", "none"])
        .args(["--report", "json", "--report-json-path", "report.json"])
        .args(["--header", "X-Forwarded-For: 203.0.113.7"]);
    if let Some(token) = &caller.token {
        command.args(["--header", &format!("Authorization: Bearer {token}")]);
    }
    command
        .env("SCHEMATHESIS_HOOKS", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/hub/g4.py"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("NO_PROXY", "*")
        .envs(caller.secrets.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(fs::File::create(folder.join("output")).unwrap())
        .stderr(Stdio::inherit())
        .current_dir(&folder);
    command.spawn().unwrap()
}

async fn holds(start: impl FnOnce(&str) -> Hub) {
    let Some(program) = program() else { return };
    let hub = start(&format!(
        "enrolments_per_minute = 1000000\nmetrics_token = {METRICS_TOKEN:?}\nhooks.github_secret = {GITHUB_SECRET:?}\n\
         hooks.gitlab_secret = {GITLAB_SECRET:?}"
    ));
    // Somebody to tell figures of.
    hub.say(&["simulate", "--hub", &hub.url, "--people", "30", "--weeks", "4"]);
    let device = hub.enrol().await;
    let request = Uuid::now_v7();
    device.send(&hub, &[requests::opened(&device, 1, request, "it-helpdesk", Some("2 days"))]).await;
    for caller in &callers(&hub, &device.token, request) {
        let mut asking = ask(&program, &hub, caller);
        let status = tokio::task::spawn_blocking(move || asking.wait().unwrap()).await.unwrap();
        let file = |name: &str| fs::read_to_string(hub.folder.path().join(caller.name).join(name));
        assert!(status.success(), "{}: {}", caller.name, file("output").unwrap());
        let report: Report = serde_json::from_str(&file("report.json").unwrap()).unwrap();
        assert!(report.complete, "{}", caller.name);
        // All but the description itself.
        assert_eq!(report.operations.tested, ROUTES.len() - 1, "{}", caller.name);
        assert!(report.test_cases.generated > 10 * ROUTES.len(), "{report:?}");
        let goes_well = |route: &&Route| {
            (caller.may)(route) && route.path != "/openapi.json" && !ELSEWHERE.contains(&route.path)
        };
        for route in ROUTES.iter().filter(goes_well) {
            let label = format!("{} {}", route.method, route.path);
            let phases = report.valid_rates.get(&label).unwrap_or_else(|| panic!("{label} was not asked"));
            assert!(
                phases.values().any(|rate| rate.accepted > 0),
                "{}: {label} never went well",
                caller.name
            );
        }
    }
    assert_eq!(hub.get("/readyz").send().await.unwrap().status(), 200);
    let log = hub.log();
    assert!(!log.contains("panicked") && !log.contains("could not be answered"), "{log}");
}

#[tokio::test]
async fn g4_every_answer_is_described_on_sqlite() {
    holds(Hub::start_with).await;
}

#[cfg(unix)]
#[tokio::test]
async fn g4_every_answer_is_described_on_postgres() {
    let Some(server) = crate::postgres::Server::shared() else { return };
    holds(|config| Hub::start_on_with(&server.fresh(), config)).await;
}
