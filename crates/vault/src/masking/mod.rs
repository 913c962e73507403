//! Masking: what a program prints goes through here before it is shown, stored or sent.
//!
//! Every byte that is part of any form of any secret is masked, where forms overlap too; a run of overlapping forms
//! becomes one mask. (Leftmost-longest matching would leave the rest of the second of two overlapping secrets.)

mod forms;

use std::fmt;
use std::sync::Arc;

use aho_corasick::{AhoCorasick, MatchKind};
use firstlight_domain::id::CredentialName;
use secrecy::{ExposeSecret, SecretString};
use zeroize::{Zeroize, Zeroizing};

use crate::{MIN_BYTES, VaultError};

/// Replaces secrets by `‹name ***›`. Cheap to clone; holds the secrets, so keep it no longer than the run.
///
/// Our copies of the forms are wiped when dropped. The automaton inside aho-corasick holds the same bytes and is freed
/// without being wiped.
#[derive(Clone)]
pub struct Masker(Arc<Patterns>);

struct Patterns {
    automaton: AhoCorasick,
    /// Sorted and unique; the index is the automaton's pattern id.
    forms: Vec<Form>,
    longest: usize,
    first_bytes: [bool; 256],
}

struct Form {
    bytes: Zeroizing<Vec<u8>>,
    mask: Arc<str>,
}

impl fmt::Debug for Masker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Masker({} forms)", self.0.forms.len())
    }
}

impl Masker {
    /// A masker for these secrets. One shorter than [`MIN_BYTES`] is never looked for, an empty one neither: they
    /// would mask half of every log, and the keychain does not store them.
    ///
    /// Error: `Other`, when there are more secrets than an automaton can hold.
    pub fn new<'a>(
        secrets: impl IntoIterator<Item = (&'a CredentialName, &'a SecretString)>,
    ) -> Result<Self, VaultError> {
        let mut forms = Vec::new();
        for (name, secret) in secrets {
            let mask: Arc<str> = format!("‹{name} ***›").into();
            forms::of(secret.expose_secret(), |bytes| {
                debug_assert!(bytes.len() >= MIN_BYTES, "a form is never shorter than what may be a secret");
                forms.push(Form { bytes, mask: Arc::clone(&mask) });
            });
        }
        forms.sort_unstable_by(|a, b| (a.bytes.as_slice(), &a.mask).cmp(&(b.bytes.as_slice(), &b.mask)));
        forms.dedup_by(|a, b| a.bytes == b.bytes);
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .build(forms.iter().map(|form| form.bytes.as_slice()))
            .map_err(|error| VaultError::Other { cause: format!("too much to mask: {error}") })?;
        let mut first_bytes = [false; 256];
        for form in &forms {
            first_bytes[usize::from(form.bytes[0])] = true;
        }
        let longest = forms.iter().map(|form| form.bytes.len()).max().unwrap_or(0);
        Ok(Self(Arc::new(Patterns { automaton, forms, longest, first_bytes })))
    }

    /// A stream of bytes to mask, such as the output of one process. One per stream: it remembers what may be the
    /// beginning of a secret.
    pub fn stream(&self) -> MaskStream {
        MaskStream { patterns: Arc::clone(&self.0), held: Zeroizing::default(), masked: 0 }
    }

    /// Masks bytes that are complete.
    pub fn mask(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = self.stream();
        let mut masked = stream.push(bytes);
        masked.extend(stream.finish());
        masked
    }

    /// Masks a text that is complete, such as the message of an error.
    pub fn mask_text(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.mask(text.as_bytes())).into_owned()
    }
}

/// Masks a stream that comes in chunks; see [`Masker::stream`]. However the stream is cut, the output is the same.
pub struct MaskStream {
    patterns: Arc<Patterns>,
    /// The end of what came so far that may be the beginning of a form, and nothing more.
    held: Zeroizing<Vec<u8>>,
    /// How many of the held bytes belong to a mask that is already out.
    masked: usize,
}

impl fmt::Debug for MaskStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MaskStream({} bytes held)", self.held.len())
    }
}

impl MaskStream {
    /// Takes the next bytes and returns all that is safe to show. Held back are only bytes at the end that are the
    /// beginning of a form of a secret; a line that is not, comes out at once.
    #[must_use = "what is returned is not returned again"]
    pub fn push(&mut self, chunk: &[u8]) -> Vec<u8> {
        if self.patterns.forms.is_empty() {
            return chunk.to_vec();
        }
        grow(&mut self.held, chunk);
        let safe = self.patterns.start_of_unfinished(&self.held);
        self.release(safe)
    }

    /// The stream is over: returns what was held back.
    #[must_use = "what is returned is not returned again"]
    pub fn finish(mut self) -> Vec<u8> {
        let all = self.held.len();
        self.release(all)
    }

    /// Masks and returns the first `safe` bytes. A form that begins among them is wholly in `held`, or it would have
    /// been held back from its first byte.
    fn release(&mut self, safe: usize) -> Vec<u8> {
        let mut found: Vec<_> = self.patterns.automaton.find_overlapping_iter(self.held.as_slice()).collect();
        // Of two that begin together the longer gives the name, then the first in the alphabet.
        found.sort_unstable_by_key(|m| (m.start(), usize::MAX - m.end(), m.pattern()));

        let mut out = Vec::with_capacity(safe);
        let mut mask_end = self.masked;
        for form in found {
            if form.start() >= mask_end {
                if form.start() >= safe {
                    break;
                }
                out.extend_from_slice(&self.held[mask_end..form.start()]);
                out.extend_from_slice(self.patterns.forms[form.pattern().as_usize()].mask.as_bytes());
            }
            mask_end = mask_end.max(form.end());
        }
        if mask_end < safe {
            out.extend_from_slice(&self.held[mask_end..safe]);
        }
        self.masked = mask_end.saturating_sub(safe);
        let rest = self.held.len() - safe;
        self.held.copy_within(safe.., 0);
        self.held[rest..].zeroize();
        self.held.truncate(rest);
        out
    }
}

impl Patterns {
    /// Where the longest end of `bytes` begins that is a form's beginning but not all of it; the length of `bytes` if
    /// there is none.
    fn start_of_unfinished(&self, bytes: &[u8]) -> usize {
        let earliest = bytes.len().saturating_sub(self.longest.saturating_sub(1));
        (earliest..bytes.len())
            .find(|start| self.first_bytes[usize::from(bytes[*start])] && self.continues(&bytes[*start..]))
            .unwrap_or(bytes.len())
    }

    /// Whether a form begins with `end` and is longer. In a sorted list those come right after `end` itself.
    fn continues(&self, end: &[u8]) -> bool {
        let next = self.forms.partition_point(|form| form.bytes.as_slice() <= end);
        self.forms.get(next).is_some_and(|form| form.bytes.starts_with(end))
    }
}

/// Appends without leaving an unwiped copy behind, as a reallocation would.
fn grow(held: &mut Zeroizing<Vec<u8>>, chunk: &[u8]) {
    if held.capacity() - held.len() < chunk.len() {
        let mut larger = Zeroizing::new(Vec::with_capacity((held.len() + chunk.len()).next_power_of_two()));
        larger.extend_from_slice(held);
        *held = larger;
    }
    held.extend_from_slice(chunk);
}

#[cfg(test)]
mod tests;
