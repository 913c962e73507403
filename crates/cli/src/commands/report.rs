//! `firstlight report`

use std::{fs, path::Path, process::ExitCode};

use anyhow::Context;
use firstlight_app::Access;
use firstlight_contract::report::{ClockKind, ReportView};

use super::open;
use crate::{output::Output, words};

pub(super) fn run(html: Option<&Path>, output: Output) -> anyhow::Result<ExitCode> {
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

fn show(report: &ReportView, output: Output) -> anyhow::Result<()> {
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

/// A page that stands alone: no script, nothing fetched, readable in print and in the dark.
fn page(report: &ReportView) -> String {
    let total = report.elapsed_seconds.max(1);
    let mut offset = 0;
    let (mut bars, mut rows) = (Vec::new(), Vec::new());
    for (place, part) in report.waterfall.iter().enumerate().filter(|(_, part)| part.seconds > 0) {
        let kind = words::time_kind(part.kind);
        let (x, width) = (permille(offset, total), permille(part.seconds, total));
        offset = offset.saturating_add(part.seconds);
        bars.push(format!("<rect class=\"k{place}\" x=\"{x}\" y=\"0\" width=\"{width}\" height=\"40\"/>"));
        rows.push(format!(
            "<tr><th scope=\"row\"><svg class=\"key\" viewBox=\"0 0 10 10\" aria-hidden=\"true\"><rect \
             class=\"k{place}\" width=\"10\" height=\"10\" rx=\"2\"/></svg>{}</th><td>{}</td><td>{} %</td></tr>",
            capital(kind),
            words::duration(part.seconds),
            permille(part.seconds, total).saturating_add(5) / 10,
        ));
    }
    let (eyebrow, goal) = match &report.ttfv {
        Some(ttfv) => (format!("{} to first value", words::duration(ttfv.seconds)), "reached"),
        None => (format!("{} so far", words::duration(report.elapsed_seconds)), "not reached yet"),
    };
    let (headline, clock) = (escape(&headline(report)), escape(&clock(report)));
    let (eyebrow, title) = (escape(&eyebrow), escape(&report.first_value));
    let (bars, rows, steps) = (bars.concat(), rows.concat(), step_rows(report));
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>{headline}</title><style>{STYLE}</style></head><body><main>\
         <header><h1>{eyebrow}</h1><p>{title}: {goal}.</p><p class=\"muted\">{clock}</p></header>\
         <svg class=\"bar\" viewBox=\"0 0 1000 40\" preserveAspectRatio=\"none\" role=\"img\" aria-labelledby=\"t\">\
         <title id=\"t\">Where the time went</title>{bars}</svg>\
         <table><caption>Where the time went</caption><tbody>{rows}</tbody></table>{steps}</main></body></html>\n"
    )
}

/// The table of the steps that took time, if any did.
fn step_rows(report: &ReportView) -> String {
    let time = |seconds: u32| if seconds > 0 { words::duration(seconds) } else { "–".to_owned() };
    let rows: Vec<String> = report
        .steps
        .iter()
        .map(|step| {
            format!(
                "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td></tr>",
                escape(&step.title),
                time(step.running_seconds),
                time(step.waiting_seconds)
            )
        })
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    let rows = rows.concat();
    format!(
        "<table><caption>By step, longest first</caption><thead><tr><th scope=\"col\">Step</th><th scope=\"col\">\
         Running</th><th scope=\"col\">Waiting</th></tr></thead><tbody>{rows}</tbody></table>"
    )
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The tokens of the window, light and dark; paper is light.
const STYLE: &str = "\
:root{color-scheme:light dark;--ground:#fafaf7;--text:#1b2430;--muted:#5a6675;--line:#dddcd3;--dawn:#9a5600;\
--k0:#1f5fbf;--k1:#b3261e;--k2:#b8690a;--k3:#6b4fbb;--k4:#9aa3ad}\
@media screen and (prefers-color-scheme:dark){:root{--ground:#0e1218;--text:#e8ecf2;--muted:#9aa7b8;\
--line:#2a3442;--dawn:#f5b454;--k0:#7fb2ff;--k1:#f07178;--k2:#f5b454;--k3:#b79cf2;--k4:#5a6675}}\
body{font:15px/1.5 Inter,system-ui,sans-serif;color:var(--text);background:var(--ground);margin:0;padding:48px 24px;\
font-variant-numeric:tabular-nums}\
main{max-width:720px;margin:auto}\
header{border-top:2px solid var(--dawn);padding-top:16px;margin-bottom:24px}\
h1{font-size:32px;line-height:1.2;margin:0 0 8px}p{margin:0}.muted{color:var(--muted)}\
.bar{display:block;width:100%;height:32px;border-radius:6px}\
.key{width:12px;height:12px;margin-right:8px}\
table{border-collapse:collapse;margin:32px 0 0;width:100%}\
caption{text-align:left;font-size:18px;font-weight:600;padding-bottom:8px}\
th,td{padding:6px 0;border-bottom:1px solid var(--line);text-align:right;font-weight:400;white-space:nowrap}\
td{width:96px}th{text-align:right}\
th[scope=row],th:first-child{text-align:left;white-space:normal}thead th{color:var(--muted);font-size:13px}\
.k0{fill:var(--k0)}.k1{fill:var(--k1)}.k2{fill:var(--k2)}.k3{fill:var(--k3)}.k4{fill:var(--k4)}\
@media print{@page{margin:20mm}body{padding:0;background:none}svg{print-color-adjust:exact;\
-webkit-print-color-adjust:exact}tr{break-inside:avoid}thead{display:table-header-group}}";

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
