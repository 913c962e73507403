//! A first day, told with a keychain in memory and a clock that stands still.

#![expect(clippy::unwrap_used, reason = "a test says what it expects by unwrapping it")]

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use firstlight_app::{Access, Firstlight, Home, Options, RunOptions, Surroundings, at_login::AtLogin};
use firstlight_contract::{
    commands::{Choice, Consent, Notice},
    error::Code,
    journey::{JourneyView, NextAct, StepStateView},
    plan::Outcome,
    run::RunEvent,
};
use firstlight_testkit::{Clock, PackFolder};
use firstlight_vault::{Behaviour, Keychain as _, MemoryKeychain, VaultError};
use secrecy::SecretString;
use tempfile::TempDir;

const STEPS: &str = "
  greet: { title: Read the welcome, uses: read, with: { text: Hello } }
  prepare:
    title: Prepare the folder
    needs: [greet]
    check: [test, -d, '${{ inputs.place }}/made']
    run: [mkdir, -p, '${{ inputs.place }}/made']
  token:
    title: Your token
    uses: credential
    needs: [greet]
    with:
      name: acme-token
      test: { command: [grep, -q, '^good-'], stdin: true }
  use-it:
    title: Use it
    needs: [prepare, token]
    check: [test, -s, '${{ inputs.place }}/used']
    run: [sh, -c, 'printf %s \"$TOKEN\" | wc -c > \"$0\"; echo the token is $TOKEN', '${{ inputs.place }}/used']
    secrets: { env: { TOKEN: acme-token } }
    first-value: true
";

struct Day {
    home: TempDir,
    place: TempDir,
    pack: PackFolder,
    clock: Clock,
    keychain: Arc<MemoryKeychain>,
    notices: Arc<Mutex<Vec<Notice>>>,
    restarts: Arc<AtomicU32>,
    /// In seconds.
    slept: Arc<AtomicU64>,
    at_login: Arc<NextLogin>,
}

/// Whether Firstlight is opened at the next login.
#[derive(Default)]
struct NextLogin(AtomicBool);

impl AtLogin for NextLogin {
    fn set(&self) -> std::io::Result<()> {
        self.0.store(true, Ordering::SeqCst);
        Ok(())
    }

    fn unset(&self) -> std::io::Result<()> {
        self.0.store(false, Ordering::SeqCst);
        Ok(())
    }
}

impl Day {
    fn new(order: &[&str], steps: &str) -> Self {
        let policy = "\npolicy:\n  capabilities: { secrets: [acme-token] }\n";
        let secrets = if steps.contains("acme-token") { policy } else { "" };
        Self {
            home: tempfile::tempdir().unwrap(),
            place: tempfile::tempdir().unwrap(),
            pack: PackFolder::with_steps(order, &format!("{steps}{secrets}")),
            clock: Clock::new(),
            keychain: Arc::new(MemoryKeychain::new()),
            notices: Arc::default(),
            restarts: Arc::default(),
            slept: Arc::default(),
            at_login: Arc::default(),
        }
    }

    fn open(&self) -> Firstlight {
        let app = self.try_open(Access::Change).unwrap();
        app.open_pack(self.pack.path()).unwrap();
        app
    }

    fn try_open(&self, access: Access) -> firstlight_app::Result<Firstlight> {
        self.open_as(access, false)
    }

    fn open_as(&self, access: Access, carry_on: bool) -> firstlight_app::Result<Firstlight> {
        let (clock, notices) = (self.clock.clone(), Arc::clone(&self.notices));
        let (boot, slept) = (Arc::clone(&self.restarts), Arc::clone(&self.slept));
        Firstlight::open(Options {
            home: Home::find(Some(self.home.path().join("home")))?,
            access,
            listener: Arc::new(move |notice| notices.lock().unwrap().push(notice)),
            interactive: false,
            carry_on,
            surroundings: Surroundings {
                keychain: self.keychain.clone(),
                now: Arc::new(move || clock.now()),
                boot: Arc::new(move || boot.load(Ordering::SeqCst).to_string()),
                slept: Arc::new(move || Duration::from_secs(slept.load(Ordering::SeqCst))),
                at_login: Some(self.at_login.clone()),
                administrator: None,
            },
        })
    }

