//! What the two sides say to each other: frames of four bytes with the length (big-endian), one with the kind, and the
//! rest. Words are JSON; output goes as it came.

use std::{io, path::PathBuf};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use zeroize::{Zeroize as _, Zeroizing};

/// Both sides are the same program, unless it was replaced in between.
pub(super) const VERSION: u32 = 1;
/// Bytes of a frame: more than any system takes as arguments and environment.
const MAX: u32 = 8 * 1024 * 1024;

const JSON: u8 = 0;
const OUT: u8 = 1;
const ERR: u8 = 2;

/// What the session is told.
#[derive(Serialize, Deserialize)]
pub(super) enum Order {
    Start(Box<Start>),
    Stop(u32),
}

/// A command to be started.
#[derive(Serialize, Deserialize)]
pub(in super::super) struct Start {
    /// Given by the session.
    pub(in super::super) id: u32,
    pub(in super::super) words: Vec<String>,
    pub(in super::super) cwd: Option<PathBuf>,
    pub(in super::super) env: Vec<(String, String)>,
    pub(in super::super) stdin: Option<String>,
    pub(in super::super) marker: String,
}

/// The secrets among it do not stay in memory.
impl Drop for Start {
    fn drop(&mut self) {
        self.env.iter_mut().for_each(|(_, value)| value.zeroize());
        self.stdin.zeroize();
    }
}

/// What the session says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Said(Said),
    Printed { id: u32, stream: Printed, bytes: Vec<u8> },
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Said {
    /// First of all.
    Ready(u32),
    NotStarted {
        id: u32,
        trouble: Trouble,
        why: String,
    },
    /// Everything it printed was said before.
    Ended {
        id: u32,
        code: i32,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Printed {
    Out,
    Err,
}

/// The kinds of errors whose words differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Trouble {
    NotFound,
    Denied,
    Other,
}

impl From<io::ErrorKind> for Trouble {
    fn from(kind: io::ErrorKind) -> Self {
        match kind {
            io::ErrorKind::NotFound => Self::NotFound,
            io::ErrorKind::PermissionDenied => Self::Denied,
            _ => Self::Other,
        }
    }
}

impl From<Trouble> for io::ErrorKind {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::NotFound => Self::NotFound,
            Trouble::Denied => Self::PermissionDenied,
            Trouble::Other => Self::Other,
        }
    }
}

/// An order as it is written.
pub(super) fn order(order: &Order) -> io::Result<Zeroizing<Vec<u8>>> {
    let words = Zeroizing::new(serde_json::to_vec(order)?);
    Ok(Zeroizing::new(framed(JSON, &[&words])?))
}

/// An answer as it is written.
pub(super) fn answer(answer: &Answer) -> io::Result<Vec<u8>> {
    match answer {
        Answer::Said(said) => framed(JSON, &[&serde_json::to_vec(said)?]),
        Answer::Printed { id, stream, bytes } => {
            let kind = match stream {
                Printed::Out => OUT,
                Printed::Err => ERR,
            };
            framed(kind, &[&id.to_be_bytes(), bytes])
        }
    }
}

fn framed(kind: u8, parts: &[&[u8]]) -> io::Result<Vec<u8>> {
    let bytes = parts.iter().map(|part| part.len()).sum::<usize>() + 1;
    let length = u32::try_from(bytes).ok().filter(|&length| length <= MAX).ok_or_else(too_long)?;
    let mut frame = Vec::with_capacity(bytes + 4);
    frame.extend_from_slice(&length.to_be_bytes());
    frame.push(kind);
    for part in parts {
        frame.extend_from_slice(part);
    }
    Ok(frame)
}

/// The next order; `None` at the end.
pub(super) async fn read_order(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Order>> {
    match read(from).await? {
        None => Ok(None),
        Some((JSON, rest)) => Ok(Some(json(&rest)?)),
        Some(_) => Err(nonsense()),
    }
}

/// The next answer; `None` at the end.
pub(super) async fn read_answer(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Answer>> {
    let Some((kind, rest)) = read(from).await? else { return Ok(None) };
    let stream = match kind {
        JSON => return Ok(Some(Answer::Said(json(&rest)?))),
        OUT => Printed::Out,
        ERR => Printed::Err,
        _ => return Err(nonsense()),
    };
    let (id, bytes) = rest.split_first_chunk().ok_or_else(nonsense)?;
    Ok(Some(Answer::Printed { id: u32::from_be_bytes(*id), stream, bytes: bytes.to_vec() }))
}

async fn read(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<(u8, Zeroizing<Vec<u8>>)>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length).await {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let length = u32::from_be_bytes(length);
    if length == 0 || length > MAX {
        return Err(nonsense());
    }
    let kind = from.read_u8().await?;
    let mut rest = Zeroizing::new(vec![0; length as usize - 1]);
    from.read_exact(&mut rest).await?;
    Ok(Some((kind, rest)))
}

fn json<T: DeserializeOwned>(bytes: &[u8]) -> io::Result<T> {
    Ok(serde_json::from_slice(bytes)?)
}

/// Writes a frame at once.
pub(super) async fn write(into: &mut (impl AsyncWrite + Unpin), frame: &[u8]) -> io::Result<()> {
    into.write_all(frame).await?;
    into.flush().await
}

fn nonsense() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the other side does not speak as agreed")
}

fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "the command is longer than the system allows")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn answers_come_as_they_were_said() {
        let said = [
            Answer::Said(Said::Ready(VERSION)),
            Answer::Printed { id: 7, stream: Printed::Err, bytes: vec![0, 255, b'\n'] },
            Answer::Printed { id: 7, stream: Printed::Out, bytes: Vec::new() },
            Answer::Said(Said::NotStarted { id: 8, trouble: Trouble::Denied, why: "no".to_owned() }),
            Answer::Said(Said::Ended { id: 7, code: -1 }),
        ];
        let wire: Vec<u8> = said.iter().flat_map(|one| answer(one).unwrap()).collect();
        let mut from = wire.as_slice();
        for one in &said {
            assert_eq!(read_answer(&mut from).await.unwrap().as_ref(), Some(one));
        }
        assert_eq!(read_answer(&mut from).await.unwrap(), None);
    }

    #[tokio::test]
    async fn what_is_no_frame_is_an_error_and_reserves_no_memory() {
        for wire in [&[255, 255, 255, 255, 0][..], &[0, 0, 0, 0], &[0, 0, 0, 9, 0, b'{'], &[0, 0, 0, 2, 9, 9]]
        {
            assert!(read_answer(&mut &wire[..]).await.is_err(), "{wire:?}");
            assert!(read_order(&mut &wire[..]).await.is_err(), "{wire:?}");
        }
        assert!(read_answer(&mut &[0, 0, 0, 3, OUT, 1, 1][..]).await.is_err(), "a number cut off");
    }

    #[test]
    fn a_command_no_system_takes_is_refused() {
        let start = Start {
            id: 1,
            words: vec!["x".repeat(MAX as usize)],
            cwd: None,
            env: Vec::new(),
            stdin: None,
            marker: String::new(),
        };
        let refused = order(&Order::Start(Box::new(start))).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
    }
}
