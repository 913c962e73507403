//! Every command the window may call, once. `src-tauri` has a handler of each name and no other; the TypeScript twin
//! types the one function through which the UI calls them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{
    advisories::{AcceptFinding, AdvisoryRef, ScanView},
    app_update::{AppUpdateConsent, AppUpdateView},
    credential::{CredentialTest, CredentialView},
    docs::{DocAddress, DocRef, DocView, DocsFound, DocsQuery, DocsView},
    doctor::{DoctorView, FixAsked, FixConsent, FixView, HelpBundle},
    insights_page::{InsightsAnswer, InsightsQuestion},
    journal::JournalCheck,
    journey::{JourneyView, LogPage, StepDetail},
    pack::PackOverview,
    plan::PlanView,
    privacy::{HubAsked, PrivacyView, Sharing},
    releases::UpdateView,
    report::ReportView,
    requests::AskingName,
    run::RunEvent,
    settings::{Launch, Settings},
    surveys::{
        FeedbackGiven, SurveyAnswers, SurveyKept, SurveyPutAway, SurveyQuestions, SurveyRef, SurveyView,
        SurveysView,
    },
    templates::TemplatesView,
};

/// What a command takes and gives. Errors are always [`crate::error::ErrorBody`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Call<A, R> {
    /// The argument.
    pub args: A,
    /// The result.
    pub result: R,
}

/// No argument, or no result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Nothing {}

