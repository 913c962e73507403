//! Pictures in documents: PNG, JPEG, GIF and WebP of the pack itself, told by their content and not by their name, and none
//! so large that showing it would be a burden. Never SVG, which is a document with scripts of its own.

use std::ops::ControlFlow;

use super::{Documents, TEMPLATES};

/// At most this many bytes in a picture.
pub const MAX_IMAGE_BYTES: usize = 4 * 1024 * 1024;
/// At most this many pixels: a small file can stand for a picture that fills a machine's memory.
pub const MAX_IMAGE_PIXELS: u64 = 16 * 1024 * 1024;

/// A kind of picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageKind {
    /// PNG.
    Png,
    /// JPEG.
    Jpeg,
    /// GIF.
    Gif,
    /// WebP.
    Webp,
}

impl ImageKind {
    /// As HTTP calls it.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Gif => "image/gif",
            Self::Webp => "image/webp",
        }
    }
}

/// A picture of a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// What it is.
    pub kind: ImageKind,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// The file.
    pub content: Vec<u8>,
}

/// Why a picture is not shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// There is no such file in the pack, or it cannot be read.
    #[error("the pack has no picture `{path}`")]
    Missing {
        /// What was asked for.
        path: String,
    },
    /// Its content is none of the four kinds.
    #[error("`{path}` is no PNG, JPEG, GIF or WebP picture")]
    NotAnImage {
        /// Which.
        path: String,
    },
    /// It is too large a file.
    #[error("`{path}` is larger than {} MB", MAX_IMAGE_BYTES / 1024 / 1024)]
    TooManyBytes {
        /// Which.
        path: String,
    },
    /// It is too large a picture.
    #[error("`{path}` has {width} × {height} pixels, more than {} million", MAX_IMAGE_PIXELS / 1024 / 1024)]
    TooManyPixels {
        /// Which.
        path: String,
        /// In pixels.
        width: u32,
        /// In pixels.
        height: u32,
    },
}

impl Documents {
    /// A picture of the pack, by its path from the pack's folder.
    pub fn image(&self, path: &str) -> Result<Image, ImageError> {
        let path_again = || path.to_owned();
        let missing = || ImageError::Missing { path: path_again() };
        if path.starts_with(TEMPLATES) || !self.folder.has(path) {
            return Err(missing());
        }
        let content = self.folder.bytes(path, MAX_IMAGE_BYTES + 1).map_err(|_| missing())?;
        if content.len() > MAX_IMAGE_BYTES {
            return Err(ImageError::TooManyBytes { path: path_again() });
        }
        let (kind, width, height) =
            look(&content).ok_or_else(|| ImageError::NotAnImage { path: path_again() })?;
        if width == 0 || height == 0 {
            return Err(ImageError::NotAnImage { path: path_again() });
        }
        if u64::from(width) * u64::from(height) > MAX_IMAGE_PIXELS {
            return Err(ImageError::TooManyPixels { path: path_again(), width, height });
        }
        Ok(Image { kind, width, height, content })
    }
}

/// What a content is, and how many pixels it has, by the beginning of its format.
fn look(content: &[u8]) -> Option<(ImageKind, u32, u32)> {
    if content.starts_with(b"\x89PNG\r\n\x1a\n") && content.get(12..16)? == b"IHDR" {
        return Some((ImageKind::Png, big(content, 16, 4)?, big(content, 20, 4)?));
    }
    if content.starts_with(b"GIF87a") || content.starts_with(b"GIF89a") {
        return Some((ImageKind::Gif, little(content, 6, 2)?, little(content, 8, 2)?));
    }
    if content.starts_with(b"RIFF") && content.get(8..12)? == b"WEBP" {
        let (width, height) = webp(content)?;
        return Some((ImageKind::Webp, width, height));
    }
    if content.starts_with(b"\xff\xd8\xff") {
        let (width, height) = jpeg(content)?;
        return Some((ImageKind::Jpeg, width, height));
    }
    None
}

/// The three forms of WebP: lossy (RFC 6386, a key frame's header), lossless (14 bits each, less one), extended (24 bits
/// each, less one).
fn webp(content: &[u8]) -> Option<(u32, u32)> {
    match content.get(12..16)? {
        b"VP8 " if content.get(23..26)? == b"\x9d\x01\x2a" => {
            Some((little(content, 26, 2)? & 0x3fff, little(content, 28, 2)? & 0x3fff))
        }
        b"VP8L" if *content.get(20)? == 0x2f => {
            let bits = little(content, 21, 4)?;
            Some(((bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1))
        }
        b"VP8X" => Some((little(content, 24, 3)? + 1, little(content, 27, 3)? + 1)),
        _ => None,
    }
}

/// The frame header (SOF) of a JPEG, before which any number of segments may stand.
fn jpeg(content: &[u8]) -> Option<(u32, u32)> {
    let mut at = 2;
    loop {
        match segment(content, at)? {
            ControlFlow::Continue(next) => at = next,
            ControlFlow::Break(size) => return size,
        }
    }
}

/// The segment at a place: where the next one is, or the size if this is the frame header.
fn segment(content: &[u8], at: usize) -> Option<ControlFlow<Option<(u32, u32)>, usize>> {
    if *content.get(at)? != 0xff {
        return None;
    }
    match *content.get(at + 1)? {
        // A fill byte, or a marker without a segment.
        0xff => Some(ControlFlow::Continue(at + 1)),
        0x01 | 0xd0..=0xd7 => Some(ControlFlow::Continue(at + 2)),
        0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
            Some(ControlFlow::Break(Some((big(content, at + 7, 2)?, big(content, at + 5, 2)?))))
        }
        // The picture began, or ended, without one.
        0xd8..=0xda | 0x00 => None,
        _ => {
            let length = usize::try_from(big(content, at + 2, 2)?).ok()?;
            (length >= 2).then_some(ControlFlow::Continue(at + 2 + length))
        }
    }
}

fn big(content: &[u8], at: usize, count: usize) -> Option<u32> {
    let bytes = content.get(at..at.checked_add(count)?)?;
    Some(bytes.iter().fold(0, |number, &byte| number << 8 | u32::from(byte)))
}

fn little(content: &[u8], at: usize, count: usize) -> Option<u32> {
    let bytes = content.get(at..at.checked_add(count)?)?;
    Some(bytes.iter().rev().fold(0, |number, &byte| number << 8 | u32::from(byte)))
}
