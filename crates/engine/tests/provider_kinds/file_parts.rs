//! `file` where it is not the whole file: templates, blocks, fields.

use std::{fs, os::unix::fs::PermissionsExt};

use firstlight_domain::id::CredentialName;
use firstlight_engine::provider::Check;
use serde_json::{Value, json};

use crate::{Machine, blocked, satisfied};

async fn diff(machine: &Machine, with: Value) -> String {
    let operation = machine.operation("file", with);
    let Check::Needed { files, .. } = operation.check(&machine.context()).await.unwrap() else { panic!() };
    files[0].diff.clone()
}

#[tokio::test]
async fn a_template_of_the_pack_is_rendered_with_its_values_and_nothing_else() {
    let machine = Machine::new();
    let pack = machine.pack.path();
    fs::write(
        pack.join("ssh.j2"),
        "{% for host in hosts %}\nHost ${{ host }}\n{% endfor %}\nUser ${{ user }}\n",
    )
    .unwrap();
    fs::write(pack.join("bad.j2"), "${{ facts.home }}").unwrap();
    let with = |values: Value| json!({ "path": "~/.ssh/config", "template": "ssh.j2", "values": values, "mode": "0600" });
    let operation = machine.operation("file", with(json!({ "hosts": ["a", "b"], "user": "ada" })));
    let before = machine.snapshot();
    machine.bring_about(&*operation).await;
    assert_eq!(fs::read_to_string(machine.home().join(".ssh/config")).unwrap(), "Host a\nHost b\nUser ada\n");
    machine.undo(&*operation).await.unwrap();
    assert_eq!(machine.snapshot(), before);

    let failure =
        machine.operation("file", with(json!({ "hosts": [] }))).check(&machine.context()).await.unwrap_err();
    assert!(failure.cause.contains("`user` is not among `values`"), "{failure}");
    let other = machine.operation("file", json!({ "path": "~/x", "template": "bad.j2" }));
    assert!(other.check(&machine.context()).await.unwrap_err().cause.contains("facts"));
    assert!(other.apply(&machine.context()).await.is_err());
    assert!(!machine.home().join("x").exists());
    assert_ne!(
        machine.operation("file", with(json!({ "hosts": [], "user": "a" }))).resolved(),
        machine.operation("file", with(json!({ "hosts": [], "user": "b" }))).resolved(),
        "consent is to these values",
    );
}

#[tokio::test]
async fn e6_a_block_comes_into_a_file_and_leaves_it_byte_for_byte() {
    let machine = Machine::new();
    let path = machine.home().join("config");
    let with = json!({ "path": "~/config", "block": "one\n  two\n", "comment": ";", "name": "proxy" });
    let operation = machine.operation("file", with.clone());
    for before in [
        None,
        Some(""),
        Some("a"),
        Some("a\n"),
        Some("a\r\nb\r\n"),
        Some("; >>> firstlight: proxy >>>\nlost\n"),
    ] {
        match before {
            Some(text) => fs::write(&path, text).unwrap(),
            None => assert!(!path.exists()),
        }
        let snapshot = machine.snapshot();
        machine.bring_about(&*operation).await;
        let text = fs::read_to_string(&path).unwrap();
        let added = "; >>> firstlight: proxy >>>\none\n  two\n; <<< firstlight: proxy <<<\n";
        assert!(text.replace("\r\n", "\n").ends_with(added), "{text}");
        assert!(text.starts_with(before.unwrap_or_default()));
        assert_eq!(text.contains("two\r\n"), before.is_some_and(|before| before.contains('\r')));
        machine.undo(&*operation).await.unwrap();
        assert_eq!(machine.snapshot(), snapshot, "{before:?}");
        machine.undo(&*operation).await.unwrap();
        assert_eq!(machine.snapshot(), snapshot, "undone twice is undone: {before:?}");

        // The person goes on writing meanwhile, before it and behind it.
        machine.bring_about(&*operation).await;
        fs::write(&path, format!("mine\n{}alias x=y\n", fs::read_to_string(&path).unwrap())).unwrap();
        satisfied(&*operation, &machine.context()).await;
        machine.undo(&*operation).await.unwrap();
        let line_end = match before {
            Some(before) if !before.is_empty() && !before.ends_with('\n') => "\n",
            _ => "",
        };
        let rest = format!("mine\n{}{line_end}alias x=y\n", before.unwrap_or_default());
        assert_eq!(fs::read_to_string(&path).unwrap(), rest);
        fs::remove_file(&path).unwrap();
    }
    assert_eq!(
        diff(&machine, with).await.lines().skip(3).collect::<Vec<_>>(),
        ["+; >>> firstlight: proxy >>>", "+one", "+  two", "+; <<< firstlight: proxy <<<"]
    );
}

