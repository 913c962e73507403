//! The window's walls and its doors: what a page may reach, a second instance, links, and homes that cannot be used.
#![cfg(target_os = "linux")]

use std::{fs, process::Stdio};

use anyhow::Result;
use firstlight_contract::commands::Commands;
use firstlight_tests::{Desktop, Machine, fixture};
use serde_json::json;

#[tokio::test]
async fn d1_a_page_reaches_our_commands_and_nothing_else() -> Result<()> {
    let machine = Machine::start()?;
    let app = Desktop::start(&machine, &fixture("journey")).await?;
    assert!(app.invoke("launch", &json!({ "args": {} })).await?.is_ok());
    for plugin in [
        "plugin:dialog|open",
        "plugin:opener|open_url",
        "plugin:opener|open_path",
        "plugin:deep-link|register",
        "plugin:window-state|save_window_state",
        "plugin:fs|read_file",
        "plugin:shell|execute",
        "plugin:event|listen",
        "plugin:window|close",
        "plugin:webview|create_webview_window",
        "plugin:path|resolve_directory",
    ] {
        let refused =
            app.invoke(plugin, &json!({ "url": "https://example.org/", "path": "/etc/passwd" })).await?;
        let why = refused.expect_err(plugin).to_string();
        assert!(why.contains("not allowed") || why.contains("not found"), "{plugin}: {why}");
    }
    assert_eq!(app.run("return typeof window.__TAURI__").await?, "undefined");
    Ok(())
}

#[tokio::test]
async fn d2_the_window_stays_with_our_pages() -> Result<()> {
    let machine = Machine::start()?;
    let app = Desktop::start(&machine, &fixture("journey")).await?;
    let before = app.driver().current_url().await?;
    app.run("location.href = 'http://127.0.0.1:9/'; return null").await?;
    app.run("window.open('http://127.0.0.1:9/'); return null").await?;
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    assert_eq!(app.driver().current_url().await?, before);
    assert_eq!(app.driver().windows().await?.len(), 1);

    // The policy is enforced, not only written: each of these is blocked by the page itself.
    for (what, script) in [
        (
            "an inline script",
            "const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.head.append(s)",
        ),
        (
            "a script from data:",
            "const s = document.createElement('script'); s.src = 'data:text/javascript,window.ran=1'; document.head.append(s)",
        ),
        ("eval", "try { (0, eval)('window.ran = 1') } catch (error) { }"),
        (
            "an inline handler",
            "const b = document.createElement('b'); b.setAttribute('onclick', 'window.ran = 1'); document.body.append(b); b.click(); b.remove()",
        ),
    ] {
        app.run(&format!("{script}; return null")).await?;
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        assert_eq!(app.run("return window.ran ?? null").await?, serde_json::Value::Null, "{what} ran");
    }
    let fetched = app
        .run_async("const done = arguments[arguments.length - 1]; fetch('http://127.0.0.1:9/').then(() => done('fetched'), (error) => done(String(error)))")
        .await?;
    assert_ne!(fetched, "fetched");
    Ok(())
}

#[tokio::test]
async fn d3_hostile_words_in_a_pack_are_only_words() -> Result<()> {
    let machine = Machine::start()?;
    let app = Desktop::start(&machine, &fixture("journey")).await?;
    app.choose("Lighthouse keeper").await?;
    app.press("See the road").await?;
    app.press("Start").await?;
    app.press("Read about the harbour").await?;
    app.sees("What follows is here because packs may come from anywhere").await?;
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    assert_eq!(app.run("return window.harbourWasHere ?? null").await?, serde_json::Value::Null);
    let strange = "return [...document.querySelectorAll('main script, main iframe, main img, main object, main embed, main a[href]')]
        .filter((one) => !/^https?:/.test(one.getAttribute('href') ?? '')).map((one) => one.outerHTML)";
    assert_eq!(app.run(strange).await?, json!([]));
    // Every link there is, pressed: none runs anything, none leads away.
    app.run("document.querySelectorAll('main a').forEach((link) => link.click()); return null").await?;
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(app.run("return window.harbourWasHere ?? null").await?, serde_json::Value::Null);
    app.sees("The harbour").await?;
    Ok(())
}

#[tokio::test]
async fn d3_no_command_gives_a_secret_away() -> Result<()> {
    const KEY: &str = "the-east-pier-4711";
    let machine = Machine::start()?;
    let app = Desktop::start(&machine, &fixture("journey")).await?;
    app.choose("Lighthouse keeper").await?;
    app.press("See the road").await?;
    app.press("Start").await?;
    app.press("I have read this").await?;
    let stored =
        app.invoke("store_credential", &json!({ "args": { "name": "lamp-key", "value": KEY } })).await?;
    assert!(stored.is_ok(), "{stored:?}");
    // These ask a person by a dialog, or end what is looked at.
    let skipped = [
        "choose_certificates",
        "choose_pack",
        "export_data",
        "save_help_bundle",
        "delete_data",
        "remove_credential",
        "store_credential",
        "leave_journey",
        "open_link",
    ];
    let args = json!({ "args": {
        "name": "lamp-key", "step": "lamp-key", "first": 0, "count": 2000, "persona": "keeper", "inputs": {},
        "choice": { "persona": "keeper", "inputs": {} }, "consent": "", "sharing": "on", "chosen_certificates": false,
        "document": "docs/orientation.md", "words": "harbour", "url": "https://example.org/", "address": "https://hub.invalid", "code": "none",
        "survey": "none", "submission": "none", "answers": {}, "begun": false, "text": "It is dark here.",
        "question": "summary", "filter": {}, "theme": "system", "language": "", "reduce_motion": false
    } });
    for name in Commands::NAMES.iter().filter(|name| !skipped.contains(name)) {
        let answer = format!("{:?}", app.invoke(name, &args).await?);
        assert!(!answer.contains(KEY), "{name} gave it away");
    }
    Ok(())
}

