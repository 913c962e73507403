use std::fs;

use super::*;

/// One pixel.
const GIF: &[u8] = b"GIF89a\x01\0\x01\0\x80\0\0\xff\xff\xff\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";

fn pack(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, content) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

fn parsed(folder: &tempfile::TempDir, text: &str) -> String {
    serde_json::to_string(&markdown::parse_in(text, &Place::new(folder.path(), "docs/a.md"))).unwrap()
}

#[test]
fn a_document_leads_to_documents_steps_and_pictures() {
    let folder = pack(&[("docs/a.md", b""), ("docs/b c.md", b""), ("docs/dot.gif", GIF)]);
    let text = "[b](b%20c.md#x-y) [s](step:git) [o](https://acme.test) [here](#up) ![A dot](dot.gif)";
    let blocks = markdown::parse_in(text, &Place::new(folder.path(), "docs/a.md"));
    let [Block::Paragraph { inlines }] = blocks.as_slice() else { panic!("{blocks:?}") };
    let word = |text: &str| vec![Inline::Text { text: text.to_owned() }];
    let links: Vec<&Inline> =
        inlines.iter().filter(|inline| !matches!(inline, Inline::Text { .. })).collect();
    let expected = [
        Inline::DocLink { path: "docs/b c.md".into(), anchor: Some("x-y".into()), inlines: word("b") },
        Inline::StepLink { step: "git".into(), inlines: word("s") },
        Inline::Link { url: "https://acme.test".into(), inlines: word("o") },
        Inline::DocLink { path: "docs/a.md".into(), anchor: Some("up".into()), inlines: word("here") },
        Inline::Image { path: "docs/dot.gif".into(), alt: "A dot".into(), width: 1, height: 1 },
    ];
    assert_eq!(links, expected.iter().collect::<Vec<_>>());
}

#[test]
fn d3_a_hostile_document_shows_no_picture_and_leads_nowhere() {
    let folder = pack(&[
        ("docs/a.md", b""),
        ("docs/x.svg", b"<svg onload='alert(1)'/>"),
        ("docs/x.png", b"<script>alert(1)</script>"),
        ("pack.yaml", b"a: b"),
    ]);
    for hostile in [
        "![x](https://tracker.test/pixel.png)",
        "![x](http://tracker.test/pixel.png)",
        "![x](//tracker.test/pixel.png)",
        "![x](data:image/png;base64,iVBORw0KGgo=)",
        "![x](data:image/svg+xml,<svg/onload=alert(1)>)",
        "![x](blob:https://a.test/1)",
        "![x](file:///etc/passwd)",
        "![x](/etc/passwd)",
        "![x](../../../../etc/passwd)",
        "![x](x.svg)",
        "![x](x.png)",
        "![x](../pack.yaml)",
        "![x](gone.gif)",
        "![x](step:git)",
        "![x](javascript:alert(1))",
        "[x](pack-image://localhost/docs%2Fx.png)",
        "[x](tauri://localhost/index.html)",
        "[x](ipc://localhost/launch)",
        "[x](../pack.yaml)",
        "[x](x.svg)",
        "[x](gone.md)",
        "[x](../../a.md)",
        "[x](firstlight://open?pack=/tmp)",
        "[x](step:<script>)",
        "<a href='a.md' onclick='alert(1)'>x</a>",
        "<img src='dot.gif' onerror='alert(1)'>",
        "<iframe src='https://a.test'></iframe>",
        "| a |\n|---|\n| [x](javascript:alert(1)) |",
        "# [x](javascript:alert(1)) ![y](https://tracker.test/)",
        "[![x](https://tracker.test/)](javascript:alert(1))",
    ] {
        let json = parsed(&folder, hostile);
        for kind in ["\"link\"", "\"doc_link\"", "\"step_link\"", "\"image\""] {
            assert!(!json.contains(kind), "{hostile} → {json}");
        }
    }
    assert!(!parsed(&folder, "a\u{1b}]0;x\u{7}b `c\u{1b}[2J`").contains("\\u00"), "a terminal acts on none");
}

#[test]
fn search_and_reading_call_a_heading_the_same() {
    let text = "# Title\n\n## A `b` *c* [d](https://a.test)\n\nx\n\n## A b c d\n\nx\n\n## <b>E</b> ![f](g.png)\n\nx\n\nTwo\nlines\n---\n\nx\n";
    let folder = pack(&[("docs/a.md", text.as_bytes())]);
    let blocks = markdown::parse_in(text, &Place::new(folder.path(), "docs/a.md"));
    let read: Vec<String> = outline(&blocks).into_iter().skip(1).map(|heading| heading.anchor).collect();
    let hits = Documents::of(folder.path()).unwrap().search("x", 10).unwrap();
    let mut found: Vec<String> = hits.into_iter().filter_map(|hit| hit.anchor).collect();
    found.sort();
    let mut read_sorted = read.clone();
    read_sorted.sort();
    assert_eq!(found, read_sorted);
    assert_eq!(read, ["a-b-c-d", "a-b-c-d-1", "beb-f", "two-lines"]);
}

#[test]
fn only_an_address_that_stands_in_the_document_is_opened() {
    let blocks = markdown::parse("> - **[a](https://a.test)**\n\n| t |\n|---|\n| [b](mailto:b@a.test) |\n");
    assert!(names(&blocks, "https://a.test"));
    assert!(names(&blocks, "mailto:b@a.test"));
    assert!(!names(&blocks, "https://a.test/other"));
    assert!(!names(&blocks, "a"));
}

#[test]
fn a_picture_named_often_is_read_once() {
    let folder = pack(&[("docs/a.md", b""), ("docs/dot.gif", GIF)]);
    let place = Place::new(folder.path(), "docs/a.md");
    let blocks = markdown::parse_in("![a](dot.gif)", &place);
    fs::remove_file(folder.path().join("docs/dot.gif")).unwrap();
    assert_eq!(markdown::parse_in("![a](dot.gif)", &place), blocks);
}
