//! Records a program, and reads what `recorder.c` noted of it.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// What happened to the disk, or was told by the program.
pub(crate) enum Noted {
    MadeFile { inode: u64, mode: u32, path: PathBuf },
    MadeFolder { inode: u64, mode: u32, path: PathBuf },
    Wrote { inode: u64, at: usize, bytes: Vec<u8> },
    Resized { inode: u64, size: usize },
    Synced { inode: u64 },
    Mode { inode: u64, mode: u32 },
    Renamed { from: PathBuf, to: PathBuf },
    Linked { inode: u64, path: PathBuf },
    Removed { path: PathBuf },
    Told { bytes: Vec<u8> },
}

/// In a line: content is shown as text, and not all of it.
impl fmt::Debug for Noted {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |bytes: &[u8]| String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).into_owned();
        match self {
            Self::MadeFile { inode, path, .. } => write!(out, "made the file {} ({inode})", path.display()),
            Self::MadeFolder { inode, path, .. } => {
                write!(out, "made the folder {} ({inode})", path.display())
            }
            Self::Wrote { inode, at, bytes } => {
                write!(out, "wrote {} bytes at {at} of {inode}: {:?}", bytes.len(), text(bytes))
            }
            Self::Resized { inode, size } => write!(out, "made {inode} {size} bytes long"),
            Self::Synced { inode } => write!(out, "synced {inode}"),
            Self::Mode { inode, mode } => write!(out, "gave {inode} mode {mode:o}"),
            Self::Renamed { from, to } => write!(out, "renamed {} to {}", from.display(), to.display()),
            Self::Linked { inode, path } => write!(out, "named {inode} {} too", path.display()),
            Self::Removed { path } => write!(out, "removed {}", path.display()),
            Self::Told { bytes } => write!(out, "told {:?}", text(bytes)),
        }
    }
}

/// The recorder, compiled.
pub(crate) struct Recorder {
    folder: tempfile::TempDir,
}

impl Recorder {
    /// Compiles it by the linker that Rust itself needs.
    pub(crate) fn build() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/power/recorder.c");
        let built = Command::new("cc")
            .args(["-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o"])
            .args([&folder.path().join("recorder.so"), &source])
            .args(["-ldl", "-lpthread"])
            .output()
            .unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        Self { folder }
    }

    /// Has a program recorded, as far as it touches what lies below `root`.
    pub(crate) fn record(&self, command: &mut Command, root: &Path) {
        command
            .env("LD_PRELOAD", self.folder.path().join("recorder.so"))
            .env("FIRSTLIGHT_TEST_DISK_LOG", self.log())
            .env("FIRSTLIGHT_TEST_DISK_ROOT", root);
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// Everything noted so far.
    pub(crate) fn noted(&self) -> Vec<Noted> {
        read(&fs::read(self.log()).unwrap())
    }
}

fn read(mut log: &[u8]) -> Vec<Noted> {
    let mut all = Vec::new();
    while !log.is_empty() {
        let end = log.iter().position(|byte| *byte == b'\n').unwrap();
        let line = std::str::from_utf8(&log[..end]).unwrap();
        log = &log[end + 1..];
        let (kind, rest) = line.split_once(' ').unwrap();
        let mut words = rest.splitn(3, ' ');
        let mut word = || words.next().unwrap_or_else(|| panic!("cut short: {line}"));
        let mut bytes = |size: &str| {
            let (bytes, after) = log.split_at(size.parse().unwrap());
            log = after;
            bytes.to_vec()
        };
        let mode = |word: &str| u32::from_str_radix(word, 8).unwrap();
        all.push(match kind {
            "O" => {
                Noted::MadeFile { inode: word().parse().unwrap(), mode: mode(word()), path: word().into() }
            }
            "D" => {
                Noted::MadeFolder { inode: word().parse().unwrap(), mode: mode(word()), path: word().into() }
            }
            "W" => Noted::Wrote {
                inode: word().parse().unwrap(),
                at: word().parse().unwrap(),
                bytes: bytes(word()),
            },
            "T" => Noted::Resized { inode: word().parse().unwrap(), size: word().parse().unwrap() },
            "S" => Noted::Synced { inode: word().parse().unwrap() },
            "M" => Noted::Mode { inode: word().parse().unwrap(), mode: mode(word()) },
            "R" => {
                let (from, to) = rest.split_once('\t').unwrap();
                Noted::Renamed { from: from.into(), to: to.into() }
            }
            "L" => {
                Noted::Linked { inode: word().parse().unwrap(), path: rest.split_once(' ').unwrap().1.into() }
            }
            "U" => Noted::Removed { path: rest.into() },
            "A" => Noted::Told { bytes: bytes(rest) },
            _ => panic!("not a record: {line}"),
        });
    }
    all
}
