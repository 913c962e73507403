//! What can be wrong with a pack, where, and how to put it right.

use std::{fmt, ops::Range};

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};
use serde::{Serialize, Serializer};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal),* $(,)?) => {
        /// The rules a pack can break. The names are stable: scripts may rely on them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum ProblemCode {
            $($(#[$doc])* $name,)*
        }

        impl ProblemCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its name, for example `unknown-field`.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

codes! {
    /// The text is not YAML, or more than one document.
    BadYaml = "bad-yaml",
    /// Nested too deeply, too many values, or an alias bomb.
    TooComplex = "too-complex",
    /// A field that does not exist.
    UnknownField = "unknown-field",
    /// A field that has to be there.
    MissingField = "missing-field",
    /// A value of the wrong type, or that cannot be read.
    BadValue = "bad-value",
    /// A name that cannot be an id.
    BadId = "bad-id",
    /// The same name twice.
    DuplicateId = "duplicate-id",
    /// A step that is named but not there.
    MissingStep = "missing-step",
    /// Steps that need each other.
    Cycle = "cycle",
    /// A kind (`uses`) that does not exist.
    UnknownKind = "unknown-kind",
    /// Parameters that the kind cannot read.
    BadWith = "bad-with",
    /// An expression that cannot be read, or that names something that is not there.
    BadExpression = "bad-expression",
    /// A persona that nobody has written a checklist for.
    PersonaWithoutChecklist = "persona-without-checklist",
    /// A checklist for a persona that is not there.
    ChecklistWithoutPersona = "checklist-without-persona",
    /// A checklist in which no step stops the clock.
    NoFirstValue = "no-first-value",
    /// A checklist in which more than one step stops the clock.
    SeveralFirstValues = "several-first-values",
    /// A first value that its checklist does not lead to.
    UnreachableFirstValue = "unreachable-first-value",
    /// Something a step does that the policy does not allow.
    CapabilityNotDeclared = "capability-not-declared",
    /// A secret that no step of the checklist asks for.
    MissingCredential = "missing-credential",
    /// A secret that may not be there yet when the step starts.
    SecretNotNeeded = "secret-not-needed",
    /// A file that is named but not in the pack.
    MissingFile = "missing-file",
    /// A path that leaves the pack, or a symbolic link in it.
    OutsidePack = "outside-pack",
    /// A step whose failure is to count for nothing, and for something.
    BestEffortNeeded = "best-effort-needed",
    /// An advisory that cannot be read, or that says nothing that could be matched.
    BadAdvisory = "bad-advisory",
    /// A survey that names what is not there, or a question that is never seen.
    BadSurvey = "bad-survey",
    /// What an owner promises, in words by which nothing is ever due.
    SlaNeverDue = "sla-never-due",
    /// A step that no checklist has.
    UnusedStep = "unused-step",
    /// A link in a text or a document that leads to what is not there.
    DeadLink = "dead-link",
    /// A picture that cannot be shown.
    BadImage = "bad-image",
    /// A picture that does not say what it shows.
    NoDescription = "no-description",
    /// So much is wrong that the rest is not listed.
    ManyMore = "many-more",
}

impl fmt::Display for ProblemCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ProblemCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The pack cannot be used.
    Error,
    /// It can, but somebody probably meant something else.
    Warning,
}

/// One thing that is wrong. Serialises as `{ code, severity, message, help, line, column, span, labels }`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Which rule.
    pub code: ProblemCode,
    /// How bad.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// How to put it right.
    pub help: Option<String>,
    /// From 1.
    pub line: u32,
    /// In characters, from 1.
    pub column: u32,
    /// Bytes of the text.
    pub span: Range<usize>,
    /// Other places that have to do with it.
    pub labels: Vec<Label>,
    /// Whether the lines it is about are short enough to be shown.
    #[serde(skip)]
    has_snippet: bool,
}

/// A place that has to do with a problem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Label {
    /// Bytes of the text.
    pub span: Range<usize>,
    /// What is there.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if self.has_snippet { Ok(()) } else { write!(f, " (line {}, column {})", self.line, self.column) }
    }
}

impl std::error::Error for Problem {}

impl Diagnostic for Problem {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        if !self.has_snippet {
            return None;
        }
        let primary = LabeledSpan::new_primary_with_span(None, self.span.clone());
        let others = self
            .labels
            .iter()
            .map(|label| LabeledSpan::new_with_span(Some(label.text.clone()), label.span.clone()));
        Some(Box::new(std::iter::once(primary).chain(others)))
    }
}

/// Everything found in one pack, in the order of the text. As a [`Diagnostic`] it shows each problem with its snippet.
#[derive(Debug, Clone)]
pub struct Report {
    source: NamedSource<String>,
    problems: Vec<Problem>,
}

impl Report {
    pub(crate) fn new(name: &str, text: String, mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| {
            (problem.code == ProblemCode::ManyMore, problem.span.start, problem.severity, problem.code)
        });
        for problem in &mut problems {
            let mut places =
                std::iter::once(&problem.span).chain(problem.labels.iter().map(|label| &label.span));
            problem.has_snippet = places.all(|span| is_in_short_lines(&text, span));
        }
        Self { source: NamedSource::new(name, text).with_language("yaml"), problems }
    }

    /// The file, as it was named when loaded.
    pub fn source_name(&self) -> &str {
        self.source.name()
    }

    /// Its text.
    pub fn source_text(&self) -> &str {
        self.source.inner()
    }

    /// Everything, in the order of the text.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// What makes the pack unusable.
    pub fn errors(&self) -> impl Iterator<Item = &Problem> {
        self.problems.iter().filter(|problem| problem.severity == Severity::Error)
    }

    /// What somebody probably meant otherwise.
    pub fn warnings(&self) -> impl Iterator<Item = &Problem> {
        self.problems.iter().filter(|problem| problem.severity == Severity::Warning)
    }

    /// Whether the pack can be used.
    pub fn is_usable(&self) -> bool {
        self.errors().next().is_none()
    }

    pub(crate) fn into_problems(self) -> Vec<Problem> {
        self.problems
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (errors, warnings) = (self.errors().count(), self.warnings().count());
        write!(f, "{}: ", self.source_name())?;
        match (errors, warnings) {
            (0, 0) => f.write_str("nothing is wrong"),
            (errors, 0) => write!(f, "{errors} {}", plural(errors, "error")),
            (0, warnings) => write!(f, "{warnings} {}", plural(warnings, "warning")),
            (errors, warnings) => {
                write!(f, "{errors} {}, {warnings} {}", plural(errors, "error"), plural(warnings, "warning"))
            }
        }
    }
}

