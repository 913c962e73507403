//! The actions a template may use: the ones that can be done on one's own machine. Everything else is refused by name.

use serde_json::{Map, Value};

use super::{template::TemplateStep, trouble::Trouble};
use crate::providers::naming::{did_you_mean, list};

/// An action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    FetchTemplate,
    FetchTemplateFile,
    FetchPlain,
    FetchPlainFile,
    Delete,
    Rename,
    ReadDir,
    Log,
    Wait,
    /// Makes a repository out of the result; done by git where the pack says to which address.
    Publish,
    WriteCatalog,
    RegisterCatalog,
}

/// Their names.
const KNOWN: &[(&str, Action)] = &[
    ("catalog:register", Action::RegisterCatalog),
    ("catalog:write", Action::WriteCatalog),
    ("debug:log", Action::Log),
    ("debug:wait", Action::Wait),
    ("fetch:plain", Action::FetchPlain),
    ("fetch:plain:file", Action::FetchPlainFile),
    ("fetch:template", Action::FetchTemplate),
    ("fetch:template:file", Action::FetchTemplateFile),
    ("fs:delete", Action::Delete),
    ("fs:readdir", Action::ReadDir),
    ("fs:rename", Action::Rename),
    ("publish:azure", Action::Publish),
    ("publish:bitbucket", Action::Publish),
    ("publish:bitbucketCloud", Action::Publish),
    ("publish:bitbucketServer", Action::Publish),
    ("publish:gerrit", Action::Publish),
    ("publish:gitea", Action::Publish),
    ("publish:github", Action::Publish),
    ("publish:gitlab", Action::Publish),
];

/// Actions people know that need a server: what each would do, for the message.
const ELSEWHERE: &[(&str, &str)] = &[
    (
        "fetch:cookiecutter",
        "runs cookiecutter in a container; `fetch:template` renders the same here once its names are `values.x`",
    ),
    ("fetch:rails", "runs rails in a container; a `command` step can"),
    ("publish:github:pull-request", "opens a pull request through GitHub's own interface"),
    ("publish:gitlab:merge-request", "opens a merge request through GitLab's own interface"),
    ("publish:bitbucketServer:pull-request", "opens a pull request through Bitbucket's own interface"),
    ("publish:bitbucketCloud:pull-request", "opens a pull request through Bitbucket's own interface"),
    ("publish:gerrit:review", "opens a review through Gerrit's own interface"),
    ("catalog:fetch", "asks the catalog of a Backstage server"),
];

impl Action {
    /// What a step does. Unknown: an error that names the step, what is near, and what there is.
    pub(super) fn of(step: &TemplateStep) -> Result<Self, Trouble> {
        if let Some((_, action)) = KNOWN.iter().find(|(name, _)| *name == step.action) {
            return Ok(*action);
        }
        let names = || KNOWN.iter().map(|(name, _)| *name);
        let leave_out = format!("to go on without it, write `skip: [{}]`", step.id);
        if let Some((_, why)) = ELSEWHERE.iter().find(|(name, _)| *name == step.action) {
            return Err(Trouble::new(
                format!("{} cannot be done on one's own machine: it {why}", step.label()),
                leave_out,
            ));
        }
        Err(Trouble::new(
            format!("{} uses an action that is not known here", step.label()),
            format!("{}known are {}; {leave_out}", did_you_mean(&step.action, names()), list(names())),
        ))
    }

    /// The input it takes; `None`: some is used, and what only a server could use is left unread.
    pub(super) fn inputs(self) -> Option<&'static [&'static str]> {
        Some(match self {
            Self::FetchTemplate => &[
                "url",
                "targetPath",
                "values",
                "copyWithoutRender",
                "copyWithoutTemplating",
                "cookiecutterCompat",
                "templateFileExtension",
                "replace",
                "trimBlocks",
                "lstripBlocks",
                "token",
            ],
            Self::FetchTemplateFile => &[
                "url",
                "targetPath",
                "values",
                "cookiecutterCompat",
                "replace",
                "trimBlocks",
                "lstripBlocks",
                "token",
            ],
            Self::FetchPlain | Self::FetchPlainFile => &["url", "targetPath", "token"],
            Self::Delete | Self::Rename => &["files"],
            Self::ReadDir => &["paths", "recursive"],
            Self::Log => &["message", "listWorkspace", "extra"],
            Self::Wait => &["minutes", "seconds", "milliseconds"],
            Self::WriteCatalog => &["filePath", "entity"],
            Self::Publish | Self::RegisterCatalog => return None,
        })
    }

    /// The part of a step's input that is used here. Tokens are for servers, and never read.
    pub(super) fn used(self, step: &TemplateStep) -> Result<Map<String, Value>, Trouble> {
        let used: &[&str] = match self {
            Self::Publish => &["sourcePath", "defaultBranch", "gitCommitMessage"],
            Self::RegisterCatalog => &["catalogInfoUrl", "repoContentsUrl", "catalogInfoPath", "optional"],
            _ => {
                let known = self.inputs().unwrap_or_default();
                if let Some(name) = step.input.keys().find(|name| !known.contains(&name.as_str())) {
                    return Err(Trouble::new(
                        format!("{} has the input `{name}`, which is not known here", step.label()),
                        format!(
                            "{}it takes {}",
                            did_you_mean(name, known.iter().copied()),
                            list(known.iter().copied())
                        ),
                    ));
                }
                known
            }
        };
        let kept = step.input.iter().filter(|(name, _)| used.contains(&name.as_str()) && *name != "token");
        Ok(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
    }
}

