use std::fs;

use super::*;

const WELCOME: &str = "# Welcome to Acme

Your first day begins with *coffee*.

## Reaching the VPN

Ask the help desk for access, then run `acme-vpn connect`.

| Name | Where |
|---|---|
| Zoë | Zürich |

## Deploying

Nobody deploys on a Friday. <b>Never</b>.

```console
$ acme deploy --dry-run
```
";

fn pack(documents: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in documents {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn search(folder: &tempfile::TempDir, words: &str, limit: u32) -> Result<Vec<Hit>, DocsError> {
    Documents::of(folder.path()).unwrap().search(words, limit)
}

fn found(folder: &tempfile::TempDir, words: &str) -> Vec<(String, Option<String>)> {
    let hits = search(folder, words, 10).unwrap();
    hits.into_iter().map(|hit| (hit.document, hit.heading)).collect()
}

fn section(heading: &str) -> Vec<(String, Option<String>)> {
    vec![("docs/welcome.md".to_owned(), Some(heading.to_owned()))]
}

#[test]
fn a_word_leads_to_its_section() {
    let pack = pack(&[("docs/welcome.md", WELCOME), ("docs/notes.txt", "vpn"), ("pack.yaml", "vpn: yes")]);
    assert_eq!(found(&pack, "help desk"), section("Reaching the VPN"));
    assert_eq!(found(&pack, "zoe"), section("Reaching the VPN"), "accents and case do not count, tables do");
    assert_eq!(found(&pack, "FRIDAY"), section("Deploying"));
    assert_eq!(found(&pack, "dry run"), section("Deploying"), "code is looked for as well");
    assert_eq!(found(&pack, "deplo"), section("Deploying"), "the beginning of a word");
    assert_eq!(found(&pack, "coffee"), [("docs/welcome.md".to_owned(), None)]);
    assert_eq!(found(&pack, "coffee friday"), [], "all words in one section");
    let hit = &search(&pack, "access", 10).unwrap()[0];
    assert_eq!(hit.title, "Welcome to Acme");
    let what: Vec<&str> =
        hit.excerpt.iter().filter(|(_, found)| *found).map(|(text, _)| text.as_str()).collect();
    assert_eq!(what, ["access"]);
    let whole: String = hit.excerpt.iter().map(|(text, _)| text.as_str()).collect();
    assert!(whole.contains("Ask the help desk for access, then run acme-vpn connect."), "{whole}");
}

#[test]
fn what_a_document_is_about_comes_first() {
    let pack = pack(&[
        ("docs/a.md", "# Lunch\n\nThe vpn is not lunch. The vpn, the vpn.\n"),
        ("docs/b.md", "# The VPN\n\nHow to reach it.\n"),
        ("docs/c.md", "# Only a title about vpn\n"),
    ]);
    let order: Vec<String> = found(&pack, "vpn").into_iter().map(|(document, _)| document).collect();
    assert_eq!(order.last().map(String::as_str), Some("docs/a.md"), "{order:?}");
    assert_eq!(order.len(), 3);
    assert_eq!(search(&pack, "vpn", 2).unwrap().len(), 2);
}

#[test]
fn no_sign_means_anything_but_itself() {
    let pack = pack(&[("docs/welcome.md", WELCOME), ("docs/odd.md", "a \u{1}mark\u{2} NEAR nothing\n")]);
    for words in [
        "vpn\" OR 1",
        "text:vpn",
        "vpn AND NOT desk",
        "NEAR(vpn",
        "ve*pn^",
        "'; DROP TABLE section",
        "(((((",
        "a\0b",
    ] {
        match search(&pack, words, 10) {
            Ok(_) | Err(DocsError::NoWord) => {}
            Err(error) => panic!("{words}: {error}"),
        }
    }
    assert!(matches!(search(&pack, " -- \"\" ", 10), Err(DocsError::NoWord)));
    let hit = &search(&pack, "mark", 10).unwrap()[0];
    assert_eq!(
        hit.excerpt.iter().filter(|(_, found)| *found).count(),
        1,
        "a document cannot mark what was found"
    );
}

#[test]
fn a_document_that_is_no_text_is_read_as_far_as_it_is() {
    let pack = pack(&[]);
    fs::create_dir(pack.path().join("docs")).unwrap();
    fs::write(pack.path().join("docs/bad.md"), b"# Title\n\nfirst \xff second\n").unwrap();
    assert_eq!(found(&pack, "second"), [("docs/bad.md".to_owned(), None)]);
}
