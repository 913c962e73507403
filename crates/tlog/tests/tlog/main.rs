//! B1: the tree of `ct-merkle` (which is not audited) against a literal reading of RFC 6962 section 2.1 and against the
//! published vectors of certificate-transparency.
#![expect(clippy::unwrap_used, reason = "what a test cannot go on without may panic, in its helpers too")]

mod merkle;
mod oracle;