    /// Lets go of the home, so that it can be opened again.
    async fn close(&self, app: Firstlight) {
        app.wait_until_idle().await;
        drop(app);
    }

    fn choice(&self) -> Choice {
        let place = self.place.path().display().to_string();
        Choice { persona: "dev".into(), inputs: [("place".to_owned(), place)].into(), start_date: None }
    }

    async fn start(&self, app: &Firstlight) -> JourneyView {
        let plan = app.make_plan(&self.choice()).await.unwrap();
        let consent = Consent { choice: self.choice(), consent: plan.consent };
        app.start_run(&consent, &RunOptions::default()).await.unwrap();
        app.wait_for_run().await.unwrap();
        app.journey().unwrap()
    }

    /// Everything we keep on disk, as one heap of bytes.
    fn kept(&self) -> Vec<u8> {
        fn read(folder: &std::path::Path, into: &mut Vec<u8>) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { read(&path, into) } else { into.extend(std::fs::read(path).unwrap()) }
            }
        }
        let mut bytes = Vec::new();
        read(self.home.path(), &mut bytes);
        bytes
    }
}

fn state<'a>(journey: &'a JourneyView, step: &str) -> &'a StepStateView {
    &journey.steps.iter().find(|s| s.id == step).unwrap().state
}

#[tokio::test]
async fn a_first_day_from_plan_to_first_value_and_after_reopening() {
    let day = Day::new(&["greet", "prepare", "token", "use-it"], STEPS);
    let app = day.open();

    let plan = app.make_plan(&day.choice()).await.unwrap();
    assert_eq!((plan.asks.automatic, plan.asks.credentials, plan.asks.actions), (2, 1, 1));
    assert!(
        plan.steps.iter().all(|step| matches!(step.outcome, Outcome::WillChange | Outcome::Unknown)),
        "{plan:#?}"
    );
    assert!(std::fs::read_dir(day.place.path()).unwrap().next().is_none(), "a plan changes nothing");

    let journey = day.start(&app).await;
    assert!(
        matches!(state(&journey, "greet"), StepStateView::Waiting { waiting_for, .. } if waiting_for == "you")
    );
    assert_eq!(journey.next.as_ref().unwrap().act, NextAct::Read);

    day.clock.advance(60);
    app.complete_action("greet").await.unwrap();
    app.go_on(&RunOptions::default()).await.unwrap();
    app.wait_for_run().await.unwrap();
    let journey = app.journey().unwrap();
    assert!(matches!(state(&journey, "prepare"), StepStateView::Changed { .. }), "{journey:#?}");
    assert_eq!(journey.next.as_ref().unwrap().act, NextAct::EnterCredential);

    let refused = app.store_credential("acme-token", SecretString::from("bad-value-123")).await.unwrap_err();
    assert_eq!(refused.code(), Code::CredentialRefused, "{refused:?}");
    assert!(day.keychain.names().is_empty(), "what is refused is not kept");
    day.clock.advance(30);
    app.store_credential("acme-token", SecretString::from("good-canary-4711")).await.unwrap();

    app.go_on(&RunOptions::default()).await.unwrap();
    app.wait_for_run().await.unwrap();
    let journey = app.journey().unwrap();
    assert!(journey.reached_at.is_some(), "{journey:#?}");
    assert!((journey.progress - 1.0).abs() < f64::EPSILON);
    assert!(journey.critical_path.is_empty());

    let report = app.report().unwrap();
    assert_eq!(report.ttfv.as_ref().unwrap().seconds, 90);
    assert_eq!(report.waterfall.iter().map(|part| part.seconds).sum::<u32>(), 90);

    let log = app.step_log("use-it", 0, 100).unwrap();
    assert!(
        log.lines.iter().any(|line| line.starts_with("the token is ‹") && line.ends_with(" ***›")),
        "{log:?}"
    );
    let kept = day.kept();
    assert!(!kept.windows(11).any(|w| w == b"canary-4711"), "C5: the value is nowhere on disk");

    day.close(app).await;
    let again = day.open();
    assert_eq!(again.report().unwrap().ttfv.unwrap().seconds, 90);
    let unsaid = Choice { persona: "dev".into(), ..Choice::default() };
    let plan = again.make_plan(&unsaid).await.unwrap();
    assert_eq!(plan.summary.ok, 4, "answers are remembered: {plan:#?}");
    let before = again.verify_journal().await.unwrap().records;
    day.start(&again).await;
    let after = again.verify_journal().await.unwrap().records;
    assert_eq!(after - before, 2, "a converged run writes its beginning and its end, nothing else");
}