#[tokio::test]
async fn f7_a_second_instance_hands_over_its_link_and_ends() -> Result<()> {
    let machine = Machine::start()?;
    let app = Desktop::start(&machine, &fixture("journey")).await?;
    let second = |word: &str| {
        let status = machine.command("firstlight-desktop")?.arg(word).stderr(Stdio::null()).status()?;
        anyhow::Ok(status.success())
    };
    let other = machine.home().join("other pack");
    copy(&fixture("journey"), &other)?;
    let pack =
        fs::read_to_string(other.join("pack.yaml"))?.replace("A day at the harbour", "Another harbour");
    fs::write(other.join("pack.yaml"), pack)?;

    let link = format!("firstlight://open?pack={}", other.display().to_string().replace(' ', "%20"));
    assert!(second(&link)?, "it ends by itself, well");
    app.sees("Another harbour").await?;
    assert!(second("firstlight://open?pack=https://example.org/pack")?);
    app.sees("not a folder of this machine").await?;
    app.picture("20-link-refused").await?;
    Ok(())
}

#[tokio::test]
async fn a_home_that_cannot_be_written_is_said_in_the_window() -> Result<()> {
    // A file stands where the folder should be: not even root can write there.
    let machine = Machine::start_with(|root| root.join("file").join("firstlight"))?;
    let blocking = machine.state().parent().expect("it is below a file").to_owned();
    fs::write(&blocking, "")?;
    let app = Desktop::start(&machine, &fixture("journey")).await?;
    app.sees("cannot write to its folder").await?;
    app.sees("FIRSTLIGHT_HOME").await?;
    app.picture("21-home-not-writable").await?;

    // Mended, it goes on without a restart.
    fs::remove_file(&blocking)?;
    app.press("Try again").await?;
    app.sees("A day at the harbour").await?;
    Ok(())
}

#[tokio::test]
async fn a_home_in_use_is_said_in_the_window() -> Result<()> {
    let machine = Machine::start()?;
    fs::create_dir_all(machine.state())?;
    let lock = fs::File::create(machine.state().join("lock"))?;
    lock.try_lock()?;
    let app = Desktop::start(&machine, &fixture("journey")).await?;
    app.sees("Another Firstlight is using").await?;
    app.picture("22-home-in-use").await?;
    drop(lock);
    app.press("Try again").await?;
    app.sees("A day at the harbour").await?;
    Ok(())
}

#[tokio::test]
async fn a_damaged_journal_is_said_and_kept() -> Result<()> {
    let machine = Machine::start()?;
    fs::create_dir_all(machine.state())?;
    let garbage = b"this was a journal once".repeat(1_000);
    fs::write(machine.state().join("journal.sqlite"), &garbage)?;
    let app = Desktop::start(&machine, &fixture("journey")).await?;
    app.sees("journal.sqlite is damaged").await?;
    app.sees("Code: journal_damaged").await?;
    app.picture("23-journal-damaged").await?;
    // Nothing was begun in its place, and nothing of it was lost.
    assert!(fs::read(machine.state().join("journal.sqlite"))? == garbage, "the file is as it was");
    Ok(())
}

#[tokio::test]
async fn a_broken_pack_is_said_with_file_and_line() -> Result<()> {
    let machine = Machine::start()?;
    let pack = machine.home().join("pack");
    copy(&fixture("journey"), &pack)?;
    let broken = fs::read_to_string(pack.join("pack.yaml"))?.replace("uses: confirm", "uses: conform");
    fs::write(pack.join("pack.yaml"), broken)?;
    let app = Desktop::start(&machine, &pack).await?;
    app.sees("conform").await?;
    app.sees("pack.yaml").await?;
    app.picture("24-pack-broken").await?;
    Ok(())
}

#[test]
fn the_version_needs_no_display() -> Result<()> {
    let program = firstlight_tests::binary("firstlight-desktop")?;
    let output = std::process::Command::new(program).arg("--version").env_clear().output()?;
    assert!(output.status.success());
    assert_eq!(
        String::from_utf8(output.stdout)?.trim(),
        format!("firstlight-desktop {}", env!("CARGO_PKG_VERSION"))
    );
    Ok(())
}

fn copy(from: &std::path::Path, to: &std::path::Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
