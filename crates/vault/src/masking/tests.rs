use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use base64::prelude::*;
use proptest::prelude::*;

use super::*;

fn masker(secrets: &[(&str, &str)]) -> Masker {
    let secrets: Vec<_> = secrets
        .iter()
        .map(|(name, value)| (CredentialName::new(name).unwrap(), SecretString::from(*value)))
        .collect();
    Masker::new(secrets.iter().map(|(name, value)| (name, value))).unwrap()
}

/// One of everything that some form escapes, and lengths that base64 pads.
const AWKWARD: &str = r#"a'b"c\d$e`f&g<h>i/j+k=l m!n%o#pé🔑q~r(s)"#;

#[track_caller]
fn assert_masked(secret: &str, text: &str) {
    let masked = masker(&[("token", secret)]).mask_text(&format!("before {text} after"));
    assert_eq!(masked, "before ‹token ***› after", "for {text}");
}

#[test]
fn c4_raw() {
    assert_masked("hunter2hunter2", "hunter2hunter2");
    assert_masked(AWKWARD, AWKWARD);
    assert_eq!(masker(&[("token", "hunter22")]).mask_text("xhunter22y"), "x‹token ***›y");
}

#[test]
fn c4_base64_at_three_offsets_both_alphabets_with_and_without_padding() {
    // The second holds `+` and `/` (`-` and `_`) in base64.
    for secret in ["correct horse battery", "~~~???>>>~~~???>>>", AWKWARD] {
        let masker = masker(&[("token", secret)]);
        for before in ["", "u", "us", "use", "user", "user:"] {
            for after in ["", "\n", "ab", "abc"] {
                let plain = format!("{before}{secret}{after}");
                for encoded in [
                    BASE64_STANDARD.encode(&plain),
                    STANDARD_NO_PAD.encode(&plain),
                    BASE64_URL_SAFE.encode(&plain),
                    URL_SAFE_NO_PAD.encode(&plain),
                ] {
                    let shown = masker.mask_text(&encoded);
                    let left = shown.replacen("‹token ***›", "", 1);
                    // A character is six bits. Left are those of the neighbours, and one shared with each.
                    let first_bit = 8 * before.len();
                    let last_bit = first_bit + 8 * secret.len();
                    let neighbours = first_bit.div_ceil(6) + encoded.len() - last_bit / 6;
                    assert_ne!(shown, left, "{encoded} was not masked");
                    assert!(left.len() <= neighbours, "{plain:?}: {left} is left of {encoded}");
                    if after.is_empty() && before.len() % 3 == 0 {
                        assert_eq!(left, encoded[..before.len() / 3 * 4]);
                    }
                }
            }
        }
    }
}

#[test]
fn c4_base64_inside_a_url_and_in_lines() {
    assert_masked("~~~???>>>~~~???>>>", "fn5%2BPz8%2FPj4%2Bfn5%2BPz8%2FPj4%2B");
    assert_masked("~~~???>>>~~~???>>>", "fn5%2bPz8%2fPj4%2bfn5%2bPz8%2fPj4%2b");
    assert_masked("~~~???>>>~~~???>>>", r"fn5+Pz8\/Pj4+fn5+Pz8\/Pj4+");
    let secret: String = (0..200_u8).map(|i| char::from(b'0' + i % 75)).collect();
    let encoded = BASE64_STANDARD.encode(&secret);
    for width in [64, 76] {
        let lines: Vec<_> = encoded.as_bytes().chunks(width).map(String::from_utf8_lossy).collect();
        let masked = masker(&[("token", &secret)]).mask_text(&lines.join("\n"));
        assert!(masked.lines().all(|line| line == "‹token ***›" || line.len() < 8), "{masked}");
    }
}