#[tokio::test]
async fn a_failed_step_is_mended_and_tried_again_and_the_rest_follows() {
    let steps = "
  wants:
    title: Wants a file
    check: [test, -e, '${{ inputs.place }}/ok']
    run: [sh, -c, 'echo looking; test -e \"$0\" && touch \"$0/../ok\"', '${{ inputs.place }}/wish']
  apart: { title: Stands apart, check: [test, -e, '${{ inputs.place }}/a'], run: [touch, '${{ inputs.place }}/a'] }
  last: { title: Comes last, needs: [wants], check: [test, -e, '${{ inputs.place }}/z'], run: [touch, '${{ inputs.place }}/z'], first-value: true }
";
    let day = Day::new(&["wants", "apart", "last"], steps);
    let app = day.open();
    let journey = day.start(&app).await;
    let StepStateView::Failed { cause, last_lines, .. } = state(&journey, "wants") else {
        panic!("{journey:#?}")
    };
    assert!(!cause.is_empty());
    assert!(last_lines.iter().any(|line| line == "looking"), "{last_lines:?}");
    assert!(
        matches!(state(&journey, "apart"), StepStateView::Changed { .. }),
        "what does not depend on it goes on"
    );
    assert!(matches!(state(&journey, "last"), StepStateView::Blocked { by, .. } if by == &["wants"]));
    assert_eq!(journey.next.unwrap().act, NextAct::Retry);
    let finished = day.notices.lock().unwrap().iter().any(|notice| {
        matches!(notice, Notice::Run { event: RunEvent::Finished { ok: false, failed, .. } } if failed == &["wants"])
    });
    assert!(finished);

    std::fs::create_dir(day.place.path().join("wish")).unwrap();
    app.retry_step("wants").await.unwrap();
    app.wait_for_run().await.unwrap();
    assert!(app.journey().unwrap().reached_at.is_some(), "{:#?}", app.journey());
}

#[tokio::test]
async fn a_step_the_machine_does_not_allow_is_the_next_thing_and_can_be_tried_again() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let steps = format!(
        "
  serve:
    title: Serves
    uses: service
    first-value: true
    with: {{ run: [sleep, '30'], ready: {{ tcp: '{}' }} }}
",
        taken.local_addr().unwrap()
    );
    let day = Day::new(&["serve"], &steps);
    let app = day.open();
    let blocked = |journey: &JourneyView| {
        let StepStateView::Blocked { by, reason } = state(journey, "serve") else { panic!("{journey:#?}") };
        assert!(by.is_empty() && reason.as_ref().is_some_and(|why| why.contains("something else answers")));
        assert_eq!(journey.next.as_ref().map(|next| next.act), Some(NextAct::Retry));
    };
    blocked(&day.start(&app).await);
    app.retry_step("serve").await.unwrap();
    app.wait_for_run().await.unwrap();
    blocked(&app.journey().unwrap());
}

