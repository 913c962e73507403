//! The forms a secret takes on its way into a log: encoded for a header, a URL, JSON or XML, quoted for a shell.
//!
//! Which escapes are used differs from program to program; each form here names one that does it so. Where programs
//! differ in a detail (upper or lower case of hexadecimal digits, which characters are left alone) both are forms.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use zeroize::Zeroizing;

use crate::MIN_BYTES;

type Text = Zeroizing<String>;

/// Calls `add` with each form of the secret, and of each of its lines; some may come twice. White space around the
/// secret and its lines is not part of any form. What is shorter than [`MIN_BYTES`] has no forms.
pub(super) fn of(secret: &str, mut add: impl FnMut(Zeroizing<Vec<u8>>)) {
    let mut add = |form: &str| {
        if form.len() >= MIN_BYTES {
            add(Zeroizing::new(form.as_bytes().to_vec()));
        }
    };
    let whole = secret.trim();
    let lines = whole.lines().map(str::trim);
    // A single line is the whole; listing it twice costs nothing that lasts.
    for piece in std::iter::once(whole).chain(lines).filter(|piece| piece.len() >= MIN_BYTES) {
        add(piece);
        base64_forms(piece, &mut add);
        percent_forms(piece, &mut add);
        json_forms(piece, &mut add);
        xml_forms(piece, &mut add);
        shell_forms(piece, &mut add);
        powershell_forms(piece, &mut add);
    }
}

/// Escapes need at most six bytes for one (`\u001b`, `&quot;`), so the text never moves and leaves no copy behind.
fn text_for(piece: &str) -> Text {
    Zeroizing::new(String::with_capacity(piece.len() * 6))
}

fn escaped(piece: &str, mut escape: impl FnMut(char, &mut String)) -> Text {
    let mut text = text_for(piece);
    piece.chars().for_each(|c| escape(c, &mut text));
    text
}

/// Writing to a `String` can not fail.
fn write(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
}

/// Base64 has three forms, by where in a group of three bytes the secret begins. Only the characters that depend on
/// nothing else are looked for, and, for a secret at the end of what is encoded (as in `Basic user:password`), the last
/// ones too, with and without padding.
fn base64_forms(piece: &str, add: &mut impl FnMut(&str)) {
    for offset in 0..3 {
        let mut bytes = Zeroizing::new(Vec::with_capacity(offset + piece.len()));
        bytes.resize(offset, 0);
        bytes.extend_from_slice(piece.as_bytes());
        let first = (8 * offset).div_ceil(6);
        let end = 8 * bytes.len() / 6;
        for encoded in [STANDARD.encode(&*bytes), URL_SAFE.encode(&*bytes)].map(Zeroizing::new) {
            for form in [&encoded[first..end], &encoded[first..], encoded[first..].trim_end_matches('=')] {
                add(form);
                // Base64 inside a URL or inside JSON.
                for (plus, slash, equals) in [("%2B", "%2F", "%3D"), ("%2b", "%2f", "%3d"), ("+", "\\/", "=")]
                {
                    add(&escaped(form, |c, out| match c {
                        '+' => out.push_str(plus),
                        '/' => out.push_str(slash),
                        '=' => out.push_str(equals),
                        c => out.push(c),
                    }));
                }
            }
        }
        if offset == 0 {
            // `base64` breaks lines after 76 characters, `openssl base64` and PEM after 64.
            let encoded = Zeroizing::new(STANDARD.encode(&*bytes));
            for width in [64, 76] {
                for start in (0..encoded.len()).step_by(width) {
                    add(&encoded[start..encoded.len().min(start + width)]);
                    add(&encoded[start.min(end)..end.min(start + width)]);
                }
            }
        }
    }
}

/// Percent-encoding; each entry lists what is left alone besides letters and digits.
fn percent_forms(piece: &str, add: &mut impl FnMut(&str)) {
    let but = |encoded: &'static [u8]| move |b: u8| b.is_ascii_graphic() && !encoded.contains(&b);
    let only = |kept: &'static [u8]| move |b: u8| b.is_ascii_alphanumeric() || kept.contains(&b);
    let left_alone: [(&dyn Fn(u8) -> bool, bool); 9] = [
        (&only(b"-_.~"), false),                 // RFC 3986, unreserved; curl --data-urlencode
        (&only(b"-_.~"), true),                  // Python's quote_plus
        (&only(b"-_.~/"), false),                // Python's quote
        (&only(b"-_.!~*'()"), false),            // JavaScript's encodeURIComponent
        (&only(b";/?:@&=+$,#-_.!~*'()"), false), // JavaScript's encodeURI
        (&only(b"*-._"), true),                  // HTML forms, Java's URLEncoder
        (&but(b"\"#<>?`{}/:;=@[\\]^|"), false),  // WHATWG, a password in a URL
        (&but(b"\"#<>'"), false),                // WHATWG, a query
        (&but(b"\"#<>?`{}^"), false),            // WHATWG, a path
    ];
    for (keep, plus_for_space) in left_alone {
        for upper in [true, false] {
            let mut text = text_for(piece);
            for byte in piece.bytes() {
                match byte {
                    b' ' if plus_for_space => text.push('+'),
                    kept if keep(kept) => text.push(char::from(kept)),
                    other if upper => write(&mut text, format_args!("%{other:02X}")),
                    other => write(&mut text, format_args!("%{other:02x}")),
                }
            }
            add(&text);
        }
    }
}

