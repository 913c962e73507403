//! `firstlight docs`

use std::{path::Path, process::ExitCode};

use firstlight_app::Access;

use super::open;
use crate::output::Output;

pub(super) fn search(words: &[String], pack: Option<&Path>, output: Output) -> anyhow::Result<ExitCode> {
    let found = open(Access::Read, output)?.search_docs(pack, &words.join(" "))?;
    if output.is_json() {
        output.value(&found)?;
        return Ok(ExitCode::SUCCESS);
    }
    if found.hits.is_empty() {
        output.line("Nothing has all of these words. Try fewer, or the beginning of one.")?;
    }
    for hit in &found.hits {
        let heading = hit.heading.as_ref().map_or_else(String::new, |heading| format!(": {heading}"));
        // A name of a file may hold anything.
        let document = hit.document.replace(char::is_control, "�");
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