#[test]
fn c4_urls_in_upper_and_lower_hexadecimal() {
    let secret = "p@ss w/rd&é:(1)*~'x";
    for encoded in [
        "p%40ss%20w%2Frd%26%C3%A9%3A%281%29%2A~%27x", // every reserved character
        "p%40ss%20w%2frd%26%c3%a9%3a%281%29%2a~%27x",
        "p%40ss+w%2Frd%26%C3%A9%3A%281%29%2A~%27x", // Python's quote_plus
        "p%40ss%20w/rd%26%C3%A9%3A%281%29%2A~%27x", // Python's quote
        "p%40ss%20w%2Frd%26%C3%A9%3A(1)*~'x",       // encodeURIComponent
        "p@ss%20w/rd&%C3%A9:(1)*~'x",               // encodeURI
        "p%40ss+w%2Frd%26%C3%A9%3A%281%29*%7E%27x", // a form
        "p%40ss%20w%2Frd&%C3%A9%3A(1)*~'x",         // https://user:…@host
    ] {
        assert_masked(secret, encoded);
    }
}

#[test]
fn c4_json() {
    let secret = "a\"b\\c/d<e>f&gé🔑\th'";
    let by_serde = serde_json::to_string(secret).unwrap();
    assert_masked(secret, &by_serde[1..by_serde.len() - 1]);
    for encoded in [
        r#"a\"b\\c/d<e>f&g\u00e9\ud83d\udd11\th'"#,      // Python
        r#"a\"b\\c/d<e>f&g\u00E9\uD83D\uDD11\th'"#,      // Newtonsoft
        r#"a\"b\\c\/d<e>f&g\u00e9\ud83d\udd11\th'"#,     // PHP
        "a\\\"b\\\\c/d\\u003ce\\u003ef\\u0026gé🔑\\th'", // Go
        r"a\u0022b\\c/d\u003Ce\u003Ef\u0026g\u00E9\uD83D\uDD11\th\u0027", // System.Text.Json
    ] {
        assert_masked(secret, encoded);
    }
}

#[test]
fn c4_xml() {
    let secret = r#"a<b>c&d"e'f"#;
    for encoded in [
        r#"a&lt;b&gt;c&amp;d"e'f"#,
        "a&lt;b&gt;c&amp;d&quot;e&apos;f",
        "a&lt;b&gt;c&amp;d&quot;e&#39;f",
        "a&lt;b&gt;c&amp;d&quot;e&#x27;f",
        "a&lt;b&gt;c&amp;d&#34;e&#39;f",
        r#"a&lt;b>c&amp;d"e'f"#,
    ] {
        assert_masked(secret, encoded);
    }
}

#[test]
fn c4_shell_and_powershell_quoted() {
    let secret = "it's $5 \"or\" `x` \\ !é";
    for quoted in [
        "it'\\''s $5 \"or\" `x` \\ !é",
        "it'\"'\"'s $5 \"or\" `x` \\ !é",
        "it's \\$5 \\\"or\\\" \\`x\\` \\\\ !é",
        "it's \\$5 \\\"or\\\" \\`x\\` \\\\ \\!é",
        "it\\'s\\ \\$5\\ \\\"or\\\"\\ \\`x\\`\\ \\\\\\ \\!é",
        "it\\'s $5 \"or\" `x` \\\\ !é",
        "it\\'s $5 \"or\" `x` \\\\ !\\303\\251",
        "it''s $5 \"or\" `x` \\ !é",
        "it's `$5 `\"or`\" ``x`` \\ !é",
        "it's `$5 \"\"or\"\" ``x`` \\ !é",
    ] {
        assert_masked(secret, quoted);
    }
    let masked = masker(&[("token", "first-part&second&third-part")])
        .mask_text("\u{1b}[96mfirst-part&second&\u{1b}[0mthird-part");
    assert_eq!(masked, "\u{1b}[96m‹token ***›\u{1b}[0m‹token ***›");
}