#[tokio::test]
async fn what_was_taken_back_after_the_plan_is_not_taken_to_hold() {
    let steps = "
  made: { title: Make it, shell: true, env: { P: '${{ inputs.place }}' }, check: ['echo look >> $P/looks; test -e $P/made'],
          run: ['touch $P/made'], undo: ['rm $P/made'], first-value: true }
";
    let day = Day::new(&["made"], steps);
    let app = day.open();
    day.start(&app).await;
    let made = day.place.path().join("made");
    let looks = || std::fs::read_to_string(day.place.path().join("looks")).unwrap().lines().count();
    let before = looks();
    day.start(&app).await;
    assert_eq!(looks(), before + 1, "the look of the plan counts for the run");
    let plan = app.make_plan(&day.choice()).await.unwrap();
    assert_eq!(plan.summary.ok, 1);
    app.undo_step("made").await.unwrap();
    assert!(!made.exists());
    // Agreed to at once, as in a window that still shows it.
    let consent = Consent { choice: day.choice(), consent: plan.consent };
    app.start_run(&consent, &RunOptions::default()).await.unwrap();
    app.wait_for_run().await.unwrap();
    assert!(made.exists(), "it was looked at again");
    assert!(matches!(state(&app.journey().unwrap(), "made"), StepStateView::Changed { .. }));
}

#[tokio::test]
async fn a_failed_attempts_log_stays_when_a_retry_finds_the_step_done() {
    let steps = "
  wants:
    title: Wants a file
    check: [test, -e, '${{ inputs.place }}/ok']
    run: [sh, -c, 'echo trying; test -e \"$0\" || exit 3; touch \"$0/../ok\"', '${{ inputs.place }}/wish']
    first-value: true
";
    let day = Day::new(&["wants"], steps);
    let app = day.open();
    let lines = |app: &Firstlight| app.step_log("wants", 0, 100).unwrap().lines;
    let failed = day.start(&app).await;
    assert!(matches!(state(&failed, "wants"), StepStateView::Failed { .. }), "{failed:#?}");
    let log = lines(&app);
    assert!(log.first().is_some_and(|line| line == "trying"), "{log:?}");

    // Mended by hand: the retry looks, and has nothing to run.
    std::fs::write(day.place.path().join("ok"), "").unwrap();
    app.retry_step("wants").await.unwrap();
    app.wait_for_run().await.unwrap();
    let mended = app.journey().unwrap();
    assert!(matches!(state(&mended, "wants"), StepStateView::Satisfied { .. }), "{mended:#?}");
    assert_eq!(lines(&app), log);
    day.close(app).await;
    let again = day.open();
    assert_eq!(lines(&again), log, "also after reopening");

    // An attempt that runs has a log of its own.
    std::fs::remove_file(day.place.path().join("ok")).unwrap();
    std::fs::create_dir(day.place.path().join("wish")).unwrap();
    day.start(&again).await;
    assert_eq!(lines(&again), ["trying"]);
}

#[tokio::test]
async fn e1_a_pack_that_changed_asks_again() {
    let step = "  one: { title: One, check: [test, -e, '${{ inputs.place }}/1'], run: [touch, '${{ inputs.place }}/1'], first-value: true }";
    let day = Day::new(&["one"], step);
    let app = day.open();
    let plan = app.make_plan(&day.choice()).await.unwrap();
    let consent = Consent { choice: day.choice(), consent: plan.consent };
    let text = std::fs::read_to_string(day.pack.join("pack.yaml")).unwrap();
    std::fs::write(day.pack.join("pack.yaml"), text.replace("touch", "mkdir")).unwrap();
    let other = day.try_open(Access::Read).unwrap();
    other.open_pack(day.pack.path()).unwrap();
    let error = other.start_run(&consent, &RunOptions::default()).await.unwrap_err();
    assert_eq!(error.code(), Code::ConsentStale);
    assert!(!day.place.path().join("1").exists());
}

#[tokio::test]
async fn f7_one_changes_a_home_at_a_time_and_others_may_read() {
    let day =
        Day::new(&["one"], "  one: { title: One, uses: confirm, with: { text: ok }, first-value: true }");
    let app = day.open();
    day.start(&app).await;
    assert_eq!(day.try_open(Access::Change).err().unwrap().code(), Code::AlreadyRunning);
    let reader = day.try_open(Access::Read).unwrap();
    assert_eq!(reader.journey().unwrap().steps.len(), 1);
}

