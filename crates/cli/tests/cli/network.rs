//! A company's network: a proxy with an authority of its own, and git, npm, pip and cargo behind it. The tools are the
//! real ones; the hosts they ask exist behind the proxy only.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use firstlight_testkit::{AUTHORITY, CompanyNetwork, PackFolder, Page};
use serde_json::{Value, json};

use crate::machine::{Machine, Ran};

const TOOLS: [&str; 4] = ["git", "npm", "pip", "cargo"];

/// A repository, a package of each kind, by the protocol of each tool.
fn hosts() -> BTreeMap<String, Page> {
    let refs = "1111111111111111111111111111111111111111\trefs/heads/main\n";
    let package = json!({
        "name": "thing", "dist-tags": { "latest": "1.2.3" },
        "versions": { "1.2.3": { "name": "thing", "version": "1.2.3", "dist": {
            "tarball": "https://npm.acme.test/thing.tgz", "shasum": "0".repeat(40) } } }
    });
    let crate_line = json!({
        "name": "thing", "vers": "1.2.3", "deps": [], "cksum": "0".repeat(64), "features": {}, "yanked": false
    });
    let text = |text: &str| Page::of("text/plain", text);
    let html = r#"<!DOCTYPE html><a href="/thing-1.2.3-py3-none-any.whl">thing-1.2.3-py3-none-any.whl</a>"#;
    [
        ("code.acme.test/app.git/info/refs", text(refs)),
        ("code.acme.test/app.git/HEAD", text("ref: refs/heads/main\n")),
        ("npm.acme.test/thing", Page::of("application/json", package.to_string())),
        ("pypi.acme.test/simple/thing/", Page::of("text/html", html)),
        ("vpn.example.com/ping", Page::status(204)),
        (
            "vpn.example.com/inside",
            Page { headers: vec![("Location", "https://wiki.corp/".into())], ..Page::status(302) },
        ),
        ("crates.acme.test/index/config.json", text(r#"{"dl":"https://crates.acme.test/dl"}"#)),
        ("crates.acme.test/index/th/in/thing", text(&format!("{crate_line}\n"))),
    ]
    .map(|(address, page)| (address.to_owned(), page))
    .into()
}

struct Office {
    machine: Machine,
    network: CompanyNetwork,
}

impl Office {
    fn new() -> Self {
        let office = Self { machine: Machine::new(), network: CompanyNetwork::with_pages(hosts()) };
        fs::write(office.ca(), office.network.authority()).unwrap();
        let project = office.machine.root.path().join("project");
        fs::create_dir_all(project.join("src")).unwrap();
        fs::write(project.join("src/lib.rs"), "").unwrap();
        let manifest = "[package]\nname = \"app\"\nversion = \"1.0.0\"\nedition = \"2021\"\n\
                        [dependencies]\n\
                        thing = { version = \"1\", registry-index = \"sparse+https://crates.acme.test/index/\" }\n";
        fs::write(project.join("Cargo.toml"), manifest).unwrap();
        office
    }

    /// The authority's certificate, as IT hands it out.
    fn ca(&self) -> PathBuf {
        self.machine.root.path().join("acme.pem")
    }

    /// Lets a tool ask its host for something.
    fn ask(&self, tool: &str) -> Command {
        let args: &[&str] = match tool {
            "git" => &["ls-remote", "https://code.acme.test/app.git"],
            "npm" => &["view", "thing", "version", "--registry=https://npm.acme.test/", "--fetch-retries=0"],
            "pip" => {
                &["index", "versions", "thing", "--index-url=https://pypi.acme.test/simple/", "--retries=0"]
            }
            _ => &["generate-lockfile", "--manifest-path", "project/Cargo.toml"],
        };
        // The toolchain's own: the one that chooses among toolchains looks for them in the home folder.
        let program = if tool == "cargo" { env!("CARGO") } else { tool };
        let mut command = self.machine.command_of(program, args);
        command
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("CARGO_NET_RETRY", "0")
            .env("PIP_DISABLE_PIP_VERSION_CHECK", "1");
        command
    }

    fn answers(&self, tool: &str) -> Ran {
        let lock = self.machine.root.path().join("project/Cargo.lock");
        let _ = fs::remove_file(lock);
        Ran::of(self.ask(tool).output().unwrap())
    }

    fn fix(&self, more: &[&str]) -> Ran {
        let (proxy, ca) = (self.network.proxy(), self.ca().display().to_string());
        let args = ["doctor", "--fix", "--yes", "--proxy", &proxy, "--ca", &ca];
        self.machine.run(&[&args[..], more].concat())
    }

    fn settings(&self) -> BTreeMap<PathBuf, Option<String>> {
        let files = [".gitconfig", ".npmrc", ".config/pip/pip.conf", ".cargo/config.toml"];
        let extra = [".config/firstlight/certificates.pem", ".config/firstlight", ".config", ".cargo"];
        let home = self.machine.home();
        files
            .iter()
            .chain(&extra)
            .map(|name| home.join(name))
            .filter(|path| path.symlink_metadata().is_ok())
            .map(|path| (path.clone(), fs::read_to_string(path).ok()))
            .collect()
    }
}

fn says(ran: &Ran) -> String {
    format!("{}{}", ran.stdout, ran.stderr)
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[test]
fn e10_git_npm_pip_and_cargo_get_through_once_the_doctor_set_them() {
    let office = Office::new();
    for tool in TOOLS {
        let ran = office.answers(tool);
        assert_ne!(ran.code, 0, "{tool} without a proxy: {}", says(&ran));
        let ran = Ran::of(office.ask(tool).env("https_proxy", office.network.proxy()).output().unwrap());
        assert_ne!(ran.code, 0, "{tool} without the certificate: {}", says(&ran));
    }
    assert!(
        office.network.asked().iter().all(|asked| asked.starts_with("CONNECT ")),
        "nothing was told to anyone"
    );

    let ran = office.fix(&[]);
    assert_eq!(ran.code, 0, "{}", says(&ran));
    assert!(ran.stdout.contains(AUTHORITY), "{}", ran.stdout);

    for tool in TOOLS {
        let ran = office.answers(tool);
        assert_eq!(ran.code, 0, "{tool}: {}", says(&ran));
        if tool != "cargo" {
            assert!(
                ran.stdout.contains(if tool == "git" { "refs/heads/main" } else { "1.2.3" }),
                "{}",
                says(&ran)
            );
        }
    }
    let lock = fs::read_to_string(office.machine.root.path().join("project/Cargo.lock")).unwrap();
    assert!(lock.contains("sparse+https://crates.acme.test/index/"), "{lock}");

    let ran = office.fix(&[]);
    assert_eq!((ran.code, ran.stdout.trim()), (0, "There is nothing to set."), "{}", says(&ran));
}

#[test]
fn e10_what_was_set_is_taken_back_byte_for_byte() {
    let office = Office::new();
    let home = office.machine.home();
    let mine = [
        (".gitconfig", "[user]\n\tname = Ada\n[http]\n\tpostBuffer = 1 # large\n"),
        (".npmrc", "; mine\n//registry.acme.test/:_authToken=s3cret-token"),
        (".config/pip/pip.conf", "[install]\nuser = no\n\n[global]\ntimeout = 20\n"),
        (".cargo/config.toml", "# mine\n[net] # retries\nretry = 3\n\n[build]\njobs = 2"),
    ];
    for with_files in [true, false] {
        for (name, text) in mine {
            let path = home.join(name);
            if with_files { write(&path, text) } else { fs::remove_file(path).unwrap() }
        }
        let before = office.settings();
        let ran = office.fix(&[]);
        assert_eq!(ran.code, 0, "{}", says(&ran));
        assert!(!says(&ran).contains("s3cret-token"), "what stands beside it is not shown");
        assert_ne!(office.settings(), before);
        for tool in TOOLS {
            assert_eq!(office.answers(tool).code, 0, "{tool}");
        }
        if with_files {
            let cargo = fs::read_to_string(home.join(".cargo/config.toml")).unwrap();
            assert!(cargo.starts_with("# mine\n[net] # retries\nretry = 3\n"), "{cargo}");
        }
        let ran = office.machine.run(&["doctor", "--undo"]);
        assert_eq!(ran.code, 0, "{}", says(&ran));
        let mut after = office.settings();
        // What cargo and npm themselves left in their folders is theirs.
        after.retain(|path, text| text.is_some() || before.contains_key(path));
        assert_eq!(after, before);
    }
    let ran = office.machine.run(&["doctor", "--undo"]);
    assert_eq!((ran.code, ran.stdout.trim()), (0, "There is nothing to take back."));
    let kept = office.machine.kept();
    assert!(kept.iter().all(|(_, bytes)| !bytes.windows(12).any(|window| window == b"s3cret-token")));
}

#[test]
fn e10_what_a_person_set_themselves_stays_and_is_said() {
    let office = Office::new();
    let npmrc = office.machine.home().join(".npmrc");
    write(&npmrc, "https-proxy=http://other.acme.test:3128\n");
    let ran = office.fix(&["--json"]);
    assert_ne!(ran.code, 0, "{}", says(&ran));
    let found: Value = serde_json::from_str(&ran.stdout).unwrap();
    let kept = found["kept"][0].as_str().unwrap();
    assert!(kept.contains("npm") && kept.contains("http://other.acme.test:3128"), "{kept}");
    assert_eq!(fs::read_to_string(&npmrc).unwrap(), "https-proxy=http://other.acme.test:3128\n");
    for tool in ["git", "pip", "cargo"] {
        assert_eq!(office.answers(tool).code, 0, "{tool} is set all the same");
    }
}

#[test]
fn e10_nothing_is_set_before_somebody_agreed() {
    let office = Office::new();
    let (proxy, ca) = (office.network.proxy(), office.ca().display().to_string());
    let before = office.settings();
    let ran = office.machine.run(&["doctor", "--fix", "--proxy", &proxy, "--ca", &ca]);
    assert_ne!(ran.code, 0);
    assert!(
        ran.stdout.contains("+\tproxy = ") && ran.stdout.contains("certificates.pem"),
        "the plan: {}",
        ran.stdout
    );
    assert!(ran.stderr.contains("--yes"), "{}", ran.stderr);
    assert_eq!(office.settings(), before);
    for bad in [["--proxy", "http://ada:s3cret@proxy.acme.test:1"], ["--ca", "nowhere.pem"]] {
        let ran = office.machine.run(&["doctor", "--fix", "--yes", bad[0], bad[1]]);
        assert_ne!(ran.code, 0);
        assert!(ran.stderr.contains("hint") && !ran.stderr.contains("s3cret"), "{}", ran.stderr);
    }
}

#[test]
fn e10_the_doctor_says_which_tool_lacks_what() {
    let office = Office::new();
    let mut command = office.machine.command(&["doctor", "--json"]);
    command.env("NODE_EXTRA_CA_CERTS", office.ca()).env("ALL_PROXY", "http://ada:s3cret@127.0.0.1:9");
    let ran = Ran::of(command.output().unwrap());
    assert!(!says(&ran).contains("s3cret"), "{}", says(&ran));
    let found: Value = serde_json::from_str(&ran.stdout).unwrap();
    let finding = |id: &str| {
        let all = found["findings"].as_array().unwrap();
        all.iter().find(|finding| finding["id"] == id).unwrap_or_else(|| panic!("{id}: {found}")).clone()
    };
    assert!(finding("private-ca")["found"].as_str().unwrap().contains(AUTHORITY), "{found}");
    for tool in ["git", "pip", "cargo"] {
        let finding = finding(&format!("tool-{tool}"));
        assert_eq!(finding["level"], "warn", "{finding}");
        assert!(finding["found"].as_str().unwrap().contains(AUTHORITY), "{finding}");
        assert!(finding["found"].as_str().unwrap().contains("http://127.0.0.1:9"), "{finding}");
        assert!(finding["hint"].as_str().unwrap().contains("doctor --fix"), "{finding}");
    }
}

#[test]
fn e10_the_doctor_goes_through_the_proxy_and_names_what_is_not_trusted() {
    let office = Office::new();
    let pack = PackFolder::with_steps(&["look"], "  look: { title: Look, run: [id], first-value: true }");
    allow(&pack, "code.acme.test");
    let pack = pack.path().display().to_string();
    let look = |trusted: bool| {
        let mut command = office.machine.command(&["doctor", "--json", "--pack", &pack]);
        command.env("HTTPS_PROXY", office.network.proxy());
        if trusted {
            command.env("SSL_CERT_FILE", office.ca());
        }
        let ran = Ran::of(command.output().unwrap());
        let found: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}", says(&ran)));
        ["network", "clock"].map(|id| {
            let all = found["findings"].as_array().unwrap();
            let finding = all.iter().find(|finding| finding["id"] == id).unwrap();
            (finding["level"].as_str().unwrap().to_owned(), finding["found"].as_str().unwrap().to_owned())
        })
    };
    let [network, clock] = look(false);
    assert_eq!(network.0, "bad");
    assert!(network.1.contains("code.acme.test") && network.1.contains("not trusted"), "{}", network.1);
    assert_eq!(clock.0, "unknown");
    let [network, clock] = look(true);
    assert_eq!((network.0.as_str(), clock.0.as_str()), ("ok", "ok"), "{} {}", network.1, clock.1);
}

#[test]
fn e10_a_pack_sets_proxy_and_certificates_by_a_step() {
    let office = Office::new();
    let (proxy, home) = (office.network.proxy(), office.machine.home());
    let pack = PackFolder::with_steps(
        &["network"],
        &format!(
            "  network: {{ title: Through the network, uses: network, first-value: true, \
             with: {{ tools: [git, cargo], proxy: \"{proxy}\", ca: certs/acme.pem }} }}"
        ),
    );
    let lint = office.machine.run(&["pack", "lint", &pack.path().display().to_string()]);
    assert!(lint.code != 0 && says(&lint).contains("certs/acme.pem"), "{}", says(&lint));
    fs::create_dir(pack.join("certs")).unwrap();
    fs::copy(office.ca(), pack.join("certs/acme.pem")).unwrap();
    let before = office.settings();
    let ran = office.machine.on(&pack, "up", &["--yes"]);
    assert_eq!(ran.code, 0, "{}", says(&ran));
    for tool in ["git", "cargo"] {
        let ran = office.answers(tool);
        assert_eq!(ran.code, 0, "{tool}: {}", says(&ran));
    }
    assert!(!home.join(".npmrc").exists(), "what was not named is not touched");
    let ran = office.machine.run(&["undo", "--all"]);
    assert_eq!(ran.code, 0, "{}", says(&ran));
    let mut after = office.settings();
    after.retain(|path, text| text.is_some() || before.contains_key(path));
    assert_eq!(after, before);
}

#[test]
fn e6_settings_kept_elsewhere_are_not_written_through_a_link() {
    let office = Office::new();
    let elsewhere = office.machine.root.path().join("dotfiles");
    write(&elsewhere, "[user]\n\tname = Ada\n");
    std::os::unix::fs::symlink(&elsewhere, office.machine.home().join(".gitconfig")).unwrap();
    let ran = office.fix(&[]);
    assert_ne!(ran.code, 0);
    assert!(ran.stdout.contains(".gitconfig is a symbolic link"), "{}", says(&ran));
    assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "[user]\n\tname = Ada\n");
    assert_eq!(office.answers("npm").code, 0, "the others are set");
}

#[test]
fn e8_a_probe_behind_the_proxy_notices_and_is_not_led_inside() {
    let office = Office::new();
    let ask = |path: &str| {
        let pack = PackFolder::with_steps(
            &["vpn"],
            &format!(
                "  vpn: {{ title: Ask for access, uses: request, owner: it, first-value: true, \
                 probe: {{ http: \"https://vpn.example.com/{path}\" }} }}"
            ),
        );
        allow(&pack, "vpn.example.com");
        let mut command = office.machine.command_on(&pack, "plan", &["--json"]);
        command.env("HTTPS_PROXY", office.network.proxy().replace("127.0.0.1", "localhost"));
        command.env("SSL_CERT_FILE", office.ca());
        let ran = Ran::of(command.output().unwrap());
        let plan: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}", says(&ran)));
        plan["steps"][0].clone()
    };
    let found = ask("ping");
    assert_eq!(found["outcome"], "ok", "{found}");
    let found = ask("inside");
    assert_ne!(found["outcome"], "ok");
    assert!(found["reason"].as_str().unwrap().contains("policy does not list it"), "{found}");
    let asked = office.network.asked();
    assert!(!asked.iter().any(|asked| asked.contains("wiki")), "{asked:?}");
}

/// Lets a pack ask this host.
fn allow(pack: &PackFolder, host: &str) {
    let yaml = fs::read_to_string(pack.join("pack.yaml")).unwrap();
    let policy = format!("policy: {{ capabilities: {{ hosts: [{host}] }} }}\n");
    fs::write(pack.join("pack.yaml"), format!("{yaml}{policy}")).unwrap();
}
