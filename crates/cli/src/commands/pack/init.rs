//! `firstlight pack init`: a few questions, each with a flag that answers it, and a pack to start from.

use std::{path::Path, process::ExitCode};

use firstlight_app::{AppError, Ci, StartFrom, Starter, start_pack};
use firstlight_contract::error::Code;

use super::super::read_line;
use crate::output::Output;

/// Where nobody looks at changes.
const NOWHERE: &str = "none";

/// What was said on the command line.
pub(super) struct Said {
    pub(super) title: Option<String>,
    pub(super) from: Option<String>,
    pub(super) persona: Option<String>,
    pub(super) ci: Option<String>,
}

pub(super) async fn run(dir: &Path, said: Said, output: Output) -> anyhow::Result<ExitCode> {
    let starter = starter(said, output).await?;
    for file in start_pack(dir, &starter)? {
        output.line(format!("wrote {}", file.display()))?;
    }
    output.line(format!("Next: firstlight pack lint {0}, then firstlight pack test {0}", dir.display()))?;
    Ok(ExitCode::SUCCESS)
}

/// What was said, and the answers to what was not where somebody is there to answer.
async fn starter(said: Said, output: Output) -> anyhow::Result<Starter> {
    let usual = Starter::default();
    let asks = output.is_interactive();
    let title = match said.title {
        None if asks => ask("How does it greet people?", &usual.title, output).await?,
        title => title.unwrap_or(usual.title),
    };
    let from = match said.from.as_deref() {
        None if asks && said.persona.is_none() => {
            output.line("Whose first day is it?")?;
            for (number, from) in (1..).zip(StartFrom::ALL) {
                let title = if *from == StartFrom::Own { "Somebody else" } else { from.title() };
                output.line(format!("  {number}  {title} \u{1b}[2m({})\u{1b}[0m", from.name()))?;
            }
            let own = StartFrom::Own;
            ask_until("Number or name", own.name(), output, |answer| {
                one_of(StartFrom::ALL, StartFrom::name, answer)
            })
            .await?
        }
        None => usual.from,
        Some(from) => one_of(StartFrom::ALL, StartFrom::name, from)?,
    };
    let persona = match said.persona {
        None if asks => ask("What are they called?", from.title(), output).await?,
        persona => persona.unwrap_or_default(),
    };
    let ci = match said.ci.as_deref() {
        None if asks => {
            let question = "Where are changes looked at: github, gitlab or none?";
            ask_until(question, NOWHERE, output, |answer| {
                if answer == NOWHERE { Ok(None) } else { one_of(Ci::ALL, Ci::name, answer).map(Some) }
            })
            .await?
        }
        None => None,
        Some(ci) => Some(one_of(Ci::ALL, Ci::name, ci)?),
    };
    Ok(Starter { title, from, persona, ci })
}

/// Asks until there is an answer that can be one.
async fn ask_until<T>(
    question: &str,
    usual: &str,
    output: Output,
    read: impl Fn(&str) -> Result<T, AppError>,
) -> anyhow::Result<T> {
    loop {
        match read(&ask(question, usual, output).await?) {
            Ok(answer) => return Ok(answer),
            Err(error) => output.problem(&error.0)?,
        }
    }
}

/// The answer typed, or the usual one.
async fn ask(question: &str, usual: &str, output: Output) -> anyhow::Result<String> {
    output.raw(&format!("{question} [{usual}] "))?;
    let answer = read_line().await?;
    Ok(if answer.is_empty() { usual.to_owned() } else { answer })
}

/// A choice by its number or its name.
fn one_of<T: Copy>(all: &[T], name: impl Fn(T) -> &'static str, answer: &str) -> Result<T, AppError> {
    let by_number = answer.parse::<usize>().ok().and_then(|number| all.get(number.checked_sub(1)?));
    let found = by_number.or_else(|| all.iter().find(|one| name(**one) == answer));
    found.copied().ok_or_else(|| {
        let names: Vec<&str> = all.iter().map(|one| name(*one)).collect();
        AppError::new(Code::Usage, format!("`{answer}` is none of them."))
            .hint(format!("Choose one of: {}.", names.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_made_by_number_or_name() {
        let of = |answer| one_of(StartFrom::ALL, StartFrom::name, answer);
        assert_eq!(of("2").unwrap(), StartFrom::DataScientist);
        assert_eq!(of("qa-engineer").unwrap(), StartFrom::QaEngineer);
        for wrong in ["0", "6", "-1", "manager", ""] {
            assert_eq!(of(wrong).unwrap_err().code(), Code::Usage, "{wrong}");
        }
    }
}
