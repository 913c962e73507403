//! Where a link or a picture of a document leads.

use firstlight_domain::id::StepId;

use super::Documents;

/// What stands before a step's id.
const STEP: &str = "step:";

/// Where a link leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Out of the pack: `https:` or `mailto:`, for the person's own browser or mail program.
    Outside(String),
    /// To a file of the pack, whether it is there or not; by its path from the pack's folder.
    File {
        /// The path, with `/`.
        path: String,
        /// A heading of it.
        anchor: Option<String>,
    },
    /// To a step (`step:ID`), whether it is there or not.
    Step(StepId),
    /// Nowhere that a document may lead: another scheme, out of the pack, an address of the machine.
    Nowhere,
}

impl Target {
    /// Reads a link that stands in the file `from` of a pack; for what stands in `pack.yaml`, `from` is that.
    pub fn read(from: &str, link: &str) -> Self {
        if link.chars().any(char::is_control) {
            return Self::Nowhere;
        }
        let lower = link.to_ascii_lowercase();
        if lower.starts_with("https://") || lower.starts_with("mailto:") {
            return Self::Outside(link.to_owned());
        }
        if let Some(id) = link.strip_prefix(STEP) {
            return StepId::new(id).map_or(Self::Nowhere, Self::Step);
        }
        let (path, anchor) = match link.split_once('#') {
            Some((path, anchor)) => (path, Some(percent_decoded(anchor)).filter(|anchor| !anchor.is_empty())),
            None => (link, None),
        };
        if path.is_empty() {
            return Self::File { path: from.to_owned(), anchor };
        }
        match beside(from, &percent_decoded(path)) {
            Some(path) => Self::File { path, anchor },
            None => Self::Nowhere,
        }
    }
}

impl Documents {
    /// A link as a reader can follow it: `None` where it leads to what is not there, or nowhere. Whether a step is there
    /// is not known here.
    pub fn followed(&self, from: &str, link: &str) -> Option<Target> {
        match Target::read(from, link) {
            Target::Nowhere => None,
            Target::File { path, .. } if !self.has(&path) => None,
            target => Some(target),
        }
    }
}

/// A path that is relative to a file of the pack, from the pack's folder. None if it leads out, or is no relative path.
fn beside(from: &str, path: &str) -> Option<String> {
    if path.starts_with('/') || path.contains(['\\', ':', '?', '\0']) {
        return None;
    }
    let mut names: Vec<&str> = from.split('/').collect();
    names.pop();
    for name in path.split('/').filter(|name| !name.is_empty() && *name != ".") {
        if name == ".." {
            names.pop()?;
        } else {
            names.push(name);
        }
    }
    (!names.is_empty()).then(|| names.join("/"))
}

/// `%20` and its like as what they stand for; what is no such sign, or no text, stays as it is.
pub fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let sign = (first == b'%').then(|| after.get(..2)).flatten();
        let sign = sign.and_then(|pair| std::str::from_utf8(pair).ok());
        match sign.filter(|pair| pair.bytes().all(|digit| digit.is_ascii_hexdigit())) {
            Some(pair) => {
                bytes.extend(u8::from_str_radix(pair, 16));
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, anchor: Option<&str>) -> Target {
        Target::File { path: path.to_owned(), anchor: anchor.map(str::to_owned) }
    }

    #[test]
    fn links_are_relative_to_their_document() {
        let read = |link| Target::read("docs/guide/vpn.md", link);
        assert_eq!(read("setup.md"), file("docs/guide/setup.md", None));
        assert_eq!(read("../a%20b.md#reaching-it"), file("docs/a b.md", Some("reaching-it")));
        assert_eq!(read("./../../README.md"), file("README.md", None));
        assert_eq!(read("#here"), file("docs/guide/vpn.md", Some("here")));
        assert_eq!(read("x.md#"), file("docs/guide/x.md", None));
        assert_eq!(Target::read("pack.yaml", "docs/x.md"), file("docs/x.md", None));
        assert_eq!(read("step:ssh-key"), Target::Step(StepId::new("ssh-key").unwrap()));
        assert_eq!(read("HTTPS://acme.test/x"), Target::Outside("HTTPS://acme.test/x".into()));
        assert_eq!(read("100%25.md"), file("docs/guide/100%.md", None));
        assert_eq!(read("100%.md"), file("docs/guide/100%.md", None));
    }

    #[test]
    fn d3_what_leads_elsewhere_leads_nowhere() {
        for link in [
            "../../../etc/passwd",
            "..%2f..%2f..%2fetc%2fpasswd",
            "%2e%2e/%2e%2e/%2e%2e/etc/passwd",
            "/etc/passwd",
            "%2fetc/passwd",
            "//evil.test/x",
            "..\\..\\..\\windows",
            "..%5c..%5cwindows",
            "C:/windows",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "JAVASCRIPT:alert(1)",
            "java\tscript:alert(1)",
            "data:text/html,x",
            "http://plain.test",
            "vbscript:x",
            "step:",
            "step:../x",
            "a%00.md",
            "https://a.test/\u{7}",
            "x.md?y",
            "..",
            "../..",
        ] {
            assert_eq!(Target::read("docs/x.md", link), Target::Nowhere, "{link}");
        }
    }
}
