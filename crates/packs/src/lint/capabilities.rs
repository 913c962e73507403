//! What steps do, against what the policy allows: administrator rights, hosts, folders, credentials.

use std::ops::Range;

use firstlight_domain::{host::host_of, id::CredentialName, kind::Capabilities, pack::Elevation};

use crate::{
    problem::{ProblemCode, Problems},
    read::{Draft, step::StepDraft},
};

pub(super) fn check(draft: &Draft<'_, '_>, asked: &[Capabilities], problems: &mut Problems<'_>) {
    for (step, asked) in draft.steps.values().zip(asked) {
        elevation(step, asked, draft, problems);
        hosts(step, asked, draft, problems);
        paths(step, asked, draft, problems);
        secrets(step, asked, draft, problems);
    }
}

fn elevation(
    step: &StepDraft<'_, '_>,
    asked: &Capabilities,
    draft: &Draft<'_, '_>,
    problems: &mut Problems<'_>,
) {
    if draft.policy.elevation {
        return;
    }
    let (span, message) = if step.step.elevation == Elevation::Elevated {
        (
            step.field("elevation"),
            format!("`{}` asks for administrator rights, and the policy has none", step.step.id),
        )
    } else if asked.elevation {
        let kind = &step.step.uses;
        (step.field("uses"), format!("`{kind}` needs administrator rights, and the policy has none"))
    } else {
        return;
    };
    problems
        .error(ProblemCode::CapabilityNotDeclared, span, message)
        .help("add `elevation: true` to `policy.capabilities`");
}

fn hosts(step: &StepDraft<'_, '_>, asked: &Capabilities, draft: &Draft<'_, '_>, problems: &mut Problems<'_>) {
    let probe = step.step.probe.as_ref();
    let probed = probe.and_then(|probe| Some((probe.host()?, step.field("probe"))));
    let asked = asked.hosts.iter().filter_map(|host| Some((host_of(host)?, place(step, host))));
    for (host, span) in asked.chain(probed) {
        // What an expression gives is known when the step is run, and checked then.
        if host.contains("${{") || draft.policy.hosts.iter().any(|allowed| covers(allowed, &host)) {
            continue;
        }
        problems
            .error(
                ProblemCode::CapabilityNotDeclared,
                span,
                format!("`{}` contacts `{host}`, which the policy does not list", step.step.id),
            )
            .help(format!("add `{host}` to `policy.capabilities.hosts`"));
    }
}

fn paths(step: &StepDraft<'_, '_>, asked: &Capabilities, draft: &Draft<'_, '_>, problems: &mut Problems<'_>) {
    let policy = &draft.policy;
    for (asked, allowed, does, field) in
        [(&asked.paths, &policy.paths, "writes", "paths"), (&asked.reads, &policy.reads, "reads", "reads")]
    {
        let Some(allowed) = allowed else { continue };
        for path in asked {
            if starts_unknown(path) || allowed.iter().any(|folder| contains(folder, path)) {
                continue;
            }
            problems
                .error(
                    ProblemCode::CapabilityNotDeclared,
                    place(step, path),
                    format!("`{}` {does} `{path}`, which the policy does not list", step.step.id),
                )
                .help(format!("add its folder to `policy.capabilities.{field}`"));
        }
    }
}

fn secrets(
    step: &StepDraft<'_, '_>,
    asked: &Capabilities,
    draft: &Draft<'_, '_>,
    problems: &mut Problems<'_>,
) {
    let handed = step.secrets.iter().map(|(name, span)| (name.as_str(), span.clone()));
    let by_kind = asked
        .secrets
        .iter()
        .filter(|name| !step.secrets.iter().any(|(handed, _)| handed.as_str() == name.as_str()))
        .map(|name| (name.as_str(), place(step, name)));
    for (name, span) in handed.chain(by_kind) {
        let listed = draft.policy.secrets.iter().map(CredentialName::as_str).any(|allowed| allowed == name);
        if listed || name.contains("${{") {
            continue;
        }
        problems
            .error(
                ProblemCode::CapabilityNotDeclared,
                span,
                format!("`{}` uses the credential `{name}`, which the policy does not list", step.step.id),
            )
            .help(format!("add `{name}` to `policy.capabilities.secrets`"));
    }
}

