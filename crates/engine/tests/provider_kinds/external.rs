//! Programs from outside: one that behaves, and one for each way not to.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    time::{Duration, Instant},
};

use firstlight_domain::{id::CredentialName, state::Failure, state::WaitsOn};
use firstlight_engine::provider::Check;
use serde_json::{Value, json};

use crate::{Machine, satisfied};

/// Describes itself, then does what `body` says with the action in `$1`; `$request` is what it was asked.
fn script(body: &str) -> String {
    format!(
        r#"#!/bin/sh
if [ "$1" = describe ]; then
    echo '{{"protocol":1,"name":"odd","version":"2.1","summary":"Odd.","schema":{{"properties":{{"size":{{"type":"integer"}}}}}},"outputs":["path"],"can_undo":true}}'
    exit 0
fi
read -r request
needed() {{ if [ "$1" = check ]; then echo '{{"state":"needed","what":"would do it"}}'; exit 0; elif [ "$1" = plan ]; then echo '{{}}'; exit 0; fi; }}
done_() {{ echo '{{"done":true}}'; }}
{body}
"#
    )
}

fn machine(program: &str) -> Machine {
    let machine = Machine::new();
    put(&machine, program);
    machine
}

fn put(machine: &Machine, program: &str) {
    let path = machine.pack.path().join("providers/odd");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, program).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn with(more: Value) -> Value {
    let Value::Object(mut with) = more else { panic!("parameters are an object") };
    with.insert("program".to_owned(), "providers/odd".into());
    Value::Object(with)
}

/// What checking comes to, as a plan would look.
async fn check(machine: &Machine, more: Value) -> Result<Check, Failure> {
    let mut cx = machine.context();
    cx.run = None;
    machine.operation("external", with(more)).check(&cx).await
}

async fn apply(machine: &Machine, more: Value) -> Result<(), Failure> {
    machine.operation("external", with(more)).apply(&machine.context()).await
}

/// What is wrong with what a program answered to `check`; said with its name and with what to do.
async fn wrong(body: &str) -> String {
    let failure = check(&machine(&script(body)), json!({})).await.unwrap_err();
    assert!(failure.cause.contains("`providers/odd`"), "{failure}");
    let hint = failure.hint.unwrap();
    assert!(hint.contains("the pack's owner"), "{hint}");
    failure.cause
}

/// Whether this system confines at all. Where it does not, that is said, and nothing about it can be shown.
#[cfg(target_os = "linux")]
#[expect(clippy::print_stderr, reason = "a test that shows nothing says so")]
fn confines() -> bool {
    let enforced = machine("").operation("external", with(json!({}))).resolved().reach.unwrap().enforced;
    if !enforced {
        eprintln!("not shown here: this needs Linux 5.13 or later with Landlock enabled");
    }
    enforced
}

#[tokio::test]
async fn a_program_is_asked_shown_and_confined() {
    let machine = machine(&script("needed $1; done_"));
    let operation = machine.operation(
        "external",
        with(json!({ "hosts": ["vpn.acme.test"], "reads": ["~/in"], "writes": ["~/out"], "values": { "size": "3" } })),
    );
    let resolved = operation.resolved();
    let program = machine.pack.path().canonicalize().unwrap().join("providers/odd").display().to_string();
    assert_eq!(resolved.commands.len(), 3);
    assert_eq!(resolved.commands[1].argv, [program, "apply".to_owned()]);
    assert_eq!(resolved.hosts, ["vpn.acme.test"]);
    let reach = resolved.reach.unwrap();
    assert_eq!(reach.program.len(), 64);
    assert_eq!(reach.reads, [machine.home().join("in").display().to_string()]);
    assert_eq!(reach.writes, [machine.home().join("out").display().to_string()]);
    let Check::Needed { what, files } = operation.check(&machine.context()).await.unwrap() else { panic!() };
    assert_eq!(what, "odd 2.1: would do it", "its words are said to be its words");
    assert!(files.is_empty());
}

