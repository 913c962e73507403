//! Time to first value of people who came before Firstlight, from a file of the platform team's own: what there is to
//! compare with.

use std::{collections::BTreeMap, fs::File, path::Path};

use firstlight_contract::{
    error::Code,
    insights::{LogRankView, RestrictedMean, TtfvGroup, TtfvView},
};
use firstlight_metrics::{
    Level,
    survival::{Curve, End, Transform, Wait, compare::log_rank, median_of_those_who_arrived},
};

use crate::error::{AppError, Result};

/// What makes the same people give another figure raises this.
const DEFINITION: u32 = 1;
/// The group of everybody.
const EVERYBODY: &str = "all";
/// More rows than any company hires people.
const MOST_ROWS: usize = 1_000_000;

/// Which columns of the file say what, by the names in its first line.
#[derive(Debug, Clone)]
pub struct Columns {
    /// How long it took, or has taken so far: a number, in any unit.
    pub time: String,
    /// How it ended: `1`, `yes`, `true` if they arrived; `0`, `no`, `false` if they are still on their way; `left` or `2` if
    /// they left.
    pub event: String,
    /// What they are compared by.
    pub group: Option<String>,
}

/// Reads the file and reckons each group's time to first value.
pub fn ttfv_from_csv(file: &Path, columns: &Columns) -> Result<TtfvView> {
    let groups = read(file, columns)?;
    // As far as every group can be told: the earliest last look of any of them.
    let last = |waits: &Vec<Wait>| waits.iter().map(Wait::time).fold(0.0, f64::max);
    let until = groups.values().map(last).fold(f64::INFINITY, f64::min);
    let all: Vec<&[Wait]> = groups.values().map(Vec::as_slice).collect();
    let logrank = log_rank(&all).map(|test| LogRankView { chi2: test.chi2, df: whole(test.df), p: test.p });
    let groups = groups.iter().map(|(name, waits)| group(name, waits, until)).collect();
    Ok(TtfvView { groups, logrank, definition_version: DEFINITION })
}

fn group(name: &str, waits: &[Wait], until: f64) -> TtfvGroup {
    let curve = Curve::of(waits, Transform::default());
    let interval = curve.quantile_interval(0.5, Level::USUAL);
    let left = waits.iter().filter(|wait| wait.end() == End::Otherwise).count();
    let restricted_mean = curve.restricted_mean(until).map(|mean| {
        let half = Level::USUAL.z() * mean.error;
        RestrictedMean { until, value: mean.value, ci: [mean.value - half, mean.value + half] }
    });
    TtfvGroup {
        name: name.to_owned(),
        n: whole(curve.n()),
        n_events: whole(curve.reached()),
        n_censored: whole(curve.censored()),
        n_left: u32::try_from(left).unwrap_or(u32::MAX),
        median: curve.quantile(0.5),
        ci: [interval.low, interval.high],
        p75: curve.quantile(0.75),
        p90: curve.quantile(0.9),
        restricted_mean,
        naive_median: median_of_those_who_arrived(waits),
    }
}

/// The waits of each group, by its name.
fn read(file: &Path, columns: &Columns) -> Result<BTreeMap<String, Vec<Wait>>> {
    let name = file.display().to_string();
    let opened = File::open(file).map_err(|error| {
        AppError::new(Code::InputInvalid, format!("{name} cannot be read: {error}."))
            .hint("Name a CSV file with a line of column names and a line for each person.")
            .file(&name, None)
    })?;
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(opened);
    let broken = |error: &csv::Error| {
        let line = error.position().and_then(|place| u32::try_from(place.line()).ok());
        AppError::new(Code::InputInvalid, format!("{name} is not a table: {error}."))
            .hint("Each line needs as many values as the first has names, in UTF-8; values with commas stand in quotes.")
            .file(&name, line)
    };
    let header = reader.headers().map_err(|error| broken(&error))?.clone();
    let place = |column: &str| {
        // What spreadsheets put in front of the first name is no part of it.
        let at = header.iter().position(|name| name.trim_start_matches('\u{feff}') == column);
        at.ok_or_else(|| {
            let known: Vec<&str> = header.iter().collect();
            AppError::new(Code::InputInvalid, format!("{name} has no column `{column}`."))
                .hint(format!("Its columns are: {}.", known.join(", ")))
                .file(&name, Some(1))
        })
    };
    let (time, event) = (place(&columns.time)?, place(&columns.event)?);
    let group = columns.group.as_deref().map(place).transpose()?;
    let mut groups: BTreeMap<String, Vec<Wait>> = BTreeMap::new();
    for (row, record) in reader.records().enumerate() {
        let record = record.map_err(|error| broken(&error))?;
        let line = record.position().and_then(|place| u32::try_from(place.line()).ok());
        if row >= MOST_ROWS {
            return Err(AppError::new(Code::InputInvalid, format!("{name} has more than {MOST_ROWS} rows."))
                .hint("Give it a line for each person.")
                .file(&name, line));
        }
        let value = |at: usize| record.get(at).unwrap_or_default();
        let wait = wait(value(time), value(event)).map_err(|(message, hint)| {
            AppError::new(Code::InputInvalid, message).hint(hint).file(&name, line)
        })?;
        let group = match group.map(value) {
            None => EVERYBODY,
            Some("") => "(none)",
            Some(group) => group,
        };
        groups.entry(group.to_owned()).or_default().push(wait);
    }
    if groups.is_empty() {
        return Err(AppError::new(Code::InputInvalid, format!("{name} has nobody in it."))
            .hint("Give it a line for each person, below the names of the columns.")
            .file(&name, None));
    }
    Ok(groups)
}

fn wait(time: &str, event: &str) -> std::result::Result<Wait, (String, &'static str)> {
    let end = match event.to_lowercase().as_str() {
        "1" | "yes" | "y" | "true" => End::Reached,
        "0" | "no" | "n" | "false" => End::StillWaiting,
        "2" | "left" => End::Otherwise,
        _ => {
            let message = format!("`{event}` does not say how it ended.");
            return Err((
                message,
                "Write 1 for somebody who arrived, 0 for somebody still on their way, left for who left.",
            ));
        }
    };
    let hint = "Write how long it took, or has taken so far, as a number such as 12.5; never below 0.";
    let number: f64 = time.parse().map_err(|_| (format!("`{time}` is not a number."), hint))?;
    Wait::new(number, end).map_err(|error| (format!("`{time}` cannot be a time: {error}."), hint))
}

fn whole(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