#[tokio::test]
async fn c5_what_the_test_of_a_refused_value_printed_is_shown_without_the_value() {
    const BAD: &str = "bad-canary-4711";
    // `printf %s bad-canary-4711 | base64`
    const BAD_BASE64: &str = "YmFkLWNhbmFyeS00NzEx";
    let says = "echo \"checking $got\"; printf %s \"$got\" | base64 >&2; echo \"revoked: $got on 2 May\" >&2; exit 7";
    for (how, script) in
        [("stdin: true", format!("read -r got; {says}")), ("env: GOT", format!("got=$GOT; {says}"))]
    {
        let command = serde_json::json!(["sh", "-c", script]);
        let steps = format!(
            "
  token:
    title: Your token
    uses: credential
    with: {{ name: acme-token, test: {{ command: {command}, {how} }} }}
    first-value: true
"
        );
        let day = Day::new(&["token"], &steps);
        let app = day.open();
        day.start(&app).await;

        let refused = app.store_credential("acme-token", SecretString::from(BAD)).await.unwrap_err().0;
        assert_eq!(refused.code, Code::CredentialRefused, "{refused:?}");
        assert!(refused.message.contains("ended with code 7"), "{refused:?}");
        assert!(refused.hint.is_some(), "{refused:?}");
        let seen = |lines: &[String]| {
            let revoked = lines.iter().any(|l| l.starts_with("revoked: ‹") && l.ends_with(" ***› on 2 May"));
            revoked && lines.iter().any(|line| line.starts_with("checking ‹")) && lines.len() == 3
        };
        assert!(seen(&refused.last_lines), "{refused:?}");

        // One that was good once and is refused now.
        let name = "acme-token".parse().unwrap();
        day.keychain.set(&name, &SecretString::from(BAD)).await.unwrap();
        let tested = app.test_credential("acme-token").await.unwrap();
        assert!(!tested.ok && seen(&tested.last_lines), "{tested:?}");
        let kept = app.credentials().unwrap()[0].last_test.clone().unwrap();
        assert_eq!((kept.reason, kept.last_lines), (tested.reason.clone(), Vec::new()), "output is not kept");

        let told = format!("{refused:?} {tested:?} {:?}", day.notices.lock().unwrap());
        let on_disk = day.kept();
        for word in [BAD, BAD_BASE64] {
            assert!(!told.contains(word), "{how}: {told}");
            assert!(!on_disk.windows(word.len()).any(|w| w == word.as_bytes()), "{how}: {word} is on disk");
        }
    }
}

#[tokio::test]
async fn c2_without_a_keychain_the_error_says_so_and_nothing_is_kept() {
    let day = Day::new(&["greet", "prepare", "token", "use-it"], STEPS);
    let app = day.open();
    day.start(&app).await;
    day.keychain.behave(Behaviour::Fails(VaultError::NoBus { cause: "no address".into() }));
    let error = app.store_credential("acme-token", SecretString::from("good-canary-4711")).await.unwrap_err();
    assert_eq!(error.code(), Code::KeychainUnavailable);
    assert!(error.0.hint.is_some());
    assert!(!day.kept().windows(11).any(|w| w == b"canary-4711"));
    assert!(app.credentials().unwrap().iter().all(|credential| !credential.present));
}

#[tokio::test]
async fn nothing_has_begun_reads_as_nothing() {
    let day =
        Day::new(&["one"], "  one: { title: One, uses: confirm, with: { text: ok }, first-value: true }");
    let reader = day.try_open(Access::Read).unwrap();
    assert_eq!(reader.journey().unwrap_err().code(), Code::NoJourney);
    assert_eq!(reader.report().unwrap_err().code(), Code::NoJourney);
    assert!(!day.home.path().join("home").exists(), "reading creates nothing");
}