struct Json {
    /// Written as `\u….` although JSON does not ask for it.
    also: &'static str,
    ascii: bool,
    upper: bool,
    slash: bool,
}

/// The inside of a JSON string.
fn json_forms(piece: &str, add: &mut impl FnMut(&str)) {
    let plain = || Json { also: "", ascii: false, upper: false, slash: false };
    let writers = [
        plain(),                                                              // JavaScript, serde_json
        Json { ascii: true, ..plain() },                                      // Python
        Json { ascii: true, upper: true, ..plain() },                         // Newtonsoft
        Json { slash: true, ..plain() },                                      // PHP, JSON_UNESCAPED_UNICODE
        Json { ascii: true, slash: true, ..plain() },                         // PHP
        Json { also: "<>&\u{2028}\u{2029}", ..plain() },                      // Go, Rails
        Json { also: "\"'<>&+`\u{7f}", ascii: true, upper: true, ..plain() }, // System.Text.Json
        Json { also: "'<>&", ascii: false, ..plain() }, // Windows PowerShell's ConvertTo-Json
    ];
    for writer in writers {
        add(&escaped(piece, |c, out| match c {
            c if writer.also.contains(c) => unicode_escape(c, writer.upper, out),
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '/' if writer.slash => out.push_str("\\/"),
            c if c < ' ' || (writer.ascii && !c.is_ascii()) => unicode_escape(c, writer.upper, out),
            c => out.push(c),
        }));
    }
}

fn unicode_escape(c: char, upper: bool, out: &mut String) {
    for unit in c.encode_utf16(&mut [0; 2]) {
        if upper {
            write(out, format_args!("\\u{unit:04X}"));
        } else {
            write(out, format_args!("\\u{unit:04x}"));
        }
    }
}

/// XML and HTML, in text and in attributes.
fn xml_forms(piece: &str, add: &mut impl FnMut(&str)) {
    let quotes = [
        ("\"", "'"),
        ("&quot;", "'"),
        ("\"", "&apos;"),
        ("\"", "&#39;"),
        ("&quot;", "&apos;"),
        ("&quot;", "&#39;"),
    ];
    let numbered = [("&quot;", "&#x27;"), ("&quot;", "&#039;"), ("&#34;", "&#39;"), ("&#x22;", "&#x27;")];
    for (quot, apos) in quotes.into_iter().chain(numbered) {
        for gt in ["&gt;", ">"] {
            add(&escaped(piece, |c, out| match c {
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str(gt),
                '"' => out.push_str(quot),
                '\'' => out.push_str(apos),
                c => out.push(c),
            }));
        }
    }
}

/// POSIX shells, as people and `set -x` quote.
fn shell_forms(piece: &str, add: &mut impl FnMut(&str)) {
    // 'it'\''s', as `set -x` prints it; 'it'"'"'s', as Python's shlex.
    for quote in ["'\\''", "'\"'\"'"] {
        add(&escaped(piece, |c, out| if c == '\'' { out.push_str(quote) } else { out.push(c) }));
    }
    // "…", in scripts, and with `!` for interactive shells.
    for special in ["\\\"$`", "\\\"$`!"] {
        add(&escaped(piece, |c, out| backslashed(special.contains(c), c, out)));
    }
    // Without quotes: everything but what never has a meaning; and bash's `printf %q`, for which `#` has one only where
    // a word begins and `~` there and after `=` and `:`.
    for bare in ["%+-./:=@_", "%+-./:=@_,", "%+-./:@_,]^{}"] {
        let plain = |c: char| c.is_ascii_alphanumeric() || !c.is_ascii() || bare.contains(c);
        add(&escaped(piece, |c, out| backslashed(!plain(c), c, out)));
    }
    for word_begins in [true, false] {
        let mut before = if word_begins { None } else { Some('x') };
        add(&escaped(piece, |c, out| {
            let plain = match c {
                '#' => before.is_some(),
                '~' => !matches!(before, None | Some('=' | ':')),
                c => c.is_ascii_alphanumeric() || !c.is_ascii() || "%+-./:=@_".contains(c),
            };
            backslashed(!plain, c, out);
            before = Some(c);
        }));
    }
    // $'…', with bytes outside ASCII as they are, or in octal.
    for octal in [false, true] {
        add(&escaped(piece, |c, out| match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{1b}' => out.push_str("\\E"),
            c if c.is_ascii_control() || (octal && !c.is_ascii()) => {
                for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                    write(out, format_args!("\\{byte:03o}"));
                }
            }
            c => backslashed(matches!(c, '\'' | '\\'), c, out),
        }));
    }
}

fn backslashed(yes: bool, c: char, out: &mut String) {
    if yes {
        out.push('\\');
    }
    out.push(c);
}

/// `PowerShell`: '…' and "…".
fn powershell_forms(piece: &str, add: &mut impl FnMut(&str)) {
    add(&escaped(piece, |c, out| if c == '\'' { out.push_str("''") } else { out.push(c) }));
    for quote in ["`\"", "\"\""] {
        add(&escaped(piece, |c, out| match c {
            '"' => out.push_str(quote),
            '`' => out.push_str("``"),
            '$' => out.push_str("`$"),
            '\n' => out.push_str("`n"),
            '\r' => out.push_str("`r"),
            '\t' => out.push_str("`t"),
            c => out.push(c),
        }));
    }
    // An error message about an unquoted command is cut at its last `&`, with colours between the parts.
    if let Some(cut) = piece.rfind('&') {
        add(&piece[..=cut]);
        add(&piece[cut + 1..]);
    }
}
