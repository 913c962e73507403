//! The rows: what is there before, and what a step then changes.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    process::Command,
};

use firstlight_domain::facts::PackageManager;
use serde_json::{Value, json};

use super::{Ground, Row};
use crate::tree::put;

/// Kinds that never change anything that could be given back: why, and parameters they take.
pub(super) const NOTHING_TO_GIVE_BACK: &[(&str, &str, &str)] = &[
    ("confirm", "a person says that they did it", r#"{ "text": "Done?" }"#),
    (
        "credential",
        "what is in the keychain is the person's, who removes it with `firstlight credential remove`",
        r#"{ "name": "token" }"#,
    ),
    ("link", "it opens a page", r#"{ "url": "https://acme.test" }"#),
    ("posture", "it only looks", r#"{ "firewall": true }"#),
    ("read", "it shows a text", r#"{ "text": "Welcome." }"#),
    ("request", "somebody else grants it", r#"{ "text": "Access, please." }"#),
    (
        "scan",
        "it only looks",
        r#"{ "run": ["osv-scanner", "--format", "json", "."], "format": "osv", "cwd": "~" }"#,
    ),
    (
        "tools",
        "mise keeps versions side by side, and other projects may use the same one by now",
        r#"{ "tools": { "node": "22" } }"#,
    ),
];

pub(super) const ROWS: &[Row] = &[
    row(
        "command",
        "by its own undo",
        nothing,
        |_| json!({ "check": ["test", "-e", "made"], "run": ["touch", "made"], "undo": ["rm", "made"] }),
    ),
    // Containers.
    row("container", "nothing before", compose_file, compose),
    row("container", "one of two runs", |ground| containers(ground, "running"), compose),
    row("container", "one of two was stopped", |ground| containers(ground, "exited"), compose),
    row("devcontainer", "nothing before", dev_folder, devcontainer),
    row(
        "devcontainer",
        "it was stopped",
        |ground| {
            dev_folder(ground);
            let label = ground.machine.home().join("src/shop").display().to_string();
            ground.fakes.know("containers/dev", &format!("{label} - exited\n"));
        },
        devcontainer,
    ),
    // The environment.
    row("env", "no profile", nothing, editor),
    row("env", "a profile for the person alone", |g| file(g, ".profile", 0o600, "umask 077\n"), editor),
    row("env", "an empty profile", |g| file(g, ".profile", 0o644, ""), editor),
    row("env", "no line end at the end", |g| file(g, ".bash_profile", 0o644, "A=1\n\nB=2"), editor),
    row("env", "line ends of Windows", |g| file(g, ".profile", 0o644, "A=1\r\nB=2\r\n"), editor),
    row("env", "a block of ours with another line", |g| file(g, ".profile", 0o644, BLOCK), editor),
    row(
        "env",
        "a block of ours, cut short by an editor",
        |g| file(g, ".profile", 0o644, BLOCK.trim_end()),
        editor,
    ),
    row(
        "env",
        "the same variable before",
        |g| file(g, ".profile", 0o644, &BLOCK.replace("PAGER", "EDITOR")),
        editor,
    ),
    row(
        "env",
        "a folder on PATH, zsh",
        |g| g.machine.facts.shell = "zsh".into(),
        |_| json!({ "path-prepend": "~/bin" }),
    ),
    row("env", "fish, whose folders are not there", |g| g.machine.facts.shell = "fish".into(), editor),
    row(
        "external",
        "a file in a folder that was not there",
        program,
        |_| json!({ "program": "providers/odd", "writes": ["~/out"] }),
    ),
    // Files.
    row("file", "folders that were not there", nothing, |_| json!({ "path": "~/a/b/c", "content": "x" })),
    row(
        "file",
        "an odd file replaced",
        |g| file(g, "f", 0o4711, "a\r\nb\0"),
        |_| json!({ "path": "~/f", "content": "x\n", "mode": "0644" }),
    ),
    row(
        "file",
        "only its permissions",
        |g| file(g, "f", 0o600, "x"),
        |_| json!({ "path": "~/f", "content": "x", "mode": "0755" }),
    ),
    row(
        "file",
        "through a link of a folder",
        |g| symlink("bin", g.machine.home().join("l")).unwrap(),
        |_| json!({ "path": "~/l/tool", "content": "x" }),
    ),
    row(
        "file",
        "one too large for a receipt",
        |g| file(g, "f", 0o640, &"line\r\n".repeat(100_000)),
        |_| json!({ "path": "~/f", "content": "x" }),
    ),
    row(
        "file",
        "a block in a file with no line end",
        nothing,
        |_| json!({ "path": "~/notes.txt", "block": "one\ntwo" }),
    ),
    row(
        "file",
        "a block in a file with line ends of Windows",
        nothing,
        |_| json!({ "path": "~/windows.ini", "block": "d = e", "comment": ";" }),
    ),
    row(
        "file",
        "a merge of INI with line ends of Windows",
        nothing,
        |_| json!({ "path": "~/windows.ini", "merge": { "a": { "b": "x", "n": "y" }, "new": { "c": "d" } } }),
    ),
    row(
        "file",
        "a merge of JSON",
        |g| file(g, "s.json", 0o600, "{ // mine\n  \"a\": [1,\n2], }"),
        |_| json!({ "path": "~/s.json", "merge": { "a": 1, "b": { "c": true } } }),
    ),
    row(
        "file",
        "a merge of TOML",
        |g| file(g, "s.toml", 0o644, "a=1 # mine\r\n[t]\r\nb='x'"),
        |_| json!({ "path": "~/s.toml", "merge": { "a": 2, "t": { "c": "d" }, "n": { "m": 1 } } }),
    ),
    row(
        "file",
        "a merge of YAML",
        |g| file(g, "s.yaml", 0o644, "a:   1 # mine\nb: {c: d}"),
        |_| json!({ "path": "~/s.yaml", "merge": { "a": 2, "b": { "e": "f" }, "n": { "m": "o" } } }),
    ),
    row(
        "file",
        "a merge that makes its file",
        nothing,
        |_| json!({ "path": "~/.config/new/s.json", "merge": { "a": 1 } }),
    ),
    // git.
    row("git/clone", "folders that were not there", upstream, clone),
    row("git/clone", "into an empty folder", upstream, |_| json!({ "url": "a.bundle", "into": "~/empty" })),
    row("git/config", "no file", nothing, name),
    row("git/config", "an empty file", |g| file(g, ".gitconfig", 0o600, ""), name),
    row("git/config", "no line end at the end", |g| file(g, ".gitconfig", 0o644, "[a]\n  b=c ; x"), name),
    row("git/config", "line ends of Windows", |g| file(g, ".gitconfig", 0o600, "[a]\r\n\tb = c\r\n"), name),
    row("git/config", "several values", |g| file(g, ".gitconfig", 0o644, NAMES), name),
    row("git/config", "the other place", |g| file(g, ".config/git/config", 0o640, NAMES), name),
    row("git/config", "a link to a file kept elsewhere", dotfiles, name),
    row("git/config", "a stored credential in the file", secret_in_git, name),
    // The network.
    row("network", "no files", nothing, proxy),
    row("network", "a file of each tool", tool_files, proxy),
    // Packages.
    row("package", "apt", |g| packages(g, PackageManager::Apt), |_| json!({ "apt": ["fl-there", "fl-new"] })),
    row("package", "dnf", |g| packages(g, PackageManager::Dnf), |_| json!({ "dnf": ["fl-new", "fl-there"] })),
    row("package", "brew", |g| packages(g, PackageManager::Brew), |_| json!({ "brew": ["fl-new", "fl-b"] })),
    row(
        "package",
        "winget",
        |g| packages(g, PackageManager::Winget),
        |_| json!({ "winget": ["fl-there", "fl-new", "fl-newer"] }),
    ),
    row("scaffold", "folders that were not there", template, |_| scaffold("~/src/made")),
    row("scaffold", "into an empty folder", template, |_| scaffold("~/empty")),
    row("service", "a process that goes on", nothing, |g| {
        let home = &g.machine.facts.home;
        json!({
            "run": ["sh", "-c", ": >ready; exec tail -f /dev/null \"$0\"", format!("{home}/notes.txt")],
            "ready": { "command": ["test", "-e", format!("{home}/ready")] },
            "stop": ["rm", "-f", "ready"],
        })
    }),
    row("ssh/key", "no folder", nothing, |_| json!({})),
    row("ssh/key", "another key, in a folder open to others", other_key, |_| json!({})),
];

const fn row(
    kind: &'static str,
    case: &'static str,
    ground: fn(&mut Ground),
    with: fn(&Ground) -> Value,
) -> Row {
    Row { kind, case, ground, with }
}

fn nothing(_: &mut Ground) {}

fn file(ground: &Ground, path: &str, mode: u32, content: &str) {
    put(&ground.machine.home().join(path), mode, content);
}

fn in_pack(ground: &Ground, path: &str, mode: u32, content: &str) {
    put(&ground.machine.pack.path().join(path), mode, content);
}

fn compose_file(ground: &mut Ground) {
    in_pack(ground, "compose.yaml", 0o644, "services: { db: { image: db }, web: { image: web } }\n");
}

/// The person's own `db` of the same project, with its volume, and somebody else's project.
fn containers(ground: &mut Ground, stands: &str) {
    compose_file(ground);
    ground.fakes.know("containers/shop-db", &format!("shop db {stands}\n"));
    ground.fakes.know("containers/other-db", "other db running\n");
    ground.fakes.know("volumes/shop-data", "full of orders\n");
}

fn compose(_: &Ground) -> Value {
    json!({ "compose": "compose.yaml", "engine": "podman", "project": "shop", "volumes": "remove" })
}

fn dev_folder(ground: &mut Ground) {
    file(ground, "src/shop/.devcontainer/devcontainer.json", 0o644, "{ \"image\": \"x\" }\n");
}

fn devcontainer(_: &Ground) -> Value {
    json!({ "folder": "~/src/shop", "engine": "podman" })
}

/// A profile with a block of ours in which another step has a line.
const BLOCK: &str = "A=1\n# >>> firstlight >>>\n# Kept by Firstlight; changes between these two lines are lost.\n\
                     export PAGER='less' #: PAGER\n# <<< firstlight <<<\n";

fn editor(_: &Ground) -> Value {
    json!({ "name": "EDITOR", "value": "vim -u 'none'" })
}

/// A program of the pack that keeps what it is told before it goes on.
fn program(ground: &mut Ground) {
    let script = r#"#!/bin/sh
case "$1" in describe)
    echo '{"protocol":1,"name":"odd","version":"1","summary":"Odd.","schema":{},"outputs":[],"can_undo":true}'
    exit ;;
esac
read -r request
case "$1" in
plan) echo '{}' ;;
check) if [ -e ~/out/x ]; then echo '{"state":"satisfied"}'; else echo '{"state":"needed","what":"would"}'; fi ;;
apply) echo '{"receipt":{}}'; read -r kept; echo x >~/out/x; echo '{"done":true}' ;;
undo) rm ~/out/x; echo '{"done":true}' ;;
esac
"#;
    in_pack(ground, "providers/odd", 0o755, script);
}

