use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    path::Path,
    sync::mpsc::{Receiver, channel},
};

use firstlight_domain::{id::CredentialName, state::WaitsOn};
use firstlight_engine::{
    process::{self, Process},
    provider::Check,
    providers::credential::{accept, parameters, try_stored},
};
use serde_json::{Value, json};

use crate::{Machine, satisfied};

const GOOD: &str = "correct-horse-battery";
const BAD: &str = "wrong-horse-battery";

fn name() -> CredentialName {
    CredentialName::new("token").unwrap()
}

/// A script that accepts `GOOD` on standard input, and prints what it got.
fn by_stdin() -> Value {
    let script = format!("read -r got; echo \"got $got\"; echo \"err $got\" >&2; test \"$got\" = {GOOD}");
    json!({ "name": "token", "test": { "command": ["sh", "-c", script], "stdin": true } })
}

fn by_env() -> Value {
    let script = format!("echo \"got $TOKEN\"; test \"$TOKEN\" = {GOOD}");
    json!({ "name": "token", "test": { "command": ["sh", "-c", script], "env": "TOKEN" } })
}

/// No file below the folder holds the text.
fn assert_nowhere(folder: &Path, text: &str) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            assert_nowhere(&path, text);
        } else {
            assert!(!String::from_utf8_lossy(&fs::read(&path).unwrap()).contains(text), "{}", path.display());
        }
    }
}

#[tokio::test]
async fn c5_only_what_passes_its_test_is_stored_and_no_word_of_it_is_told() {
    for with in [by_stdin(), by_env()] {
        let machine = Machine::new();
        let cx = machine.context();
        let with = parameters(&with).unwrap();
        let failure = accept(&with, BAD.into(), &cx).await.unwrap_err();
        assert!(failure.cause.contains("not accepted"), "{failure}");
        assert!(failure.last_lines.concat().contains("got ***"), "{failure:?}");
        assert_eq!(machine.host.secret_text(&name()), None);
        accept(&with, GOOD.into(), &cx).await.unwrap();
        assert_eq!(machine.host.secret_text(&name()).as_deref(), Some(GOOD));
        try_stored(&with, &cx).await.unwrap();
        // Tried again and found wrong, it is still there: a failed test erases nothing.
        machine.host.put_secret(&name(), BAD);
        assert!(try_stored(&with, &cx).await.is_err());
        assert_eq!(machine.host.secret_text(&name()).as_deref(), Some(BAD));
        cx.output.finish();
        assert_nowhere(&machine.host.folder(), BAD);
        assert_nowhere(&machine.host.folder(), "correct-horse-battery\n");
        let told = format!("{failure:?} {:?} {:?}", machine.host.live(), machine.host.events());
        assert!(!told.contains(BAD) && !told.contains(GOOD), "{told}");
    }
}

#[tokio::test]
async fn one_that_can_be_made_is_made_tested_and_stored() {
    let machine = Machine::new();
    let with = json!({
        "name": "token", "title": "Token", "generate": { "length": 24 },
        "test": { "command": ["sh", "-c", "read -r got; test ${#got} = 24"], "stdin": true },
    });
    let operation = machine.operation("credential", with.clone());
    machine.bring_about(&*operation).await;
    assert_eq!(machine.host.secret_text(&name()).map(|secret| secret.len()), Some(24));
    let resolved = operation.resolved();
    assert_eq!(resolved.secrets, ["token"]);
    assert_eq!(resolved.commands.len(), 1);
    assert_eq!(resolved.commands[0].env, []);

    let mut refusing = with;
    refusing["name"] = json!("other");
    refusing["test"]["command"] = json!(["false"]);
    let operation = machine.operation("credential", refusing);
    assert!(operation.apply(&machine.context()).await.is_err());
    assert_eq!(machine.host.secret_text(&CredentialName::new("other").unwrap()), None);
}

#[tokio::test]
async fn one_that_cannot_be_made_is_the_persons_turn() {
    let machine = Machine::new();
    let operation = machine.operation("credential", json!({ "name": "token", "title": "Access token" }));
    let check = operation.check(&machine.context()).await.unwrap();
    assert_eq!(check, Check::Person { on: WaitsOn::You, what: "would ask you for “Access token”".into() });
    assert!(operation.apply(&machine.context()).await.is_err());
    machine.host.put_secret(&name(), GOOD);
    assert!(satisfied(&*operation, &machine.context()).await.is_empty(), "a secret is no output");
}