/// The parameter whose text has to do with a capability; `uses` if none has.
fn place(step: &StepDraft<'_, '_>, what: &str) -> Range<usize> {
    fn find(value: &serde_json::Value, what: &str, path: &str) -> Option<String> {
        match value {
            serde_json::Value::String(text) => text.contains(what).then(|| path.to_owned()),
            serde_json::Value::Array(items) => items.iter().enumerate().find_map(|(index, item)| {
                find(item, what, &crate::read::with::join(path, &index.to_string()))
            }),
            serde_json::Value::Object(fields) => {
                fields.iter().find_map(|(name, item)| find(item, what, &crate::read::with::join(path, name)))
            }
            serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => None,
        }
    }
    find(&step.step.with, what, "").map_or_else(|| step.field("uses"), |path| step.locate(&path))
}

/// Whether an entry of `policy.hosts` covers a host: by name, or `*.example.com` for every name below it.
fn covers(allowed: &str, host: &str) -> bool {
    match allowed.strip_prefix("*.") {
        Some(domain) => host
            .strip_suffix(&domain.to_ascii_lowercase())
            .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
        None => host_of(allowed).is_some_and(|allowed| allowed == host),
    }
}

/// Whether a path begins with an output: where it leads is known when the step is run, and checked then.
fn starts_unknown(path: &str) -> bool {
    path.trim_start().strip_prefix("${{").is_some_and(|rest| {
        let expression = rest.split("}}").next().unwrap_or_default();
        expression.contains("steps.")
    })
}

/// Whether a folder holds a path, as both are written.
fn contains(folder: &str, path: &str) -> bool {
    let (folder, path) = (plain_path(folder), plain_path(path));
    let folder = folder.trim_end_matches('/');
    !path.split('/').any(|segment| segment == "..")
        && path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// One spelling of a path: no spaces inside `${{ }}`, `~` for the home folder, `/` between names.
fn plain_path(path: &str) -> String {
    let mut plain = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(start) = rest.find("${{") {
        plain.push_str(&rest[..start].replace('\\', "/"));
        let inner = &rest[start + 3..];
        let end = inner.find("}}").unwrap_or(inner.len());
        let expression = inner[..end].trim();
        if expression == "facts.home" {
            plain.push('~');
        } else {
            plain.push_str("${{");
            plain.push_str(expression);
            plain.push_str("}}");
        }
        rest = inner.get(end + 2..).unwrap_or_default();
    }
    plain.push_str(&rest.replace('\\', "/"));
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_covered_by_name_or_by_domain() {
        assert!(covers("Example.com", "example.com"));
        assert!(covers("localhost:8080", "localhost"));
        assert!(covers("*.example.com", "git.example.com"));
        assert!(!covers("*.example.com", "example.com"));
        assert!(!covers("*.example.com", "badexample.com"));
        assert!(!covers("example.com", "git.example.com"));
    }

    #[test]
    fn folders_hold_what_is_written_below_them() {
        assert!(contains("${{inputs.workspace}}", "${{ inputs.workspace }}/orders"));
        assert!(contains("~/src/", "${{ facts.home }}/src/a"));
        assert!(contains("~/src", "~/src"));
        assert!(!contains("~/src", "~/src2"));
        assert!(!contains("~/src", "~/src/../.ssh"));
        assert!(!contains("~/src", "~/.bashrc"));
        assert!(starts_unknown("${{ steps.clone.outputs.path }}/x"));
        assert!(!starts_unknown("${{ inputs.workspace }}/steps.x"));
    }
}