#[test]
fn c4_what_bash_really_prints_is_masked() {
    let script = r#"printf '%q\n' "$S"; printf '%s\n' "${S@Q}"; set -x; : "$S""#;
    for secret in [AWKWARD, "it's a [secret], {or} ^not;~|*?", "two lines\nof it's own"] {
        for locale in ["C", "C.UTF-8"] {
            let run = std::process::Command::new("bash")
                .args(["-c", script])
                .env("S", secret)
                .env("LC_ALL", locale)
                .output()
                .unwrap();
            for printed in [run.stdout, run.stderr] {
                let text = String::from_utf8_lossy(&printed).into_owned();
                let masked = masker(&[("token", secret)]).mask(&printed);
                let masked = String::from_utf8_lossy(&masked).into_owned();
                for line in masked.lines().filter(|line| !line.starts_with("+ :") || line.len() > 3) {
                    assert!(line.contains("‹token ***›"), "{locale}: {text} became {masked}");
                }
                let left = masked.replace("‹token ***›", "");
                assert!(left.chars().filter(|c| c.is_alphanumeric()).count() <= 2, "{locale}: {masked}");
            }
        }
    }
}

#[test]
fn c4_each_line_of_a_multi_line_secret() {
    let key =
        "-----BEGIN KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\r\n  MIIEvQIBADANBgkqhkiG9w0\n}\n-----END KEY-----\n";
    let masker = masker(&[("key", key)]);
    let log = "1: b3BlbnNzaC1rZXktdjEAAAAA\n2: MIIEvQIBADANBgkqhkiG9w0, }\n";
    assert_eq!(masker.mask_text(log), "1: ‹key ***›\n2: ‹key ***›, }\n");
    assert_eq!(masker.mask_text(key.trim()), "‹key ***›");
    let in_json = serde_json::to_string(key).unwrap();
    assert_eq!(masker.mask_text(&in_json), "\"‹key ***›\\n\"");
}

#[test]
fn c4_empty_and_very_short_secrets_never_mask() {
    let masker =
        masker(&[("empty", ""), ("blank", "        \n"), ("short", "1234567"), ("long", "12345678")]);
    assert_eq!(masker.mask_text("1234567 and 12345678 "), "1234567 and ‹long ***› ");
    assert_eq!(Masker::new([]).unwrap().mask_text("anything"), "anything");
}

#[test]
fn c4_overlapping_secrets_leave_nothing_of_either() {
    let masker = masker(&[("a", "abcdefghij"), ("b", "ghijklmnop")]);
    assert_eq!(masker.mask_text("_abcdefghijklmnop_"), "_‹a ***›_");
    assert_eq!(masker.mask_text("abcdefghijghijklmnop"), "‹a ***›‹b ***›");
}

#[test]
fn a_mask_has_the_name_of_the_longest_secret_that_begins_there() {
    let masker = masker(&[("long", "abcdefghij"), ("short", "abcdefgh")]);
    assert_eq!(masker.mask_text("abcdefghij abcdefghi"), "‹long ***› ‹short ***›i");
}

#[test]
fn c4_a_live_log_does_not_lag() {
    let masker = masker(&[("token", "hunter2hunter2")]);
    let mut stream = masker.stream();
    assert_eq!(stream.push(b"one line\n"), b"one line\n");
    assert_eq!(stream.push(b"Progress: 10 %"), b"Progress: 10 %");
    assert_eq!(stream.push(b" the huntsman\n"), b" the huntsman\n");
    // Only what may be the secret waits, and no longer than until it is not.
    assert_eq!(stream.push(b"go hunter2"), b"go ");
    assert_eq!(stream.push(b"hunt\n"), b"hunter2hunt\n");
    // A complete secret is masked at once.
    assert_eq!(stream.push(b"hunter2hunter2"), "‹token ***›".as_bytes());
    assert_eq!(stream.push(b"\nhunter"), b"\n");
    assert_eq!(stream.finish(), b"hunter");
}

