//! Parameters of `file`, and what a linter can say about them.

use firstlight_domain::{
    kind::{PackFiles, WithError},
    state::Failure,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    block,
    block::Comment,
    merge::{Format, Merge},
    template,
};
use crate::providers::{
    failure, paths,
    with::{Parameters, is_unresolved, one_line, read, wrong},
};

/// Parameters of `file`: `path`, and one of `content`, `source`, `template`, `block` and `merge`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "File")]
pub(super) struct With {
    /// The file on this machine; `~` at its start is the home folder.
    pub(super) path: String,
    /// What it shall hold, word for word.
    #[serde(default)]
    pub(super) content: Option<String>,
    /// A file of the pack that it shall be a copy of, by its path inside the pack.
    #[serde(default)]
    pub(super) source: Option<String>,
    /// A file of the pack that is rendered with `values`, by its path inside the pack: `${{ name }}` prints, `{% %}`
    /// controls, `{# #}` is a comment.
    #[serde(default)]
    pub(super) template: Option<String>,
    /// The names a `template` may use.
    #[serde(default)]
    pub(super) values: Option<Map<String, Value>>,
    /// Lines that it shall hold between two marker lines; everything else in it stays.
    #[serde(default)]
    pub(super) block: Option<String>,
    /// What begins a comment in the file, for the marker lines of `block`; `#` if not said.
    #[serde(default)]
    pub(super) comment: Option<Comment>,
    /// The name of the `block` in the file; the step's id if not said.
    #[serde(default)]
    pub(super) name: Option<String>,
    /// Fields that it shall have, however deep; lists and single values are replaced. Everything else in it stays,
    /// comments and order too. What comes from an expression is text.
    /// `null` is set in JSON and YAML; TOML and INI do not have it.
    #[serde(default)]
    pub(super) merge: Option<Map<String, Value>>,
    /// How the file of a `merge` is written; if not said, its name tells.
    #[serde(default)]
    pub(super) format: Option<Format>,
    /// Its permissions, as `chmod` takes them: `"0644"`. Not looked at on Windows.
    #[serde(default)]
    pub(super) mode: Option<String>,
}