fn plural(count: usize, word: &str) -> String {
    if count == 1 { word.to_owned() } else { format!("{word}s") }
}

impl std::error::Error for Report {}

impl Diagnostic for Report {
    fn severity(&self) -> Option<miette::Severity> {
        Some(if self.is_usable() { miette::Severity::Warning } else { miette::Severity::Error })
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(self.problems.iter().map(|problem| problem as &dyn Diagnostic)))
    }
}

/// Collects problems and knows the lines of the text they are in.
#[derive(Debug)]
pub(crate) struct Problems<'t> {
    text: &'t str,
    lines: Vec<usize>,
    errors: Listed,
    warnings: Listed,
}

/// Problems of one severity.
#[derive(Debug, Default)]
struct Listed {
    found: Vec<Problem>,
    /// The last of those that are not listed.
    unlisted: Option<Problem>,
    /// How many are not.
    more: usize,
}

/// At most this many errors, and as many warnings, are listed: nobody reads more, and finding a place in a long line takes
/// time for each.
const MOST: usize = 200;

impl Listed {
    fn count(&self) -> usize {
        self.found.len() + self.more
    }

    /// The problems, and one that says how many there are besides.
    fn all(mut self) -> Vec<Problem> {
        if let Some(last) = self.unlisted {
            let message = format!("{} more like these are not listed", self.more);
            let help = Some("mend these first".to_owned());
            self.found.push(Problem {
                code: ProblemCode::ManyMore,
                message,
                help,
                labels: Vec::new(),
                ..last
            });
        }
        self.found
    }
}

impl<'t> Problems<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { text, lines, errors: Listed::default(), warnings: Listed::default() }
    }

    pub(crate) fn text(&self) -> &'t str {
        self.text
    }

    /// How many so far.
    pub(crate) fn count(&self) -> usize {
        self.errors.count() + self.warnings.count()
    }

    pub(crate) fn found(self) -> Vec<Problem> {
        let mut found = self.errors.all();
        found.append(&mut self.warnings.all());
        found
    }

    pub(crate) fn error(
        &mut self,
        code: ProblemCode,
        span: Range<usize>,
        message: impl Into<String>,
    ) -> Added<'_> {
        self.add(code, Severity::Error, span, message.into())
    }

    pub(crate) fn warning(
        &mut self,
        code: ProblemCode,
        span: Range<usize>,
        message: impl Into<String>,
    ) -> Added<'_> {
        self.add(code, Severity::Warning, span, message.into())
    }

    fn add(
        &mut self,
        code: ProblemCode,
        severity: Severity,
        span: Range<usize>,
        message: String,
    ) -> Added<'_> {
        let text = self.text;
        let span = fit(text, span);
        let line = self.lines.partition_point(|&start| start <= span.start).max(1);
        let list = match severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        let is_listed = list.found.len() < MOST;
        let column = if is_listed { text[self.lines[line - 1]..span.start].chars().count() + 1 } else { 1 };
        let problem = Problem {
            code,
            severity,
            message,
            help: None,
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(column).unwrap_or(u32::MAX),
            span,
            labels: Vec::new(),
            has_snippet: true,
        };
        let problem = if is_listed {
            let index = list.found.len();
            list.found.push(problem);
            &mut list.found[index]
        } else {
            list.more += 1;
            list.unlisted.insert(problem)
        };
        Added { problem, text }
    }
}

/// Whether every line that a span begins or ends in is one that a terminal can show.
fn is_in_short_lines(text: &str, span: &Range<usize>) -> bool {
    const LONGEST: usize = 2_000;
    let is_short = |at: usize| {
        let bytes = text.as_bytes();
        let before = bytes[..at].iter().rev().take(LONGEST).position(|byte| *byte == b'\n');
        let after = bytes[at..].iter().take(LONGEST).position(|byte| *byte == b'\n');
        let before = before.unwrap_or(at);
        before + after.unwrap_or(bytes.len() - at) <= LONGEST
    };
    is_short(span.start) && is_short(span.end)
}

/// Keeps a span within the text, between characters, and without the white space at its end.
fn fit(text: &str, span: Range<usize>) -> Range<usize> {
    let inside = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = inside(span.start);
    let end = inside(span.end).max(start);
    start..start + text[start..end].trim_end().len()
}

/// A problem just added, to say more about it.
pub(crate) struct Added<'p> {
    problem: &'p mut Problem,
    text: &'p str,
}

impl Added<'_> {
    /// How to put it right.
    pub(crate) fn help(self, help: impl Into<String>) -> Self {
        self.problem.help = Some(help.into());
        self
    }

    /// Another place that has to do with it.
    pub(crate) fn label(self, span: Range<usize>, text: impl Into<String>) -> Self {
        self.problem.labels.push(Label { span: fit(self.text, span), text: text.into() });
        self
    }
}