#[tokio::test]
async fn a_test_that_hangs_or_cannot_start_stores_nothing() {
    let machine = Machine::new();
    let mut cx = machine.context();
    cx.timeout = std::time::Duration::from_millis(300);
    let hanging =
        json!({ "name": "token", "test": { "command": ["sh", "-c", "echo $T; sleep 60"], "env": "T" } });
    let failure = accept(&parameters(&hanging).unwrap(), GOOD.into(), &cx).await.unwrap_err();
    assert!(failure.cause.contains("did not finish"), "{failure}");
    assert!(!format!("{failure:?}").contains(GOOD), "{failure:?}");
    let missing = json!({ "name": "token", "test": { "command": ["no-such-program-here"], "env": "T" } });
    assert!(accept(&parameters(&missing).unwrap(), GOOD.into(), &cx).await.is_err());
    let early =
        json!({ "name": "token", "test": { "command": ["${{ steps.a.outputs.path }}/x"], "env": "T" } });
    let failure = accept(&parameters(&early).unwrap(), GOOD.into(), &cx).await.unwrap_err();
    assert!(failure.cause.contains("yet"), "{failure}");
    assert_eq!(machine.host.secret_text(&name()), None);
}

#[tokio::test]
async fn c4_a_check_that_is_cut_off_tells_nothing_either() {
    let machine = Machine::new();
    let mut cx = machine.context();
    cx.timeout = std::time::Duration::from_millis(300);
    let hanging = Process::new("sh").args(["-c", "echo got $T; sleep 60"]).secret_env("T", GOOD.into());
    let failure = process::quick(&cx, hanging).await.unwrap_err();
    assert_eq!(failure.last_lines, ["got ***"]);
}

/// Answers each request with this, and tells what it was asked.
fn server(answer: String) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/user", listener.local_addr().unwrap());
    let (tell, asked) = channel();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let mut request = Vec::new();
            let mut chunk = [0; 1024];
            while !request.ends_with(b"\r\n\r\n") {
                match stream.read(&mut chunk) {
                    Ok(0) | Err(_) => break,
                    Ok(count) => request.extend_from_slice(&chunk[..count]),
                }
            }
            let _ = stream.write_all(answer.as_bytes());
            if tell.send(String::from_utf8_lossy(&request).into_owned()).is_err() {
                break;
            }
        }
    });
    (address, asked)
}

fn answer(status: &str, more: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n{more}\r\n")
}

#[tokio::test]
async fn a_server_can_say_whether_it_knows_it() {
    let machine = Machine::new();
    let cx = machine.context();
    let (address, asked) = server(answer("200 OK", ""));
    let with = json!({ "name": "token", "issuer": "IT", "expires-in": "90d", "test": { "http": address } });
    accept(&parameters(&with).unwrap(), GOOD.into(), &cx).await.unwrap();
    let request = asked.recv().unwrap();
    assert!(request.starts_with("GET /user HTTP/1.1\r\n"), "{request}");
    assert!(request.contains(&format!("authorization: Bearer {GOOD}\r\n")), "{request}");

    let with = json!({ "name": "token", "test": { "http": address, "header": "X-Token" } });
    accept(&parameters(&with).unwrap(), GOOD.into(), &cx).await.unwrap();
    let request = asked.recv().unwrap();
    assert!(request.contains(&format!("x-token: {GOOD}\r\n")), "{request}");

    for status in ["401 Unauthorized", "403 Forbidden", "500 Internal Server Error", "204 No Content"] {
        let machine = Machine::new();
        let (address, _asked) = server(answer(status, ""));
        let with = parameters(&json!({ "name": "token", "test": { "http": address } })).unwrap();
        let accepted = accept(&with, GOOD.into(), &machine.context()).await;
        assert_eq!(accepted.is_ok(), status.starts_with('2'), "{status}");
        assert_eq!(machine.host.secret_text(&name()).is_some(), status.starts_with('2'), "{status}");
        assert!(!format!("{accepted:?}").contains(GOOD), "{accepted:?}");
    }
}

#[tokio::test]
async fn a_redirect_does_not_carry_it_away() {
    let machine = Machine::new();
    let (elsewhere, carried) = server(answer("200 OK", ""));
    let (address, _asked) = server(answer("302 Found", &format!("location: {elsewhere}\r\n")));
    let with = json!({ "name": "token", "test": { "http": address, "header": "X-Token" } });
    assert!(accept(&parameters(&with).unwrap(), GOOD.into(), &machine.context()).await.is_err());
    assert!(carried.try_recv().is_err(), "nobody was asked");
    assert_eq!(machine.host.secret_text(&name()), None);
}

#[tokio::test]
async fn a_header_takes_no_second_header() {
    let machine = Machine::new();
    let (address, asked) = server(answer("200 OK", ""));
    let with = parameters(&json!({ "name": "token", "test": { "http": address } })).unwrap();
    let failure = accept(&with, "correct\r\nX-Admin: yes".into(), &machine.context()).await.unwrap_err();
    assert!(failure.cause.contains("cannot be sent"), "{failure}");
    assert!(asked.try_recv().is_err());
}
