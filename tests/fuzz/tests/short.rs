//! The targets for seconds: real packs and expressions with random damage.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use std::{fs, path::Path};

use proptest::{collection::vec, prelude::*, sample::select};

/// Words that mean something in a pack or an expression: damage made of them gets further than bytes do.
const WORDS: &[&str] = &[
    "${{",
    "}}",
    "{%",
    "%}",
    "{#",
    "inputs.place",
    "steps.clone.outputs.path",
    "facts.os",
    "|",
    "default('x')",
    "==",
    "in",
    "not",
    "[",
    "]",
    "{",
    "}",
    ":",
    "\n",
    "  ",
    "- ",
    "&a",
    "*a",
    "<<: ",
    "? ",
    "!!int ",
    "\"",
    "'",
    "\\",
    "#",
    "---\n",
    "uses: ",
    "with: ",
    "needs: ",
    "first-value: true",
    "steps:",
    "99999999999999999999",
    "-1",
    "1e999",
    "\u{0}",
    "\u{fe0f}",
    "\u{202e}",
    "é",
    "~",
    "null",
    "true",
];

#[derive(Debug, Clone)]
enum Damage {
    Cut { at: usize, length: usize },
    Repeat { at: usize, length: usize, to: usize },
    Word { at: usize, word: &'static str },
    Byte { at: usize, byte: u8 },
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = || any::<usize>();
    prop_oneof![
        (at(), 0..200_usize).prop_map(|(at, length)| Damage::Cut { at, length }),
        (at(), 0..200_usize, at()).prop_map(|(at, length, to)| Damage::Repeat { at, length, to }),
        (at(), select(WORDS)).prop_map(|(at, word)| Damage::Word { at, word }),
        (at(), any::<u8>()).prop_map(|(at, byte)| Damage::Byte { at, byte }),
    ]
}

fn damaged(mut text: Vec<u8>, all: &[Damage]) -> Vec<u8> {
    for one in all {
        let place = |at: usize| at % (text.len() + 1);
        let part = |at: usize, length: usize| place(at)..(place(at) + length).min(text.len());
        match *one {
            Damage::Cut { at, length } => drop(text.drain(part(at, length))),
            Damage::Repeat { at, length, to } => {
                let (copy, to) = (text[part(at, length)].to_vec(), place(to));
                drop(text.splice(to..to, copy));
            }
            Damage::Word { at, word } => {
                let at = place(at);
                drop(text.splice(at..at, word.bytes()));
            }
            Damage::Byte { at, byte } => {
                let at = place(at);
                text.insert(at, byte);
            }
        }
    }
    text
}

fn packs() -> Vec<Vec<u8>> {
    let packs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/packs");
    ["sample", "contribute"]
        .iter()
        .map(|name| fs::read(packs.join(name).join("pack.yaml")).unwrap())
        .collect()
}

/// Advisories, lockfiles, and a report of each kind.
fn advisories() -> Vec<Vec<u8>> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/advisories/tests/fixtures");
    let files = fs::read_dir(fixtures).unwrap();
    let files = files.map(|file| fs::read(file.unwrap().path()).unwrap());
    files.chain(REPORTS.iter().map(|text| text.as_bytes().to_vec())).collect()
}

const REPORTS: &[&str] = &[
    r#"{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"a","rules":[{"id":"r","helpUri":"https://a.test"}]}},"results":[{"ruleId":"r","ruleIndex":0,"level":"error","message":{"text":"it\nis"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"a:b"},"region":{"startLine":3}}}]}]}]}"#,
    r#"{"results":[{"source":{"path":"Cargo.lock","type":"lockfile"},"packages":[{"package":{"name":"time","version":"0.1.43","ecosystem":"crates.io"},"vulnerabilities":[],"groups":[{"ids":["R-1"],"aliases":["CVE-1"],"max_severity":"7.5"}]}]}]}"#,
];

const EXPRESSIONS: &[&str] = &[
    "${{ inputs.place }}/orders",
    "${{ steps.clone.outputs.path }}/x ${{ facts.home }}",
    "facts.os == 'linux' and not facts.elevated",
    "${{ inputs.count * 2 ** 3 }} ${{ 'a' ~ inputs.on }}",
    "inputs.place in [1, 2, 'x'] or steps.clone.outputs.path == ''",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn e7_a_damaged_pack_is_read_to_an_answer(text in select(packs()), all in vec(damage(), 1..12)) {
        firstlight_fuzz::pack(&damaged(text, &all));
    }

    #[test]
    fn a_damaged_advisory_lockfile_or_report_is_read_to_an_answer(
        text in select(advisories()), all in vec(damage(), 0..12),
    ) {
        firstlight_fuzz::advisory(&damaged(text, &all));
    }

    #[test]
    fn e2_a_damaged_expression_comes_to_an_answer(text in select(EXPRESSIONS), all in vec(damage(), 1..12)) {
        firstlight_fuzz::expression(&damaged(text.as_bytes().to_vec(), &all));
    }
}
