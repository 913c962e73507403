//! `container` with an engine that records what it is asked and answers as docker does: the words docker gets, and the
//! three ways in which it is not there. A real engine is driven by the tests of the engine crate.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

use firstlight_testkit::PackFolder;
use serde_json::Value;

use crate::machine::{Machine, Ran};

/// Answers as docker 28 with compose 2 does, of a project whose containers are files.
const DOCKER: &str = r#"#!/bin/sh
state=${0%/*}/state
echo "$*" >> "$state/asked"
[ -e "$state/refuses" ] && { cat "$state/refuses" >&2; exit 1; }
case "$*" in
  ps*) for name in db web; do
      [ -e "$state/$name" ] && printf '{"ID":"id-%s","Labels":"com.docker.compose.project=shop,com.docker.compose.service=%s","State":"running","Status":"Up 2 seconds"}\n' $name $name
    done; exit 0 ;;
  *"config --services") printf 'db\nweb\n' ;;
  *" up "*) touch "$state/db" "$state/web" "$state/volume" ;;
  *" down") rm "$state/db" "$state/web" ;;
  "volume ls"*) [ -e "$state/volume" ] && echo shop_data; exit 0 ;;
  *) echo "unknown: $*" >&2; exit 125 ;;
esac
"#;

struct Fake {
    machine: Machine,
    pack: PackFolder,
    bin: PathBuf,
}

impl Fake {
    fn new() -> Self {
        let machine = Machine::new();
        let pack = PackFolder::with_steps(
            &["shop"],
            "  shop: { title: Run the shop, uses: container, first-value: true, with: { compose: dev/compose.yaml } }",
        );
        fs::create_dir(pack.path().join("dev")).unwrap();
        fs::write(pack.path().join("dev/compose.yaml"), "services: {}\n").unwrap();
        let bin = machine.root.path().join("bin");
        fs::create_dir_all(bin.join("state")).unwrap();
        Self { machine, pack, bin }
    }

    fn with_docker(self) -> Self {
        self.program("docker", DOCKER);
        self
    }

    fn with_compose(self) -> Self {
        let folder = self.machine.root.path().join("docker/cli-plugins");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("docker-compose"), "").unwrap();
        self
    }

    fn program(&self, name: &str, script: &str) {
        let file = self.bin.join(name);
        fs::write(&file, script).unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn refuses(&self, says: &str) {
        fs::write(self.bin.join("state/refuses"), says).unwrap();
    }

    /// No program but ours, the engine and what its script needs.
    fn run(&self, command: &str, more: &[&str]) -> Ran {
        for tool in ["sh", "touch", "rm", "cat"] {
            let at = self.bin.join(tool);
            if !at.exists() {
                std::os::unix::fs::symlink(PathBuf::from("/bin").join(tool), at).unwrap();
            }
        }
        let mut command = match command {
            "undo" => self.machine.command(&[&["undo"], more].concat()),
            command => self.machine.command_on(&self.pack, command, more),
        };
        command.env("PATH", &self.bin).env("DOCKER_CONFIG", self.machine.root.path().join("docker"));
        Ran::of(command.output().unwrap())
    }

    /// Why the step cannot be done.
    fn blocked(&self) -> String {
        let plan: Value = serde_json::from_str(&self.run("plan", &["--json"]).stdout).unwrap();
        assert_eq!(plan["steps"][0]["outcome"], "blocked", "{plan}");
        plan["steps"][0]["reason"].as_str().unwrap().to_owned()
    }

    fn asked(&self) -> Vec<String> {
        let asked = fs::read_to_string(self.bin.join("state/asked")).unwrap();
        asked.replace(&self.pack.path().display().to_string(), "[PACK]").lines().map(str::to_owned).collect()
    }
}

#[test]
fn an_engine_that_is_not_there_is_told_from_one_that_does_not_run_or_may_not_be_used() {
    assert!(Fake::new().blocked().starts_with("neither docker nor podman is installed; install"));
    let fake = Fake::new().with_docker();
    if ["/usr/local/lib", "/usr/local/libexec", "/usr/lib", "/usr/libexec"]
        .iter()
        .all(|folder| !PathBuf::from(folder).join("docker/cli-plugins/docker-compose").exists())
    {
        assert!(fake.blocked().starts_with("docker is installed, but not its compose command; "));
    }
    let fake = fake.with_compose();
    fake.refuses(
        "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
    );
    let why = fake.blocked();
    assert_eq!(why, "docker is installed, but does not run; `sudo systemctl start docker`, then try again");
    fake.refuses("permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock");
    let why = fake.blocked();
    assert!(
        why.starts_with("you may not talk to docker on this machine; `sudo usermod -aG docker $USER`"),
        "{why}"
    );
}

#[test]
fn docker_compose_is_asked_started_and_taken_down_in_its_own_words() {
    let fake = Fake::new().with_docker().with_compose();
    let plan = fake.run("plan", &[]).expect(0).stdout;
    assert!(plan.contains("would start db, web of `shop` with docker compose"), "{plan}");
    fake.run("up", &["--yes"]).expect(0);
    let compose = "compose --file [PACK]/dev/compose.yaml --project-name shop";
    let changing = |asked: Vec<String>| -> Vec<String> {
        asked.into_iter().filter(|line| line.contains(" up ") || line.ends_with(" down")).collect()
    };
    assert_eq!(changing(fake.asked()), [format!("{compose} up --detach --no-recreate")]);
    fake.run("up", &["--yes"]).expect(0);
    assert_eq!(changing(fake.asked()).len(), 1, "what runs is left alone");
    let undone = fake.run("undo", &["--step", "shop"]);
    undone.expect(0);
    assert_eq!(changing(fake.asked())[1..], [format!("{compose} down")]);
    assert!(fake.bin.join("state/volume").exists(), "volumes are kept");
}
