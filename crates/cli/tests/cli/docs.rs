//! `firstlight docs list` and `show`. `search` is in `packs`.

use std::fs;

use firstlight_testkit::PackFolder;

use crate::machine::Machine;

const GIF: &[u8] = b"GIF89a\x01\0\x01\0";

fn pack() -> PackFolder {
    let pack = PackFolder::with_steps(
        &["read"],
        "  read: { title: Read it, uses: read, why: 'See [VPN](docs/vpn.md).', first-value: true, with: { doc: docs/start.md } }",
    );
    fs::create_dir(pack.join("docs")).unwrap();
    let start = "# Start here\n\nAsk for the [VPN](vpn.md#asking), then [read](step:read).\n\n![A map](map.gif)\n\n| a | b |\n|---|---|\n| 1 | 2 |\n";
    fs::write(pack.join("docs/start.md"), start).unwrap();
    fs::write(pack.join("docs/vpn.md"), "# The VPN\n\n## Asking\n\n\u{1b}[2JHelp desk.\n").unwrap();
    fs::write(pack.join("docs/map.gif"), GIF).unwrap();
    pack
}

#[test]
fn documents_are_listed_and_shown() {
    let (machine, pack) = (Machine::new(), pack());
    let folder = pack.path().to_str().unwrap();
    assert_eq!(machine.run(&["pack", "lint", folder]).expect(0).stdout, "0 errors, 0 warnings.\n");
    let listed = machine.run(&["docs", "list", "--pack", folder]).expect(0).stdout;
    assert_eq!(listed, "Start here (docs/start.md)\nThe VPN (docs/vpn.md)\n");
    let json = machine.run(&["docs", "list", "--pack", folder, "--json"]).expect(0).json();
    assert_eq!(json["documents"][1]["title"], "The VPN");

    let shown = machine.run(&["docs", "show", "docs/start.md", "--pack", folder]).expect(0).stdout;
    assert_eq!(
        shown,
        "Start here\n\n  Ask for the VPN (docs/vpn.md#asking), then read (step read).\n\n  [A map] (docs/map.gif)\n\n  a | b\n  1 | 2\n"
    );
    let json = machine.run(&["docs", "show", "docs/vpn.md", "--pack", folder, "--json"]).expect(0).json();
    assert_eq!((&json["title"], &json["outline"][0]["anchor"]), (&"The VPN".into(), &"asking".into()));
    let shown = machine.run(&["docs", "show", "docs/vpn.md", "--pack", folder]).expect(0).stdout;
    assert!(!shown.contains('\u{1b}'), "a terminal acts on nothing a document says: {shown:?}");
}

#[test]
fn a_document_that_is_none_of_the_pack_is_not_shown() {
    let (machine, pack) = (Machine::new(), pack());
    let folder = pack.path().to_str().unwrap();
    fs::write(machine.home().join("private.md"), "# Private\n").unwrap();
    let private = machine.home().join("private.md").display().to_string();
    for path in ["docs/gone.md", "pack.yaml", "../private.md", "/etc/passwd", &private, "docs/map.gif"] {
        let refused = machine.run(&["docs", "show", path, "--pack", folder]).expect(1);
        assert!(refused.stderr.contains("has no document"), "{path}: {}", refused.stderr);
        assert!(refused.stderr.contains("docs list"), "{}", refused.stderr);
    }
    let nowhere = machine.run(&["docs", "list"]).expect(1).stderr;
    assert!(nowhere.contains("--pack DIR"), "{nowhere}");
}
