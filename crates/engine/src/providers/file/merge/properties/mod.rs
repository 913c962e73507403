//! What holds for every file, tried on generated ones: with comments, in each format's ways to write a thing.

use indexmap::IndexMap;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use self::files::{File, compatible, file, flat, patch, without_null, written};
use super::{Format, Merge, read, tree::Tree};

mod files;

fn comments(text: &str) -> Vec<String> {
    let mut found: Vec<String> = text
        .lines()
        .filter_map(|line| Some(line.get(line.find("comment ")?..)?.trim_end().to_owned()))
        .collect();
    found.sort();
    found
}

fn says(format: Format, text: &str) -> Tree {
    read(format.language(), text).unwrap()
}

fn set(tree: &mut Tree, wanted: &Tree) {
    for (path, value) in tree.missing(wanted) {
        tree.set(&path, value);
    }
}

/// Everything that should hold of one merge into one text.
fn holds(format: Format, text: &str, fields: Map<String, Value>) -> Result<(), TestCaseError> {
    let merge = Merge::new(format, fields).unwrap();
    let before = says(format, text);
    let merged = merge.within(Some(text));
    let merged = merged.map_err(|why| TestCaseError::fail(format!("{why}\n{text}")))?;
    let mut wanted = before.clone();
    set(&mut wanted, &format.language().sayable(Tree::from(&merge.fields)).unwrap());
    prop_assert_eq!(says(format, &merged), wanted.clone(), "{}\n→\n{}", text, merged);
    prop_assert_eq!(comments(text), comments(&merged), "{}\n→\n{}", text, merged);
    prop_assert_eq!(merge.within(Some(&merged)).unwrap(), merged.clone(), "twice is once");
    if text.contains("\r\n") && text.matches('\n').count() == text.matches("\r\n").count() {
        prop_assert!(!merged.replace("\r\n", "").contains('\n'), "line ends stay: {merged:?}");
    }
    let (undone, left) = merge.take_out(Some(text), &merged).unwrap();
    let undone = undone.unwrap();
    prop_assert!(left.is_empty());
    prop_assert_eq!(says(format, &undone), before.clone(), "{}\n→\n{}\n→\n{}", text, merged, undone);
    prop_assert_eq!(comments(text), comments(&undone));
    // Somebody adds a field of their own meanwhile.
    let theirs = Merge::new(format, json!({ "theirs": "x" }).as_object().unwrap().clone()).unwrap();
    let shared = theirs.within(Some(&merged)).unwrap();
    let (undone, left) = merge.take_out(Some(text), &shared).unwrap();
    prop_assert!(left.is_empty());
    let mut expected = before;
    expected.set(&["theirs".to_owned()], Tree::Text("x".to_owned()));
    prop_assert_eq!(says(format, &undone.unwrap()), expected, "{}\n→\n{}", text, shared);
    Ok(())
}

fn tried(format: Format, file: &File, fields: &Map<String, Value>) -> Result<(), TestCaseError> {
    let (text, count) = written(file, format);
    let fields = compatible(fields, &file.fields);
    let fields = match format {
        Format::Json | Format::Yaml => fields,
        Format::Toml => match without_null(&Value::Object(fields)) {
            Value::Object(fields) => fields,
            _ => Map::new(),
        },
        Format::Ini => flat(&fields, true),
    };
    prop_assume!(!fields.is_empty());
    prop_assert_eq!(comments(&text).len(), count);
    holds(format, &text, fields)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn e6_merging_json_keeps_everything_else(file in file(2), fields in patch(2)) {
        tried(Format::Json, &file, &fields)?;
    }

    #[test]
    fn e6_merging_yaml_keeps_everything_else(file in file(2), fields in patch(2)) {
        tried(Format::Yaml, &file, &fields)?;
    }

    #[test]
    fn e6_merging_toml_keeps_everything_else(file in file(2), fields in patch(2)) {
        tried(Format::Toml, &file, &fields)?;
    }

    #[test]
    fn e6_merging_ini_keeps_everything_else(file in file(1), fields in patch(1)) {
        tried(Format::Ini, &file, &fields)?;
    }

    #[test]
    fn e6_any_text_is_merged_into_or_left(text in "([a-c]|: |=|\\{|\\}|\\[|\\]|- |\n|  |\"|'|#|,|1|\\||>|&a |\\*a|\t|\\?|\r\n){0,30}") {
        for format in [Format::Json, Format::Yaml, Format::Toml, Format::Ini] {
            let merge = Merge::new(format, json!({ "a": "x" }).as_object().unwrap().clone()).unwrap();
            if let Ok(merged) = merge.within(Some(&text)) {
                prop_assert_eq!(merge.within(Some(&merged)).unwrap(), merged.clone());
                if let Ok((Some(undone), _)) = merge.take_out(Some(&text), &merged) {
                    prop_assert_eq!(says(format, &undone), says(format, &text), "{:?} {}", format, text);
                }
            }
        }
    }
}

#[test]
fn null_is_set_and_taken_out_where_the_format_has_it() {
    let fields = json!({ "a": null, "b": { "c": [null, 1], "d": null } });
    let fields = fields.as_object().unwrap();
    for (format, text) in
        [(Format::Json, r#"{"a": 1, "b": {"x": null}}"#), (Format::Yaml, "a: 1\nb:\n  x:\n")]
    {
        let merge = Merge::new(format, fields.clone()).unwrap();
        let merged = merge.within(Some(text)).unwrap();
        let wanted = json!({ "a": null, "b": { "x": null, "c": [null, 1], "d": null } });
        assert_eq!(says(format, &merged), Tree::from(&wanted), "{merged}");
        assert_eq!(merge.take_out(Some(text), &merged).unwrap(), (Some(text.to_owned()), Vec::new()));
    }
    for format in [Format::Toml, Format::Ini] {
        let why = Merge::new(format, fields.clone()).unwrap_err();
        assert!(why.contains("`a`") && why.contains("null"), "{why}");
    }
}

#[test]
fn nothing_is_left_of_a_file_made_for_it() {
    for format in [Format::Json, Format::Yaml, Format::Toml, Format::Ini] {
        let fields = json!({ "a": { "b": 1, "c": "x" }, "d": true });
        let merge = Merge::new(format, fields.as_object().unwrap().clone()).unwrap();
        let made = merge.within(None).unwrap();
        assert_eq!(merge.take_out(None, &made), Ok((None, Vec::new())), "{format:?}: {made}");
        let empty = merge.within(Some("")).unwrap();
        let (rest, _) = merge.take_out(Some(""), &empty).unwrap();
        assert_eq!(says(format, &rest.unwrap()), Tree::Fields(IndexMap::new()));
    }
}
