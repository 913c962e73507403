//! What may be said to a hub: every type of event, and every property an event may carry, what it is and why. What is not
//! here cannot be named, so it never leaves, and a hub refuses it; what is sensitive is named here so that the person can
//! read that it stays.
//!
//! One more property: a variant, a row in [`PROPERTIES`] (a test finds a missing one), and its use in the journal's
//! `outbox/derive.rs`. One more type: a variant of [`EventType`], its name, its place in [`EventType::ALL`].

/// A type of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventType {
    /// A journey began.
    JourneyStarted,
    /// A journey was left.
    JourneyLeft,
    /// A run began.
    RunStarted,
    /// A run ended.
    RunFinished,
    /// A step entered a state.
    StepChanged,
    /// First value was reached.
    FirstValueReached,
    /// A credential was put into the keychain.
    CredentialStored,
    /// A credential was tried.
    CredentialTested,
    /// A credential was removed from the keychain.
    CredentialRemoved,
    /// A release of the pack was received, which happens in the background.
    ReleaseReceived,
    /// Sharing was turned on or off.
    SharingChanged,
    /// A survey was shown.
    SurveyShown,
    /// A question of a survey was answered.
    SurveyAnswered,
    /// A survey that was shown was closed.
    SurveyEnded,
    /// Feedback was given.
    FeedbackGiven,
    /// The owner of a step is asked for something.
    RequestOpened,
    /// Nobody has to answer a request any more.
    RequestClosed,
}

impl EventType {
    /// Every type, in the order of the variants.
    pub const ALL: [Self; 17] = [
        Self::JourneyStarted,
        Self::JourneyLeft,
        Self::RunStarted,
        Self::RunFinished,
        Self::StepChanged,
        Self::FirstValueReached,
        Self::CredentialStored,
        Self::CredentialTested,
        Self::CredentialRemoved,
        Self::ReleaseReceived,
        Self::SharingChanged,
        Self::SurveyShown,
        Self::SurveyAnswered,
        Self::SurveyEnded,
        Self::FeedbackGiven,
        Self::RequestOpened,
        Self::RequestClosed,
    ];

    /// Its CloudEvents `type`.
    pub fn name(self) -> &'static str {
        match self {
            Self::JourneyStarted => "dev.firstlight.journey.started",
            Self::JourneyLeft => "dev.firstlight.journey.left",
            Self::RunStarted => "dev.firstlight.run.started",
            Self::RunFinished => "dev.firstlight.run.finished",
            Self::StepChanged => "dev.firstlight.step.changed",
            Self::FirstValueReached => "dev.firstlight.first_value.reached",
            Self::CredentialStored => "dev.firstlight.credential.stored",
            Self::CredentialTested => "dev.firstlight.credential.tested",
            Self::CredentialRemoved => "dev.firstlight.credential.removed",
            Self::ReleaseReceived => "dev.firstlight.release.received",
            Self::SharingChanged => "dev.firstlight.sharing.changed",
            Self::SurveyShown => "dev.firstlight.survey.shown",
            Self::SurveyAnswered => "dev.firstlight.survey.answered",
            Self::SurveyEnded => "dev.firstlight.survey.ended",
            Self::FeedbackGiven => "dev.firstlight.feedback.given",
            Self::RequestOpened => "dev.firstlight.request.opened",
            Self::RequestClosed => "dev.firstlight.request.closed",
        }
    }

    /// The type of that name; none if it is not registered.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether it shows that the person was active that day. What a machine does by itself does not.
    pub fn shows_activity(self) -> bool {
        match self {
            // A survey is shown, and ends with the program, without the person; a request follows from a step's state.
            Self::ReleaseReceived
            | Self::SurveyShown
            | Self::SurveyEnded
            | Self::RequestOpened
            | Self::RequestClosed => false,
            Self::JourneyStarted
            | Self::JourneyLeft
            | Self::RunStarted
            | Self::RunFinished
            | Self::StepChanged
            | Self::FirstValueReached
            | Self::CredentialStored
            | Self::CredentialTested
            | Self::CredentialRemoved
            | Self::SharingChanged
            | Self::SurveyAnswered
            | Self::FeedbackGiven => true,
        }
    }
}

/// How many days a hub keeps an event, of whatever type, and whatever else it knows of people: as long as it may keep the
/// properties that make it up. Afterwards only sums are left.
pub const KEPT_DAYS: u16 = 400;

/// How many characters a text may have that is no prose.
pub const LONGEST_TEXT: usize = 256;
/// How many characters a person may write to whoever asked.
pub const LONGEST_COMMENT: usize = 2_000;