/// A step's input, resolved.
pub(super) struct Input<'s> {
    pub(super) step: &'s TemplateStep,
    pub(super) fields: Map<String, Value>,
}

impl Input<'_> {
    /// Something wrong with it.
    pub(super) fn wrong(&self, what: impl std::fmt::Display) -> Trouble {
        Trouble::new(
            format!("{}: {what}", self.step.label()),
            "change the template, or the values it is given",
        )
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, Trouble> {
        match self.fields.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong(format!("`{name}` should be a text"))),
        }
    }

    pub(super) fn needed(&self, name: &str) -> Result<&str, Trouble> {
        let text = self.text(name)?.filter(|text| !text.is_empty());
        text.ok_or_else(|| self.wrong(format!("`{name}` is missing")))
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool, Trouble> {
        match self.fields.get(name) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(self.wrong(format!("`{name}` should be true or false"))),
        }
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<f64>, Trouble> {
        match self.fields.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => {
                let number = value.as_f64().filter(|number| *number >= 0.0);
                number.map(Some).ok_or_else(|| self.wrong(format!("`{name}` should be a number, 0 or more")))
            }
        }
    }

    pub(super) fn list(&self, name: &str) -> Result<Option<&[Value]>, Trouble> {
        match self.fields.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Array(items)) => Ok(Some(items)),
            Some(_) => Err(self.wrong(format!("`{name}` should be a list"))),
        }
    }

    pub(super) fn texts(&self, name: &str) -> Result<Option<Vec<&str>>, Trouble> {
        let Some(items) = self.list(name)? else { return Ok(None) };
        let texts = items.iter().map(|item| {
            item.as_str().ok_or_else(|| self.wrong(format!("`{name}` should be a list of texts")))
        });
        texts.collect::<Result<_, _>>().map(Some)
    }

    pub(super) fn group(&self, name: &str) -> Result<Map<String, Value>, Trouble> {
        match self.fields.get(name) {
            None | Some(Value::Null) => Ok(Map::new()),
            Some(Value::Object(fields)) => Ok(fields.clone()),
            Some(_) => Err(self.wrong(format!("`{name}` should be a group of fields"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn step(action: &str, input: &Value) -> TemplateStep {
        TemplateStep {
            id: "one".into(),
            name: "One".into(),
            action: action.into(),
            input: input.as_object().unwrap().clone(),
            condition: None,
            each: None,
        }
    }

    #[test]
    fn an_unknown_action_is_named_with_what_is_near() {
        let trouble = Action::of(&step("fetch:templat", &json!({}))).unwrap_err();
        assert!(trouble.cause.contains("step `one` (`fetch:templat`)"), "{trouble}");
        assert!(trouble.hint.starts_with("did you mean `fetch:template`?"), "{}", trouble.hint);
        assert!(trouble.hint.contains("`fs:rename`"), "all are listed: {}", trouble.hint);
        let trouble = Action::of(&step("publish:github:pull-request", &json!({}))).unwrap_err();
        assert!(trouble.cause.contains("pull request"), "{trouble}");
        assert!(trouble.hint.contains("skip: [one]"), "{}", trouble.hint);
    }

    #[test]
    fn c5_tokens_are_never_read() {
        for (action, name) in [(Action::Publish, "publish:github"), (Action::FetchTemplate, "fetch:template")]
        {
            let step = step(name, &json!({ "token": "${{ secrets.TOKEN }}" }));
            assert_eq!(action.used(&step).unwrap(), Map::new());
        }
    }

    #[test]
    fn input_nobody_would_read_is_said() {
        let wrong = step("fetch:plain", &json!({ "url": ".", "tagetPath": "x" }));
        let trouble = Action::FetchPlain.used(&wrong).unwrap_err();
        assert!(trouble.hint.starts_with("did you mean `targetPath`?"), "{}", trouble.hint);
    }
}
