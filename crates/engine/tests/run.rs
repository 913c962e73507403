//! Runs of whole checklists, with real processes.
#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

mod common;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use common::*;
use firstlight_domain::{
    event::Event,
    id::CredentialName,
    kind::Class,
    pack::{Elevation, OnFailure, Step},
    plan::{Outcome, Plan},
    state::{StepState, WaitsOn},
};
use firstlight_engine::{facts::Admin, host::Live, process::read_log, testing::FakeHost};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_holds_up_only_what_needs_it() {
    let host = FakeHost::new();
    let steps = vec![
        script("bad", &[], "echo before; echo reason >&2; exit 3"),
        touch("behind", &["bad"]),
        touch("further", &["behind"]),
        touch("apart", &[]),
        touch("beside", &["apart"]),
    ];
    let summary = run(&pack(steps), &host).await;
    assert_eq!(summary.failed, ids(&["bad"]));
    assert_eq!(summary.changed, ids(&["apart", "beside"]));
    assert_eq!(summary.blocked, ids(&["behind", "further"]));
    assert!(!summary.ok());
    let Some(StepState::Failed(failure)) = state(&host, "bad") else { panic!("not failed") };
    assert!(failure.cause.contains("ended with code 3"), "{failure:?}");
    assert!(failure.last_lines.contains(&"reason".to_owned()), "{failure:?}");
    let reason = "`Do bad` has to be done first".to_owned();
    assert_eq!(state(&host, "behind"), Some(StepState::Blocked { by: ids(&["bad"]), reason }));
    assert!(!home(&host).join("behind").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_critical_failure_stops_the_run_unless_told_to_keep_going() {
    let mut bad = script("bad", &[], "sleep 0.2; exit 1");
    bad.on_failure = OnFailure::Stop;
    let steps = vec![bad, script("long", &[], "sleep 30"), touch("later", &["long"])];
    let host = FakeHost::new();
    let begun = Instant::now();
    let summary = run(&pack(steps.clone()), &host).await;
    assert!(begun.elapsed() < Duration::from_secs(5), "the others were not stopped");
    assert_eq!(summary.failed, ids(&["bad"]));
    assert!(!summary.cancelled, "nobody cancelled it");
    assert_eq!(state(&host, "long"), Some(StepState::Ready));
    assert_eq!(state(&host, "later"), None);

    let mut steps = steps;
    steps[1] = script("long", &[], "sleep 0.5");
    let host = FakeHost::new();
    let summary = run_with(&pack(steps), &host, Options { keep_going: true, ..Options::default() }).await;
    assert_eq!(summary.changed, ids(&["long", "later"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_best_effort_step_that_fails_is_named_and_makes_the_run_no_less_ok() {
    let best_effort = |step| Step { on_failure: OnFailure::GoOn, ..step };
    let host = FakeHost::new();
    let steps = vec![
        best_effort(script("fonts", &[], "exit 3")),
        best_effort(touch("theme", &["fonts"])),
        touch("apart", &[]),
    ];
    let summary = run(&pack(steps), &host).await;
    assert_eq!(summary.best_effort, ids(&["fonts", "theme"]));
    assert_eq!((summary.failed.as_slice(), summary.blocked.as_slice()), ([].as_slice(), [].as_slice()));
    assert_eq!(summary.changed, ids(&["apart"]));
    assert!(summary.ok());
    assert!(matches!(state(&host, "fonts"), Some(StepState::Failed(_))), "it is not hidden");
    assert!(matches!(state(&host, "theme"), Some(StepState::Blocked { .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_step_leaves_to_the_person_is_due_once_it_has_changed_something() {
    let due = |host: &FakeHost| -> Vec<(String, Vec<String>)> {
        let events = host.events().into_iter();
        let due = events.filter_map(|event| match event {
            Event::FollowUpDue { step, texts } => Some((step.to_string(), texts)),
            _ => None,
        });
        due.collect()
    };
    let left = |step, text: &str| Step { follow_up: Some(text.into()), ..step };
    let host = FakeHost::new();
    let steps = vec![
        left(touch("group", &[]), "Log in again, ${{ inputs.name }}."),
        left(script("bad", &[], "exit 1"), "Never."),
        left(step("editor", &[], "env", json!({ "name": "EDITOR", "value": "vim" })), "Choose a theme."),
    ];
    let options = || Options { inputs: vec![("name", "Ada")], ..Options::default() };
    run_with(&pack(steps.clone()), &host, options()).await;
    let of_kind = "Open a new terminal: those that are open do not know the new `EDITOR` yet.";
    let mut found = due(&host);
    found.sort();
    let expected = [
        ("editor".to_owned(), vec!["Choose a theme.".to_owned(), of_kind.to_owned()]),
        ("group".to_owned(), vec!["Log in again, Ada.".to_owned()]),
    ];
    assert_eq!(found, expected);
    // What holds already leaves nothing; what failed before and holds now may have been our doing.
    let mut steps = steps;
    steps[1] = left(touch("bad", &[]), "Now.");
    std::fs::write(home(&host).join("bad"), "").unwrap();
    run_with(&pack(steps), &host, options()).await;
    let later = due(&host);
    assert_eq!(later.len(), 3);
    assert_eq!(later[2], ("bad".to_owned(), vec!["Now.".to_owned()]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e6_steps_that_change_one_file_wait_for_each_other() {
    let host = FakeHost::new();
    let names: Vec<String> = (0..12).map(|number| format!("n{number}")).collect();
    let steps = names.iter().enumerate().map(|(number, name)| {
        // However the path is written.
        let path = if number % 2 == 0 { "~/.profile" } else { "~/./.profile" };
        match number % 3 {
            0 => step(name, &[], "env", json!({ "name": name.to_uppercase(), "value": "x" })),
            1 => step(name, &[], "file", json!({ "path": path, "merge": { name: number }, "format": "ini" })),
            _ => step(name, &[], "file", json!({ "path": path, "block": format!("# {name}") })),
        }
    });
    let options = Options { parallel: Some(12), ..Options::default() };
    let summary = run_with(&pack(steps.collect()), &host, options).await;
    assert!(summary.ok() && summary.changed.len() == 12, "{summary:?}");
    let profile = std::fs::read_to_string(home(&host).join(".profile")).unwrap();
    for (number, name) in names.iter().enumerate() {
        let written = match number % 3 {
            0 => format!("export {}=", name.to_uppercase()),
            1 => format!("{name}={number}\n"),
            _ => format!("# {name}\n"),
        };
        assert!(profile.contains(&written), "{name} was not overwritten: {profile}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn independent_steps_run_at_the_same_time_within_the_limit() {
    let host = FakeHost::new();
    let names = ["a", "b", "c", "d"];
    let steps: Vec<_> = names.iter().map(|name| script(name, &[], "sleep 0.5")).collect();
    let pack = pack(steps);
    let begun = Instant::now();
    let summary = run(&pack, &host).await;
    assert_eq!(summary.changed.len(), 4);
    assert!(begun.elapsed() < Duration::from_millis(1_500), "they ran one after another");

    let begun = Instant::now();
    let summary =
        run_with(&pack, &FakeHost::new(), Options { parallel: Some(1), ..Options::default() }).await;
    assert_eq!(summary.changed.len(), 4);
    assert!(begun.elapsed() >= Duration::from_secs(2), "the limit was not kept");
}

#[tokio::test]
async fn the_longest_way_to_first_value_goes_first() {
    let mut aside = touch("aside", &[]);
    aside.estimate = Some(Duration::from_secs(9_000));
    let mut long = touch("long", &[]);
    long.estimate = Some(Duration::from_secs(600));
    let mut first = touch("first", &["short", "long"]);
    first.first_value = true;
    let host = FakeHost::new();
    let pack = pack(vec![aside, touch("short", &[]), long, first]);
    run_with(&pack, &host, Options { parallel: Some(1), ..Options::default() }).await;
    let running = host.events().into_iter().filter_map(|event| match event {
        Event::StepChanged { step, state: StepState::Running, .. } => Some(step),
        _ => None,
    });
    assert_eq!(running.collect::<Vec<_>>(), ids(&["long", "short", "first", "aside"]));
}

#[tokio::test]
async fn how_long_a_step_took_here_says_more_than_the_pack() {
    let mut said = touch("said", &[]);
    said.estimate = Some(Duration::from_secs(600));
    let mut first = touch("first", &["said", "took"]);
    first.first_value = true;
    let host = FakeHost::new();
    let pack = pack(vec![said, touch("took", &[]), first]);
    let took = BTreeMap::from([(id("said"), Duration::from_secs(1)), (id("took"), Duration::from_secs(60))]);
    run_with(&pack, &host, Options { parallel: Some(1), took, ..Options::default() }).await;
    let running = host.events().into_iter().filter_map(|event| match event {
        Event::StepChanged { step, state: StepState::Running, .. } => Some(step),
        _ => None,
    });
    assert_eq!(running.collect::<Vec<_>>(), ids(&["took", "said", "first"]));
}

#[tokio::test]
async fn a_second_run_changes_nothing_and_records_nothing() {
    let host = FakeHost::new();
    let mut last = touch("b", &["a", "once"]);
    last.first_value = true;
    let mut skipped = touch("windows", &[]);
    skipped.condition = Some("facts.os == 'windows'".into());
    let pack = pack(vec![touch("a", &[]), script("once", &[], "echo x >> counted"), skipped, last]);
    let first = run(&pack, &host).await;
    assert!(first.first_value_reached && first.ok());
    assert_eq!(first.changed.len(), 3);
    let events = host.events();
    let second = run(&pack, &host).await;
    assert_eq!(second.changed, vec![]);
    assert_eq!(second.satisfied.len(), 4);
    assert!(second.first_value_reached);
    assert_eq!(host.events(), events);
    assert_eq!(std::fs::read_to_string(home(&host).join("counted")).unwrap(), "x\n");
}

#[tokio::test]
async fn what_a_plan_found_is_looked_at_again_only_behind_a_change() {
    // Each look leaves a line.
    let counted = |name: &str, needs: &[&str]| {
        let check = format!("echo look >> {name}.looks; test -e {name}");
        let with = json!({ "check": [check], "run": [format!("touch {name}")], "shell": true });
        step(name, needs, "command", with)
    };
    let host = FakeHost::new();
    let steps = vec![
        counted("there", &[]),
        counted("on-there", &["there"]),
        counted("missing", &[]),
        counted("behind", &["missing"]),
        counted("far-behind", &["behind", "there"]),
    ];
    let pack = pack(steps);
    for name in ["there", "on-there", "behind", "far-behind"] {
        std::fs::write(home(&host).join(name), "").unwrap();
    }
    let planned = plan(&pack, &host).await;
    let held: BTreeMap<_, _> =
        planned.steps.into_iter().filter_map(|step| Some((step.id, step.held?))).collect();
    assert_eq!(held.len(), 4);
    let summary = run_with(&pack, &host, Options { held, ..Options::default() }).await;
    assert_eq!(summary.changed, ids(&["missing"]));
    assert_eq!(summary.satisfied.len(), 4);
    let looks = |name: &str| {
        std::fs::read_to_string(home(&host).join(format!("{name}.looks"))).unwrap().lines().count()
    };
    assert_eq!((looks("there"), looks("on-there")), (1, 1), "the plan's look counts");
    assert_eq!((looks("behind"), looks("far-behind")), (2, 2), "what they need has changed");
    assert_eq!(looks("missing"), 3, "before it ran, and after");
    assert!(
        matches!(state(&host, "on-there"), Some(StepState::Satisfied { .. })),
        "it is recorded all the same"
    );
}

#[tokio::test]
async fn what_has_no_check_is_done_once_for_each_content() {
    let host = FakeHost::new();
    let first = pack(vec![script("once", &[], "echo x >> counted")]);
    run(&first, &host).await;
    run(&first, &host).await;
    let other = pack(vec![script("once", &[], "echo y >> counted")]);
    run(&other, &host).await;
    run(&other, &host).await;
    assert_eq!(std::fs::read_to_string(home(&host).join("counted")).unwrap(), "x\ny\n");
    let failing = pack(vec![script("never", &[], "echo z >> counted; exit 1")]);
    run(&failing, &host).await;
    run(&failing, &host).await;
    assert_eq!(std::fs::read_to_string(home(&host).join("counted")).unwrap(), "x\ny\nz\nz\n");
}

#[tokio::test]
async fn first_value_is_recorded_with_the_step_that_reached_it_and_only_then() {
    let mut serve = script("serve", &[], "exit 1");
    serve.first_value = true;
    let host = FakeHost::new();
    let summary = run(&pack(vec![serve.clone()]), &host).await;
    assert!(!summary.first_value_reached);
    assert!(!host.events().iter().any(|event| matches!(event, Event::FirstValueReached { .. })));
    serve.with = json!({ "run": ["true"] });
    assert!(run(&pack(vec![serve]), &host).await.first_value_reached);
    let events = host.events();
    let [.., Event::StepChanged { state: StepState::Changed { .. }, .. }, Event::FirstValueReached { step }] =
        events.as_slice()
    else {
        panic!("{events:?}");
    };
    assert_eq!(*step, id("serve"));
}

#[tokio::test]
async fn outputs_flow_into_later_steps_and_are_remembered() {
    let host = FakeHost::new();
    let mut make = script(
        "make-it",
        &[],
        "echo \"place=some where\" >> \"$FIRSTLIGHT_OUTPUT\"; echo other=1 >> \"$FIRSTLIGHT_OUTPUT\"",
    );
    make.outputs = vec!["place".into()];
    let with = json!({ "check": ["test", "-e", "${{ steps.make-it.outputs.place }}"], "run": ["touch", "${{ steps.make-it.outputs.place }}"] });
    let pack = pack(vec![make, step("use", &["make-it"], "command", with)]);
    assert!(run(&pack, &host).await.ok());
    assert!(home(&host).join("some where").exists());
    let outputs = BTreeMap::from([("place".to_owned(), "some where".to_owned())]);
    assert_eq!(state(&host, "make-it"), Some(StepState::Changed { outputs }));
    let second = run(&pack, &host).await;
    assert_eq!(second.satisfied, ids(&["make-it", "use"]));
}

#[tokio::test]
async fn a_declared_output_that_is_not_given_is_a_failure() {
    let host = FakeHost::new();
    let mut silent = script("silent", &[], "true");
    silent.outputs = vec!["place".into()];
    assert_eq!(run(&pack(vec![silent]), &host).await.failed, ids(&["silent"]));
    let Some(StepState::Failed(failure)) = state(&host, "silent") else { panic!("not failed") };
    assert!(failure.cause.contains("`place`"), "{failure:?}");
}

#[tokio::test]
async fn a_step_that_still_does_not_hold_after_it_ran_has_failed() {
    let host = FakeHost::new();
    let with = json!({ "check": ["test", "-e", "nothing"], "run": ["echo", "all fine"] });
    let summary = run(&pack(vec![step("lie", &[], "command", with)]), &host).await;
    assert_eq!(summary.failed, ids(&["lie"]));
    let Some(StepState::Failed(failure)) = state(&host, "lie") else { panic!("not failed") };
    assert!(failure.cause.contains("still does not hold after it ran"), "{failure:?}");
    assert_eq!(failure.last_lines, ["all fine"]);
}

#[tokio::test]
async fn a_step_is_tried_again_as_often_as_it_says() {
    let host = FakeHost::new();
    let mut shaky = script("shaky", &[], "echo x >> tries; test $(wc -l < tries) -ge 2");
    shaky.retries = 1;
    let summary = run(&pack(vec![shaky]), &host).await;
    assert_eq!(summary.changed, ids(&["shaky"]));
    let log = read_log(&host.folder().join("logs/shaky.log"), 0, 10).unwrap();
    assert!(log.lines.iter().any(|line| line.contains("Trying again in")), "{log:?}");
}

#[tokio::test]
async fn only_walks_a_step_and_what_it_needs() {
    let host = FakeHost::new();
    let pack = pack(vec![touch("a", &[]), touch("b", &["a"]), touch("c", &["b"]), touch("d", &[])]);
    let only = Some(BTreeSet::from([id("b")]));
    let summary = run_with(&pack, &host, Options { only, ..Options::default() }).await;
    assert_eq!(summary.changed, ids(&["a", "b"]));
    assert_eq!((state(&host, "c"), state(&host, "d")), (None, None));
}

#[tokio::test]
async fn what_a_person_does_is_waited_for_and_holds_up_nothing_else() {
    let host = FakeHost::new();
    let mut ask = step("ask", &[], "request", json!({ "text": "Access, please" }));
    ask.owner = Some("it".into());
    let pack = pack(vec![ask, touch("behind", &["ask"]), touch("apart", &[])]);
    let summary = run(&pack, &host).await;
    assert_eq!(summary.waiting, ids(&["ask"]));
    assert_eq!(summary.changed, ids(&["apart"]));
    assert!(summary.ok());
    assert_eq!(state(&host, "ask"), Some(StepState::Waiting { on: WaitsOn::Owner("it".into()) }));
    assert_eq!(state(&host, "behind"), None);
}

#[tokio::test]
async fn e2_what_was_answered_stays_one_argument_and_never_an_option() {
    let corpus = [
        "; touch pwned",
        "$(touch pwned)",
        "`touch pwned`",
        "| touch pwned",
        "a b",
        "'\"",
        "\n touch pwned",
        "&& touch pwned",
        "*",
    ];
    for answer in corpus {
        let host = FakeHost::new();
        let with = json!({ "run": ["touch", "${{ inputs.name }}"] });
        let pack = pack(vec![step("make", &[], "command", with)]);
        let summary =
            run_with(&pack, &host, Options { inputs: vec![("name", answer)], ..Options::default() }).await;
        assert!(summary.ok(), "{answer:?}");
        assert!(!home(&host).join("pwned").exists(), "{answer:?}");
        assert_eq!(std::fs::read_dir(home(&host)).unwrap().count(), 1, "{answer:?}");
    }
    let host = FakeHost::new();
    let with = json!({ "run": ["touch", "${{ inputs.name }}"] });
    let pack1 = pack(vec![step("make", &[], "command", with)]);
    let summary =
        run_with(&pack1, &host, Options { inputs: vec![("name", "--help")], ..Options::default() }).await;
    assert_eq!(summary.blocked, ids(&["make"]));
    let scripted = json!({ "run": ["touch ${{ inputs.name }}"], "shell": true });
    let pack2 = pack(vec![step("make", &[], "command", scripted)]);
    let summary =
        run_with(&pack2, &host, Options { inputs: vec![("name", "x")], ..Options::default() }).await;
    assert_eq!(summary.blocked, ids(&["make"]));
}

#[tokio::test]
async fn a_secret_is_handed_over_by_environment_and_stdin_and_masked() {
    let host = FakeHost::new();
    let token = CredentialName::new("token").unwrap();
    let mut uses = script(
        "uses",
        &[],
        "test \"$TOKEN\" = hunter2-long && test \"$(cat)\" = hunter2-long && echo got \"$TOKEN\"",
    );
    uses.secrets.env.insert("TOKEN".into(), token.clone());
    uses.secrets.stdin = Some(token.clone());
    let mut pack = pack(vec![uses]);
    assert_eq!(run(&pack, &host).await.blocked, ids(&["uses"]), "the policy does not list it");
    pack.policy.secrets = vec![token.clone()];
    assert_eq!(run(&pack, &host).await.blocked, ids(&["uses"]), "it is not in the keychain");
    host.put_secret(&token, "hunter2-long");
    assert!(run(&pack, &host).await.ok());
    let log = read_log(&host.folder().join("logs/uses.log"), 0, 10).unwrap();
    assert_eq!(log.lines, ["got ***"]);
    let shown =
        host.live().into_iter().any(|live| matches!(live, Live::Log { lines, .. } if lines == ["got ***"]));
    assert!(shown);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e3_cancel_leaves_no_process_and_the_step_ready() {
    let host = FakeHost::new();
    let word = "31.415926";
    // In the group, out of the group by setsid, and a daemon by double fork, which also ignores TERM.
    let daemons = format!(
        "sleep {word} & setsid sleep {word} & (setsid sh -c 'trap \"\" TERM; sleep {word}; sleep {word}' >/dev/null 2>&1 &) ; echo up; sleep {word}"
    );
    let cancel = tokio_util::sync::CancellationToken::new();
    let pack = pack(vec![script("daemons", &[], &daemons), touch("later", &["daemons"])]);
    let stop = cancel.clone();
    let watcher = tokio::spawn(async move {
        while processes_with(word).len() < 4 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        stop.cancel();
        Instant::now()
    });
    let summary = run_with(&pack, &host, Options { cancel, ..Options::default() }).await;
    let took = watcher.await.unwrap().elapsed();
    assert_eq!(processes_with(word), Vec::<String>::new());
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert!(summary.cancelled);
    assert_eq!(state(&host, "daemons"), Some(StepState::Ready));
    assert_eq!(state(&host, "later"), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e3_a_step_out_of_time_leaves_no_process_and_says_so() {
    let host = FakeHost::new();
    let word = "27.182818";
    let mut slow = script("slow", &[], &format!("(setsid sleep {word} &) ; echo busy; sleep {word}"));
    slow.timeout = Duration::from_secs(1);
    let begun = Instant::now();
    let summary = run(&pack(vec![slow]), &host).await;
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert_eq!(processes_with(word), Vec::<String>::new());
    assert_eq!(summary.failed, ids(&["slow"]));
    let Some(StepState::Failed(failure)) = state(&host, "slow") else { panic!("not failed") };
    assert!(failure.cause.contains("did not finish within 1 seconds"), "{failure:?}");
    assert_eq!(failure.last_lines, ["busy"]);
}

/// Not a test of its own: run by the next one in a process that it then kills.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by `e3_a_killed_program_leaves_no_process`"]
async fn helper_that_is_killed() {
    let word = std::env::var("FIRSTLIGHT_TEST_WORD").unwrap();
    let host = FakeHost::new();
    let run_it = format!("sleep {word} & (setsid sleep {word} &) ; sleep {word}");
    run(&pack(vec![script("long", &[], &run_it)]), &host).await;
}

#[test]
fn e3_a_killed_program_leaves_no_process() {
    let word = "16.180339";
    let mut program = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "helper_that_is_killed"])
        .env("FIRSTLIGHT_TEST_WORD", word)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while processes_with(word).len() < 4 {
        assert!(Instant::now() < deadline, "it never started");
        std::thread::sleep(Duration::from_millis(20));
    }
    program.kill().unwrap();
    program.wait().unwrap();
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(processes_with(word), Vec::<String>::new());
}

#[tokio::test]
async fn a_step_found_running_is_looked_at_before_it_is_run_again() {
    let host = FakeHost::new();
    let event = Event::StepChanged { step: id("a"), run: None, state: StepState::Running, done: None };
    firstlight_engine::host::Host::record(&*host, vec![event]).unwrap();
    std::fs::write(home(&host).join("a"), "as it was").unwrap();
    let summary = run(&pack(vec![touch("a", &[])]), &host).await;
    assert_eq!(summary.satisfied, ids(&["a"]));
    assert!(matches!(state(&host, "a"), Some(StepState::Satisfied { .. })));
    let runs = host
        .events()
        .iter()
        .filter(|e| matches!(e, Event::StepChanged { state: StepState::Running, .. }))
        .count();
    assert_eq!(runs, 1, "it was run again");
}

#[tokio::test]
async fn e5_without_administrator_rights_a_step_is_asked_of_its_owner_and_found_done() {
    let host = FakeHost::new();
    let mut install = step(
        "install",
        &[],
        "command",
        json!({ "check": ["test", "-e", "installed"], "run": ["touch", "installed"] }),
    );
    install.elevation = Elevation::Elevated;
    install.owner = Some("it-helpdesk".into());
    let mut pack = pack(vec![install, touch("use", &["install"])]);
    pack.policy.elevation = true;
    let outcome = |plan: &Plan| plan.steps[0].outcome.clone();

    // Nobody here may: it waits for its owner, and nothing is tried.
    for nobody in [Admin::SomebodyElse("sudo"), Admin::Nobody] {
        host.set_admin(nobody);
        let planned = plan(&pack, &host).await;
        let Outcome::WillChange(what) = outcome(&planned) else { panic!("{:?}", outcome(&planned)) };
        assert!(what.starts_with("would ask it-helpdesk to do it: "), "{what}");
        assert_eq!(planned.steps[0].class, Class::Action);
        let summary = run(&pack, &host).await;
        assert_eq!((summary.waiting.as_slice(), summary.failed.len()), (&[id("install")][..], 0));
        assert_eq!(
            state(&host, "install"),
            Some(StepState::Waiting { on: WaitsOn::Owner("it-helpdesk".into()) })
        );
        assert!(!home(&host).join("installed").exists());
    }
    // Somebody did it: the next look finds it, and what waited goes on.
    std::fs::write(home(&host).join("installed"), "").unwrap();
    let summary = run(&pack, &host).await;
    assert_eq!(summary.changed, [id("use")]);
    std::fs::remove_file(home(&host).join("installed")).unwrap();

    // Where the person may, or somebody can be asked, the plan says that rights are needed, and nothing else.
    for admin in [Admin::Given, Admin::Yourself("sudo")] {
        host.set_admin(admin);
        let planned = plan(&pack, &host).await;
        assert_eq!(planned.steps[0].class, Class::Task, "{admin:?}");
        assert!(planned.steps[0].resolved.elevated);
    }
}

#[tokio::test]
async fn what_a_step_without_a_check_gave_outlasts_the_restart_it_asked_for() {
    let host = FakeHost::new();
    let mut driver = script("driver", &[], "echo version=7 >\"$FIRSTLIGHT_OUTPUT\"; echo once >>ran");
    driver.restart = true;
    driver.outputs = vec!["version".to_owned()];
    let name = "v${{ steps.driver.outputs.version }}";
    let uses = step(
        "uses",
        &["driver"],
        "command",
        json!({ "check": ["test", "-e", name], "run": ["touch", name] }),
    );
    let pack = pack(vec![driver, uses]);
    // Until the restart it waits, however often somebody looks.
    for _ in 0..2 {
        assert_eq!(run(&pack, &host).await.waiting, ids(&["driver"]));
    }
    host.restart();
    assert_eq!(run(&pack, &host).await.changed, ids(&["driver", "uses"]));
    let Some(StepState::Changed { outputs }) = state(&host, "driver") else { panic!("not changed") };
    assert_eq!(outputs["version"], "7");
    assert!(home(&host).join("v7").exists());
    assert_eq!(std::fs::read_to_string(home(&host).join("ran")).unwrap(), "once\n");
}