/// Declares [`Commands`] and the list of its names from one place, so that they cannot part.
macro_rules! commands {
    ($($(#[$doc:meta])* $name:ident: Call<$args:ty, $result:ty>,)*) => {
        /// The window's commands by name.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
        #[ts(export)]
        pub struct Commands {
            $($(#[$doc])* pub $name: Call<$args, $result>,)*
        }

        impl Commands {
            /// The names of all commands.
            pub const NAMES: &[&str] = &[$(stringify!($name)),*];
        }
    };
}

commands! {
    /// Everything for the first paint.
    launch: Call<Nothing, Launch>,
    /// Lets the person choose a pack folder with the system's dialog; `null` if they changed their mind.
    choose_pack: Call<Nothing, Option<PackOverview>>,
    /// Goes back to the sample pack.
    use_sample: Call<Nothing, PackOverview>,
    /// Takes the release that was received as the pack at hand.
    use_release: Call<Nothing, PackOverview>,
    /// What would happen, for this persona and these inputs.
    make_plan: Call<Choice, PlanView>,
    /// Starts the journey (if it has not begun) and a run of the plan that was agreed to.
    start_run: Call<Consent, JourneyView>,
    /// Stops the run; what was running is ended, nothing is lost.
    cancel_run: Call<Nothing, Nothing>,
    /// Where the person stands.
    journey: Call<Nothing, JourneyView>,
    /// Leaves the present journey (it stays in the journal) so that another can begin.
    leave_journey: Call<Nothing, Nothing>,
    /// One step.
    step: Call<StepRef, StepDetail>,
    /// A part of its log.
    step_log: Call<LogRange, LogPage>,
    /// Tries a step again that did not come to hold or was cut off, and what waited for it.
    retry_step: Call<StepRef, JourneyView>,
    /// Marks an action as done by the person, or a step that was cut off as having taken effect.
    complete_action: Call<StepRef, JourneyView>,
    /// Says that the person did what a step had left to them.
    follow_up_done: Call<StepRef, JourneyView>,
    /// Opens a link step's address in the system's browser.
    open_link: Call<StepRef, Nothing>,
    /// Takes a step back.
    undo_step: Call<StepRef, JourneyView>,
    /// Time to first value.
    report: Call<Nothing, ReportView>,
    /// The credentials of this journey.
    credentials: Call<Nothing, Vec<CredentialView>>,
    /// Tests a value, and keeps it in the keychain if it is accepted.
    store_credential: Call<NewCredential, CredentialView>,
    /// Makes a value, tests it and keeps it.
    generate_credential: Call<CredentialRef, CredentialView>,
    /// Tests the value the keychain holds.
    test_credential: Call<CredentialRef, CredentialTest>,
    /// Removes the value from the keychain.
    remove_credential: Call<CredentialRef, CredentialView>,
    /// What has left, what will.
    privacy: Call<Nothing, PrivacyView>,
    /// Shares, or pauses sharing.
    set_sharing: Call<SharingChoice, PrivacyView>,
    /// Sends to a hub from now on, which has to know the code.
    join_hub: Call<HubAsked, PrivacyView>,
    /// Sends to no hub any more.
    leave_hub: Call<Nothing, PrivacyView>,
    /// Sets the name those see whom a step waits for.
    ask_as: Call<AskingName, PrivacyView>,
    /// Sends what waits, now.
    send_events: Call<Nothing, PrivacyView>,
    /// Writes everything Firstlight knows to a file the person chooses; its path, or `null`.
    export_data: Call<Nothing, Option<String>>,
    /// Deletes everything Firstlight keeps on this machine, credentials included, and starts anew.
    delete_data: Call<Nothing, Nothing>,
    /// Whether the journal is as it was written.
    verify_journal: Call<Nothing, JournalCheck>,
    /// Looks at the machine.
    doctor: Call<Nothing, DoctorView>,
    /// Lets the person choose a file with their company's certificates, and says what the doctor would set for it;
    /// `null` if they changed their mind. Changes nothing.
    choose_certificates: Call<Nothing, Option<FixView>>,
    /// What the doctor would set, and what is in the way of more. Changes nothing.
    plan_fix: Call<FixAsked, FixView>,
    /// Sets what was agreed to, and looks again.
    fix: Call<FixConsent, DoctorView>,
    /// Takes back what the doctor has set, and looks again.
    undo_fix: Call<Nothing, DoctorView>,
    /// What helps somebody else help with a step, redacted; sent nowhere.
    help_bundle: Call<StepRef, HelpBundle>,
    /// Writes the last of these texts to a file the person chooses; its path, or `null`.
    save_help_bundle: Call<Nothing, Option<String>>,
    /// Looks whether the pack's advisories are about anything in the journey's projects or on this machine.
    scan: Call<Nothing, ScanView>,
    /// Notes that the person lives with what an advisory is about for a while.
    accept_finding: Call<AcceptFinding, JourneyView>,
    /// Opens what is said about an advisory in the system's browser.
    open_advisory: Call<AdvisoryRef, Nothing>,
    /// The documents of the pack.
    docs: Call<Nothing, DocsView>,
    /// One of them.
    doc: Call<DocRef, DocView>,
    /// Where they say what is looked for.
    search_docs: Call<DocsQuery, DocsFound>,
    /// Opens an address that one of them names in the system's browser or mail program.
    open_doc_link: Call<DocAddress, Nothing>,
    /// How each project that a template made stands with its template.
    templates: Call<Nothing, TemplatesView>,
    /// What may be asked now, and what can be answered whenever one likes.
    surveys: Call<Nothing, SurveysView>,
    /// Shows a survey; that it was shown counts from here on.
    show_survey: Call<SurveyRef, SurveyView>,
    /// Which questions are seen with what was answered so far; nothing of it is kept.
    survey_questions: Call<SurveyAnswers, SurveyQuestions>,
    /// Sends the answers to a survey that was shown.
    answer_survey: Call<SurveyAnswers, SurveyKept>,
    /// Puts a survey away that was shown; nothing that was answered is kept.
    put_survey_away: Call<SurveyPutAway, Nothing>,
    /// Sends what the person thinks, with or without their name.
    give_feedback: Call<FeedbackGiven, SurveyKept>,
    /// Asks the hub about many people; kept nowhere.
    insights: Call<InsightsQuestion, InsightsAnswer>,
    /// Writes the hub's answer as a table to a file the person chooses; its path, or `null`.
    save_insights: Call<InsightsQuestion, Option<String>>,
    /// Keeps what the person chose.
    save_settings: Call<Settings, Settings>,
    /// How it stands with the app's own updates; asks nobody.
    app_update: Call<Nothing, AppUpdateView>,
    /// Asks for a newer version of the app.
    check_app_update: Call<Nothing, AppUpdateView>,
    /// Installs the newer version that was shown, and starts it. Never during a run.
    install_app_update: Call<AppUpdateConsent, AppUpdateView>,
}

/// What the desktop tells the window without being asked, on one channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[ts(export)]
pub enum Notice {
    /// Something happened in the run.
    Run {
        /// What.
        event: RunEvent,
    },
    /// The journey changed; here it is.
    Journey {
        /// As it stands now.
        journey: JourneyView,
    },
    /// A `firstlight://` link brought a pack.
    Pack {
        /// The pack.
        pack: PackOverview,
    },
    /// A release was received, or what is offered is refused, or is fine again.
    Releases {
        /// How this machine stands with them.
        update: UpdateView,
    },
    /// There is a newer version of the app, or it is on its way.
    AppUpdate {
        /// How it stands.
        update: AppUpdateView,
    },
    /// Something went wrong that nobody was waiting for.
    Problem {
        /// What.
        error: crate::error::ErrorBody,
    },
}

/// Who the person is and what they answered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Choice {
    /// The persona.
    pub persona: String,
    /// Inputs by name; what is left out takes its default.
    pub inputs: BTreeMap<String, String>,
    /// The first working day (`YYYY-MM-DD`), if the clock shall start there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub start_date: Option<String>,
}

/// Agreement to a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Consent {
    /// The choice the plan was made for.
    pub choice: Choice,
    /// The plan's `consent` hash.
    pub consent: String,
}

/// A step by id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct StepRef {
    /// The id.
    pub step: String,
}

/// A part of a step's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct LogRange {
    /// The step.
    pub step: String,
    /// The first line wanted, from 0.
    pub first: u32,
    /// How many at most (up to 2,000).
    pub count: u32,
}

/// A credential by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CredentialRef {
    /// The name.
    pub name: String,
}

/// A value on its way into the keychain: the only secret that ever crosses this boundary, and only inwards.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct NewCredential {
    /// The name.
    pub name: String,
    /// The value.
    pub value: String,
}

impl std::fmt::Debug for NewCredential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewCredential").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Whether to share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SharingChoice {
    /// The decision.
    pub sharing: Sharing,
}
