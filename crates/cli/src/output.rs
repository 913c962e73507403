//! Where answers and errors go: plain text for people, JSON for scripts. Colour only on a terminal (anstream decides).

use std::{
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use firstlight_app::AppError;
use firstlight_contract::error::{Code, ErrorBody, ErrorEnvelope};
use serde::Serialize;

use crate::wrap;

/// What stands before each line of another program's output.
const QUOTE: &str = "      ";

/// The two ways to answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
}

#[expect(
    clippy::unused_self,
    reason = "all that is printed goes through here, whether or not its form matters"
)]
impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    /// Whether a person is watching and can answer.
    pub(crate) fn is_interactive(self) -> bool {
        !self.json && io::stdout().is_terminal() && io::stdin().is_terminal()
    }

    /// One line for people, broken between words where the terminal ends.
    pub(crate) fn line(self, text: impl AsRef<str>) -> anyhow::Result<()> {
        match wrap::columns() {
            Some(columns) => self.verbatim(wrap::wrap(text.as_ref(), columns)),
            None => self.verbatim(text),
        }
    }

    /// One line as it is: a command to copy, a line of a log or of a file.
    pub(crate) fn verbatim(self, text: impl AsRef<str>) -> anyhow::Result<()> {
        Ok(writeln!(anstream::stdout(), "{}", text.as_ref())?)
    }

    /// Raw text for people or other programs.
    pub(crate) fn raw(self, text: &str) -> anyhow::Result<()> {
        Ok(anstream::stdout().write_all(text.as_bytes())?)
    }

    /// A value as indented JSON.
    pub(crate) fn value(self, value: &impl Serialize) -> anyhow::Result<()> {
        let mut text = serde_json::to_string_pretty(value)?;
        text.push('\n');
        Ok(io::stdout().write_all(text.as_bytes())?)
    }

    /// A value as one line of JSON.
    pub(crate) fn value_line(self, value: &impl Serialize) -> anyhow::Result<()> {
        let mut text = serde_json::to_string(value)?;
        text.push('\n');
        Ok(io::stdout().write_all(text.as_bytes())?)
    }

    /// Something to know that is no error, beside the answer.
    pub(crate) fn note(self, note: &ErrorBody) {
        let mut to = anstream::stderr();
        // Nobody can be told when standard error itself is gone.
        let _ = if self.json {
            writeln!(to, "{}", serde_json::json!({ "note": note }))
        } else {
            let hint = note.hint.as_deref().map_or_else(String::new, |hint| format!("\n  hint: {hint}"));
            writeln!(to, "\u{1b}[1;33mnote\u{1b}[0m: {}{hint}", note.message)
        };
    }

    /// Something that did not work, among what is said to a person who may try again.
    pub(crate) fn problem(self, problem: &ErrorBody) -> anyhow::Result<()> {
        self.line(format!("  {}", problem.message))?;
        self.quote(&problem.last_lines)?;
        problem.hint.as_deref().map_or(Ok(()), |hint| self.line(format!("  hint: {hint}")))
    }

    /// How the output of something ended, as it is.
    pub(crate) fn quote(self, lines: &[String]) -> anyhow::Result<()> {
        lines.iter().try_for_each(|line| self.verbatim(format!("{QUOTE}{line}")))
    }

    /// Says what went wrong, and that it did.
    pub(crate) fn fail(self, error: &anyhow::Error) -> ExitCode {
        if is_closed_pipe(error) {
            // Whoever read our output has seen enough.
            return ExitCode::SUCCESS;
        }
        let body = body(error);
        let mut to = anstream::stderr();
        // Nobody can be told when standard error itself is gone.
        let _ = if self.json {
            serde_json::to_string(&ErrorEnvelope { error: body }).map(|text| writeln!(to, "{text}"))
        } else {
            Ok(writeln!(to, "{}", for_people(&body)))
        };
        ExitCode::FAILURE
    }
}

fn body(error: &anyhow::Error) -> ErrorBody {
    match error.downcast_ref::<AppError>() {
        Some(error) => error.0.clone(),
        None => AppError::new(Code::Internal, format!("{error:#}")).0,
    }
}

fn for_people(body: &ErrorBody) -> String {
    let code = serde_json::to_value(body.code).ok().and_then(|value| value.as_str().map(str::to_owned));
    let mut text = format!("\u{1b}[1;31merror\u{1b}[0m[{}]: {}", code.unwrap_or_default(), body.message);
    if let Some(file) = &body.file {
        let line = body.line.map_or_else(String::new, |line| format!(":{line}"));
        text.extend(["\n  at ", file.as_str(), line.as_str()]);
    }
    for line in &body.last_lines {
        text.extend(["\n", QUOTE, line.as_str()]);
    }
    if let Some(hint) = &body.hint {
        text.extend(["\n  hint: ", hint.as_str()]);
    }
    text
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