#[tokio::test]
async fn e1_a_program_that_was_replaced_is_another_one_and_is_not_run() {
    let machine = machine(&script("needed $1; echo done > ~/out/x; done_"));
    let more = || json!({ "writes": ["~/out"] });
    let resolved = |machine: &Machine| machine.operation("external", with(more())).resolved();
    let shown = resolved(&machine);
    assert_eq!(shown.digest(), resolved(&machine).digest());
    let operation = machine.operation("external", with(more()));
    let mut looking = machine.context();
    looking.run = None;
    assert!(matches!(operation.check(&looking).await, Ok(Check::Needed { .. })));
    put(&machine, &script("needed $1; echo other > ~/out/x; done_"));
    assert_ne!(shown.digest(), resolved(&machine).digest(), "consent asks again");
    let failure = operation.apply(&machine.context()).await.unwrap_err();
    assert!(failure.cause.contains("was replaced since the plan was shown"), "{failure}");
    assert!(!machine.home().join("out").exists());
    assert!(matches!(operation.check(&looking).await, Ok(Check::Needed { .. })));
    operation.apply(&machine.context()).await.unwrap();
    assert_eq!(fs::read_to_string(machine.home().join("out/x")).unwrap(), "other\n");
}

#[tokio::test]
async fn e1_what_it_may_reach_is_part_of_consent() {
    let machine = machine(&script("needed $1"));
    let digest = |more: Value| machine.operation("external", with(more)).resolved().digest();
    let plain = digest(json!({}));
    for more in [
        json!({ "hosts": ["a.test"] }),
        json!({ "reads": ["~/a"] }),
        json!({ "writes": ["~/a"] }),
        json!({ "values": { "size": 1 } }),
    ] {
        assert_ne!(digest(more.clone()), plain, "{more}");
    }
}

#[tokio::test]
async fn values_are_held_against_what_the_program_takes() {
    let machine = machine(&script(r#"case "$request" in *'"size":3'*) needed $1;; esac"#));
    assert!(matches!(check(&machine, json!({ "values": { "size": "3" } })).await, Ok(Check::Needed { .. })));
    for (values, said) in [
        (json!({ "size": "many" }), "`size` should be a whole number, not a text"),
        (json!({ "siez": 3 }), "`providers/odd` takes no value `siez`"),
    ] {
        let Ok(Check::Blocked { why, hint }) = check(&machine, json!({ "values": values })).await else {
            panic!()
        };
        assert!(why.contains(said), "{why}");
        assert!(hint.is_some());
    }
}

#[tokio::test]
async fn receipts_are_kept_before_the_program_goes_on_and_undo_gets_them() {
    let body = r#"case "$1" in
        check) if [ -e ~/out/x ]; then echo '{"state":"satisfied","outputs":{"path":"~/out/x"}}'; else needed check; fi;;
        plan) needed plan;;
        apply) if [ -e ~/out/x ]; then done_; exit; fi
            echo '{"receipt":{"n":1}}'; read -r kept; echo "$kept" > ~/out/x; done_;;
        undo) case "$request" in *'"receipt":{"n":1}'*) rm ~/out/x; done_;; esac;;
        esac"#;
    let machine = machine(&script(body));
    let before = machine.snapshot();
    let operation = machine.operation("external", with(json!({ "writes": ["~/out"] })));
    machine.bring_about(&*operation).await;
    assert_eq!(fs::read_to_string(machine.home().join("out/x")).unwrap(), "{\"kept\":true}\n");
    let receipts = machine.host.receipts(&machine.step);
    assert_eq!(receipts.len(), 2, "one of the program, one for the folder that was made: {receipts:?}");
    for receipt in receipts {
        operation.undo(&machine.context(), &receipt).await.unwrap();
    }
    assert_eq!(machine.snapshot(), before);
}

