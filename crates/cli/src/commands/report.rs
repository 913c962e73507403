//! `firstlight report`

use std::{fs, path::Path, process::ExitCode};

use anyhow::Context;
use firstlight_app::Access;
use firstlight_contract::report::{ClockKind, ReportView};

use super::open;
use crate::{output::Output, words};

pub(super) fn run(html: Option<&Path>, output: &Output) -> anyhow::Result<ExitCode> {
    let report = open(Access::Read, output)?.report()?;
    if let Some(path) = html {
        fs::write(path, page(&report)).with_context(|| format!("{} cannot be written", path.display()))?;
        output.line(format!("wrote {}", path.display()))?;
    } else if output.is_json() {
        output.value(&report)?;
    } else {
        show(&report, output)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn headline(report: &ReportView) -> String {
    match &report.ttfv {
        Some(ttfv) => format!("{} to first value: {}", words::duration(ttfv.seconds), report.first_value),
        None => format!(
            "First value is not reached yet, {} so far: {}",
            words::duration(report.elapsed_seconds),
            report.first_value
        ),
    }
}

fn clock(report: &ReportView) -> String {
    let why = match report.clock {
        ClockKind::StartDate => "the first working day",
        ClockKind::FirstLaunch => "the first launch",
    };
    format!("The clock started on {}, {why}.", words::moment(&report.clock_start))
}

fn show(report: &ReportView, output: &Output) -> anyhow::Result<()> {
    output.line(format!("\u{1b}[1m{}\u{1b}[0m", headline(report)))?;
    output.line(clock(report))?;
    output.line("")?;
    let longest = report.waterfall.iter().map(|part| part.seconds).max().unwrap_or(0).max(1);
    for part in report.waterfall.iter().filter(|part| part.seconds > 0) {
        let width = (part.seconds.saturating_mul(30) / longest).max(1);
        let bar = "█".repeat(usize::try_from(width).unwrap_or(30));
        output.line(format!(
            "  {:<20}{bar} {}",
            words::time_kind(part.kind),
            words::duration(part.seconds)
        ))?;
    }
    if !report.steps.is_empty() {
        output.line("\nWhere it went:")?;
    }
    for step in report.steps.iter().take(10) {
        let times = [(step.running_seconds, "running"), (step.waiting_seconds, "waiting")];
        let times: Vec<String> = times
            .iter()
            .filter(|(seconds, _)| *seconds > 0)
            .map(|(seconds, what)| format!("{} {what}", words::duration(*seconds)))
            .collect();
        output.line(format!("  {}: {}", step.title, times.join(", ")))?;
    }
    Ok(())
}

/// A page that stands alone: no script, nothing fetched, readable in print.
fn page(report: &ReportView) -> String {
    let total = report.elapsed_seconds.max(1);
    let mut offset = 0;
    let mut bars = String::new();
    let mut rows = String::new();
    for (place, part) in report.waterfall.iter().enumerate().filter(|(_, part)| part.seconds > 0) {
        let kind = words::time_kind(part.kind);
        let (x, width) = (permille(offset, total), permille(part.seconds, total));
        offset = offset.saturating_add(part.seconds);
        bars.push_str(&format!(
            "<rect class=\"k{place}\" x=\"{x}\" y=\"0\" width=\"{width}\" height=\"40\"/>"
        ));
        rows.push_str(&format!(
            "<tr><td><span class=\"k{place}\">■</span> {kind}</td><td>{}</td></tr>",
            words::duration(part.seconds)
        ));
    }
    let steps: String = report
        .steps
        .iter()
        .map(|step| {
            format!(
                "<tr><td>{}</td><td>{}</td><td>{}</td></tr>",
                escape(&step.title),
                words::duration(step.running_seconds),
                words::duration(step.waiting_seconds)
            )
        })
        .collect();
    let (headline, clock) = (escape(&headline(report)), escape(&clock(report)));
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{headline}</title><style>{STYLE}</style>\
         </head><body><main><h1>{headline}</h1><p>{clock}</p><svg viewBox=\"0 0 1000 40\" role=\"img\" \
         aria-labelledby=\"t\"><title id=\"t\">Where the time went</title>{bars}</svg><table><caption>Where the time \
         went</caption><tbody>{rows}</tbody></table><table><caption>By step</caption><thead><tr><th>Step</th>\
         <th>Running</th><th>Waiting</th></tr></thead><tbody>{steps}</tbody></table></main></body></html>\n"
    )
}

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;color:#1b2430;background:#fafaf7;margin:32px}\
main{max-width:720px;margin:auto}svg{width:100%;height:40px;border-radius:6px}table{border-collapse:collapse;\
margin:24px 0;width:100%;font-variant-numeric:tabular-nums}caption{text-align:left;font-weight:600}\
td,th{text-align:left;padding:4px 8px;border-bottom:1px solid #dddcd3}.k0{fill:#1f5fbf;color:#1f5fbf}\
.k1{fill:#b3261e;color:#b3261e}.k2{fill:#9a5600;color:#9a5600}.k3{fill:#6b4fbb;color:#6b4fbb}\
.k4{fill:#5a6675;color:#5a6675}";

/// Thousandths of the whole.
fn permille(part: u32, whole: u32) -> u64 {
    u64::from(part) * 1_000 / u64::from(whole)
}

/// Pack text is not markup.
fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, ch| {
        match ch {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use firstlight_contract::report::{TimeKind, WaterfallPart};

    use super::*;

    #[test]
    fn d3_a_hostile_title_stays_text_in_the_page() {
        let report = ReportView {
            ttfv: None,
            waterfall: vec![WaterfallPart { kind: TimeKind::Automatic, seconds: 5 }],
            elapsed_seconds: 5,
            clock_start: "2026-11-23T09:00:00Z".into(),
            clock: ClockKind::FirstLaunch,
            first_value: "<script>alert(1)</script>".into(),
            steps: Vec::new(),
        };
        let page = page(&report);
        assert!(!page.contains("<script"), "{page}");
        assert!(page.contains("&lt;script&gt;"));
    }
}
