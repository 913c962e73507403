//! The npm packages in the pages. npm writes the bill; what only builds and tests the pages is left out of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use anyhow::{Context, Result};
use serde_json::Value;

use super::Parts;
use crate::workspace::Workspace;

/// Everything that `dependencies` of `ui/package.json` bring, and their names in the bill.
pub(super) fn parts(workspace: &Workspace) -> Result<(Parts, Vec<String>)> {
    let text = workspace
        .npm()
        .args(["sbom", "--package-lock-only", "--sbom-format", "cyclonedx", "--sbom-type", "application"])
        .read()
        .context("npm wrote no bill of materials; it can since npm 10")?;
    let bill = serde_json::from_str(&text).context("npm's bill of materials is not JSON")?;
    let manifest = workspace.root.join("ui/package.json");
    let manifest =
        fs::read_to_string(&manifest).with_context(|| format!("{} cannot be read", manifest.display()))?;
    let manifest: Value = serde_json::from_str(&manifest).context("ui/package.json is not JSON")?;
    shipped(&bill, &manifest)
}

/// What is reached from the manifest's `dependencies`. Not by `npm sbom --omit dev`: that also omits what a package for
/// development asks its user to have, such as Svelte.
fn shipped(bill: &Value, manifest: &Value) -> Result<(Parts, Vec<String>)> {
    let array = |field: &str| bill[field].as_array().with_context(|| format!("npm's bill has no {field}"));
    let components: BTreeMap<&str, &Value> =
        array("components")?.iter().filter_map(|it| Some((it["bom-ref"].as_str()?, it))).collect();
    let depends: BTreeMap<&str, Vec<&str>> = array("dependencies")?
        .iter()
        .filter_map(|it| {
            let on = it["dependsOn"].as_array()?.iter().filter_map(Value::as_str).collect();
            Some((it["ref"].as_str()?, on))
        })
        .collect();
    let wanted = manifest["dependencies"].as_object().context("ui/package.json has no dependencies")?;
    let mut direct = Vec::new();
    for (name, version) in wanted {
        let name = format!("{name}@{}", version.as_str().unwrap_or_default());
        let (known, _) = components.get_key_value(name.as_str()).with_context(|| {
            format!("{name} is not in npm's bill; versions in ui/package.json have to be exact")
        })?;
        direct.push(*known);
    }
    let mut parts = Parts::default();
    let mut seen: BTreeSet<&str> = direct.iter().copied().collect();
    let mut waiting = direct.clone();
    while let Some(part) = waiting.pop() {
        let component =
            components.get(part).with_context(|| format!("npm's bill does not describe {part}"))?;
        let on = depends.get(part).cloned().unwrap_or_default();
        parts.components.insert(part.to_owned(), (*component).clone());
        parts.depends.insert(part.to_owned(), on.iter().map(|&it| it.to_owned()).collect());
        waiting.extend(on.into_iter().filter(|on| seen.insert(on)));
    }
    Ok((parts, direct.into_iter().map(str::to_owned).collect()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_the_pages_bring_is_in_the_bill() {
        let bill = json!({
            "components": [
                { "bom-ref": "svelte@5.0.0" }, { "bom-ref": "clsx@2.0.0" }, { "bom-ref": "eslint@9.0.0" }
            ],
            "dependencies": [
                { "ref": "ui@1", "dependsOn": ["svelte@5.0.0", "eslint@9.0.0"] },
                { "ref": "svelte@5.0.0", "dependsOn": ["clsx@2.0.0"] },
                { "ref": "clsx@2.0.0", "dependsOn": ["svelte@5.0.0"] },
            ],
        });
        let (parts, direct) = shipped(&bill, &json!({ "dependencies": { "svelte": "5.0.0" } })).unwrap();
        assert_eq!(direct, ["svelte@5.0.0"]);
        assert_eq!(parts.components.keys().collect::<Vec<_>>(), ["clsx@2.0.0", "svelte@5.0.0"]);
        let loose = json!({ "dependencies": { "svelte": "^5" } });
        assert!(shipped(&bill, &loose).unwrap_err().to_string().contains("exact"));
    }
}
