//! The starter pack.

use std::path::Path;

use firstlight_packs::{InitError, SCHEMA_FILE, Starter, init, load, schema};

use crate::common::kinds;

#[test]
fn a_starter_pack_is_without_problems() {
    let parent = tempfile::tempdir().unwrap();
    let root = parent.path().join("Acme Onboarding");
    let starter = Starter {
        title: "Welcome: \"us\" & @TITLE@ # you".into(),
        persona: "Data scientist".into(),
        ..Starter::default()
    };
    let files = init(&root, &starter, &kinds()).unwrap();
    let names: Vec<&Path> = files.iter().map(|path| path.strip_prefix(&root).unwrap()).collect();
    assert_eq!(names, [Path::new("pack.yaml"), Path::new("docs/welcome.md"), Path::new(SCHEMA_FILE)]);
    let loaded = load(&root, &kinds()).unwrap();
    assert_eq!(loaded.warnings, []);
    assert_eq!(loaded.pack.name.as_str(), "acme-onboarding");
    assert_eq!(loaded.pack.title, starter.title);
    let (persona, described) = loaded.pack.personas.first().unwrap();
    assert_eq!((persona.as_str(), described.title.as_str()), ("data-scientist", "Data scientist"));

    let text = std::fs::read_to_string(root.join("pack.yaml")).unwrap();
    assert!(text.starts_with(&format!("# yaml-language-server: $schema={SCHEMA_FILE}\n")));
    let written: serde_json::Value =
        serde_json::from_slice(&std::fs::read(root.join(SCHEMA_FILE)).unwrap()).unwrap();
    assert_eq!(written, schema(&kinds()));
}

#[test]
fn nothing_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join(".git")).unwrap();
    init(folder.path(), &Starter::default(), &kinds()).unwrap();
    let before = std::fs::read(folder.path().join("pack.yaml")).unwrap();
    let again = init(folder.path(), &Starter { persona: "Other".into(), ..Starter::default() }, &kinds());
    assert!(matches!(again, Err(InitError::NotEmpty { .. })));
    assert_eq!(std::fs::read(folder.path().join("pack.yaml")).unwrap(), before);
    let file = folder.path().join("pack.yaml");
    assert!(matches!(init(&file, &Starter::default(), &kinds()), Err(InitError::Unwritable { .. })));
}
