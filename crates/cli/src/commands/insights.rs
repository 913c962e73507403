//! `firstlight insights`

use std::{path::Path, process::ExitCode};

use firstlight_app::{Columns, ttfv_from_csv};
use firstlight_contract::insights::{LogRankView, TtfvGroup};

use crate::{output::Output, words};

pub(super) fn ttfv(file: &Path, columns: &Columns, output: Output) -> anyhow::Result<ExitCode> {
    let found = ttfv_from_csv(file, columns)?;
    if output.is_json() {
        output.value(&found)?;
        return Ok(ExitCode::SUCCESS);
    }
    output.line(format!(
        "Time to first value, in the unit of `{}`.",
        columns.time.replace(char::is_control, "�")
    ))?;
    for group in &found.groups {
        for line in lines(group) {
            output.line(line)?;
        }
    }
    if let Some(test) = &found.logrank {
        output.line(verdict(test))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn lines(group: &TtfvGroup) -> Vec<String> {
    // A name in a file may hold anything.
    let name = group.name.replace(char::is_control, "�");
    let people = words::count(group.n, "person", "people");
    let mut ends = vec![format!("{} arrived", group.n_events)];
    let waiting = group.n_censored.saturating_sub(group.n_left);
    ends.extend((waiting > 0).then(|| format!("{waiting} still on their way")));
    ends.extend((group.n_left > 0).then(|| format!("{} left", group.n_left)));
    let mut lines = vec![format!("\u{1b}[1m{name}\u{1b}[0m: {people}, {}", ends.join(", "))];
    let by = |value: Option<f64>| {
        value.map_or_else(|| "not yet".to_owned(), |value| format!("by {}", number(value)))
    };
    let [low, high] = group.ci;
    let end = |value: Option<f64>| value.map_or_else(|| "not known yet".to_owned(), number);
    lines.push(format!(
        "  half of them {} (95 %: {} to {}), three quarters {}, nine in ten {}",
        by(group.median),
        end(low),
        end(high),
        by(group.p75),
        by(group.p90),
    ));
    if let Some(mean) = &group.restricted_mean {
        let [low, high] = mean.ci;
        lines.push(format!(
            "  on average {} of the first {} (95 %: {} to {})",
            number(mean.value),
            number(mean.until),
            number(low),
            number(high),
        ));
    }
    if let Some(naive) = group.naive_median.filter(|naive| Some(*naive) != group.median) {
        lines.push(format!("  the plain median of those who arrived would say {}", number(naive)));
    }
    lines
}

/// In words, with the figures for whoever knows them.
fn verdict(test: &LogRankView) -> String {
    let said =
        if test.p < 0.05 { "The groups differ" } else { "No difference between the groups can be shown" };
    let p = if test.p < 0.001 { "p < 0.001".to_owned() } else { format!("p = {:.3}", test.p) };
    format!("{said} (log-rank: χ² = {:.2}, {} df, {p}).", test.chi2, test.df)
}

/// With one decimal at most.
fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}
