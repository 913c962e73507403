//! Patterns of file names, as templates write them: `*`, `**`, `?`, `[a-z]`, `{a,b}` and `!`.

use regex::Regex;

use super::trouble::Trouble;

/// A list of patterns.
pub(super) struct Globs(Vec<Glob>);

struct Glob {
    pattern: Regex,
    /// A plain name, which stands for everything below it too.
    literal: Option<String>,
    negated: bool,
}

impl Globs {
    pub(super) fn new<'p>(patterns: impl IntoIterator<Item = &'p str>) -> Result<Self, Trouble> {
        patterns.into_iter().map(Glob::new).collect::<Result<_, _>>().map(Self)
    }

    /// Whether a path, with `/` between its names, is meant. The last pattern that fits decides.
    pub(super) fn matches(&self, path: &str) -> bool {
        self.0.iter().rev().find(|glob| glob.fits(path)).is_some_and(|glob| !glob.negated)
    }
}

impl Glob {
    fn new(text: &str) -> Result<Self, Trouble> {
        let (negated, pattern) = match text.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let pattern = pattern.strip_prefix("./").unwrap_or(pattern).trim_end_matches('/');
        let literal = (!pattern.contains(['*', '?', '[', '{'])).then(|| pattern.to_owned());
        let pattern = Regex::new(&translate(pattern)).map_err(|_| {
            Trouble::new(
                format!("`{text}` is not a pattern of file names"),
                "write it like `docs/**` or `*.md`",
            )
        })?;
        Ok(Self { pattern, literal, negated })
    }

    fn fits(&self, path: &str) -> bool {
        let below =
            |folder: &String| path.strip_prefix(folder.as_str()).is_some_and(|rest| rest.starts_with('/'));
        self.pattern.is_match(path) || self.literal.as_ref().is_some_and(below)
    }
}

fn translate(pattern: &str) -> String {
    let mut out = String::from("(?s)^");
    let mut rest = pattern;
    let mut alternatives = 0_usize;
    while let Some(ch) = rest.chars().next() {
        let mut taken = ch.len_utf8();
        match ch {
            _ if rest.starts_with("**/") => {
                out.push_str("(?:.*/)?");
                taken = 3;
            }
            _ if rest.starts_with("**") => {
                out.push_str(".*");
                taken = 2;
            }
            '*' => out.push_str("[^/]*"),
            '?' => out.push_str("[^/]"),
            '[' => match rest[1..].find(']') {
                Some(end) => {
                    let class = rest[1..=end].replace('\\', "\\\\").replace('[', "\\[");
                    out.push('[');
                    out.push_str(&class.strip_prefix('!').map_or(class.clone(), |class| format!("^{class}")));
                    out.push(']');
                    taken = end + 2;
                }
                None => out.push_str("\\["),
            },
            '{' => {
                alternatives += 1;
                out.push_str("(?:");
            }
            '}' if alternatives > 0 => {
                alternatives -= 1;
                out.push(')');
            }
            ',' if alternatives > 0 => out.push('|'),
            _ => out.push_str(&regex::escape(&rest[..taken])),
        }
        rest = &rest[taken..];
    }
    out.push('$');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_matched_as_a_shell_would() {
        let matches =
            |patterns: &[&str], path: &str| Globs::new(patterns.iter().copied()).unwrap().matches(path);
        for (patterns, path, expected) in [
            (&["*.md"][..], "README.md", true),
            (&["*.md"], "docs/README.md", false),
            (&["**/*.md"], "README.md", true),
            (&["**/*.md"], "a/b/c.md", true),
            (&[".github/workflows/"], ".github/workflows/ci.yaml", true),
            (&[".github"], ".github/workflows/ci.yaml", true),
            (&[".github"], ".githubx/a", false),
            (&[".github/*"], ".github/workflows/ci.yaml", false),
            (&["docs/**"], "docs/a/b", true),
            (&["*.{js,ts}"], "a.ts", true),
            (&["*.{js,ts}"], "a.tsx", false),
            (&["[a-c].txt"], "b.txt", true),
            (&["[!a-c].txt"], "b.txt", false),
            (&["a?c"], "abc", true),
            (&["./a"], "a", true),
            (&["**", "!keep/**"], "keep/a", false),
            (&["**", "!keep/**"], "a", true),
            (&["a.b"], "axb", false),
        ] {
            assert_eq!(matches(patterns, path), expected, "{patterns:?} {path}");
        }
        assert!(Globs::new(["{a"]).is_err());
    }
}
