//! `firstlight survey` and `firstlight feedback`

use clap::{Args, Subcommand};

/// Surveys.
#[derive(Debug, Subcommand)]
pub(crate) enum Survey {
    /// Lists what can be answered now, and says where answers go
    List {
        /// Prints JSON
        #[arg(long)]
        json: bool,
    },
    /// Asks its questions, shows who will see the answers, and sends them if you agree
    Answer(SurveyAnswer),
}

/// Which survey, and answers that are known already.
#[derive(Debug, Args)]
pub(crate) struct SurveyAnswer {
    /// The survey, as `survey list` names it
    pub(crate) survey: String,
    /// An answer, asked for in a terminal if left out: a number, options separated by commas, or a text; may be repeated
    #[arg(long, value_name = "QUESTION=ANSWER", value_parser = super::key_value)]
    pub(crate) answer: Vec<(String, String)>,
    /// Sends without asking
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// Prints JSON; needs `--yes`
    #[arg(long, requires = "yes")]
    pub(crate) json: bool,
}

/// What somebody thinks.
#[derive(Debug, Args)]
pub(crate) struct Feedback {
    /// In your words; from standard input or a prompt if left out
    pub(crate) text: Option<String>,
    /// Your name, if you want to be answered
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// The step it is about
    #[arg(long, value_name = "STEP")]
    pub(crate) step: Option<String>,
    /// Prints JSON
    #[arg(long)]
    pub(crate) json: bool,
}