/// A bundle with one commit.
fn upstream(ground: &mut Ground) {
    let folder = tempfile::tempdir().unwrap();
    let bundle = ground.machine.pack.path().join("a.bundle").display().to_string();
    for words in [
        &["init", "-q", "-b", "main"][..],
        &["-c", "user.name=T", "-c", "user.email=t@t", "commit", "-q", "--allow-empty", "-m", "one"],
        &["bundle", "create", "-q", &bundle, "--all"],
    ] {
        assert!(Command::new("git").args(words).current_dir(&folder).status().unwrap().success());
    }
}

fn clone(_: &Ground) -> Value {
    json!({ "url": "a.bundle", "into": "~/src/deep/a" })
}

const NAMES: &str = "# mine\n[user]\n  name = Ada   ; as on the badge\n\n[user]\n\tname = Ada L.\n";

fn name(_: &Ground) -> Value {
    json!({ "key": "user.name", "value": "Mira" })
}

fn dotfiles(ground: &mut Ground) {
    file(ground, "dotfiles/gitconfig", 0o600, NAMES);
    symlink("dotfiles/gitconfig", ground.machine.home().join(".gitconfig")).unwrap();
}

fn secret_in_git(ground: &mut Ground) {
    let token = firstlight_domain::id::CredentialName::new("token").unwrap();
    ground.machine.host.put_secret(&token, "correct-horse-battery");
    file(ground, ".gitconfig", 0o600, "[http]\n  extraHeader=X: correct-horse-battery");
}

