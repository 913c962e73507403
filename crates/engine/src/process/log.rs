//! A step's log on disk: `<step>.log` holds the first lines, `<step>.log.<n>` segments hold the last ones, `n` being the
//! number of a segment's first line. Only the newest segments are kept, so a log is bounded, readable while it is
//! written, and whole up to the last flush after a crash.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, BufWriter, Write},
    path::{Path, PathBuf},
};

/// Lines kept from the beginning.
const HEAD: u32 = 2_000;
/// Lines in a segment.
const SEGMENT: u32 = 4_000;
/// Segments kept: the last one fills up, the two before it make the 8,000 lines that are always there.
const SEGMENTS: usize = 3;

/// A part of a log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogSlice {
    /// The number of the first line given, from 0.
    pub first: u32,
    /// The lines.
    pub lines: Vec<String>,
    /// How many lines were printed in all.
    pub total: u32,
    /// How many of them were not kept, all of them after the first 2,000.
    pub dropped: u32,
}

/// Writes a log.
pub(super) struct LogWriter {
    path: PathBuf,
    file: BufWriter<File>,
    next: u32,
    segments: Vec<u32>,
}

impl LogWriter {
    /// Starts a log afresh, in a folder that is created.
    pub(super) fn create(path: &Path) -> std::io::Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        for first in segments(path) {
            fs::remove_file(segment(path, first))?;
        }
        let file = BufWriter::new(private(path)?);
        Ok(Self { path: path.to_owned(), file, next: 0, segments: Vec::new() })
    }

    /// Appends a line.
    pub(super) fn line(&mut self, line: &str) -> std::io::Result<()> {
        if self.next >= HEAD && (self.next - HEAD).is_multiple_of(SEGMENT) {
            self.file.flush()?;
            self.file = BufWriter::new(private(&segment(&self.path, self.next))?);
            self.segments.push(self.next);
            if self.segments.len() > SEGMENTS {
                fs::remove_file(segment(&self.path, self.segments.remove(0)))?;
            }
        }
        self.next = self.next.saturating_add(1);
        self.file.write_all(line.as_bytes())?;
        self.file.write_all(b"\n")
    }

    /// Hands what was written to the system.
    pub(super) fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

/// A file only its owner can read: output may hold what is nobody else's business.
fn private(path: &Path) -> std::io::Result<File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn segment(path: &Path, first: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{first}"));
    PathBuf::from(name)
}

/// The first lines of the segments there are, in order.
fn segments(path: &Path) -> Vec<u32> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return Vec::new();
    };
    let mut found: Vec<u32> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.strip_prefix(name)?.strip_prefix('.')?.parse().ok())
        .collect();
    found.sort_unstable();
    found
}

/// Reads at most `count` lines from line `first` on; where that line was dropped, from the first kept one after it. A
/// log that does not exist has no lines. Errors: the log is there and cannot be read.
pub fn read_log(path: &Path, first: u32, count: u32) -> std::io::Result<LogSlice> {
    let mut slice = LogSlice { first, ..LogSlice::default() };
    let later = segments(path);
    let mut files = vec![(0, path.to_owned())];
    files.extend(later.iter().map(|&first| (first, segment(path, first))));
    let mut kept = 0;
    for (start, file) in files {
        let file = match File::open(&file) {
            Ok(file) => file,
            // The oldest segment may go while we read.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        slice.total = slice.total.max(start);
        for (number, line) in (start..).zip(BufReader::new(file).split(b'\n')) {
            let line = line?;
            kept += 1;
            slice.total = number + 1;
            if number >= first && u32::try_from(slice.lines.len()).is_ok_and(|have| have < count) {
                if slice.lines.is_empty() {
                    slice.first = number;
                }
                slice.lines.push(String::from_utf8_lossy(&line).into_owned());
            }
        }
    }
    slice.dropped = slice.total - kept;
    Ok(slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(lines: u32) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("logs/build.log");
        let mut log = LogWriter::create(&path).unwrap();
        for number in 0..lines {
            log.line(&format!("line {number}")).unwrap();
        }
        log.flush().unwrap();
        (folder, path)
    }

    #[test]
    fn e4_the_head_and_at_least_8000_lines_of_the_tail_are_kept() {
        let (_folder, path) = written(100_000);
        let all = read_log(&path, 0, u32::MAX).unwrap();
        assert_eq!(all.total, 100_000);
        assert_eq!(all.lines[1_999], "line 1999");
        let tail = all.lines.len() - 2_000;
        assert!((8_000..=12_000).contains(&tail), "{tail} lines of the tail");
        assert_eq!(all.lines[2_000], format!("line {}", 100_000 - tail));
        assert_eq!(u64::from(all.dropped) + all.lines.len() as u64, 100_000);
    }

    #[test]
    fn a_page_starts_where_it_is_asked_to_or_at_the_next_line_kept() {
        let (_folder, path) = written(100_000);
        let page = read_log(&path, 10, 2).unwrap();
        assert_eq!((page.first, page.lines), (10, vec!["line 10".to_owned(), "line 11".to_owned()]));
        let page = read_log(&path, 50_000, 1).unwrap();
        assert_eq!(page.lines, [format!("line {}", page.first)]);
        assert!(page.first > 50_000);
        assert_eq!(read_log(&path, 99_999, 10).unwrap().lines, ["line 99999"]);
        assert_eq!(read_log(&path.with_extension("none"), 0, 10).unwrap(), LogSlice::default());
    }

    #[test]
    fn a_log_started_again_forgets_the_one_before() {
        let (_folder, path) = written(10_000);
        LogWriter::create(&path).unwrap().flush().unwrap();
        assert_eq!(read_log(&path, 0, 10).unwrap(), LogSlice::default());
    }
}
