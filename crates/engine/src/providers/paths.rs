//! Paths a pack names, looked at with distrust: on the machine, and inside the pack, which they may not leave.

use std::path::{Component, Path, PathBuf};

use firstlight_domain::{kind::WithError, state::Failure};

use super::{
    failure_with,
    with::{is_unresolved, one_line, plain_word, wrong},
};

/// Whether a path on the machine (see [`super::path`]) is written as one can be: it names a place below its start.
pub(crate) fn check_machine(field: &str, text: &str) -> Result<(), WithError> {
    plain_word(field, text)?;
    if has_parent(text) {
        return Err(wrong(field, "may not hold `..`"));
    }
    if text.starts_with('~') && text != "~" && !text.starts_with("~/") && !text.starts_with("~\\") {
        return Err(wrong(field, "names another person's home folder; only `~/` is known"));
    }
    Ok(())
}

/// Whether a path inside the pack is written as one: relative, without `..`, not an option.
pub(crate) fn check_in_pack(field: &str, text: &str) -> Result<(), WithError> {
    one_line(field, text)?;
    if text.is_empty() {
        return Err(wrong(field, "is empty"));
    }
    if is_unresolved(text) {
        return Ok(());
    }
    let relative =
        Path::new(text).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    let windows_absolute = text.starts_with('\\') || text.as_bytes().get(1) == Some(&b':');
    if !relative || windows_absolute || has_parent(text) {
        return Err(wrong(field, format!("`{text}` should be a path inside the pack, without `..`")));
    }
    Ok(())
}

/// The file of a pack, after symbolic links: refused if that leaves the pack, or is no file.
pub(crate) fn file_in_pack(root: &Path, text: &str) -> Result<PathBuf, Failure> {
    let failure = |cause: String| failure_with(cause, "the pack is damaged or wrong: tell its owner");
    check_in_pack("path", text).map_err(|error| failure(error.message))?;
    let root = root
        .canonicalize()
        .map_err(|error| failure(format!("the pack's folder {} cannot be read: {error}", root.display())))?;
    let path = root
        .join(text)
        .canonicalize()
        .map_err(|error| failure(format!("`{text}` in the pack cannot be read: {error}")))?;
    if !path.starts_with(&root) {
        return Err(failure(format!("`{text}` leads out of the pack")));
    }
    if !path.is_file() {
        return Err(failure(format!("`{text}` in the pack is not a file")));
    }
    Ok(plain(path))
}

/// Where a symbolic link on the way to `path` would lead out of the home folder, or the link itself, if writing to
/// `path` would follow one. Outside of the home folder only the target itself may not be a link: system folders such as
/// `/tmp` are links on some systems.
pub(crate) fn followed_out(path: &Path, home: &Path) -> std::io::Result<Option<String>> {
    match path.symlink_metadata() {
        Ok(found) if found.file_type().is_symlink() => {
            return Ok(Some(format!("{} is a symbolic link", path.display())));
        }
        Ok(_) => {}
        Err(error) if is_absent(&error) => {}
        Err(error) => return Err(error),
    }
    if !path.starts_with(home) {
        return Ok(None);
    }
    let real_home = home.canonicalize()?;
    for folder in path.ancestors().skip(1).take_while(|folder| folder.starts_with(home)) {
        match folder.canonicalize() {
            Ok(real) if real.starts_with(&real_home) => return Ok(None),
            Ok(real) => {
                return Ok(Some(format!(
                    "{} leads out of the home folder, to {}",
                    folder.display(),
                    real.display()
                )));
            }
            // A link to nowhere is there, but what it names is not.
            Err(error) if is_absent(&error) && folder.symlink_metadata().is_ok() => {
                return Ok(Some(format!("{} is a symbolic link to nowhere", folder.display())));
            }
            Err(error) if is_absent(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Whether an error says that there is nothing at a path.
pub(crate) fn is_absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory)
}

fn has_parent(text: &str) -> bool {
    text.split(['/', '\\']).any(|part| part == "..")
}

/// Without the `\\?\` that Windows puts before canonical paths: git and others do not know it.
fn plain(path: PathBuf) -> PathBuf {
    match path.to_str().and_then(|text| text.strip_prefix(r"\\?\")) {
        Some(text) if text.as_bytes().get(1) == Some(&b':') => PathBuf::from(text),
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machine_paths_are_whole_and_go_down_only() {
        for good in ["~/a", "~", "src/a", "/opt/x", "C:\\x", "${{ inputs.workspace }}/a"] {
            assert_eq!(check_machine("path", good), Ok(()), "{good}");
        }
        for bad in ["", "-rf", "~/../x", "/a/../b", "~mira/x", "~/a\nb", "${{ inputs.workspace }}/../x"] {
            assert!(check_machine("path", bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn e6_pack_paths_never_leave_the_pack() {
        for good in ["docs/a.md", "./a", "bundles/x.bundle", "${{ inputs.which }}.md"] {
            assert_eq!(check_in_pack("doc", good), Ok(()), "{good}");
        }
        for bad in
            ["", "/etc/passwd", "../a", "docs/../../a", "docs\\..\\..\\a", "C:\\a", "\\\\host\\a", "a\nb"]
        {
            assert!(check_in_pack("doc", bad).is_err(), "{bad:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn e6_a_link_in_the_pack_is_not_followed_out() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("pack");
        std::fs::create_dir(&root).unwrap();
        std::fs::write(folder.path().join("secret"), "x").unwrap();
        std::fs::write(root.join("fine.md"), "x").unwrap();
        std::os::unix::fs::symlink(folder.path().join("secret"), root.join("out.md")).unwrap();
        std::os::unix::fs::symlink("fine.md", root.join("within.md")).unwrap();
        assert!(file_in_pack(&root, "fine.md").is_ok());
        assert!(file_in_pack(&root, "within.md").is_ok());
        assert!(file_in_pack(&root, "out.md").unwrap_err().cause.contains("out of the pack"));
        assert!(file_in_pack(&root, "none.md").is_err());
        assert!(file_in_pack(&root, ".").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn e6_links_on_the_way_are_found() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        let outside = folder.path().join("outside");
        std::fs::create_dir_all(home.join("real")).unwrap();
        std::fs::create_dir(&outside).unwrap();
        symlink(&outside, home.join("out")).unwrap();
        symlink("real", home.join("in")).unwrap();
        symlink("nowhere", home.join("dangling")).unwrap();
        std::fs::write(home.join("file"), "x").unwrap();
        symlink("file", home.join("link")).unwrap();
        let found = |path: &str| followed_out(&home.join(path), &home).unwrap();
        assert_eq!(found("file"), None);
        assert_eq!(found("new/deep/file"), None);
        assert_eq!(found("in/file"), None);
        assert!(found("link").is_some());
        assert!(found("out/file").is_some());
        assert!(found("out/deep/file").is_some());
        assert!(found("dangling/file").is_some());
        assert_eq!(followed_out(&outside.join("file"), &home).unwrap(), None);
    }
}