#[tokio::test]
async fn everything_can_be_deleted() {
    let day = Day::new(&["greet", "prepare", "token", "use-it"], STEPS);
    let app = day.open();
    day.start(&app).await;
    app.store_credential("acme-token", SecretString::from("good-canary-4711")).await.unwrap();
    app.delete_everything().await.unwrap();
    assert!(day.keychain.names().is_empty());
    assert_eq!(app.journey().unwrap_err().code(), Code::NoJourney);
    day.close(app).await;
    let kept = day.kept();
    assert!(!kept.windows(10).any(|w| w == b"acme-token"), "no copy of the journal is left");
    assert_eq!(day.try_open(Access::Change).unwrap().journey().unwrap_err().code(), Code::NoJourney);
}

#[tokio::test]
async fn what_a_person_did_lets_the_rest_start_without_a_click_but_nothing_is_tried_twice() {
    let steps = "
  fails: { title: Fails, check: ['false'], run: [sh, -c, 'echo x >> \"$0\"', '${{ inputs.place }}/tries'] }
  ask: { title: Say so, uses: confirm, with: { text: Done } }
  after: { title: After, needs: [ask], check: [test, -e, '${{ inputs.place }}/z'], run: [touch, '${{ inputs.place }}/z'], first-value: true }
  both: { title: Both, needs: [after, fails], check: ['true'], run: ['true'] }
";
    let day = Day::new(&["fails", "ask", "after", "both"], steps);
    let app = day.open_as(Access::Change, true).unwrap();
    app.open_pack(day.pack.path()).unwrap();
    day.start(&app).await;
    app.complete_action("ask").await.unwrap();
    app.wait_for_run().await.unwrap();
    assert!(app.journey().unwrap().reached_at.is_some(), "{:#?}", app.journey());
    let tries = std::fs::read_to_string(day.place.path().join("tries")).unwrap();
    assert_eq!(tries.lines().count(), 1, "a failed step waits for the person");
}

#[tokio::test]
async fn a_request_is_done_when_the_world_says_so_or_where_nobody_can_ask_when_the_person_does() {
    let steps = "
  seen: { title: Ask for access, uses: request, owner: it, with: { text: Access }, probe: { command: [test, -e, '/PLACE/granted'] } }
  told: { title: Ask for a desk, uses: request, owner: office, with: { text: A desk } }
  last: { title: Last, needs: [seen, told], uses: confirm, with: { text: Done }, first-value: true }
";
    let place = tempfile::tempdir().unwrap();
    let granted = place.path().join("granted");
    let steps = steps.replace("/PLACE/granted", &granted.display().to_string());
    let day = Day::new(&["seen", "told", "last"], &steps);
    let app = day.open();
    let journey = day.start(&app).await;
    assert!(
        matches!(state(&journey, "told"), StepStateView::Waiting { waiting_for, .. } if waiting_for == "office")
    );
    app.complete_action("told").await.unwrap();
    let error = app.complete_action("seen").await.unwrap_err();
    assert_eq!(error.code(), Code::StepState, "{error:?}");
    std::fs::write(&granted, "").unwrap();
    let journey = app.complete_action("seen").await.unwrap();
    assert!(matches!(state(&journey, "seen"), StepStateView::Satisfied { .. }), "{journey:#?}");
}