/// How delicate a property is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Classification {
    /// Anyone may know.
    Public,
    /// The organisation may know; says nothing about the person.
    Internal,
    /// Says something about the person; leaves only with consent.
    Personal,
    /// Never leaves this machine.
    Sensitive,
}

impl Classification {
    /// Its name, as the Privacy screen and `--json` have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Internal => "internal",
            Self::Personal => "personal",
            Self::Sensitive => "sensitive",
        }
    }
}

/// A property of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Property {
    /// The journey's id.
    Journey,
    /// The run's id.
    Run,
    /// The pack's name.
    PackName,
    /// The pack's version.
    PackVersion,
    /// The persona.
    Persona,
    /// What started the clock: `start_date` or `first_launch`.
    ClockKind,
    /// When that was.
    ClockStart,
    /// The step's id.
    Step,
    /// The state a step entered.
    State,
    /// Whose turn it is: `you` or `owner`.
    WaitsOn,
    /// Steps that hold a step up.
    BlockedBy,
    /// How long a step was worked on, or a run took.
    DurationMs,
    /// Seconds from the start of the clock to first value.
    Seconds,
    /// How a run ended.
    End,
    /// A credential's name in the pack.
    Credential,
    /// Whether a credential was accepted.
    Accepted,
    /// Whether sharing is on.
    Sharing,
    /// What was answered to the pack's questions.
    Answers,
    /// Where the pack lies on this machine.
    PackPath,
    /// What a step said when it failed or waited: cause, hint, the end of its output, the reason.
    Words,
    /// What a step hands to later ones.
    Outputs,
    /// What was there before a change.
    Receipt,
    /// Whom a step waits for, as the pack names them; only in a request to them.
    Owner,
    /// Who issued a credential and when it expires.
    CredentialDetails,
    /// What advisories say of packages and programs that are there, and what a person lives with and why.
    Findings,
    /// A survey's id.
    Survey,
    /// The id of one showing of a survey, or of one feedback.
    Submission,
    /// A question's id.
    Question,
    /// What kind of question it is: `nps`, `csat`, `ces`, `choice` or `text`.
    QuestionKind,
    /// Whether a survey asks how likely one is to recommend it.
    AsksNps,
    /// Whether a survey was asked although the person had been asked lately.
    Sooner,
    /// A place on a scale.
    Score,
    /// What was chosen.
    Chosen,
    /// What a person wrote to whoever asked, and sent.
    Comment,
    /// The name a person gave with it.
    SignedName,
    /// The screen that feedback is about.
    Screen,
    /// How a survey that was shown ended.
    Ending,
    /// The id of one time somebody was asked for something.
    Request,
    /// The title of the step it is for.
    Title,
    /// What its owner promises.
    Sla,
}

/// A property's row in the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Registered {
    /// Which.
    pub property: Property,
    /// Its key in an event's `data`.
    pub name: &'static str,
    /// How delicate it is.
    pub classification: Classification,
    /// What it is for, one sentence for the person.
    pub purpose: &'static str,
    /// How long the hub may keep it; 0 for what never leaves.
    pub retention_days: u16,
}

const fn row(
    property: Property,
    name: &'static str,
    classification: Classification,
    retention_days: u16,
    purpose: &'static str,
) -> Registered {
    Registered { property, name, classification, purpose, retention_days }
}

use Classification::{Internal, Personal, Public, Sensitive};

