//! `firstlight docs`

use std::{path::Path, process::ExitCode};

use firstlight_app::{Access, Firstlight};

use super::open;
use crate::{args::Docs, output::Output, words};

pub(super) fn run(command: &Docs, output: Output) -> anyhow::Result<ExitCode> {
    let app = open(Access::Read, output)?;
    let pack = command.of().pack.as_deref();
    match command {
        Docs::List { .. } => list(&app, pack, output),
        Docs::Show { path, .. } => show(&app, pack, path, output),
        Docs::Search { words, .. } => search(&app, pack, words, output),
    }
}

fn list(app: &Firstlight, pack: Option<&Path>, output: Output) -> anyhow::Result<ExitCode> {
    let docs = app.docs(pack)?;
    if output.is_json() {
        output.value(&docs)?;
        return Ok(ExitCode::SUCCESS);
    }
    if docs.documents.is_empty() {
        output.line("This pack has no documents.")?;
    }
    for document in &docs.documents {
        output.line(format!(
            "\u{1b}[1m{}\u{1b}[0m \u{1b}[2m({})\u{1b}[0m",
            document.title,
            shown(&document.path)
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn show(app: &Firstlight, pack: Option<&Path>, path: &str, output: Output) -> anyhow::Result<ExitCode> {
    let document = app.doc(pack, path)?;
    if output.is_json() {
        output.value(&document)?;
        return Ok(ExitCode::SUCCESS);
    }
    output.line(format!("\u{1b}[1m{}\u{1b}[0m", document.title))?;
    for block in document.blocks.chunks(1) {
        output.raw(&format!("\n{}", words::markdown(block)))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A name of a file may hold anything.
fn shown(path: &str) -> String {
    path.replace(char::is_control, "�")
}

fn search(
    app: &Firstlight,
    pack: Option<&Path>,
    words: &[String],
    output: Output,
) -> anyhow::Result<ExitCode> {
    let found = app.search_docs(pack, &words.join(" "))?;
    if output.is_json() {
        output.value(&found)?;
        return Ok(ExitCode::SUCCESS);
    }
    if found.hits.is_empty() {
        output.line("Nothing has all of these words. Try fewer, or the beginning of one.")?;
    }
    for hit in &found.hits {
        let heading = hit.heading.as_ref().map_or_else(String::new, |heading| format!(": {heading}"));
        let document = shown(&hit.document);
        output.line(format!("\u{1b}[1m{}\u{1b}[0m{heading} \u{1b}[2m({document})\u{1b}[0m", hit.title))?;
        let mut excerpt = String::new();
        for part in &hit.excerpt {
            let (begin, end) = if part.found { ("\u{1b}[1m", "\u{1b}[0m") } else { ("", "") };
            excerpt.extend([begin, &part.text, end]);
        }
        let excerpt = excerpt.split_whitespace().collect::<Vec<_>>().join(" ");
        if !excerpt.is_empty() {
            output.line(format!("  {excerpt}"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