#[tokio::test]
async fn e9_a_restart_is_asked_for_once_and_gone_on_from_with_fresh_consent() {
    let day = Day::new(
        &["driver", "once", "use"],
        "
  driver:
    title: Install the driver
    restart: true
    check: [test, -e, '${{ inputs.place }}/loaded']
    run: [sh, -c, 'echo . >> \"$0\"', '${{ inputs.place }}/installed']
  once: { title: Join the group, restart: true, run: [sh, -c, 'echo . >> \"$0\"', '${{ inputs.place }}/joined'] }
  use: { title: Use both, needs: [driver, once], check: [test, -e, '${{ inputs.place }}/loaded'], run: ['true'],
         first-value: true }",
    );
    let times = |name: &str| {
        std::fs::read_to_string(day.place.path().join(name)).map_or(0, |text| text.lines().count())
    };
    let waiting = |journey: &JourneyView, step: &str| matches!(state(journey, step), StepStateView::Waiting { waiting_for, .. } if waiting_for == "restart");

    // The plan says so before anything is done, and it is part of what is agreed to.
    let app = day.open();
    let plan = app.make_plan(&day.choice()).await.unwrap();
    assert_eq!(plan.asks.restarts, 2);
    let journey = day.start(&app).await;
    assert!(waiting(&journey, "driver") && waiting(&journey, "once"), "{:?}", journey.steps);
    assert_eq!(journey.next.as_ref().map(|next| next.act), Some(NextAct::Restart));
    assert!(day.at_login.0.load(Ordering::SeqCst), "the next login opens Firstlight");

    // As long as the machine was not restarted nothing is applied a second time, and no word takes its place.
    assert_eq!(app.complete_action("once").await.unwrap_err().code(), Code::StepState);
    let plan = app.make_plan(&day.choice()).await.unwrap();
    assert_eq!(plan.steps[0].outcome, Outcome::Unknown);
    day.start(&app).await;
    assert_eq!((times("installed"), times("joined")), (1, 1));
    day.close(app).await;

    // Restarted, but the driver does not load: that is said, and no second restart is asked for by itself.
    day.restarts.fetch_add(1, Ordering::SeqCst);
    let app = day.open_as(Access::Change, true).unwrap();
    assert!(!day.at_login.0.load(Ordering::SeqCst), "opened: once is enough");
    let journey = app.journey().unwrap();
    assert_eq!(*state(&journey, "driver"), StepStateView::Ready);
    assert!(!app.is_running(), "nothing goes on before the person agreed");
    app.open_pack(day.pack.path()).unwrap();
    assert_eq!(app.make_plan(&day.choice()).await.unwrap().steps[0].outcome, Outcome::Blocked);
    let journey = day.start(&app).await;
    assert!(
        matches!(state(&journey, "driver"), StepStateView::Failed { cause, .. } if cause.contains("restarted"))
    );
    assert!(matches!(state(&journey, "once"), StepStateView::Changed { .. }));
    assert_eq!((times("installed"), times("joined")), (1, 1));

    // The person may have it applied again; then another restart is asked for.
    app.retry_step("driver").await.unwrap();
    app.wait_for_run().await.unwrap();
    assert!(waiting(&app.journey().unwrap(), "driver"));
    assert_eq!(times("installed"), 2);
    day.close(app).await;
    day.restarts.fetch_add(1, Ordering::SeqCst);
    std::fs::write(day.place.path().join("loaded"), "").unwrap();
    let app = day.open();
    let journey = day.start(&app).await;
    assert!(journey.reached_at.is_some());
    assert_eq!((times("installed"), times("joined")), (2, 1));
    assert!(!day.at_login.0.load(Ordering::SeqCst));
}

#[tokio::test]
async fn a_machine_that_slept_in_the_middle_of_a_run_did_not_work_meanwhile() {
    let day = Day::new(
        &["build"],
        "
  build:
    title: Build it
    check: [test, -e, '${{ inputs.place }}/built']
    run: [sh, -c, 'until test -e \"$0/go\"; do sleep 0.02; done; touch \"$0/built\"', '${{ inputs.place }}']
    first-value: true
",
    );
    let app = day.open();
    // What was slept before a run is nobody's concern.
    day.slept.store(500, Ordering::SeqCst);
    let plan = app.make_plan(&day.choice()).await.unwrap();
    let consent = Consent { choice: day.choice(), consent: plan.consent };
    app.start_run(&consent, &RunOptions::default()).await.unwrap();
    let runs = || {
        app.journey().unwrap().steps.iter().any(|step| matches!(step.state, StepStateView::Running { .. }))
    };
    while !runs() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    day.clock.advance(10);
    day.clock.advance(3_600);
    day.slept.store(500 + 3_600, Ordering::SeqCst);
    std::fs::write(day.place.path().join("go"), "").unwrap();
    app.wait_for_run().await;
    let report = app.report().unwrap();
    let seconds: Vec<u32> = report.waterfall.iter().map(|part| part.seconds).collect();
    assert_eq!(seconds, [10, 0, 0, 0, 3_600]);
    assert_eq!(report.elapsed_seconds, 3_610);
    assert_eq!(report.steps[0].running_seconds, 10);
}
