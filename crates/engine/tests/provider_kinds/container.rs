//! With a real podman, where containers can be run; each test says so where they cannot.

use std::{fs, net::TcpListener, path::Path, process::Command};

use firstlight_domain::{plan::Purpose, state::Failure};
use firstlight_engine::provider::{Check, Operation};
use serde_json::{Value, json};

use crate::{
    Machine, blocked,
    podman::{self, Podman, which},
};

/// A server that is nothing but itself: it answers on the port of its first argument.
const SERVER: &str = r#"
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv) {
  if (argc < 2) return 0;
  int s = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1]))};
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(s, (void *)&a, sizeof a) || listen(s, 5)) return 3;
  for (;;) {
    const char *m = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
    char b[1024];
    int c = accept(s, 0, 0);
    if (read(c, b, sizeof b) >= 0) write(c, m, strlen(m));
    close(c);
  }
}
"#;

/// A podman with an image of the server above.
fn podman() -> Option<Podman> {
    let podman = Podman::new(&["podman-compose", "cc"])?;
    let folder = podman.folder().join("server");
    fs::create_dir(&folder).unwrap();
    let (source, program) = (folder.join("server.c"), folder.join("server"));
    fs::write(&source, SERVER).unwrap();
    let made = Command::new("cc").args(["-static", "-o"]).args([&program, &source]).output().unwrap();
    if !made.status.success() {
        return podman::not_tested("no program can be linked statically");
    }
    podman.image("server", &folder, "COPY server /server\n", "/server")
}

