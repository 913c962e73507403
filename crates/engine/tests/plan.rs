//! Plans, which look and never touch.
#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

mod common;

use common::*;
use firstlight_domain::{event::Event, plan::Outcome, state::StepState};
use firstlight_engine::{host::Host, testing::FakeHost};
use serde_json::json;

fn unknown_until(outcome: &Outcome, title: &str) -> bool {
    matches!(outcome, Outcome::Unknown(why) if why == &format!("cannot be known until `{title}` has run"))
}

#[tokio::test]
async fn every_step_is_in_the_group_it_honestly_belongs_to() {
    let host = FakeHost::new();
    std::fs::write(home(&host).join("there"), "").unwrap();
    let mut windows = touch("windows", &[]);
    windows.condition = Some("facts.os == 'windows'".into());
    let mut makes = script("makes", &[], "echo path=x >> $FIRSTLIGHT_OUTPUT");
    makes.outputs = vec!["path".into()];
    let uses = json!({ "check": ["test", "-e", "${{ steps.makes.outputs.path }}"], "run": ["true"] });
    let inside = json!({ "check": ["true"], "run": ["true"], "cwd": "~/not-yet" });
    let pack = pack(vec![
        touch("there", &[]),
        touch("missing", &[]),
        windows,
        makes,
        step("uses", &["makes"], "command", uses),
        step("inside", &["missing"], "command", inside.clone()),
        step("lost", &[], "command", inside),
        step("typo", &[], "command", json!({ "run": ["no-such-program", "x"] })),
        step("typo-here", &[], "command", json!({ "check": ["false"], "run": ["./no-such-program"] })),
        step(
            "brought",
            &["missing"],
            "command",
            json!({ "check": ["no-such-program"], "run": ["no-such-program"] }),
        ),
        step(
            "own-path",
            &[],
            "command",
            json!({ "run": ["no-such-program"], "env": { "PATH": "/opt/tool/bin" } }),
        ),
        step("ask", &[], "confirm", json!({ "text": "I did" })),
        step("strange", &[], "no/such", json!({})),
        touch("after", &["strange"]),
    ]);
    let plan = plan(&pack, &host).await;
    assert_eq!(outcome(&plan, "there"), Outcome::Ok);
    assert_eq!(outcome(&plan, "missing"), Outcome::WillChange("would run `touch missing`".into()));
    assert!(matches!(outcome(&plan, "windows"), Outcome::NotNeeded(_)));
    assert!(matches!(outcome(&plan, "makes"), Outcome::WillChange(_)));
    assert!(unknown_until(&outcome(&plan, "uses"), "Do makes"), "{:?}", outcome(&plan, "uses"));
    assert!(unknown_until(&outcome(&plan, "inside"), "Do missing"), "{:?}", outcome(&plan, "inside"));
    assert!(matches!(outcome(&plan, "lost"), Outcome::Unknown(why) if why.contains("not-yet")));
    for (step, program) in [("typo", "`no-such-program`"), ("typo-here", "`./no-such-program`")] {
        let outcome = outcome(&plan, step);
        assert!(
            matches!(&outcome, Outcome::Blocked(why) if why.contains(program) && why.contains("PATH")),
            "{outcome:?}"
        );
    }
    assert!(matches!(outcome(&plan, "own-path"), Outcome::WillChange(_)), "it may well be there");
    assert_eq!(outcome(&plan, "brought"), Outcome::WillChange("would run `no-such-program`".into()));
    assert!(matches!(outcome(&plan, "ask"), Outcome::WillChange(_)));
    assert!(matches!(outcome(&plan, "strange"), Outcome::Blocked(why) if why.contains("no/such")));
    assert!(matches!(outcome(&plan, "after"), Outcome::Blocked(why) if why.contains("Do strange")));
}

#[tokio::test]
async fn a_plan_changes_nothing() {
    let host = FakeHost::new();
    std::fs::write(home(&host).join("there"), "x").unwrap();
    let file = json!({ "path": "~/new/file", "content": "text" });
    let service = json!({ "run": ["sleep", "1"], "ready": { "tcp": "127.0.0.1:9" } });
    let mut pack = pack(vec![
        touch("a", &[]),
        touch("b", &["a"]),
        script("c", &[], "echo x > c"),
        step("file", &[], "file", file),
        step("service", &[], "service", service),
        step("key", &[], "ssh/key", json!({ "type": "ed25519" })),
    ]);
    pack.policy.paths = Some(vec!["~".into()]);
    let before = snapshot(&host.folder());
    let plan = plan(&pack, &host).await;
    assert_eq!(snapshot(&host.folder()), before);
    assert_eq!(host.events(), vec![]);
    assert_eq!(plan.counts(), (6, 0, 0, 0), "{plan:?}");
    assert!(
        plan.steps.iter().any(|step| !step.resolved.files.is_empty()),
        "a file's diff is part of the plan"
    );
}

