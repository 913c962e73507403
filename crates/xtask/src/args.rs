//! The words after a command: flags, options with a value, and at most one name.

use anyhow::{Result, bail};

/// What a command understands.
pub(crate) struct Spec {
    /// Words that stand alone: `--headless`.
    pub(crate) flags: &'static [&'static str],
    /// Words followed by a value: `--pack DIR` or `--pack=DIR`.
    pub(crate) options: &'static [&'static str],
    /// Whether one word without dashes may follow.
    pub(crate) name: bool,
}

/// What was said.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Args {
    flags: Vec<String>,
    options: Vec<(String, String)>,
    /// The word without dashes.
    pub(crate) name: Option<String>,
}

impl Args {
    /// Reads `words`; a word the command does not understand is an error that names it.
    pub(crate) fn parse(words: &[String], spec: &Spec) -> Result<Self> {
        let mut args = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let (key, inline) = match word.split_once('=') {
                Some((key, value)) if word.starts_with("--") => (key, Some(value.to_owned())),
                _ => (word.as_str(), None),
            };
            if spec.flags.contains(&key) && inline.is_none() {
                args.flags.push(key.to_owned());
            } else if spec.options.contains(&key) {
                let Some(value) = inline.or_else(|| words.next().cloned()) else {
                    bail!("{key} needs a value")
                };
                args.options.push((key.to_owned(), value));
            } else if spec.name && !word.starts_with('-') && args.name.is_none() {
                args.name = Some(word.clone());
            } else {
                bail!("`{word}` is not understood here; `cargo xtask help` lists what is");
            }
        }
        Ok(args)
    }

    /// Whether the flag was given.
    pub(crate) fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|given| given == flag)
    }

    /// The value of an option; the last one said counts.
    pub(crate) fn value(&self, option: &str) -> Option<&str> {
        self.options.iter().rev().find(|(key, _)| key == option).map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: Spec = Spec { flags: &["--headless"], options: &["--pack"], name: false };

    fn parse(line: &str, spec: &Spec) -> Result<Args> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Args::parse(&words, spec)
    }

    #[test]
    fn reads_flags_and_both_ways_to_write_a_value() {
        let args = parse("--headless --pack one --pack=two=2", &SPEC).unwrap();
        assert!(args.has("--headless"));
        assert_eq!(args.value("--pack"), Some("two=2"));
        assert!(!parse("", &SPEC).unwrap().has("--headless"));
    }

    #[test]
    fn names_what_it_does_not_understand() {
        for (line, word) in [("--hedless", "--hedless"), ("checks", "checks"), ("--pack", "--pack")] {
            let error = parse(line, &SPEC).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
        assert!(parse("--headless=yes", &SPEC).is_err());
    }

    #[test]
    fn takes_one_name_where_one_is_allowed() {
        let spec = Spec { flags: &[], options: &["--runs"], name: true };
        let args = parse("checks --runs 5", &spec).unwrap();
        assert_eq!((args.name.as_deref(), args.value("--runs")), (Some("checks"), Some("5")));
        assert!(parse("checks window", &spec).is_err());
    }
}
