//! Whatever the text, there is an answer: a pack, or a report whose places are in the text.

use firstlight_packs::{PackError, lint, load};
use proptest::prelude::*;

use crate::common::{ACME, Folder, kinds};

fn holds(bytes: &[u8]) {
    let folder = Folder::with(bytes);
    let report = lint(folder.root(), &kinds()).unwrap();
    let text = report.source_text();
    for problem in report.problems() {
        let places = problem.labels.iter().map(|label| &label.span).chain([&problem.span]);
        for span in places {
            assert!(text.get(span.clone()).is_some(), "{problem:?}");
        }
        assert!(problem.line >= 1 && problem.column >= 1, "{problem:?}");
        assert!(!problem.message.is_empty());
    }
    folder.rendered();
    match load(folder.root(), &kinds()) {
        Ok(loaded) => {
            assert!(report.is_usable());
            for persona in loaded.pack.personas.keys() {
                firstlight_domain::graph::Graph::of(&loaded.pack, persona).unwrap();
                assert!(loaded.pack.first_value(persona).is_some());
            }
        }
        Err(PackError::Invalid(invalid)) => assert!(!report.is_usable() && !invalid.is_usable()),
        Err(other) => panic!("{other}"),
    }
}

/// Pieces that mean something to YAML or to a pack.
const PIECES: &[&str] = &[
    ": ",
    "- ",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "'",
    "|",
    ">",
    "&a ",
    "*a",
    "<<: *a",
    "!!binary ",
    "#",
    "\n",
    "  ",
    "\t",
    "---\n",
    "~",
    "null",
    "${{",
    "}}",
    "inputs.workspace",
    "steps.clone.outputs.path",
    "needs: [serve]",
    "uses: ",
    "with: ",
    "ä",
    "\u{feff}",
    "\0",
    "1e999",
    "-0x1",
    "? ",
    "%YAML 1.2\n",
    "if: ((((",
    "first-value: true",
    "git",
    "build",
];

#[derive(Debug, Clone)]
enum Change {
    Insert(usize, usize),
    Remove(usize, usize),
    Move(usize, usize, usize),
}

fn change() -> impl Strategy<Value = Change> {
    let place = 0..ACME.len();
    prop_oneof![
        (place.clone(), 0..PIECES.len()).prop_map(|(at, piece)| Change::Insert(at, piece)),
        (place.clone(), 1..40_usize).prop_map(|(at, length)| Change::Remove(at, length)),
        (place.clone(), 1..80_usize, place).prop_map(|(at, length, to)| Change::Move(at, length, to)),
    ]
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    let inside = |at: usize, bytes: &Vec<u8>| at.min(bytes.len());
    match *change {
        Change::Insert(at, piece) => {
            let at = inside(at, bytes);
            bytes.splice(at..at, PIECES[piece].bytes());
        }
        Change::Remove(at, length) => {
            let at = inside(at, bytes);
            let end = inside(at + length, bytes);
            bytes.drain(at..end);
        }
        Change::Move(at, length, to) => {
            let at = inside(at, bytes);
            let end = inside(at + length, bytes);
            let moved: Vec<u8> = bytes.drain(at..end).collect();
            let to = inside(to, bytes);
            bytes.splice(to..to, moved);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_have_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        holds(&bytes);
    }

    #[test]
    fn any_text_has_an_answer(text in "\\PC{0,200}") {
        holds(text.as_bytes());
    }

    #[test]
    fn a_pack_with_mistakes_has_an_answer(changes in proptest::collection::vec(change(), 1..6)) {
        let mut bytes = ACME.as_bytes().to_vec();
        for change in &changes {
            apply(&mut bytes, change);
        }
        holds(&bytes);
    }
}