#[tokio::test]
async fn a_block_that_the_person_changed_is_left_and_said_and_one_that_changed_comes_back() {
    let machine = Machine::new();
    let path = machine.home().join("rc");
    let block = |text: &str| machine.operation("file", json!({ "path": "~/rc", "block": text, "name": "b" }));
    fs::write(&path, "top\n").unwrap();
    machine.bring_about(&*block("one")).await;
    let with_one = fs::read_to_string(&path).unwrap();
    machine.bring_about(&*block("two\nlines")).await;
    assert!(!fs::read_to_string(&path).unwrap().contains("one"), "one block, not two");
    fs::write(&path, fs::read_to_string(&path).unwrap() + "theirs\n").unwrap();
    machine.undo(&*block("two\nlines")).await.unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("{with_one}theirs\n"));

    machine.bring_about(&*block("three")).await;
    let changed = fs::read_to_string(&path).unwrap().replace("three", "3");
    fs::write(&path, &changed).unwrap();
    let failure = machine.undo(&*block("three")).await.unwrap_err();
    assert!(failure.cause.contains("the block `b` was changed since"), "{failure}");
    assert_eq!(fs::read_to_string(&path).unwrap(), changed);
}

#[tokio::test]
async fn a_file_that_is_no_text_has_no_blocks_and_no_fields() {
    let machine = Machine::new();
    fs::write(machine.home().join("x.json"), [0xff, 0xfe, b'{']).unwrap();
    for with in
        [json!({ "path": "~/x.json", "block": "a" }), json!({ "path": "~/x.json", "merge": { "a": 1 } })]
    {
        let operation = machine.operation("file", with);
        assert!(blocked(&*operation, &machine.context()).await.contains("UTF-8"));
        assert!(operation.apply(&machine.context()).await.is_err());
    }
    assert_eq!(fs::read(machine.home().join("x.json")).unwrap(), [0xff, 0xfe, b'{']);
}

/// A file as people have them, what is merged into it, and what it is then.
const MERGES: [(&str, &str, &str, &str); 4] = [
    (
        "settings.json",
        "// Mine\n{\n    \"editor.tabSize\": 4, // four\n    /* fonts */\n    \"fonts\": {\n        \"size\": 12,\n    },\n    \"rulers\": [80],\n}\n",
        r#"{ "editor.tabSize": 2, "fonts": { "family": "Inter" }, "rulers": [80, 120], "files": { "eol": "\n" } }"#,
        "// Mine\n{\n    \"editor.tabSize\": 2, // four\n    /* fonts */\n    \"fonts\": {\n        \"size\": 12,\n        \"family\": \"Inter\",\n    },\n    \"rulers\": [\n        80,\n        120\n    ],\n    \"files\": {\n        \"eol\": \"\\n\"\n    },\n}\n",
    ),
    (
        "config.toml",
        "# Mine\njobs = 4 # four\r\n\r\n# The network.\r\n[net]\r\nretry = 3\r\noffline = false\r\n\r\n[alias]\nb = \"build\"\n",
        r#"{ "net": { "offline": true, "git-fetch-with-cli": true }, "registries": { "acme": { "index": "https://a.test" } }, "jobs": 8 }"#,
        "# Mine\njobs = 8 # four\r\n\r\n# The network.\r\n[net]\r\nretry = 3\r\noffline = true\r\ngit-fetch-with-cli = true\r\n\r\n[alias]\nb = \"build\"\n\n[registries.acme]\nindex = \"https://a.test\"\n",
    ),
    (
        "compose.yaml",
        "# Ours\nservices:\n    db: &db\n        image: \"postgres:16\"  # the newest\n    web:\n        image: web\n        ports: [80, 443]\n        # env: later\n\nvolumes:\n    data:\n",
        r#"{ "services": { "web": { "image": "web:2", "environment": { "DEBUG": "yes" }, "ports": [80] } }, "volumes": { "data": "x" } }"#,
        "# Ours\nservices:\n    db: &db\n        image: \"postgres:16\"  # the newest\n    web:\n        image: web:2\n        ports:\n            - 80\n        environment:\n            DEBUG: \"yes\"\n        # env: later\n\nvolumes:\n    data: x\n",
    ),
    (
        ".npmrc",
        "; mine\nregistry=https://registry.test/\n//npm.test/:always-auth=true\n\n[ci]\n  level = 1\n",
        r#"{ "registry": "https://npm.test/", "fund": false, "ci": { "level": 2, "quiet": true } }"#,
        "; mine\nregistry=https://npm.test/\n//npm.test/:always-auth=true\nfund=false\n\n[ci]\n  level = 2\n  quiet = true\n",
    ),
];

