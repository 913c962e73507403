//! Brewfile: what `brew bundle` installs.
//!
//! Source: <https://docs.brew.sh/Brew-Bundle-and-Brewfile>. A Brewfile is Ruby; what is read of it is a word, a quoted
//! text without `#{}`, and options after commas, one statement a line. Everything else, above all whatever depends on a
//! condition, is listed: guessing would install what nobody asked for.

use serde_json::{Map, Value};

use super::{Draft, Format, Source, draft::Found, tree::Unreadable};

pub(super) struct Brewfile;

impl Format for Brewfile {
    fn name(&self) -> &'static str {
        "brewfile"
    }

    fn places(&self) -> &'static [&'static str] {
        &["Brewfile", ".Brewfile", "script/Brewfile"]
    }

    fn is_named(&self, name: &str) -> bool {
        let name = name.trim_start_matches('.');
        name == "Brewfile" || name.starts_with("Brewfile.") || name.ends_with(".Brewfile")
    }

    fn read(&self, source: &Source, draft: &mut Draft<'_>) -> Result<(), Unreadable> {
        let mut depth = 0_usize;
        for (line, text) in statements(&source.text) {
            let word =
                text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default();
            let opens = matches!(
                word,
                "if" | "unless" | "case" | "while" | "until" | "begin" | "def" | "class" | "module" | "for"
            ) || ends_in_block(&text);
            if word == "end" {
                depth = depth.saturating_sub(1);
                continue;
            }
            let closes = text.ends_with(" end") || text.ends_with(";end");
            if opens && !closes {
                depth += 1;
            }
            if opens || depth > 0 {
                draft.leave(line, &text, "it depends on Ruby code, which is not run");
                continue;
            }
            match Statement::of(&text) {
                Some(statement) => take(&statement, line, &text, draft),
                None => draft.leave(line, &text, "it is more of Ruby than is read here"),
            }
        }
        Ok(())
    }
}

/// Whether a line ends in `do` or `do |name|`.
fn ends_in_block(text: &str) -> bool {
    let text = text.trim_end();
    let before = text
        .strip_suffix('|')
        .and_then(|rest| rest.rsplit_once('|'))
        .map_or(text, |(before, _)| before.trim_end());
    before == "do" || before.ends_with(" do")
}

/// Statements with their first line; one goes on where a line ends in a comma.
fn statements(text: &str) -> Vec<(u32, String)> {
    let mut found: Vec<(u32, String)> = Vec::new();
    let (mut goes_on, mut documentation) = (false, false);
    for (number, line) in (1_u32..).zip(text.lines()) {
        if documentation || line.starts_with("=begin") {
            documentation = !line.starts_with("=end");
            continue;
        }
        let line = without_comment(line).trim();
        if line.is_empty() {
            continue;
        }
        match found.last_mut() {
            Some((_, statement)) if goes_on => {
                statement.push(' ');
                statement.push_str(line);
            }
            _ => found.push((number, line.to_owned())),
        }
        goes_on = line.ends_with(',');
    }
    found
}

fn without_comment(line: &str) -> &str {
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in line.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '#') => return &line[..at],
            _ => {}
        }
    }
    line
}

/// `word "name", options`.
struct Statement<'a> {
    word: &'a str,
    name: String,
    options: &'a str,
}

impl<'a> Statement<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let (word, rest) = text.split_once([' ', '\t'])?;
        let rest = rest.trim_start();
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let (name, after) = rest[1..].split_once(quote)?;
        if name.contains(['\\', '#']) || name.is_empty() {
            return None;
        }
        let after = after.trim();
        let options = if after.is_empty() { after } else { after.strip_prefix(',')?.trim() };
        // A condition behind it, or a value that is computed.
        let has_condition =
            [" if ", " unless ", " while ", " ? ", "#{"].iter().any(|word| options.contains(word));
        (!has_condition).then(|| Self { word, name: name.to_owned(), options })
    }
}

fn take(statement: &Statement<'_>, line: u32, text: &str, draft: &mut Draft<'_>) {
    let name = &statement.name;
    let package = |title: String| Found {
        name: name.rsplit('/').next().unwrap_or(name).to_owned(),
        title,
        uses: "package",
        with: Map::from_iter([("brew".to_owned(), Value::from(name.as_str()))]),
        ..Found::default()
    };
    let added = match statement.word {
        "brew" => draft.add(line, text, package(format!("Install {name}"))),
        "cask" => draft.add(line, text, Found { os: Some("macos"), ..package(format!("Install {name}")) }),
        "vscode" => {
            let words = |what: &str| vec!["code".to_owned(), what.to_owned(), name.clone()];
            if name.starts_with('-') {
                draft.leave(line, text, "its name would be taken for an option");
                return;
            }
            let found = Found {
                name: format!("vscode-{name}"),
                title: format!("Add {name} to VS Code"),
                run: words("--install-extension"),
                undo: words("--uninstall-extension"),
                ..Found::default()
            };
            draft.add(line, text, found)
        }
        "tap" => {
            draft.leave(
                line,
                text,
                "brew adds a tap by itself where a formula is written as `user/tap/formula`",
            );
            return;
        }
        "mas" => {
            draft.leave(
                line,
                text,
                "the App Store wants the person's own account: a `link` step can lead there",
            );
            return;
        }
        _ => {
            draft.leave(line, text, "no kind of step installs this");
            return;
        }
    };
    if added.is_some() && !statement.options.is_empty() {
        draft.leave(line, &format!("{name}, {}", statement.options), "a `package` step has no options");
    }
}
