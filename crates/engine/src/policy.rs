//! The pack's policy, enforced on what a step declares. What a command does by itself is nobody's declaration.

use firstlight_domain::{
    expr::Scope,
    id::CredentialName,
    kind::Capabilities,
    pack::{Elevation, Pack, Step},
    state::Failure,
};

use crate::{probe::is_listed, providers};

/// Whether the pack's policy lets a step do what it declares.
pub(crate) fn allowed(pack: &Pack, step: &Step, wants: &Capabilities, scope: &Scope) -> Result<(), Failure> {
    let policy = &pack.policy;
    let refuse = |what: String, add: String| {
        Err(Failure {
            cause: format!("the pack's policy does not allow it to {what}"),
            last_lines: Vec::new(),
            hint: Some(format!("the pack's owner can add {add} to `policy.capabilities`")),
        })
    };
    if (wants.elevation || step.elevation == Elevation::Elevated) && !policy.elevation {
        return refuse("ask for administrator rights".to_owned(), "`elevation: true`".to_owned());
    }
    let unresolved = |text: &&String| !text.contains("${{");
    if let Some(host) = wants.hosts.iter().filter(unresolved).find(|host| !is_listed(host, &policy.hosts)) {
        return refuse(format!("contact {host}"), format!("`{host}`, below `hosts`,"));
    }
    for (wanted, listed, does, field) in
        [(&wants.paths, &policy.paths, "write", "paths"), (&wants.reads, &policy.reads, "read", "reads")]
    {
        let Some(listed) = listed else { continue };
        let folders: Vec<_> = listed
            .iter()
            .filter_map(|path| match scope.render(path) {
                Ok(firstlight_domain::expr::Rendered::Known(path)) => {
                    Some(providers::path(&path, scope.facts()))
                }
                Ok(firstlight_domain::expr::Rendered::Unknown { .. }) | Err(_) => None,
            })
            .collect();
        let outside = |path: &&String| {
            let path = providers::path(path, scope.facts());
            !folders.iter().any(|folder| path.starts_with(folder))
        };
        if let Some(path) = wanted.iter().filter(unresolved).find(outside) {
            return refuse(
                format!("{does} {path}"),
                format!("`{path}` or a folder above it, below `{field}`,"),
            );
        }
    }
    let used =
        wants.secrets.iter().map(String::as_str).chain(step.secrets.names().map(CredentialName::as_str));
    for name in used {
        if !policy.secrets.iter().any(|listed| listed.as_str() == name) {
            return refuse(format!("use the credential `{name}`"), format!("`{name}`, below `secrets`,"));
        }
    }
    Ok(())
}
