use std::fs;

use super::*;

fn pack(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, content) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

fn png(width: u32, height: u32) -> Vec<u8> {
    let mut content = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
    content.extend(width.to_be_bytes());
    content.extend(height.to_be_bytes());
    content
}

fn gif(width: u16, height: u16) -> Vec<u8> {
    [b"GIF89a".to_vec(), width.to_le_bytes().into(), height.to_le_bytes().into()].concat()
}

/// A JPEG with a segment of metadata, a fill byte and a progressive frame.
fn jpeg(width: u16, height: u16) -> Vec<u8> {
    let mut content = b"\xff\xd8\xff\xe1\x00\x06abcd\xff\xff\xc2\x00\x0b\x08".to_vec();
    content.extend(height.to_be_bytes());
    content.extend(width.to_be_bytes());
    content
}

fn webp(form: &[u8], rest: &[u8]) -> Vec<u8> {
    [b"RIFF\0\0\0\0WEBP", form, b"\0\0\0\0", rest].concat()
}

#[test]
fn documents_are_the_markdown_files_but_those_of_templates() {
    let folder = pack(&[
        ("docs/b.md", b"intro\n\n# The `b` *guide*\n\n# Second\n"),
        ("docs/a.MD", b"no heading"),
        ("README.md", b"## Only a second level\n"),
        ("templates/service/skeleton/README.md", b"# ${{ values.name }}\n"),
        ("docs/c.txt", b"# no"),
    ]);
    let documents = Documents::of(folder.path()).unwrap();
    let found: Vec<(String, String)> =
        documents.list().unwrap().into_iter().map(|document| (document.path, document.title)).collect();
    let expected = [("README.md", "README.md"), ("docs/a.MD", "docs/a.MD"), ("docs/b.md", "The b guide")];
    assert_eq!(found, expected.map(|(path, title)| (path.to_owned(), title.to_owned())));
    for other in ["docs/c.txt", "docs/../docs/b.md", "docs//b.md", "/docs/b.md", "docs/B.md", ""] {
        assert!(matches!(documents.text(other), Err(DocsError::NoDocument { .. })), "{other}");
    }
}

#[test]
fn pictures_are_told_by_their_content() {
    let lossy = [&[0, 0, 0][..], b"\x9d\x01\x2a", &640_u16.to_le_bytes(), &480_u16.to_le_bytes()].concat();
    let lossless = [&[0x2f][..], &((640_u32 - 1) | ((480 - 1) << 14)).to_le_bytes()].concat();
    let extended = [&[0, 0, 0, 0][..], &[0x7f, 2, 0], &[0xdf, 1, 0]].concat();
    let cases = [
        ("a.txt", png(640, 480), ImageKind::Png),
        ("b.png", gif(640, 480), ImageKind::Gif),
        ("c", jpeg(640, 480), ImageKind::Jpeg),
        ("d.svg", webp(b"VP8 ", &lossy), ImageKind::Webp),
        ("e.webp", webp(b"VP8L", &lossless), ImageKind::Webp),
        ("f.webp", webp(b"VP8X", &extended), ImageKind::Webp),
    ];
    let files: Vec<(&str, &[u8])> =
        cases.iter().map(|(path, content, _)| (*path, content.as_slice())).collect();
    let folder = pack(&files);
    let documents = Documents::of(folder.path()).unwrap();
    for (path, content, kind) in &cases {
        let image = documents.image(path).unwrap();
        assert_eq!((image.kind, image.width, image.height), (*kind, 640, 480), "{path}");
        assert_eq!(image.content, *content);
    }
}

#[test]
fn d2_what_is_no_small_picture_of_the_pack_is_not_given_out() {
    let mut heavy = png(10, 10);
    heavy.resize(MAX_IMAGE_BYTES + 1, 0);
    let mut truncated = jpeg(640, 480);
    truncated.truncate(18);
    let folder = pack(&[
        ("ok.png", &png(10, 10)),
        ("heavy.png", &heavy),
        ("wide.png", &png(100_000, 100_000)),
        ("flat.png", &png(0, 10)),
        ("drawing.png", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
        ("page.png", b"<!doctype html><script>alert(1)</script>"),
        ("half.jpg", &truncated),
        ("loop.jpg", b"\xff\xd8\xff\xe0\x00\x00\xff\xc0"),
        ("short.png", b"\x89PNG\r\n\x1a\n"),
        ("empty.png", b""),
        ("templates/t/a.png", &png(10, 10)),
        ("pack.yaml", b"secret"),
    ]);
    let documents = Documents::of(folder.path()).unwrap();
    assert!(documents.image("ok.png").is_ok());
    let refused = |path: &str| documents.image(path).unwrap_err();
    assert!(matches!(refused("heavy.png"), ImageError::TooManyBytes { .. }));
    assert!(matches!(refused("wide.png"), ImageError::TooManyPixels { .. }));
    for path in
        ["flat.png", "drawing.png", "page.png", "half.jpg", "loop.jpg", "short.png", "empty.png", "pack.yaml"]
    {
        assert!(matches!(refused(path), ImageError::NotAnImage { .. }), "{path}");
    }
    for path in ["templates/t/a.png", "../ok.png", "./ok.png", "/etc/passwd", "gone.png", "OK.png", ""] {
        assert!(matches!(refused(path), ImageError::Missing { .. }), "{path}");
    }
}

#[cfg(unix)]
#[test]
fn d2_a_link_to_a_picture_elsewhere_is_none_of_the_pack() {
    let elsewhere = pack(&[("private.png", &png(10, 10))]);
    let folder = pack(&[("docs/a.md", b"![x](private.png)")]);
    let link = folder.path().join("docs/private.png");
    std::os::unix::fs::symlink(elsewhere.path().join("private.png"), &link).unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), folder.path().join("out")).unwrap();
    let documents = Documents::of(folder.path()).unwrap();
    for path in ["docs/private.png", "out/private.png"] {
        assert!(matches!(documents.image(path), Err(ImageError::Missing { .. })), "{path}");
    }
    // One that takes a file's place after the folder was listed is not followed either.
    fs::write(folder.path().join("docs/own.png"), png(10, 10)).unwrap();
    let documents = Documents::of(folder.path()).unwrap();
    fs::remove_file(folder.path().join("docs/own.png")).unwrap();
    fs::rename(&link, folder.path().join("docs/own.png")).unwrap();
    assert!(matches!(documents.image("docs/own.png"), Err(ImageError::Missing { .. })));
}