/// Every property, in the order of [`Property`].
pub const PROPERTIES: &[Registered] = &[
    row(Property::Journey, "journey", Personal, 400, "Ties the events of one journey together."),
    row(Property::Run, "run", Internal, 400, "Ties the events of one run together."),
    row(Property::PackName, "pack", Public, 400, "Tells which pack is walked."),
    row(
        Property::PackVersion,
        "pack_version",
        Public,
        400,
        "Compares one version of the pack with the next.",
    ),
    row(
        Property::Persona,
        "persona",
        Internal,
        400,
        "Compares like with like: each persona has its own road.",
    ),
    row(Property::ClockKind, "clock", Internal, 400, "Keeps times apart that were started differently."),
    row(
        Property::ClockStart,
        "clock_start",
        Personal,
        400,
        "Counts those who are still on their way, not only those who arrived.",
    ),
    row(Property::Step, "step", Internal, 400, "Finds the steps that hold people up."),
    row(Property::State, "state", Internal, 400, "Finds the steps that fail or wait."),
    row(Property::WaitsOn, "waits_on", Internal, 400, "Splits waiting for others from one's own work."),
    row(Property::BlockedBy, "blocked_by", Internal, 400, "Finds the step at the root of a hold-up."),
    row(Property::DurationMs, "duration_ms", Personal, 400, "Finds steps and runs that take long."),
    row(Property::Seconds, "seconds", Personal, 400, "The time to first value."),
    row(Property::End, "end", Internal, 400, "Tells what worked from what did not."),
    row(Property::Credential, "credential", Internal, 400, "Finds credentials that are hard to get right."),
    row(Property::Accepted, "accepted", Internal, 400, "Finds credentials that are hard to get right."),
    row(Property::Sharing, "sharing", Personal, 400, "Lets the hub honour your decision."),
    row(Property::Answers, "answers", Sensitive, 0, "Your answers set up this machine only."),
    row(
        Property::PackPath,
        "pack_path",
        Sensitive,
        0,
        "A folder on this machine, often with your name in it.",
    ),
    row(Property::Words, "words", Sensitive, 0, "Free text can hold names, folders and addresses."),
    row(Property::Outputs, "outputs", Sensitive, 0, "Handed from step to step on this machine only."),
    row(Property::Receipt, "receipt", Sensitive, 0, "What was there before, so that it can be undone."),
    // As the signed pack has it, which everybody in the organisation reads: it names a desk or a role, and says nothing of
    // the person that `step` does not say.
    row(Property::Owner, "owner", Internal, 400, "Brings what you wait for before those who can grant it."),
    row(Property::CredentialDetails, "credential_details", Sensitive, 0, "Reminds you before one expires."),
    row(Property::Findings, "findings", Sensitive, 0, "A list of what is weak here helps whoever attacks."),
    row(Property::Survey, "survey", Internal, 400, "Tells one survey from another."),
    row(
        Property::Submission,
        "submission",
        Personal,
        400,
        "Counts what you send once, and ties it together.",
    ),
    row(Property::Question, "question", Internal, 400, "Tells one question of a survey from another."),
    row(Property::QuestionKind, "question_kind", Internal, 400, "Keeps scales apart."),
    row(Property::AsksNps, "asks_nps", Internal, 400, "Spares you from being asked too often."),
    row(Property::Sooner, "sooner", Internal, 400, "Tells how often a pack asks you sooner than usual."),
    row(Property::Score, "score", Personal, 400, "What you answered, shown only among many."),
    row(Property::Chosen, "chosen", Personal, 400, "What you answered, shown only among many."),
    row(
        Property::Comment,
        "comment",
        Personal,
        400,
        "What you wrote yourself and sent; it is read as you wrote it.",
    ),
    row(
        Property::SignedName,
        "signed_name",
        Personal,
        400,
        "Only if you gave it: whom to answer, or who asks.",
    ),
    row(Property::Screen, "screen", Internal, 400, "Tells what feedback is about, if you said so."),
    row(Property::Ending, "ending", Internal, 400, "Tells whether surveys are in the way."),
    row(Property::Request, "request", Internal, 400, "Brings the answer back to what you asked for."),
    row(Property::Title, "title", Internal, 400, "Says what you ask for, as the pack words it."),
    row(Property::Sla, "sla", Internal, 400, "Holds those who are asked to what they promise."),
];

impl Registered {
    /// The row of the property with that key in `data`; none if it is not registered.
    pub fn named(name: &str) -> Option<&'static Self> {
        PROPERTIES.iter().find(|row| row.name == name)
    }
}

impl Property {
    /// Its row.
    pub fn registered(self) -> &'static Registered {
        // In the order of the enum, one row each: a test keeps it so.
        &PROPERTIES[self as usize]
    }

    /// How many characters its text may have. Only what a person writes to be read is prose.
    pub fn longest_text(self) -> usize {
        if self == Self::Comment { LONGEST_COMMENT } else { LONGEST_TEXT }
    }

    /// Whether it may be part of an event at all.
    pub fn may_leave(self) -> bool {
        self.registered().classification < Sensitive
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_its_own_name() {
        assert_eq!(EventType::ALL.len(), EventType::RequestClosed as usize + 1);
        for (index, kind) in EventType::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, index);
            assert_eq!(EventType::named(kind.name()), Some(kind));
        }
        assert_eq!(EventType::named("dev.firstlight.heartbeat"), None);
    }

    #[test]
    fn every_property_has_its_own_row_and_a_purpose() {
        let last = Property::Sla as usize;
        assert_eq!(PROPERTIES.len(), last + 1);
        for (index, row) in PROPERTIES.iter().enumerate() {
            assert_eq!(row.property as usize, index, "{}", row.name);
            assert!(row.purpose.ends_with('.'));
            // An event goes as a whole: none of its properties may be kept for less, or more, than it is.
            let days = if row.classification == Sensitive { 0 } else { KEPT_DAYS };
            assert_eq!(row.retention_days, days, "{}", row.name);
            assert_eq!(PROPERTIES.iter().filter(|other| other.name == row.name).count(), 1, "{}", row.name);
        }
    }
}
