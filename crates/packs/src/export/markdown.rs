//! A checklist as Markdown, to be printed, pasted into a ticket, or read by somebody without Firstlight.

use std::{fmt::Write as _, time::Duration};

use firstlight_domain::{
    id::PersonaId,
    pack::{Pack, Step},
};

use super::{links, plain, stages};

/// Headings for stages, a box to tick for each step.
pub fn markdown_checklist(pack: &Pack, persona: &PersonaId) -> String {
    let title =
        pack.personas.get(persona).map_or_else(|| persona.to_string(), |persona| persona.title.clone());
    let mut text = format!("# {}: {}\n", inline(&pack.title), inline(&title));
    if let Some(summary) = pack.personas.get(persona).and_then(|persona| persona.summary.as_deref()) {
        let _ = writeln!(text, "\n{}", inline(summary));
    }
    for (stage, steps) in stages(pack, persona) {
        let _ = writeln!(text, "\n## {}\n", inline(&stage.title));
        for step in steps {
            let _ = writeln!(text, "- [ ] **{}**{}", inline(&step.title), remark(step));
            for line in step.why.as_deref().map(links::outside).iter().flat_map(|why| why.trim().lines()) {
                let _ = writeln!(text, "  {}", line.trim_end());
            }
            if let Some(url) = plain(step, "url").filter(|_| step.uses == "link") {
                let _ = writeln!(text, "  <{}>", url.replace(['<', '>', ' ', '\n'], ""));
            }
        }
    }
    let _ = writeln!(text, "\n_{} {}_", pack.name, pack.version);
    text
}

/// What is good to know beside the title.
fn remark(step: &Step) -> String {
    let owner = step
        .owner
        .as_deref()
        .filter(|_| step.uses == "request")
        .map(|owner| format!("waits for {}", inline(owner)));
    let parts: Vec<String> = [
        step.estimate.map(about),
        owner,
        step.sla.as_deref().map(|sla| format!("promised within {}", inline(sla))),
        step.first_value.then(|| "first value".to_owned()),
    ]
    .into_iter()
    .flatten()
    .collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

fn about(estimate: Duration) -> String {
    match estimate.as_secs() {
        0..60 => "under a minute".to_owned(),
        seconds @ 60..5_400 => format!("about {} min", seconds.div_ceil(60)),
        seconds => format!("about {} h", seconds.div_ceil(3_600)),
    }
}

/// A text of one line in which nothing is markup.
fn inline(text: &str) -> String {
    let mut plain = String::new();
    for c in text.split_whitespace().collect::<Vec<_>>().join(" ").chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|') {
            plain.push('\\');
        }
        plain.push(c);
    }
    plain
}
