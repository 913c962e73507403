//! Files of the pack that parameters name: they are there, and inside.

use crate::{
    folder::Folder,
    names,
    problem::{ProblemCode, Problems},
    read::step::StepDraft,
};

/// Parameters that name a file of the pack: kind, parameter, and the ending that makes it one.
const NAMED: &[(&str, &str, &str)] =
    &[("read", "doc", ""), ("file", "source", ""), ("git/clone", "url", ".bundle")];

pub(super) fn check(step: &StepDraft<'_, '_>, folder: &Folder, problems: &mut Problems<'_>) {
    for (_, field, ending) in NAMED.iter().filter(|(kind, ..)| *kind == step.step.uses) {
        let Some(path) = step.step.with.get(field).and_then(|value| value.as_str()) else { continue };
        let elsewhere = path.contains("${{") || !path.ends_with(ending);
        if elsewhere || (!ending.is_empty() && path.contains(':')) {
            continue;
        }
        let span = step.locate(field);
        let Some(plain) = inside(path) else {
            problems
                .error(ProblemCode::OutsidePack, span, format!("`{path}` leaves the pack"))
                .help("name a file inside the pack, relative to `pack.yaml`");
            continue;
        };
        if folder.files.binary_search(&plain).is_err() {
            let help = match names::nearest(&plain, folder.files.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "paths are relative to `pack.yaml`; letter case matters".to_owned(),
            };
            problems
                .error(ProblemCode::MissingFile, span, format!("the pack has no file `{path}`"))
                .help(help);
        }
    }
}

/// A pack-relative path without `.` segments; `None` if it leads out.
fn inside(path: &str) -> Option<String> {
    if path.starts_with(['/', '~', '\\']) || path.contains(['\\', ':']) {
        return None;
    }
    let mut segments = Vec::new();
    for segment in path.split('/').filter(|segment| !segment.is_empty() && *segment != ".") {
        if segment == ".." {
            return None;
        }
        segments.push(segment);
    }
    Some(segments.join("/"))
}
