//! What went wrong, in a form that a person can act on and a script can branch on.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// An error as it crosses a boundary: a closed code, what happened, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ErrorBody {
    /// What kind of error this is; stable, closed.
    pub code: Code,
    /// What happened, in one or two plain sentences, the cause included.
    pub message: String,
    /// What to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub hint: Option<String>,
    /// The file the error is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub file: Option<String>,
    /// The line in `file`, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub line: Option<u32>,
    /// How the output of what was run ended, masked; nothing where nothing was run, or it printed nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(optional, as = "Option<Vec<String>>")]
    pub last_lines: Vec<String>,
}

impl ErrorBody {
    /// What happened, and nothing more.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None, file: None, line: None, last_lines: Vec::new() }
    }
}

/// `{ "error": … }`: the envelope the CLI prints on stderr with `--json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ErrorEnvelope {
    /// The error.
    pub error: ErrorBody,
}

/// Every kind of error a person or a script can meet. Add one only together with somebody who branches on it or a
/// hint of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Code {
    /// The pack folder or its `pack.yaml` is not there or cannot be read.
    PackNotFound,
    /// The pack was read but does not hold together; `file` and `line` say where.
    PackInvalid,
    /// No persona of that name in the pack.
    UnknownPersona,
    /// No step of that name in the checklist.
    UnknownStep,
    /// An input has no value, or one of the wrong type.
    InputInvalid,
    /// What would be done is no longer what was agreed to.
    ConsentStale,
    /// No journey has been started in this home yet.
    NoJourney,
    /// A run is going on already.
    RunInProgress,
    /// Another Firstlight uses this data folder.
    AlreadyRunning,
    /// A step cannot do what was asked of it in its present state.
    StepState,
    /// The data folder cannot be written (read-only, no permission).
    HomeNotWritable,
    /// The disk is full.
    DiskFull,
    /// The journal is damaged; it was set aside, not deleted.
    JournalDamaged,
    /// The journal was written by a newer Firstlight.
    JournalTooNew,
    /// No keychain can be reached.
    KeychainUnavailable,
    /// The keychain is locked, or its prompt was dismissed or timed out.
    KeychainLocked,
    /// The value is not one the credential may have (empty, too short, too long, wrong pattern).
    CredentialInvalid,
    /// The value was tried and refused.
    CredentialRefused,
    /// No credential of that name.
    CredentialUnknown,
    /// No network, or a host that does not answer.
    Network,
    /// A release, or what is said about it, is not what was signed.
    ReleaseForged,
    /// A release is signed with keys that may not sign it.
    ReleaseWrongKey,
    /// A release is signed by fewer than it needs.
    ReleaseUnderSigned,
    /// What was seen before is offered in an older version.
    ReleaseReplayed,
    /// The repository has said nothing new for longer than it may.
    ReleaseFrozen,
    /// A signature was good for a limited time, which is over.
    ReleaseExpired,
    /// Parts of the repository do not belong together.
    ReleaseMixed,
    /// A release, or a part of it, is larger than it may be.
    ReleaseTooLarge,
    /// The server takes too long, or drips.
    ReleaseSlow,
    /// Something that is announced is not there, or not whole.
    ReleaseIncomplete,
    /// Only older releases than the accepted one are offered.
    ReleaseDowngrade,
    /// A release was changed after it was published.
    ReleaseChanged,
    /// A release has a file that no pack may have.
    ReleaseUnsafe,
    /// A release is signed, but is no pack that can be used here.
    ReleaseUnusable,
    /// The repository has no release of this pack.
    ReleaseNotPublished,
    /// What answers is no repository, or of a kind that is not understood.
    ReleaseNotUnderstood,
    /// There is no root of trust, or not the one meant.
    ReleaseRootRefused,
    /// What was seen of a repository cannot be written down.
    ReleaseFloorNotWritten,
    /// What was seen of a repository before cannot be read any more.
    ReleaseFloorDamaged,
    /// The address of a repository is not https.
    ReleaseNotHttps,
    /// No repository was enrolled with on this machine.
    NotEnrolled,
    /// This machine sends to no hub.
    NoHub,
    /// The hub was reached and said no: it does not know the code or the device, or does not understand.
    HubRefused,
    /// The hub tells its figures only to those it knows, and nothing here says who asks, or it does not count any more.
    HubNoAccess,
    /// The hub knows who asks, and does not tell them this.
    HubForbidden,
    /// A key cannot be opened, or may not sign this.
    KeyRefused,
    /// Not everybody signed who has to.
    NotSigned,
    /// A draft is about an older state than what is published.
    DraftStale,
    /// A pack or a release that may not be published as it is.
    NotPublishable,
    /// A repository or a draft that is not sound.
    RepositoryUnsound,
    /// A newer version of the app, or what is said about it, is not what was signed.
    UpdateForged,
    /// A newer version of the app is signed with another key than the one it takes.
    UpdateWrongKey,
    /// An older version of the app is offered than the one that runs.
    UpdateOlder,
    /// What is offered of the app was said before something that this machine has seen already.
    UpdateReplayed,
    /// A package of the app is signed for another version than the one it is offered as, or for none.
    UpdateWrongVersion,
    /// The newer version of the app is not for this kind of machine.
    UpdateOtherPlatform,
    /// What is offered of the app is larger than it may be.
    UpdateTooLarge,
    /// A newer version of the app does not arrive in time.
    UpdateSlow,
    /// A newer version of the app is announced, but is not there, or not whole.
    UpdateIncomplete,
    /// The address of an update of the app is not https.
    UpdateNotHttps,
    /// What answers is no announcement of a newer version of the app.
    UpdateNotUnderstood,
    /// A newer version of the app could not be put in place.
    UpdateNotInstalled,
    /// The app does not update itself on this machine.
    UpdateElsewhere,
    /// A program that is needed is not installed.
    ProgramMissing,
    /// The command line or the call's arguments are not understood.
    Usage,
    /// Something we did not foresee; the log has the details.
    Internal,
}