fn with(podman: &Podman, more: &Value) -> Value {
    let mut with =
        json!({ "engine": "podman", "project": "shop", "env": podman.env, "ready-timeout": "60s" });
    with.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    with
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// `web` answers at the port, `other` at another.
fn write_compose(file: &Path, port: u16, extra: &str) {
    let service = |name: &str, port: u16, extra: &str| {
        format!(
            "  {name}:\n    image: localhost/server\n    network_mode: host\n    stop_grace_period: 0s\n    command: \
             [/server, '{port}']\n{extra}"
        )
    };
    let volumes = "    volumes: ['data:/data']\n";
    let text = format!(
        "services:\n{}{}volumes: {{ data: {{}} }}\n{extra}",
        service("web", port, volumes),
        service("other", free_port(), "")
    );
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
}

fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

async fn needed(operation: &dyn Operation, machine: &Machine) -> String {
    match operation.check(&machine.context()).await.unwrap() {
        Check::Needed { what, files } => {
            assert!(files.is_empty());
            what
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_project_is_started_seen_and_taken_back_with_its_volume_kept() {
    let Some(podman) = podman() else { return };
    let machine = Machine::new();
    let port = free_port();
    write_compose(&machine.pack.path().join("dev/compose.yaml"), port, "");
    let asked = json!({ "compose": "dev/compose.yaml", "services": ["web"], "ready": { "http": url(port) } });
    let operation = machine.operation("container", with(&podman, &asked));
    let what = needed(&*operation, &machine).await;
    assert_eq!(what, "would start web of `shop` with podman-compose");
    let outputs = machine.bring_about(&*operation).await;
    assert_eq!(outputs["url"], url(port));
    assert_eq!(outputs["project"], "shop");
    assert_eq!(podman.names(), ["shop_web_1"], "only what was asked for");
    machine.undo(&*operation).await.unwrap();
    assert_eq!(podman.names(), [""; 0]);
    assert_eq!(podman.lines(&["pod", "ls", "--quiet"]), [""; 0]);
    assert_eq!(podman.volumes(), ["shop_data"], "what is in it may be work");
    needed(&*operation, &machine).await;
}

#[tokio::test]
async fn e6_undo_leaves_what_others_started_and_removes_a_volume_only_if_it_made_it() {
    let Some(podman) = podman() else { return };
    let machine = Machine::new();
    let file = machine.home().join("src/Shop.io/compose.yaml");
    write_compose(&file, free_port(), "");
    // Somebody had `other` running before.
    let mut theirs = Command::new("podman-compose");
    theirs.arg("--file").arg(&file).args(["--project-name", "shopio", "up", "--detach", "other"]);
    assert!(theirs.envs(&podman.env).output().unwrap().status.success());
    assert_eq!(podman.names(), ["shopio_other_1"]);
    let mut with = with(&podman, &json!({ "compose": "~/src/Shop.io/compose.yaml", "volumes": "remove" }));
    with.as_object_mut().unwrap().remove("project");
    let operation = machine.operation("container", with);
    assert_eq!(needed(&*operation, &machine).await, "would start web of `shopio` with podman-compose");
    machine.bring_about(&*operation).await;
    assert_eq!(podman.names(), ["shopio_other_1", "shopio_web_1"]);
    assert_eq!(podman.volumes(), ["shopio_data"]);
    machine.undo(&*operation).await.unwrap();
    assert_eq!(podman.names(), ["shopio_other_1"]);
    assert_eq!(podman.volumes(), [""; 0]);
}

#[tokio::test]
async fn a_changed_file_starts_anew_what_we_started_and_only_that() {
    let Some(podman) = podman() else { return };
    let machine = Machine::new();
    let file = machine.pack.path().join("compose.yaml");
    let (first, second) = (free_port(), free_port());
    write_compose(&file, first, "");
    let of = |port: u16| {
        let asked = json!({ "compose": "compose.yaml", "services": ["web"], "ready": { "http": url(port) } });
        machine.operation("container", with(&podman, &asked))
    };
    machine.bring_about(&*of(first)).await;
    write_compose(&file, second, "");
    let operation = of(second);
    let what = needed(&*operation, &machine).await;
    assert_eq!(what, "would bring `shop` up to date: what it is started from has changed");
    machine.bring_about(&*operation).await;
    assert_eq!(podman.names(), ["shop_web_1"]);
}

#[tokio::test]
async fn what_ends_again_or_answers_in_its_place_is_said() {
    let Some(podman) = podman() else { return };
    let machine = Machine::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    write_compose(&machine.pack.path().join("compose.yaml"), port, "");
    let tcp = json!({ "tcp": format!("127.0.0.1:{port}") });
    let asked = json!({ "compose": "compose.yaml", "services": ["web"], "ready": tcp });
    let operation = machine.operation("container", with(&podman, &asked));
    let why = blocked(&*operation, &machine.context()).await;
    assert_eq!(why, format!("something else answers at tcp://127.0.0.1:{port}"));
    let asked = json!({ "compose": "compose.yaml", "services": ["web"] });
    let operation = machine.operation("container", with(&podman, &asked));
    let failure: Failure = operation.apply(&machine.context()).await.unwrap_err();
    assert_eq!(failure.cause, "`web` ended again after it was started");
    machine.undo(&*operation).await.unwrap();
    assert_eq!(podman.names(), [""; 0]);
}

#[tokio::test]
async fn e1_the_plan_says_what_is_run_and_that_hosts_are_not_known() {
    let machine = Machine::new();
    let asked = json!({ "compose": "~/shop/compose.yaml", "engine": "podman" });
    let operation = machine.operation("container", asked);
    let resolved = operation.resolved();
    assert!(resolved.text.unwrap().contains("cannot be known beforehand"));
    let run: Vec<_> = resolved.commands.iter().filter(|line| line.purpose == Purpose::Run).collect();
    let file = machine.home().join("shop/compose.yaml").display().to_string();
    for line in run {
        assert!(line.argv.windows(2).any(|words| words == ["--file", file.as_str()]), "{line:?}");
        assert!(line.argv.windows(2).any(|words| words == ["--project-name", "shop"]), "{line:?}");
    }
    if which("podman").is_some() && which("podman-compose").is_some() {
        let check = operation.check(&machine.context()).await.unwrap();
        assert!(matches!(check, Check::Unknown { .. }), "the file may come with a step before: {check:?}");
    } else {
        blocked(&*operation, &machine.context()).await;
    }
}

#[test]
fn e2_names_and_paths_are_never_options() {
    let machine = Machine::new();
    let refused = |with: Value| machine.prepare("container", with).err().unwrap().cause;
    for (field, value) in [
        ("compose", json!("../compose.yaml")),
        ("compose", json!("~/../x/compose.yaml")),
        ("project", json!("--help")),
        ("project", json!("Shop")),
        ("services", json!(["-d"])),
        ("ready", json!({})),
        ("engine", json!("lxc")),
        ("env", json!({ "A=B": "x" })),
    ] {
        let mut with = json!({ "compose": "compose.yaml" });
        with[field] = value;
        assert!(refused(with).contains(field), "{field}");
    }
    assert!(machine.prepare("container", json!({ "compose": "compose.yaml" })).is_ok());
}
