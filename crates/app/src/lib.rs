//! The use-cases: everything a person can do with Firstlight, once, for the window and the terminal alike.
//!
//! The only place where packs, engine, vault and journal meet. It turns what they know into the types of
//! `firstlight-contract`, and refuses to know who shows them: a shell opens a [`Firstlight`], calls its methods and
//! listens to its [`Notice`](firstlight_contract::commands::Notice)s.
//!
//! One more use-case: a method on [`Firstlight`] in the module of its kin, and its types in the contract.

mod advisories;
pub mod app_update;
pub mod at_login;
mod credentials;
mod docs;
mod doctor;
mod drift;
mod error;
mod help_bundle;
mod history;
mod home;
mod host;
mod hub;
mod insights;
mod journal_commands;
mod markdown;
mod packs;
mod planning;
mod privacy;
pub mod publishing;
mod releases;
mod report;
mod requests;
mod restart;
mod running;
mod session;
mod settings;
mod sleep;
mod steps;
mod surveys;
mod telling;
mod templates;
mod undoing;
mod view;

pub use advisories::{ScanRequest, scan_report};
pub use docs::DocImage;
pub use doctor::FixRequest;
pub use error::{AppError, Result};
pub use firstlight_engine::{
    RunSummary,
    process::{ADMINISTRATOR_SESSION, administrator_session},
};
pub use home::Home;
pub use hub::Delivered;
pub use insights::{Columns, ttfv_from_csv};
pub use journal_commands::{start_journal_anew, verify_journal};
pub use packs::{
    Ci, LintOutcome, StartFrom, Starter, TestRequest, TestRoom, diff, enter_room, export, export_formats,
    import, import_formats, lint, pack_schema, personas_to_test, preview, provider_reference, start_pack,
    still_running, test_persona, test_report,
};
pub use releases::{Progress, TrustedRoot, TufClient};
pub use running::RunOptions;
pub use session::{Access, Firstlight, Listener, Options, Surroundings};