#[test]
fn debug_shows_no_secret() {
    let masker = masker(&[("token", "hunter2hunter2")]);
    let mut stream = masker.stream();
    drop(stream.push(b"hunter2"));
    let shown = format!("{masker:?} {stream:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
}

/// Says the same as the stream, the slow way: which bytes are in any form, then one mask for each run of overlapping
/// forms.
fn by_definition(masker: &Masker, input: &[u8]) -> Vec<u8> {
    let mut found = Vec::new();
    for start in 0..input.len() {
        let here = masker.0.forms.iter().filter(|form| input[start..].starts_with(&form.bytes));
        if let Some(longest) = here.max_by_key(|form| form.bytes.len()) {
            found.push((start, start + longest.bytes.len(), &longest.mask));
        }
    }
    let (mut out, mut at) = (Vec::new(), 0);
    for (start, end, mask) in found {
        if start >= at {
            out.extend_from_slice(&input[at..start]);
            out.extend_from_slice(mask.as_bytes());
        }
        at = at.max(end);
    }
    out.extend_from_slice(&input[at..]);
    out
}

/// Awkward characters, and a two-letter alphabet that makes secrets overlap themselves and each other.
fn a_secret() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ab]{8,12}",
        r#"[a-c '"$&<>/+\\=é]{8,20}"#,
        "[a-zA-Z0-9+/]{8,40}",
        "[a-f]{4,12}\n[a-f]{8,12}"
    ]
    .prop_filter("as the vault stores them", |s| crate::check_value(&SecretString::from(s.as_str())).is_ok())
}

#[derive(Debug, Clone)]
enum Piece {
    Noise(String),
    /// The nth form of all, and how much of it.
    Form(prop::sample::Index, prop::sample::Index),
    Whole(prop::sample::Index),
}

fn a_log() -> impl Strategy<Value = Vec<Piece>> {
    let piece = prop_oneof![
        "[ab \n]{0,12}".prop_map(Piece::Noise),
        any::<(prop::sample::Index, prop::sample::Index)>().prop_map(|(form, cut)| Piece::Form(form, cut)),
        any::<prop::sample::Index>().prop_map(Piece::Whole),
    ];
    prop::collection::vec(piece, 0..8)
}

fn written(masker: &Masker, log: &[Piece]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for piece in log {
        match piece {
            Piece::Noise(text) => bytes.extend_from_slice(text.as_bytes()),
            Piece::Whole(form) => bytes.extend_from_slice(&form.get(&masker.0.forms).bytes),
            Piece::Form(form, cut) => {
                let form = &form.get(&masker.0.forms).bytes;
                bytes.extend_from_slice(&form[..cut.index(form.len())]);
            }
        }
    }
    bytes
}

proptest! {
    #[test]
    fn c4_any_cut_of_the_stream_gives_the_same_output_and_no_form_survives(
        secrets in prop::collection::vec(a_secret(), 1..4),
        log in a_log(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let named: Vec<_> = ["one", "two", "three"].into_iter().zip(secrets.iter().map(String::as_str)).collect();
        let masker = masker(&named);
        let input = written(&masker, &log);
        let expected = by_definition(&masker, &input);
        prop_assert_eq!(&masker.mask(&input), &expected);

        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(input.len() + 1)).collect();
        cuts.extend([0, input.len()]);
        cuts.sort_unstable();
        let mut stream = masker.stream();
        let mut output = Vec::new();
        for cut in cuts.windows(2) {
            output.extend(stream.push(&input[cut[0]..cut[1]]));
            // Held back is the beginning of some form, or nothing.
            let held = stream.held.as_slice();
            let begins = |form: &Form| form.bytes.len() > held.len() && form.bytes.starts_with(held);
            prop_assert!(held.is_empty() || masker.0.forms.iter().any(begins));
        }
        output.extend(stream.finish());
        prop_assert_eq!(&output, &expected);

        for form in &masker.0.forms {
            let survives = output.windows(form.bytes.len()).any(|window| window == form.bytes.as_slice());
            prop_assert!(!survives, "{:?} survived", String::from_utf8_lossy(&form.bytes));
        }
    }

    #[test]
    fn c4_byte_by_byte_is_the_same_too(secret in a_secret(), log in a_log()) {
        let masker = masker(&[("token", &secret)]);
        let input = written(&masker, &log);
        let mut stream = masker.stream();
        let mut output: Vec<u8> = input.iter().flat_map(|byte| stream.push(&[*byte])).collect();
        output.extend(stream.finish());
        prop_assert_eq!(output, by_definition(&masker, &input));
    }
}
