//! C5: a secret is in the keychain or in memory, nowhere else.

use std::{
    io::{Read, Write},
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use firstlight_testkit::PackFolder;

use crate::machine::{Machine, processes_with, token_pack};

const CANARY: &str = "zq7-canary-R4f9Lw2x";
/// The same in base64, as programs like to print it.
const CANARY_BASE64: &str = "enE3LWNhbmFyeS1SNGY5THcyeA==";
/// Proves that the search would find it.
const CONTROL: &str = "control-that-may-be-seen-83125";

/// A credential whose test refuses everything and tells all it knows, on both outputs, as it is and in base64.
fn telling_pack() -> PackFolder {
    token_pack(
        r#"read -r got; echo "checking $got"; printf %s "$got" | base64 >&2; echo "revoked on 2 May" >&2; exit 7"#,
    )
}

/// Whether this names the end of the test's output, and neither form of the secret.
#[track_caller]
fn assert_tells_without_the_secret(said: &str) {
    for wanted in ["ended with code 7", "checking ‹", "revoked on 2 May", "hint"] {
        assert!(said.contains(wanted), "{wanted} is not in:\n{said}");
    }
    assert!(!said.contains(CANARY) && !said.contains(CANARY_BASE64), "{said}");
}

#[test]
fn c5_a_refusal_shows_what_the_test_printed_without_the_secret() {
    let (machine, pack) = (Machine::with_keychain(), telling_pack());
    let set = ["credential", "set", "acme-token", "--pack", pack.path().to_str().unwrap()];
    let people = machine.run_with_input(&set, &format!("{CANARY}\n")).expect(1).stderr;
    assert_tells_without_the_secret(&people);
    let scripts = machine.run_with_input(&[&set[..], &["--json"]].concat(), &format!("{CANARY}\n"));
    assert_tells_without_the_secret(&scripts.stderr);
    let error = scripts.error();
    assert_eq!(error["code"], "credential_refused");
    assert_eq!(error["last_lines"].as_array().unwrap().len(), 3, "{error}");
    for (path, bytes) in machine.kept() {
        for word in [CANARY, CANARY_BASE64] {
            let holds = bytes.windows(word.len()).any(|part| part == word.as_bytes());
            assert!(!holds, "{} holds it", path.display());
        }
    }
}

#[test]
fn c5_up_shows_a_person_what_the_test_printed_and_asks_again() {
    let (machine, pack) = (Machine::with_keychain(), telling_pack());
    let up = machine.command_on(&pack, "up", &["--yes"]);
    // The terminal never echoes, so that what is typed is nowhere on it; `script` is one for the program.
    let mut words = vec![up.get_program()];
    words.extend(up.get_args());
    let words: Vec<_> = words.iter().map(|word| format!("'{}'", word.to_str().unwrap())).collect();
    let line = format!("stty -echo; {}", words.join(" "));
    let mut terminal = machine.command_of("script", &["-qec", &line, "/dev/null"]);
    let mut child = terminal.stdin(Stdio::piped()).spawn().expect("script, of the package bsdutils");
    let (mut keys, mut screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut shown = Vec::new();
    for (prompt, typed) in [
        ("Value (not shown, empty to skip): ", format!("{CANARY}\r")),
        ("Try another value?", "n\r".to_owned()),
    ] {
        let mut byte = [0];
        while !shown.ends_with(prompt.as_bytes()) {
            let read = screen.read(&mut byte).unwrap();
            assert_eq!(read, 1, "it ended before {prompt:?}:\n{}", String::from_utf8_lossy(&shown));
            shown.push(byte[0]);
        }
        keys.write_all(typed.as_bytes()).unwrap();
    }
    screen.read_to_end(&mut shown).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert_tells_without_the_secret(&String::from_utf8_lossy(&shown));
}

fn pack() -> PackFolder {
    PackFolder::with_steps(
        &["token", "by-env", "by-stdin", "passphrase", "fails"],
        &format!(
            "  token:
    title: Your token
    uses: credential
    with: {{ name: acme-token, test: {{ command: [grep, -q, '^zq7-'], stdin: true }} }}
  by-env:
    title: Use it from the environment
    needs: [token]
    shell: true
    run: ['echo {CONTROL}; echo the token is $TOKEN; printf %s $TOKEN | base64; sleep 0.3; printf %s $TOKEN | wc -c > \"$PLACE-env\"']
    env: {{ PLACE: '${{{{ inputs.place }}}}' }}
    secrets: {{ env: {{ TOKEN: acme-token }} }}
  by-stdin:
    title: Use it from standard input
    needs: [token]
    run: [sh, -c, 'tee \"$0\"-copy; sleep 0.3; wc -c < \"$0\"-copy > \"$0\"-stdin', '${{{{ inputs.place }}}}']
    secrets: {{ stdin: acme-token }}
    first-value: true
  passphrase: {{ title: Make one, uses: credential, with: {{ name: passphrase, generate: {{ length: 32 }} }} }}
  fails:
    title: Fail with it on the lips
    needs: [by-env, by-stdin]
    run: [sh, -c, 'echo refused: $TOKEN >&2; exit 1']
    secrets: {{ env: {{ TOKEN: acme-token }} }}
policy:
  capabilities: {{ secrets: [acme-token, passphrase] }}"
        ),
    )
}

#[test]
fn c5_a_full_run_leaves_the_secret_nowhere_but_in_the_keychain() {
    let (machine, pack) = (Machine::with_keychain(), pack());
    let over = Arc::new(AtomicBool::new(false));
    let sampler = thread::spawn({
        let over = Arc::clone(&over);
        move || {
            let (mut seen, mut control) = (Vec::new(), false);
            while !over.load(Ordering::Relaxed) {
                seen.extend(processes_with(CANARY));
                seen.extend(processes_with(CANARY_BASE64));
                control |= !processes_with(CONTROL).is_empty();
            }
            (seen, control)
        }
    });

    let folder = pack.path().to_str().unwrap();
    let mut said = Vec::new();
    let mut keep = |ran: crate::machine::Ran| said.push(format!("{}{}", ran.stdout, ran.stderr));
    keep(machine.on(&pack, "plan", &["--json"]));
    keep(
        machine
            .run_with_input(&["credential", "set", "acme-token", "--pack", folder], &format!("{CANARY}\n"))
            .expect(0),
    );
    // Every word of every step, live.
    keep(machine.on(&pack, "up", &["--yes", "--verbose"]).expect(1));
    keep(machine.on(&pack, "up", &["--yes", "--json"]).expect(1));
    for args in [
        &["status", "--json"][..],
        &["report", "--json"],
        &["events", "--json"],
        &["journal", "export"],
        &["credential", "list", "--json"],
        &["credential", "test", "acme-token"],
        &["doctor"],
    ] {
        keep(machine.run(args));
    }
    over.store(true, Ordering::Relaxed);
    let (seen, control) = sampler.join().unwrap();

    // It was really handed over, whole, both ways.
    let length = |way: &str| {
        let file = machine.root.path().join(format!("place-{way}"));
        std::fs::read_to_string(file).unwrap().trim().parse::<usize>().unwrap()
    };
    assert_eq!((length("env"), length("stdin")), (CANARY.len(), CANARY.len()));

    assert!(control, "the sampling of command lines found not even what was there");
    assert_eq!(seen, Vec::<String>::new(), "in a command line");

    let kept = machine.kept();
    let holds = |bytes: &[u8], word: &str| bytes.windows(word.len()).any(|part| part == word.as_bytes());
    assert!(kept.iter().any(|(_, bytes)| holds(bytes, CONTROL)), "the search found not even what was there");
    assert!(kept.iter().any(|(path, _)| path.ends_with("journal.sqlite")));
    for (path, bytes) in &kept {
        for word in [CANARY, CANARY_BASE64] {
            assert!(!holds(bytes, word), "{} holds it", path.display());
        }
    }
    let said = said.concat();
    assert!(said.contains("‹acme-token ***›"), "{said}");
    assert!(!said.contains(CANARY) && !said.contains(CANARY_BASE64), "{said}");
}
