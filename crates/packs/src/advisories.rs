//! A pack's advisories: records of the OSV schema in `advisories/`, one a file.

use std::{collections::BTreeMap, path::Path};

use firstlight_advisories::osv::{MAX_RECORD_BYTES, Record};

use crate::{
    PackError,
    folder::{self, Folder},
    problem::{ProblemCode, Problems},
};

/// Where they are.
const FOLDER: &str = "advisories/";

/// The advisories of the pack in this folder. A pack that was loaded has none that cannot be read.
pub fn advisories(root: &Path) -> Result<Vec<Record>, PackError> {
    let folder = folder::list(root)?;
    let mut records = Vec::new();
    for path in folder.files.iter().filter(|path| is_advisory(path)) {
        match Record::read_strictly(&folder.bytes(path, MAX_RECORD_BYTES + 1)?) {
            Ok(record) => records.push(record),
            Err(error) => {
                return Err(PackError::Unreadable {
                    path: root.join(path),
                    source: std::io::Error::other(error),
                });
            }
        }
    }
    Ok(records)
}

/// Whether a file of a pack is an advisory.
pub fn is_advisory(path: &str) -> bool {
    let json = Path::new(path).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    json && path.starts_with(FOLDER)
}

/// Each can be read, says something that can be matched, and is there once.
pub(crate) fn check(folder: &Folder, problems: &mut Problems<'_>) {
    let mut ids: BTreeMap<String, &str> = BTreeMap::new();
    for path in folder.files.iter().filter(|path| is_advisory(path)) {
        let read = folder.bytes(path, MAX_RECORD_BYTES + 1).map_err(|error| error.to_string());
        match read.and_then(|bytes| Record::read_strictly(&bytes).map_err(|error| error.to_string())) {
            Ok(record) => {
                if let Some(first) = ids.insert(record.id.clone(), path) {
                    let message = format!("`{path}`: `{}` is in `{first}` already", record.id);
                    problems.error(ProblemCode::BadAdvisory, 0..0, message).help("keep one of the two");
                }
            }
            Err(why) => {
                problems
                    .error(ProblemCode::BadAdvisory, 0..0, format!("`{path}`: {why}"))
                    .help("write it by the OSV schema, https://ossf.github.io/osv-schema/");
            }
        }
    }
}