#[tokio::test]
async fn what_holds_already_gives_its_outputs_to_later_steps() {
    let host = FakeHost::new();
    let mut makes = script("makes", &[], "echo path=made >> $FIRSTLIGHT_OUTPUT");
    makes.outputs = vec!["path".into()];
    let uses = json!({ "check": ["test", "${{ steps.makes.outputs.path }}", "=", "made"], "run": ["false"] });
    let pack = pack(vec![makes, step("uses", &["makes"], "command", uses)]);
    run(&pack, &host).await;
    let again = plan(&pack, &host).await;
    assert_eq!(again.counts(), (0, 2, 0, 0), "{again:?}");
}

#[tokio::test]
async fn what_a_person_did_holds() {
    let host = FakeHost::new();
    let pack = pack(vec![step("ask", &[], "confirm", json!({ "text": "I did" }))]);
    let state = StepState::Satisfied { outputs: std::collections::BTreeMap::new() };
    host.record(vec![Event::StepChanged { step: id("ask"), run: None, state, done: None }]).unwrap();
    assert_eq!(outcome(&plan(&pack, &host).await, "ask"), Outcome::Ok);
}

#[tokio::test]
async fn the_policy_is_enforced() {
    let host = FakeHost::new();
    let mut elevated = touch("elevated", &[]);
    elevated.elevation = firstlight_domain::pack::Elevation::Elevated;
    let mut secret = touch("secret", &[]);
    secret.secrets.env.insert("T".into(), firstlight_domain::id::CredentialName::new("token").unwrap());
    let clone = json!({ "url": "https://git.acme.test/x.git", "into": "~/src/x" });
    let file = json!({ "path": "~/elsewhere/file", "content": "text" });
    let steps =
        vec![elevated, secret, step("clone", &[], "git/clone", clone), step("file", &[], "file", file)];
    let mut pack = pack(steps);
    pack.policy.paths = Some(vec!["~/src".into()]);
    let refused = plan(&pack, &host).await;
    let why = |step: &str| match outcome(&refused, step) {
        Outcome::Blocked(why) => why,
        other => panic!("{step}: {other:?}"),
    };
    assert!(why("elevated").contains("administrator rights"));
    assert!(why("secret").contains("`token`"));
    assert!(why("clone").contains("git.acme.test"));
    assert!(why("file").contains("elsewhere"));
    // A list that allows nothing is not the same as no list.
    pack.policy.paths = Some(Vec::new());
    assert!(matches!(outcome(&plan(&pack, &host).await, "file"), Outcome::Blocked(_)));
    pack.policy.paths = None;
    assert!(matches!(outcome(&plan(&pack, &host).await, "file"), Outcome::WillChange(_)));
    pack.policy.hosts = vec!["*.acme.test".into()];
    pack.policy.paths = Some(vec!["~/src".into(), "~/elsewhere".into()]);
    pack.policy.elevation = true;
    let allowed = plan(&pack, &host).await;
    for step in ["elevated", "file", "clone"] {
        assert!(
            matches!(outcome(&allowed, step), Outcome::WillChange(_)),
            "{step}: {:?}",
            outcome(&allowed, step)
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checks_run_at_the_same_time() {
    let host = FakeHost::new();
    let slow = json!({ "check": ["sleep", "0.5"], "run": ["true"] });
    let names = ["a", "b", "c", "d"];
    let pack = pack(names.iter().map(|name| step(name, &[], "command", slow.clone())).collect());
    let begun = std::time::Instant::now();
    assert_eq!(plan(&pack, &host).await.counts(), (0, 4, 0, 0));
    assert!(begun.elapsed() < std::time::Duration::from_millis(1_500), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_check_that_cannot_be_made_because_its_program_is_still_to_be_built_is_a_change() {
    let host = FakeHost::new();
    let with = json!({ "check": ["bin/built"], "run": ["touch", "x"] });
    let pack = pack(vec![step("build", &[], "command", with)]);
    assert!(matches!(outcome(&plan(&pack, &host).await, "build"), Outcome::WillChange(_)));
}
