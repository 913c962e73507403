//! Takes control sequences out of a stream of bytes, except colours (`ESC [ … m`).

/// Longest colour sequence kept; a longer one is dropped whole.
const MAX_COLOUR: usize = 64;

/// A filter over one stream. Line ends, tabs and colours pass; everything else that steers a terminal does not.
#[derive(Debug, Default)]
pub(super) struct Sanitiser {
    state: State,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Plain,
    /// After ESC.
    Escape,
    /// After ESC and an intermediate byte (`ESC ( B`).
    Intermediate,
    /// Inside `ESC [`, with the parameters so far.
    Csi(Vec<u8>),
    /// Inside OSC, DCS, SOS, PM or APC: up to BEL or `ESC \`.
    Text { escape: bool },
}

impl Sanitiser {
    /// Filters a chunk; a sequence may go on in the next one.
    pub(super) fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        let mut rest = chunk;
        while let Some(&byte) = rest.first() {
            if matches!(self.state, State::Plain) {
                let plain = rest.iter().position(|&b| is_control(b)).unwrap_or(rest.len());
                out.extend_from_slice(&rest[..plain]);
                rest = &rest[plain..];
                let Some(&control) = rest.first() else { return };
                if control == 0x1b {
                    self.state = State::Escape;
                }
                rest = &rest[1..];
                continue;
            }
            rest = &rest[1..];
            self.step(byte, out);
        }
    }

    fn step(&mut self, byte: u8, out: &mut Vec<u8>) {
        self.state = match std::mem::take(&mut self.state) {
            // A line end ends every sequence: a program cut off in one must not swallow what follows.
            _ if matches!(byte, b'\n' | b'\r') => {
                out.push(byte);
                State::Plain
            }
            State::Plain => State::Plain,
            State::Escape => match byte {
                b'[' => State::Csi(Vec::new()),
                b']' | b'P' | b'X' | b'^' | b'_' => State::Text { escape: false },
                0x20..=0x2f => State::Intermediate,
                0x1b => State::Escape,
                _ => State::Plain,
            },
            State::Intermediate => match byte {
                0x20..=0x2f => State::Intermediate,
                0x1b => State::Escape,
                _ => State::Plain,
            },
            State::Csi(mut parameters) => match byte {
                b'm' => {
                    let colour = parameters.iter().all(|b| b.is_ascii_digit() || matches!(b, b';' | b':'));
                    if colour && parameters.len() <= MAX_COLOUR {
                        out.extend_from_slice(b"\x1b[");
                        out.extend_from_slice(&parameters);
                        out.push(b'm');
                    }
                    State::Plain
                }
                0x1b => State::Escape,
                0x40..=0x7e => State::Plain,
                _ => {
                    if parameters.len() <= MAX_COLOUR {
                        parameters.push(byte);
                    }
                    State::Csi(parameters)
                }
            },
            State::Text { escape } => match byte {
                0x07 => State::Plain,
                b'\\' if escape => State::Plain,
                _ => State::Text { escape: byte == 0x1b },
            },
        };
    }
}

/// C0 controls other than line ends and tab, and DEL.
fn is_control(byte: u8) -> bool {
    (byte < 0x20 && !matches!(byte, b'\n' | b'\r' | b'\t')) || byte == 0x7f
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean(chunks: &[&[u8]]) -> String {
        let mut sanitiser = Sanitiser::default();
        let mut out = Vec::new();
        for chunk in chunks {
            sanitiser.push(chunk, &mut out);
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn e4_only_colours_pass() {
        let cases: &[(&[u8], &str)] = &[
            (b"\x1b[1;32mok\x1b[0m\n", "\x1b[1;32mok\x1b[0m\n"),
            (b"a\x1b[2J\x1b[H\x1b[?25lb", "ab"),
            (b"\x1b]0;title\x07x", "x"),
            (b"\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
            (b"\x1bP1$r\x1b\\x", "x"),
            (b"\x1b(Bx\x1bcy", "xy"),
            (b"a\x08\x08b\x00\x7f", "ab"),
            (b"\x1b[>4;2mx", "x"),
            (b"\x1b]52;c;aGk=\nnext", "\nnext"),
        ];
        for (given, expected) in cases {
            assert_eq!(clean(&[given]), *expected, "{given:?}");
            let bytes: Vec<&[u8]> = given.chunks(1).collect();
            assert_eq!(clean(&bytes), *expected, "byte by byte: {given:?}");
        }
    }
}