/// Each tool's own file, in ways people write them.
fn tool_files(ground: &mut Ground) {
    file(ground, ".gitconfig", 0o600, "[core]\r\n\teditor = vim");
    file(ground, ".npmrc", 0o600, "//npm.acme.test/:_authToken=x");
    file(ground, ".config/pip/pip.conf", 0o644, "; mine\n[global]\ntimeout = 60");
    file(ground, ".cargo/config.toml", 0o640, "[net]\nretry = 3 # often");
}

fn proxy(_: &Ground) -> Value {
    json!({ "proxy": "http://proxy.acme.test:8080" })
}

fn packages(ground: &mut Ground, manager: PackageManager) {
    ground.machine.facts.package_manager = Some(manager);
    ground.machine.facts.elevated = true;
    ground.fakes.know("packages/fl-there", "by somebody else\n");
}

fn template(ground: &mut Ground) {
    let text = "apiVersion: scaffolder.backstage.io/v1beta3\nkind: Template\nmetadata: { name: t }\nspec:\n  parameters: \
                { properties: { x: { type: string } } }\n  steps:\n    - { id: a, name: A, action: \
                \"fetch:template\", input: { url: ./skeleton, values: {} } }\n";
    in_pack(ground, "t/template.yaml", 0o644, text);
    in_pack(ground, "t/skeleton/src/run.sh", 0o755, "#!/bin/sh\n");
    in_pack(ground, "t/skeleton/empty-file", 0o644, "");
}

fn scaffold(into: &str) -> Value {
    json!({ "template": "t", "into": into, "values": { "x": "y" } })
}

fn other_key(ground: &mut Ground) {
    file(ground, ".ssh/id_rsa", 0o600, "somebody's");
    let folder = ground.machine.home().join(".ssh");
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
}
