//! A row of stages: each is timed, the first failure ends the row and says how to run that stage alone.

use std::{
    fmt::Write,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

/// The stages so far.
#[derive(Debug, Default)]
pub(crate) struct Stages {
    done: Vec<(String, Duration)>,
}

impl Stages {
    /// Runs one stage. `alone` is what to type to run nothing but this stage.
    pub(crate) fn stage<T>(
        &mut self,
        name: &str,
        alone: &str,
        work: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        println!("\n== {name}");
        let start = Instant::now();
        let result = work();
        self.done.push((name.to_owned(), start.elapsed()));
        if result.is_err() {
            print!("\n{}", self.table("failed"));
        }
        result.with_context(|| format!("stage `{name}` failed; alone it is `{alone}`"))
    }

    /// Prints all stages with their seconds.
    pub(crate) fn finish(&self) {
        print!("\n{}", self.table("ok"));
    }

    fn table(&self, last: &str) -> String {
        let width = self.done.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        let mut text = String::new();
        for (index, (name, took)) in self.done.iter().enumerate() {
            let outcome = if index + 1 == self.done.len() { last } else { "ok" };
            // Writing to a String does not fail, here and below.
            let _ = writeln!(text, "{name:width$}  {:>7.1} s  {outcome}", took.as_secs_f64());
        }
        let total: Duration = self.done.iter().map(|(_, took)| *took).sum();
        let _ = writeln!(text, "{:width$}  {:>7.1} s", "all", total.as_secs_f64());
        text
    }
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    #[test]
    fn a_failure_names_its_stage_and_how_to_run_it_alone() {
        let mut stages = Stages::default();
        stages.stage("first", "true", || Ok(())).unwrap();
        let error = stages.stage::<()>("format", "cargo fmt --all", || bail!("not formatted")).unwrap_err();
        assert_eq!(
            format!("{error:#}"),
            "stage `format` failed; alone it is `cargo fmt --all`: not formatted"
        );
    }

    #[test]
    fn the_table_lists_every_stage_and_the_sum() {
        let done =
            vec![("a".into(), Duration::from_millis(1500)), ("longer".into(), Duration::from_secs(20))];
        assert_eq!(
            Stages { done }.table("failed"),
            "a           1.5 s  ok\nlonger     20.0 s  failed\nall        21.5 s\n"
        );
    }
}
