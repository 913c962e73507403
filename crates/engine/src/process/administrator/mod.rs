//! The administrator session: Firstlight's own program, started once with administrator rights, which starts what the
//! steps of a run need them for. One prompt serves a whole run, and what was started can be ended: without the rights,
//! nobody may.
//!
//! The two sides talk over the session's standard input and output (`frame`), which nobody else can reach; secrets go that
//! way, too, never by argv. The session believes what it reads: whoever started it has the rights anyway. It ends, with
//! everything it started, when its input ends.

mod client;
mod frame;
mod serve;

pub(super) use client::{NotOpened, Remote, Session};
pub(super) use frame::Start;
pub use serve::administrator_session;

/// The argument, alone, that makes a program of ours the elevated side: it then does nothing but call
/// [`administrator_session`].
pub const ADMINISTRATOR_SESSION: &str = "administrator-session";
