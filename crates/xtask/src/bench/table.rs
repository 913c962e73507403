//! Samples, their medians, and the table they become.

use std::fmt::Write;

use anyhow::{Context, Result};

use crate::sh::Cmd;

/// What is measured in one unit, the first row being what the others are compared with.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) title: &'static str,
    /// What was done, in a sentence or two.
    pub(crate) about: String,
    pub(crate) rows: Vec<Row>,
}

/// One measured thing.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) outcome: Outcome,
}

#[derive(Debug)]
pub(crate) enum Outcome {
    /// What this row and those after it (until the next one of the kind) are compared with.
    Reference(Samples),
    Measured(Samples),
    /// Why there is no figure.
    Absent(String),
}

/// Figures of equal runs. At least one.
#[derive(Debug)]
pub(crate) struct Samples {
    pub(crate) unit: &'static str,
    pub(crate) values: Vec<f64>,
}

impl Samples {
    /// The middle value; with an even number the mean of the two in the middle.
    pub(crate) fn median(&self) -> f64 {
        let mut sorted = self.values.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        match sorted.len() {
            0 => f64::NAN,
            n if n % 2 == 1 => sorted[middle],
            _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
        }
    }

    fn range(&self) -> (f64, f64) {
        self.values
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &value| (low.min(value), high.max(value)))
    }
}

/// What the figures were measured on, and when.
#[derive(Debug)]
pub(crate) struct Machine {
    /// As `2026-01-31`.
    pub(crate) date: String,
    pub(crate) cores: usize,
    pub(crate) system: String,
    pub(crate) rustc: String,
}

impl Machine {
    pub(crate) fn read() -> Result<Self> {
        let rustc = Cmd::new("rustc").arg("--version").read()?;
        // "rustc 1.95.0 (…)": the version says enough.
        let rustc = rustc.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
        let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
        let date = Cmd::new("date").args(["-u", "+%F"]).read()?.trim().to_owned();
        Ok(Self { date, cores: cores()?, system: pretty_name(&release), rustc })
    }
}

/// How many threads run at once here.
pub(crate) fn cores() -> Result<usize> {
    Ok(std::thread::available_parallelism().context("the number of cores is not known")?.get())
}

fn pretty_name(release: &str) -> String {
    let name = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    name.map_or_else(|| std::env::consts::OS.to_owned(), |name| name.trim_matches('"').to_owned())
}

impl Table {
    pub(crate) fn markdown(&self, machine: &Machine) -> String {
        let mut text = format!(
            "## {}\n\n{}\n\nMeasured {} on {} cores, {}, {}, release builds.\n\n",
            self.title, self.about, machine.date, machine.cores, machine.system, machine.rustc
        );
        text.push_str("| what | median | lowest to highest | runs | × reference |\n|---|--:|--:|--:|--:|\n");
        let mut reference = None;
        for row in &self.rows {
            let (samples, ratio) = match &row.outcome {
                Outcome::Absent(why) => {
                    // Writing to a String does not fail, here and below.
                    let _ = writeln!(text, "| {} | {why} | | | |", row.name);
                    continue;
                }
                Outcome::Reference(samples) => {
                    reference = Some(samples.median());
                    (samples, "1".to_owned())
                }
                Outcome::Measured(samples) => {
                    let ratio = reference.map(|reference| format!("{:.2}", samples.median() / reference));
                    (samples, ratio.unwrap_or_default())
                }
            };
            let (unit, median, (low, high)) = (samples.unit, samples.median(), samples.range());
            let runs = samples.values.len();
            let _ = writeln!(
                text,
                "| {} | {median:.1} {unit} | {low:.1} to {high:.1} | {runs} | {ratio} |",
                row.name
            );
        }
        text
    }
}

/// As JSON writes it, which YAML and TOML read alike.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// `document` with the section `name` replaced, or added at the end when it has none.
pub(crate) fn replace_section(document: &str, name: &str, section: &str) -> String {
    let open = format!("<!-- bench {name} -->");
    let close = format!("<!-- end of {name} -->");
    let block = format!("{open}\n{}\n{close}", section.trim_end());
    let place = document.find(&open).and_then(|start| {
        let end = document[start..].find(&close)? + start + close.len();
        Some((start, end))
    });
    match place {
        Some((start, end)) => format!("{}{block}{}", &document[..start], &document[end..]),
        None => format!("{}\n\n{block}\n", document.trim_end()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(values: &[f64]) -> Samples {
        Samples { unit: "ms", values: values.to_vec() }
    }

    #[test]
    fn the_median_does_not_care_for_order_or_outliers() {
        assert!((ms(&[900.0, 1.0, 3.0]).median() - 3.0).abs() < 1e-9);
        assert!((ms(&[4.0, 1.0, 2.0, 900.0]).median() - 3.0).abs() < 1e-9);
    }

    #[test]
    fn ratios_are_against_the_reference_above() {
        let row = |name: &str, outcome| Row { name: name.into(), outcome };
        let table = Table {
            title: "T",
            about: "About.".into(),
            rows: vec![
                row("bare", Outcome::Reference(ms(&[10.0, 12.0, 11.0]))),
                row("ours", Outcome::Measured(ms(&[22.0]))),
                row("other", Outcome::Absent("not installed here".into())),
                row("bare memory", Outcome::Reference(Samples { unit: "MB", values: vec![100.0] })),
                row("our memory", Outcome::Measured(Samples { unit: "MB", values: vec![110.0] })),
            ],
        };
        let machine = Machine {
            date: "2026-01-31".into(),
            cores: 2,
            system: "Debian".into(),
            rustc: "rustc 1.90.0".into(),
        };
        assert_eq!(
            table.markdown(&machine),
            "## T\n\nAbout.\n\nMeasured 2026-01-31 on 2 cores, Debian, rustc 1.90.0, release builds.\n\n\
             | what | median | lowest to highest | runs | × reference |\n|---|--:|--:|--:|--:|\n\
             | bare | 11.0 ms | 10.0 to 12.0 | 3 | 1 |\n\
             | ours | 22.0 ms | 22.0 to 22.0 | 1 | 2.00 |\n\
             | other | not installed here | | | |\n\
             | bare memory | 100.0 MB | 100.0 to 100.0 | 1 | 1 |\n\
             | our memory | 110.0 MB | 110.0 to 110.0 | 1 | 1.10 |\n"
        );
    }

    #[test]
    fn a_section_is_added_once_and_then_replaced() {
        let first = replace_section("# Benchmarks\n", "checks", "one\n");
        let both = replace_section(&first, "window", "two");
        let again = replace_section(&both, "checks", "three");
        assert_eq!(
            again,
            "# Benchmarks\n\n<!-- bench checks -->\nthree\n<!-- end of checks -->\n\n\
             <!-- bench window -->\ntwo\n<!-- end of window -->\n"
        );
    }

    #[test]
    fn the_system_is_named_as_it_names_itself() {
        assert_eq!(pretty_name("ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 12\"\n"), "Debian GNU/Linux 12");
        assert_eq!(pretty_name(""), std::env::consts::OS);
    }
}