/// The one way in which the content is said.
#[derive(Debug, Clone, Copy)]
pub(super) enum Said<'a> {
    Content(&'a str),
    Source(&'a str),
    Template(&'a str),
    Block(&'a str),
    Merge(&'a Map<String, Value>),
}

impl Parameters for With {
    fn consistent(&self) -> Result<(), WithError> {
        paths::check_machine("path", &self.path)?;
        if self.path.ends_with(['/', '\\']) || self.path == "~" {
            return Err(wrong("path", format!("`{}` is a folder", self.path)));
        }
        self.parse_mode()?;
        let said = self.said()?;
        let is = |field| {
            matches!(
                (field, said),
                ("template", Said::Template(_)) | ("block", Said::Block(_)) | ("merge", Said::Merge(_))
            )
        };
        for (field, given, of) in [
            ("values", self.values.is_some(), "template"),
            ("comment", self.comment.is_some(), "block"),
            ("name", self.name.is_some(), "block"),
            ("format", self.format.is_some(), "merge"),
        ] {
            if given && !is(of) {
                return Err(wrong(field, format!("is only known together with `{of}`")));
            }
        }
        match said {
            Said::Content(_) => Ok(()),
            Said::Source(file) => paths::check_in_pack("source", file),
            Said::Template(file) => {
                paths::check_in_pack("template", file)?;
                template::check_names(self.values.iter().flat_map(Map::keys))
            }
            Said::Block(text) => {
                if let Some(name) = &self.name {
                    one_line("name", name)?;
                    if name.trim().is_empty() {
                        return Err(wrong("name", "is empty"));
                    }
                }
                block::check_text(text)
            }
            Said::Merge(fields) => {
                let Some(format) = self.format.or_else(|| Format::of(&self.path)) else {
                    // A name that is not known yet may tell.
                    let name = self.path.rsplit(['/', '\\']).next().unwrap_or_default();
                    return if name.contains("}}") { Ok(()) } else { Err(self.no_format()) };
                };
                Merge::new(format, fields.clone()).map(drop).map_err(|what| wrong("merge", what))
            }
        }
    }
}

impl With {
    /// The one way in which the content is said.
    pub(super) fn said(&self) -> Result<Said<'_>, WithError> {
        const WAYS: &str = "`content`, `source`, `template`, `block` or `merge`";
        let ways = [
            self.content.as_deref().map(Said::Content),
            self.source.as_deref().map(Said::Source),
            self.template.as_deref().map(Said::Template),
            self.block.as_deref().map(Said::Block),
            self.merge.as_ref().map(Said::Merge),
        ];
        let mut said = ways.into_iter().flatten();
        match (said.next(), said.next()) {
            (Some(said), None) => Ok(said),
            (Some(_), Some(_)) => Err(wrong("", format!("has more than one of {WAYS}; one is enough"))),
            (None, _) => Err(wrong("", format!("should have {WAYS}"))),
        }
    }

    /// How the file of a `merge` is written.
    pub(super) fn format(&self) -> Result<Format, Failure> {
        self.format.or_else(|| Format::of(&self.path)).ok_or_else(|| failure(self.no_format().message))
    }

    fn no_format(&self) -> WithError {
        wrong(
            "format",
            format!(
                "the name of `{}` does not tell how it is written; say json, toml, yaml or ini",
                self.path
            ),
        )
    }

    pub(super) fn parse_mode(&self) -> Result<Option<u32>, WithError> {
        let Some(text) = self.mode.as_deref().filter(|text| !is_unresolved(text)) else {
            return Ok(None);
        };
        let octal = (3..=4).contains(&text.len()) && text.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
        match u32::from_str_radix(text, 8) {
            Ok(mode) if octal && mode <= 0o777 => Ok(Some(mode)),
            _ => Err(wrong("mode", format!("`{text}` should be permissions like \"0644\" or \"0600\""))),
        }
    }
}

/// Whether the files of the pack that it names are there, and a template can be rendered with the names it is given.
pub(super) fn inspect(with: &Value, files: &dyn PackFiles) -> Result<(), WithError> {
    let with: With = read(with)?;
    let find = |field: &str, file: &str| {
        files.read(file).ok_or_else(|| wrong(field, format!("there is no file `{file}` in the pack")))
    };
    let values = with.values.clone().unwrap_or_default();
    match with.said()? {
        Said::Source(file) if !is_unresolved(file) => find("source", file).map(drop),
        Said::Template(file) if !is_unresolved(file) => {
            let text = find("template", file)?;
            template::inspect(&text, &values).map_err(|what| wrong("template", format!("`{file}`: {what}")))
        }
        Said::Content(_) | Said::Source(_) | Said::Template(_) | Said::Block(_) | Said::Merge(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::providers::with::accepts;

    #[test]
    fn says_one_content_and_one_place() {
        let accepts = |with: Value| accepts::<With>(&with);
        for good in [
            json!({ "path": "~/a", "content": "" }),
            json!({ "path": "${{ inputs.w }}/a", "source": "data/a.csv", "mode": "0644" }),
            json!({ "path": "~/a", "template": "a.j2", "values": { "port": 1 } }),
            json!({ "path": "~/a", "block": "x", "comment": "--", "name": "ours" }),
            json!({ "path": "~/a.json", "merge": { "a": { "b": null } } }),
            json!({ "path": "~/a", "merge": { "a": 1 }, "format": "toml" }),
            json!({ "path": "~/${{ inputs.name }}", "merge": { "a": 1 } }),
        ] {
            assert_eq!(accepts(good.clone()), Ok(()), "{good}");
        }
        let path = |with| accepts(with).unwrap_err().path;
        assert_eq!(path(json!({ "path": "~/a" })), "");
        assert_eq!(path(json!({ "path": "~/a", "content": "", "source": "a" })), "");
        assert_eq!(path(json!({ "path": "~/a", "block": "", "merge": {} })), "");
        assert_eq!(path(json!({ "path": "~/a/", "content": "" })), "path");
        assert_eq!(path(json!({ "path": "~/../../etc/passwd", "content": "" })), "path");
        assert_eq!(path(json!({ "path": "~/a", "source": "../../etc/passwd" })), "source");
        assert_eq!(path(json!({ "path": "~/a", "template": "/etc/passwd" })), "template");
        assert_eq!(path(json!({ "path": "~/a", "template": "a", "values": { "a-b": 1 } })), "values.a-b");
        assert_eq!(path(json!({ "path": "~/a", "content": "", "values": {} })), "values");
        assert_eq!(path(json!({ "path": "~/a", "content": "", "name": "x" })), "name");
        assert_eq!(path(json!({ "path": "~/a", "block": "x", "comment": "rm" })), "comment");
        assert_eq!(path(json!({ "path": "~/a", "block": "x", "name": "a\nb" })), "name");
        assert_eq!(path(json!({ "path": "~/a", "block": "" })), "block");
        assert_eq!(path(json!({ "path": "~/a", "merge": { "a": 1 } })), "format");
        assert_eq!(path(json!({ "path": "~/a.json", "merge": {} })), "merge");
        assert_eq!(path(json!({ "path": "~/a.toml", "merge": { "a": null } })), "merge");
        assert_eq!(path(json!({ "path": "~/a.ini", "merge": { "a": { "b": { "c": 1 } } } })), "merge");
        for mode in ["644 ", "rw", "0999", "7777", "", "00644", "+644"] {
            assert_eq!(path(json!({ "path": "~/a", "content": "", "mode": mode })), "mode", "{mode}");
        }
        assert_eq!(path(json!({ "path": "~/a", "content": "", "mode": 644 })), "mode");
    }
}
