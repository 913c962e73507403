//! A file that is arriving: what is there of it, its sums so far, and how it takes its name.
//!
//! Files are handed to threads that may block, in pieces that are worth it: most files of a pack are one piece.

use std::{
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256, Sha512};

use crate::receive::durable;

/// What is gathered before it is written.
const PIECE: usize = 256 * 1024;

/// What a file must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::receive) struct Wanted {
    /// Its length in bytes.
    pub(in crate::receive) length: u64,
    /// SHA-256, hex.
    pub(in crate::receive) sha256: Option<String>,
    /// SHA-512, hex. Ours have none; other repositories do.
    pub(in crate::receive) sha512: Option<String>,
}

/// A file that is arriving. What has arrived waits beside its place, with `.part` added to its name.
pub(super) struct Part {
    path: PathBuf,
    sums: Sums,
    /// How much has arrived.
    pub(super) have: u64,
    /// The last of it, which is not written yet.
    pending: Vec<u8>,
}

impl Part {
    /// Goes on with what an earlier attempt left, if that is not too much already.
    pub(super) async fn open(to: &Path, wanted: &Wanted) -> io::Result<Self> {
        let mut name = to.as_os_str().to_owned();
        name.push(".part");
        let (path, wanted) = (PathBuf::from(name), wanted.clone());
        blocking(move || {
            let (sums, have) = summed_up(&path, &wanted)?;
            if have > wanted.length {
                fs::remove_file(&path)?;
                return Ok(Self { path, sums: Sums::of(&wanted), have: 0, pending: Vec::new() });
            }
            Ok(Self { path, sums, have, pending: Vec::new() })
        })
        .await
    }

    /// Forgets what has arrived.
    pub(super) async fn begin_anew(&mut self, wanted: &Wanted) -> io::Result<()> {
        self.pending.clear();
        (self.sums, self.have) = (Sums::of(wanted), 0);
        let path = self.path.clone();
        blocking(move || durable::remove(&path)).await
    }

    /// Takes in what came next.
    pub(super) async fn push(&mut self, chunk: &[u8]) -> io::Result<()> {
        self.sums.update(chunk);
        self.have += chunk.len() as u64;
        self.pending.extend_from_slice(chunk);
        if self.pending.len() >= PIECE { self.keep().await } else { Ok(()) }
    }

    /// Writes what has arrived, for the next attempt.
    pub(super) async fn keep(&mut self) -> io::Result<()> {
        let (path, pending) = (self.path.clone(), std::mem::take(&mut self.pending));
        blocking(move || append(&path, &pending)).await
    }

    /// Gives it its name, if it is what was wanted; else nothing is left of it.
    pub(super) async fn finish(self, to: &Path, wanted: &Wanted) -> io::Result<bool> {
        let Self { path, sums, have: _, pending } = self;
        let (right, to) = (sums.are(wanted), to.to_owned());
        blocking(move || {
            if right {
                append(&path, &pending)?;
                fs::rename(&path, &to)?;
            } else {
                durable::remove(&path)?;
            }
            Ok(right)
        })
        .await
    }
}

/// Whether a file is there and what is wanted. A link is not.
pub(in crate::receive) fn is_there(path: &Path, wanted: &Wanted) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_file() && found.len() == wanted.length => {}
        Ok(_) => return Ok(false),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(false);
        }
        Err(error) => return Err(error),
    }
    let (sums, have) = summed_up(path, wanted)?;
    Ok(have == wanted.length && sums.are(wanted))
}

/// Runs what may block where that holds nobody up.
pub(in crate::receive) async fn blocking<T: Send + 'static>(
    run: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(run).await.map_err(io::Error::other)?
}

fn append(path: &Path, content: &[u8]) -> io::Result<()> {
    File::options().create(true).append(true).open(path)?.write_all(content)
}

/// The sums of a file and its length; of one that is not there, those of nothing.
fn summed_up(path: &Path, wanted: &Wanted) -> io::Result<(Sums, u64)> {
    let mut sums = Sums::of(wanted);
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((sums, 0)),
        Err(error) => return Err(error),
    };
    let mut have = 0;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok((sums, have));
        }
        sums.update(&buffer[..read]);
        have += read as u64;
    }
}

/// The sums a target is known by; only those are made.
struct Sums {
    sha256: Option<Sha256>,
    sha512: Option<Sha512>,
}

impl Sums {
    fn of(wanted: &Wanted) -> Self {
        Self {
            sha256: wanted.sha256.is_some().then(Sha256::new),
            sha512: wanted.sha512.is_some().then(Sha512::new),
        }
    }

    fn update(&mut self, chunk: &[u8]) {
        self.sha256.iter_mut().for_each(|sum| sum.update(chunk));
        self.sha512.iter_mut().for_each(|sum| sum.update(chunk));
    }

    /// Every sum that is known has to be right, and one has to be known.
    fn are(self, wanted: &Wanted) -> bool {
        let found =
            [self.sha256.map(|sum| hex(&sum.finalize())), self.sha512.map(|sum| hex(&sum.finalize()))];
        let known = [&wanted.sha256, &wanted.sha512];
        let right = |(known, found): (&Option<String>, &Option<String>)| match (known, found) {
            (Some(known), Some(found)) => known.eq_ignore_ascii_case(found),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        known.iter().any(|known| known.is_some()) && known.into_iter().zip(&found).all(right)
    }
}

/// Lower-case hexadecimal.
pub(in crate::receive) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
