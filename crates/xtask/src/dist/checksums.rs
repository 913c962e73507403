//! `SHA256SUMS`: what `sha256sum --check` reads.

use std::{
    fmt::Write,
    fs,
    io::{self, Read},
    path::Path,
};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use super::files;

pub(super) const FILE: &str = "SHA256SUMS";

/// Writes the sums of everything in `folder`.
pub(super) fn write(folder: &Path) -> Result<()> {
    let mut text = String::new();
    for name in files(folder)? {
        if name != Path::new(FILE) {
            let sum = sum(&folder.join(&name))?;
            // Writing to a String does not fail, here and below.
            let _ = writeln!(text, "{sum}  {}", name.display());
        }
    }
    let to = folder.join(FILE);
    fs::write(&to, text).with_context(|| format!("{} could not be written", to.display()))
}

fn sum(path: &Path) -> Result<String> {
    let read = || -> io::Result<_> {
        let (mut file, mut hash) = (fs::File::open(path)?, Sha256::new());
        let mut some = vec![0; 1 << 16];
        loop {
            match file.read(&mut some)? {
                0 => return Ok(hex(&hash.finalize())),
                count => hash.update(&some[..count]),
            }
        }
    };
    read().with_context(|| format!("{} cannot be read", path.display()))
}

/// In lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_the_standard_and_not_their_own() {
        let folder = std::env::temp_dir().join(format!("firstlight-sums-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("b"), "abc").unwrap();
        fs::write(folder.join("a"), "").unwrap();
        write(&folder).unwrap();
        write(&folder).unwrap();
        // FIPS 180-2, appendix B.1, and the empty text.
        assert_eq!(
            fs::read_to_string(folder.join(FILE)).unwrap(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  a\n\
             ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  b\n"
        );
        fs::remove_dir_all(&folder).unwrap();
    }
}