#[tokio::test]
async fn e6_a_merge_sets_its_fields_and_undo_gives_back_the_file_byte_for_byte() {
    for (name, before, fields, after) in MERGES {
        let machine = Machine::new();
        let path = machine.home().join(name);
        fs::write(&path, before).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let fields: Value = serde_json::from_str(fields).unwrap();
        let with = json!({ "path": format!("~/{name}"), "merge": fields });
        let operation = machine.operation("file", with.clone());
        assert!(diff(&machine, with).await.contains("@@"));
        machine.bring_about(&*operation).await;
        // The TOML file mixes line ends: what is added has those around it.
        assert_eq!(fs::read_to_string(&path).unwrap(), after, "{name}");
        machine.undo(&*operation).await.unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), before, "{name}");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(fs::read_dir(machine.home()).unwrap().count(), 1);
    }
}

#[tokio::test]
async fn what_the_person_changed_since_stays_and_only_ours_goes() {
    let machine = Machine::new();
    let path = machine.home().join("a.json");
    fs::write(&path, "{\n  \"old\": [1,  2], // spaced\n  \"keep\": true\n}\n").unwrap();
    let with = json!({ "path": "~/a.json", "merge": { "old": [3], "new": { "x": 1, "y": 2 }, "other": "o" }, "mode": "0600" });
    let operation = machine.operation("file", with);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    machine.bring_about(&*operation).await;
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("\"other\": \"o\"", "\"other\": \"mine\",\n  \"theirs\": {}")).unwrap();
    let failure = machine.undo(&*operation).await.unwrap_err();
    assert!(failure.cause.contains("`other` was changed since"), "{failure}");
    let expected =
        "{\n  \"old\": [1,  2], // spaced\n  \"keep\": true,\n  \"other\": \"mine\",\n  \"theirs\": {}\n}\n";
    assert_eq!(fs::read_to_string(&path).unwrap(), expected);
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o644,
        "the mode was ours to give back"
    );
    // Once they put it back, it goes too.
    fs::write(&path, expected.replace("\"mine\"", "\"o\"")).unwrap();
    machine.undo(&*operation).await.unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), expected.replace("  \"other\": \"mine\",\n", ""));
}

#[tokio::test]
async fn steps_that_share_a_file_leave_nothing_whoever_goes_first() {
    for (name, made) in [("a.json", true), ("a.toml", true), ("a.yaml", false), (".npmrc", false)] {
        for first in [0, 1] {
            let machines = [Machine::new(), Machine::new()];
            let path = machines[0].home().join(name);
            if !made {
                fs::write(&path, "").unwrap();
            }
            let mut both = Vec::new();
            for (machine, fields) in
                machines.iter().zip([json!({ "a": { "x": 1 } }), json!({ "c": { "y": 2 }, "b": 3 })])
            {
                let with = json!({ "path": path.display().to_string(), "merge": fields });
                let operation = machine.operation("file", with);
                operation.apply(&machine.context()).await.unwrap();
                both.push(operation);
            }
            assert_eq!(both[0].exclusive(), both[1].exclusive());
            for index in [first, 1 - first] {
                both[index].undo(&machines[index].context(), &machines[index].receipt()).await.unwrap();
            }
            let left = fs::read_to_string(&path).unwrap_or_default();
            assert!(matches!(left.trim(), "" | "{}"), "{name}, {first} first: {left}");
        }
    }
}

#[tokio::test]
async fn c5_stored_secrets_beside_the_fields_reach_neither_the_plan_nor_the_receipt() {
    let machine = Machine::new();
    machine.host.put_secret(&CredentialName::new("token").unwrap(), "correct-horse-battery");
    let path = machine.home().join(".npmrc");
    let before = "registry=x\n//npm.test/:_authToken=correct-horse-battery\n";
    fs::write(&path, before).unwrap();
    let with = json!({ "path": "~/.npmrc", "merge": { "registry": "y" } });
    let shown = diff(&machine, with.clone()).await;
    assert!(shown.contains("+registry=y") && !shown.contains("correct-horse"), "{shown}");
    let operation = machine.operation("file", with);
    machine.bring_about(&*operation).await;
    assert!(!machine.receipt().to_string().contains("correct-horse"));
    fs::write(&path, fs::read_to_string(&path).unwrap() + "fund=false\n").unwrap();
    machine.undo(&*operation).await.unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("{before}fund=false\n"));
    assert_eq!(fs::read_dir(machine.home()).unwrap().count(), 1, "the copy beside it is gone");
}