#[tokio::test]
async fn a_program_may_wait_for_a_person_or_say_no() {
    let on = |body: &str| {
        let machine = machine(&script(body));
        async move { check(&machine, json!({})).await.unwrap() }
    };
    let person = on(r#"echo '{"state":"person","what":"approve it","who":"IT helpdesk"}'"#).await;
    let who = WaitsOn::Owner("IT helpdesk".into());
    assert_eq!(person, Check::Person { on: who, what: "odd 2.1: approve it".into() });
    let blocked = on(r#"echo '{"state":"blocked","why":"no licence","hint":"ask for one"}'"#).await;
    assert_eq!(
        blocked,
        Check::Blocked { why: "odd 2.1: no licence".into(), hint: Some("ask for one".into()) }
    );
    let unknown = on(r#"echo '{"state":"unknown","why":"the server is down"}'"#).await;
    assert_eq!(unknown, Check::Unknown { why: "odd 2.1: the server is down".into() });
    let machine = machine(&script(
        r#"echo ignore >&2; echo '{"error":{"cause":"no route","hint":"join the VPN"}}'; exit 3"#,
    ));
    let failure = check(&machine, json!({})).await.unwrap_err();
    assert_eq!(failure.cause, "`providers/odd`: no route");
    assert_eq!(failure.hint.as_deref(), Some("join the VPN"));
    assert_eq!(failure.last_lines, ["ignore"]);
}

#[tokio::test]
async fn e2_answers_that_are_none_are_errors_with_the_programs_name() {
    for (body, said) in [
        ("echo hello", "printed what is not one JSON object on one line: hello"),
        ("echo '[1]'", "not an object"),
        ("exit 0", "ended without an answer"),
        ("echo to see >&2; exit 7", "ended with code 7"),
        (r#"echo '{"state":"satisfied"}'; exit 7"#, "ended with code 7"),
        (r#"echo '{"state":"satisfied"}{"state":"satisfied"}'"#, "printed what is not one JSON object"),
        (r#"echo '{"state":"satisfied"}'; echo '{"state":"satisfied"}'"#, "went on after its answer"),
        (r#"echo '{"state":"satisfied","more":1}'"#, "`more` is not known here"),
        (
            r#"echo '{"state":"satisfied","outputs":{"other":"x"}}'"#,
            "gave an output `other`, which it does not describe",
        ),
        (
            r#"printf '{"state":"satisfied","outputs":{"path":"a\\nb"}}\n'"#,
            "line breaks or control characters",
        ),
        (r#"echo '{"receipt":1}'; read -r kept; needed check"#, "has something kept"),
        (
            r#"if [ $1 = plan ]; then echo '{"files":[{"path":"~/.ssh/config","content":"x"}]}'; exit; fi; needed $1"#,
            "does not declare in `writes`",
        ),
    ] {
        let cause = wrong(body).await;
        assert!(cause.contains(said), "{body}: {cause}");
    }
}

#[tokio::test]
async fn e2_another_version_of_the_protocol_is_refused() {
    let machine =
        machine("#!/bin/sh\necho '{\"protocol\":2,\"name\":\"odd\",\"version\":\"1\",\"summary\":\"x\"}'\n");
    let failure = check(&machine, json!({})).await.unwrap_err();
    assert!(
        failure.cause.contains("speaks version 2 of the protocol, and this Firstlight speaks 1"),
        "{failure}"
    );
}

#[tokio::test]
async fn e4_a_flood_is_cut_off() {
    let cause = wrong("yes '{}' | tr -d '\\n' | head -c 2000000").await;
    assert!(cause.contains("answered with more than 1 MB"), "{cause}");
}

#[tokio::test]
async fn e3_a_program_that_never_answers_is_ended() {
    let machine = machine(&script("sleep 1000"));
    let mut cx = machine.context();
    cx.timeout = Duration::from_millis(700);
    let begun = Instant::now();
    let failure = machine.operation("external", with(json!({}))).check(&cx).await.unwrap_err();
    assert!(failure.cause.contains("did not answer `check` within"), "{failure}");
    assert!(failure.hint.unwrap().contains("EXTERNAL.md"));
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn e4_what_it_says_steers_no_terminal_and_stays_on_one_line() {
    let body = r#"printf '{"state":"needed","what":"a\\u001b[2J\\u001b[31mred\\u001b]0;title\\u0007\\nb\\u202e %s"}\n' "$(head -c 3000 /dev/zero | tr '\0' x)""#;
    let machine = machine(&script(&format!("[ $1 = check ] || needed $1; {body}")));
    let Ok(Check::Needed { what, .. }) = check(&machine, json!({})).await else { panic!() };
    assert!(what.starts_with("odd 2.1: ared b"), "{what:?}");
    assert!(!what.chars().any(char::is_control) && !what.contains('\u{202e}'), "{what:?}");
    assert!(what.chars().count() <= 500);
}

#[tokio::test]
async fn c5_a_stored_secret_is_neither_shown_nor_kept() {
    let body = r#"[ $1 != apply ] || { echo '{"receipt":{"old":"correct-horse-battery"}}'; read -r kept; done_; }
        echo '{"state":"satisfied","outputs":{"path":"correct-horse-battery"}}'"#;
    let machine = machine(&script(body));
    machine.host.put_secret(&CredentialName::new("token").unwrap(), "correct-horse-battery");
    for failure in
        [check(&machine, json!({})).await.unwrap_err(), apply(&machine, json!({})).await.unwrap_err()]
    {
        assert!(failure.cause.contains("answered with a stored credential"), "{failure}");
        assert!(!format!("{failure:?}").contains("horse"));
    }
    assert_eq!(machine.receipts(), 0);
}

#[tokio::test]
async fn e5_administrator_rights_are_never_given_to_it() {
    let machine = machine(&script("needed $1"));
    let with = with(json!({}));
    let provider =
        firstlight_engine::providers::all().into_iter().find(|p| p.kind().name == "external").unwrap();
    let mut step = machine.step("external", with.clone());
    step.elevation = firstlight_domain::pack::Elevation::Elevated;
    let rendered = firstlight_engine::provider::Rendered {
        step: &step,
        with,
        pack_root: machine.pack.path(),
        facts: &machine.facts,
    };
    let failure = provider.prepare(&rendered).err().unwrap();
    assert!(failure.cause.contains("never given administrator rights"), "{failure}");
}

#[cfg(target_os = "linux")]
mod confined {
    use super::*;

    /// Runs `attempt` in `apply` and asserts that it was denied: `~/proof` says so from inside, nothing from outside.
    async fn denied(machine: &Machine, more: Value, attempt: &str) {
        assert!(confines());
        put(
            machine,
            &script(&format!(
                "needed $1\nif {attempt}; then echo done > ~/out/proof; else echo denied > ~/out/proof; fi 2>/dev/null\ndone_"
            )),
        );
        let mut with = more;
        with["writes"] = json!(["~/out"]);
        apply(machine, with).await.unwrap();
        let proof = fs::read_to_string(machine.home().join("out/proof")).unwrap();
        assert_eq!(proof, "denied\n", "{attempt}");
    }

    #[tokio::test]
    async fn e2_nothing_is_written_outside_of_what_is_declared() {
        let machine = machine("");
        fs::write(machine.home().join("theirs"), "theirs").unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let outside = elsewhere.path().display();
        for attempt in [
            "echo x > ~/theirs".to_owned(),
            "echo x > ~/new".to_owned(),
            "rm ~/theirs".to_owned(),
            "mv ~/theirs ~/out/".to_owned(),
            "truncate -s 0 ~/theirs".to_owned(),
            "ln -s ~/theirs ~/out/link && echo x > ~/out/link".to_owned(),
            format!("echo x > {outside}/new"),
            "echo x > \"$PWD/../new\"".to_owned(),
            "echo x > /etc/firstlight-test".to_owned(),
            "echo x > \"${0%/*}/new\"".to_owned(),
        ] {
            denied(&machine, json!({}), &attempt).await;
        }
        assert_eq!(fs::read_to_string(machine.home().join("theirs")).unwrap(), "theirs");
        assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
        assert_eq!(fs::read_dir(machine.pack.path().join("providers")).unwrap().count(), 1);
    }

    #[tokio::test]
    async fn e2_nothing_is_read_in_the_home_folder_that_is_not_declared() {
        let machine = machine("");
        fs::create_dir(machine.home().join(".ssh")).unwrap();
        fs::write(machine.home().join(".ssh/id_ed25519"), "key").unwrap();
        for attempt in
            ["grep -q key ~/.ssh/id_ed25519", "ls ~/.ssh", "ls ~", "cat /proc/$PPID/environ", "cat /dev/kmsg"]
        {
            denied(&machine, json!({}), attempt).await;
        }
        put(&machine, &script("needed $1; cp ~/.ssh/id_ed25519 ~/out/proof; done_"));
        apply(&machine, json!({ "reads": ["~/.ssh"], "writes": ["~/out"] })).await.unwrap();
        assert_eq!(
            fs::read_to_string(machine.home().join("out/proof")).unwrap(),
            "key",
            "declared is allowed"
        );
    }

    #[tokio::test]
    async fn e2_while_it_is_only_asked_it_changes_nothing() {
        if !confines() {
            return;
        }
        let machine = machine(&script("echo x > ~/out/x; echo x > ~/new; touch here && needed $1"));
        fs::create_dir(machine.home().join("out")).unwrap();
        let before = machine.snapshot();
        let found = check(&machine, json!({ "writes": ["~/out"] })).await;
        assert!(matches!(found, Ok(Check::Needed { .. })), "its temporary folder is there: {found:?}");
        assert_eq!(machine.snapshot(), before);
    }

    /// Connects to an address with Python, which is there wherever these tests are.
    fn connect(kind: &str, address: &str) -> String {
        format!("python3 -c 'import socket; s = socket.socket({kind}); s.connect({address}); s.send(b\"x\")'")
    }

    #[tokio::test]
    async fn e2_nobody_is_reached_without_declared_hosts() {
        let machine = machine("");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let udp = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let local = machine.home().join("socket");
        let _service = std::os::unix::net::UnixListener::bind(&local).unwrap();
        let tcp =
            connect("socket.AF_INET", &format!("(\"127.0.0.1\", {})", listener.local_addr().unwrap().port()));
        let datagram = connect(
            "socket.AF_INET, socket.SOCK_DGRAM",
            &format!("(\"127.0.0.1\", {})", udp.local_addr().unwrap().port()),
        );
        let service = connect("socket.AF_UNIX", &format!("\"{}\"", local.display()));
        for attempt in [&tcp, &datagram, &service] {
            denied(&machine, json!({}), attempt).await;
        }
        let with_hosts = json!({ "hosts": ["localhost"], "reads": ["~"] });
        denied(&machine, with_hosts.clone(), &service).await;
        let listen =
            "python3 -c 'import socket; s = socket.socket(); s.bind((\"127.0.0.1\", 0)); s.listen()'";
        denied(&machine, with_hosts.clone(), listen).await;
        put(&machine, &script(&format!("needed $1; {tcp} && done_")));
        apply(&machine, with_hosts).await.unwrap();
    }

    #[tokio::test]
    async fn e2_other_processes_are_out_of_reach() {
        let machine = machine("");
        let mut other = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
        denied(&machine, json!({}), &format!("kill {}", other.id())).await;
        denied(&machine, json!({}), "kill -0 $PPID").await;
        assert!(other.try_wait().unwrap().is_none());
        other.kill().unwrap();
        other.wait().unwrap();
    }

    #[tokio::test]
    async fn e3_no_daemon_survives() {
        if !confines() {
            return;
        }
        for (number, leave) in [
            "sleep 98765N >/dev/null 2>&1 &",
            "setsid sleep 98765N >/dev/null 2>&1 &",
            "(sleep 98765N &) &",
            "env -i sleep 98765N >/dev/null 2>&1 </dev/null &",
            // A group of its own, no marker, no parent: whatever of that is denied, it is not left.
            "(env -i python3 -c 'import os\ntry: os.setpgid(0, 0)\nexcept OSError: pass\nos.execvpe(\"sleep\", [\"sleep\", \"98765N\"], {\"PATH\": \"/usr/bin:/bin\"})' >/dev/null 2>&1 </dev/null &) & sleep 0.3",
        ]
        .iter()
        .enumerate()
        {
            // Of this run alone: what an earlier one left would be taken for ours.
            let seconds = format!("9{}{number}", std::process::id());
            let leave = leave.replace("98765N", &seconds);
            let machine = machine(&script(&format!("needed $1; {leave}\ndone_")));
            apply(&machine, json!({})).await.unwrap();
            let alive = fs::read_dir("/proc").unwrap().flatten().any(|entry| {
                fs::read(entry.path().join("cmdline"))
                    .is_ok_and(|line| line == format!("sleep\0{seconds}\0").into_bytes())
            });
            assert!(!alive, "{leave}");
        }
    }

    #[tokio::test]
    async fn e3_a_session_of_its_own_cannot_be_had() {
        let machine = machine("");
        denied(&machine, json!({}), "setsid -w true").await;
    }

    #[tokio::test]
    async fn its_environment_is_short() {
        let machine = machine(&script("needed $1; env > ~/out/env; done_"));
        apply(&machine, json!({ "writes": ["~/out"] })).await.unwrap();
        let environment = fs::read_to_string(machine.home().join("out/env")).unwrap();
        let names: Vec<&str> = environment.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
        assert!(names.contains(&"PATH") && names.contains(&"HOME") && names.contains(&"TMPDIR"), "{names:?}");
        assert!(!names.iter().any(|name| name.starts_with("CARGO")), "{names:?}");
        let home = format!("HOME={}\n", machine.home().display());
        assert!(environment.contains(&home));
    }
}

#[tokio::test]
async fn it_can_be_named_instead_of_shipped() {
    let machine = machine("");
    let mut cx = machine.context();
    cx.run = None;
    let missing = machine.operation("external", json!({ "program": "acme-no-such-program" }));
    let Ok(Check::Blocked { why, hint }) = missing.check(&cx).await else { panic!() };
    assert!(why.contains("`acme-no-such-program` was not found"), "{why}");
    assert!(hint.is_some());
    // A program that is there and knows nothing of the protocol.
    let failure = machine.operation("external", json!({ "program": "true" })).check(&cx).await.unwrap_err();
    assert!(failure.cause.contains("`true` ended without an answer"), "{failure}");
}

#[tokio::test]
async fn outputs_are_those_the_step_declares() {
    let machine = machine(&script(r#"echo '{"state":"satisfied","outputs":{"path":"/x"}}'"#));
    let operation = machine.operation("external", with(json!({})));
    assert!(satisfied(&*operation, &machine.context()).await.is_empty());
}
