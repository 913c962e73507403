//! A pack's documents in the real window: searched, read, with their pictures and nothing but those.
#![cfg(target_os = "linux")]

use std::fs;

use anyhow::Result;
use firstlight_tests::{Desktop, Machine, sample};
use serde_json::{Value, json};

/// How wide the picture of the document on the screen really is, once it is loaded; 0 if it cannot be.
const WIDTH: &str = "
    const done = arguments[arguments.length - 1];
    const image = document.querySelector('main img');
    if (!image) done(null);
    else if (image.complete) done(image.naturalWidth);
    else { image.onload = () => done(image.naturalWidth); image.onerror = () => done(0); }";

/// Loads an address as a picture of the page, as any script in it could: its width, or how it was refused.
async fn load(app: &Desktop, address: &str) -> Result<Value> {
    let script = format!(
        "const done = arguments[arguments.length - 1];
         const image = new Image();
         document.addEventListener('securitypolicyviolation', () => done('policy'), {{ once: true }});
         image.onload = () => done(image.naturalWidth);
         image.onerror = () => setTimeout(() => done('error'), 50);
         image.src = {};",
        json!(address)
    );
    app.run_async(&script).await
}

#[tokio::test]
async fn a_document_is_found_and_read_with_its_picture() -> Result<()> {
    let machine = Machine::start()?;
    let app = Desktop::start(&machine, &sample(&machine.home())?).await?;
    app.press("Documents").await?;
    app.sees("What your company wrote down for you").await?;
    app.fill("Search the documents", "npm caches").await?;
    app.sees("Outside of it").await?;
    app.picture("50-docs-found").await?;
    app.press("What lies where").await?;
    app.sees("In this document").await?;
    app.picture("51-docs-read").await?;
    assert_eq!(app.run_async(WIDTH).await?, json!(1440), "the picture is shown");
    let described = app.run("return document.querySelector('main img').alt").await?;
    assert!(described.as_str().is_some_and(|text| text.starts_with("From left to right")), "{described}");

    // A document leads to documents; the step is on no road yet, so its name is only words.
    assert!(app.text().await?.contains("your service"));
    app.press("Documents").await?;
    app.theme("Dark").await?;
    Ok(())
}

#[tokio::test]
async fn d2_the_window_loads_pictures_of_the_pack_and_nothing_else() -> Result<()> {
    let machine = Machine::start()?;
    let pack = sample(&machine.home())?;
    let picture = fs::read(pack.join("docs/pictures/workspace.png"))?;
    fs::write(machine.home().join("private.png"), &picture)?;
    fs::write(
        pack.join("docs/drawing.svg"),
        "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>",
    )?;
    fs::write(
        pack.join("docs/drawing.png"),
        "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>",
    )?;
    std::os::unix::fs::symlink(machine.home().join("private.png"), machine.home().join("linked.png"))?;
    let app = Desktop::start(&machine, &pack).await?;
    app.sees("Your first day").await?;

    let here = |path: &str| format!("pack-image://localhost/{path}");
    assert_eq!(load(&app, &here("docs%2Fpictures%2Fworkspace.png")).await?, json!(1440));
    let private = machine.home().join("private.png").display().to_string();
    for path in [
        "..%2Fprivate.png",
        "../private.png",
        "%2e%2e%2fprivate.png",
        &private.replace('/', "%2F"),
        private.trim_start_matches('/'),
        "..%2Flinked.png",
        "pack.yaml",
        "docs%2Fdrawing.svg",
        "docs%2Fdrawing.png",
        "docs%2Fyour-workspace.md",
        "docs%2Fpictures%2Fgone.png",
    ] {
        assert_eq!(load(&app, &here(path)).await?, json!("error"), "{path}");
    }
    // Other places are not even asked.
    for address in [
        "data:image/gif;base64,R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs=",
        "http://127.0.0.1:9/x.png",
        "https://example.org/x.png",
    ] {
        assert_eq!(load(&app, address).await?, json!("policy"), "{address}");
    }
    // The webview itself refuses these, before any policy.
    assert_eq!(load(&app, &format!("file://{private}")).await?, json!("error"));
    // Neither words nor pages come from where pictures do.
    let fetched = app
        .run_async(
            "const done = arguments[arguments.length - 1];
             fetch('pack-image://localhost/docs%2Fpictures%2Fworkspace.png').then(() => done('fetched'), () => done('refused'))",
        )
        .await?;
    assert_eq!(fetched, json!("refused"));
    let before = app.driver().current_url().await?;
    app.run("location.href = 'pack-image://localhost/docs%2Fpictures%2Fworkspace.png'; return null").await?;
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(app.driver().current_url().await?, before);
    Ok(())
}

#[tokio::test]
async fn d3_a_hostile_document_is_only_words() -> Result<()> {
    let machine = Machine::start()?;
    let pack = sample(&machine.home())?;
    let hostile = "# Hostile\n\n<script>window.wasHere = 1</script>\n<img src=x onerror='window.wasHere = 1'>\n\n\
        ![remote](https://tracker.test/x.png) ![inline](data:image/gif;base64,R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs=)\n\
        [run](javascript:window.wasHere=1) [out](../../../etc/passwd) [step](step:no-such-step)\n\n\
        ## <svg onload='window.wasHere = 1'>\n\n| <b onclick='window.wasHere = 1'>a</b> |\n|---|\n| ![x](blob:x) |\n\nThe end of it.\n";
    fs::write(pack.join("docs/hostile.md"), hostile)?;
    let app = Desktop::start(&machine, &pack).await?;
    app.press("Documents").await?;
    app.press("Hostile").await?;
    app.sees("The end of it.").await?;
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let strange = "return [...document.querySelectorAll('main script, main iframe, main img, main object, main embed, main [onclick], main [onload], main a')].map((one) => one.outerHTML)";
    assert_eq!(app.run(strange).await?, json!([]));
    app.run("document.querySelectorAll('main button').forEach((one) => one.textContent.includes('out') && one.click()); return null").await?;
    assert_eq!(app.run("return window.wasHere ?? null").await?, Value::Null);
    // An address is opened only if the document names it.
    let asked = json!({ "args": { "document": "docs/hostile.md", "url": "https://example.org/" } });
    let refused = app.invoke("open_doc_link", &asked).await?.expect_err("it stands nowhere").to_string();
    assert!(refused.contains("does not name"), "{refused}");
    Ok(())
}