#[tokio::test]
async fn e6_what_cannot_be_kept_honestly_is_left_as_it_is_and_said() {
    let corpus: &[(&str, &str, Value, &str)] = &[
        ("a.json", "{ \"a\": 1, }}", json!({ "a": 2 }), "line 1"),
        ("a.json", "{ \"a\": 1, \"a\": 2 }", json!({ "a": 3 }), "twice"),
        ("a.json", "[1]", json!({ "a": 3 }), "not fields"),
        ("a.toml", "a = \n", json!({ "a": 3 }), "line 1"),
        ("a.toml", "[a]\nb = 1\n", json!({ "a": 3 }), "table"),
        ("a.toml", "[[a]]\nb = 1\n", json!({ "a": { "c": 1 } }), "table"),
        ("a.yaml", "a: 1\n---\na: 2\n", json!({ "a": 3 }), "more than one document"),
        ("a.yaml", "a: &x 1\nb: *x\n", json!({ "a": 3 }), "anchor"),
        ("a.yaml", "a: &x {c: 1}\nb: *x\n", json!({ "b": { "c": 3 } }), "anchor"),
        ("a.yaml", "a: !vault abc\n", json!({ "a": "abc" }), "tag"),
        ("a.yaml", "? a\n: 1\n", json!({ "a": 3 }), "?"),
        ("a.yaml", "a: 1\na: 2\n", json!({ "a": 3 }), "twice"),
        ("a.yaml", "a: [1\n", json!({ "a": 3 }), "line"),
        ("a.ini", "a = 1\na = 2\n", json!({ "a": 3 }), "twice"),
        ("a.ini", "a = 1 ; one\n", json!({ "a": 3 }), "comment"),
        ("a.ini", "[s]\na = 1\n  more\n", json!({ "s": { "a": 3 } }), "more than one line"),
        ("a.ini", "A = 1\n", json!({ "a": 3 }), "for the same"),
        ("a.ini", "a: b=c\n", json!({ "a": 3 }), "for the same"),
        ("a.ini", "[s\n", json!({ "a": 3 }), "line 1"),
    ];
    for (name, text, fields, why) in corpus {
        let machine = Machine::new();
        let path = machine.home().join(name);
        fs::write(&path, text).unwrap();
        let operation = machine.operation("file", json!({ "path": format!("~/{name}"), "merge": fields }));
        let said = blocked(&*operation, &machine.context()).await;
        assert!(said.contains(why) && said.contains("left as it is"), "{text}: {said}");
        assert!(operation.apply(&machine.context()).await.is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), *text);
        assert_eq!(machine.receipts(), 0);
    }
}

#[tokio::test]
async fn e6_links_are_not_merged_through_and_huge_files_are_not_read() {
    let machine = Machine::new();
    let outside = tempfile::tempdir().unwrap();
    let target = outside.path().join("a.json");
    fs::write(&target, "{}").unwrap();
    std::os::unix::fs::symlink(&target, machine.home().join("a.json")).unwrap();
    for with in
        [json!({ "path": "~/a.json", "merge": { "a": 1 } }), json!({ "path": "~/a.json", "block": "x" })]
    {
        let operation = machine.operation("file", with);
        assert!(blocked(&*operation, &machine.context()).await.contains("symbolic link"));
        assert!(operation.apply(&machine.context()).await.is_err());
    }
    assert_eq!(fs::read_to_string(&target).unwrap(), "{}");

    let large = fs::File::create(machine.home().join("large.json")).unwrap();
    large.set_len(65 * 1024 * 1024).unwrap();
    for with in
        [json!({ "path": "~/large.json", "content": "" }), json!({ "path": "~/large.json", "block": "x" })]
    {
        let operation = machine.operation("file", with);
        assert!(blocked(&*operation, &machine.context()).await.contains("larger than 64 MB"));
    }
    large.set_len(5 * 1024 * 1024).unwrap();
    let operation = machine.operation("file", json!({ "path": "~/large.json", "merge": { "a": 1 } }));
    assert!(blocked(&*operation, &machine.context()).await.contains("larger than 4 MB"));
}

#[tokio::test]
async fn kinds_that_change_one_file_name_one_resource() {
    let machine = Machine::new();
    let env = machine.operation("env", json!({ "name": "EDITOR", "value": "vim" }));
    let file = machine.operation("file", json!({ "path": "~/.profile", "block": "umask 077" }));
    assert_eq!(env.exclusive(), file.exclusive());
    let git = machine.operation("git/config", json!({ "key": "user.name", "value": "Ada" }));
    let file = machine.operation("file", json!({ "path": "~/.gitconfig", "block": "x" }));
    assert_eq!(git.exclusive(), file.exclusive());
    assert_ne!(env.exclusive(), git.exclusive());
}
