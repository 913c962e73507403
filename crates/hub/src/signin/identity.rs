//! Who somebody is, from what the provider says of them.

use serde_json::{Map, Value};

use super::{Settings, SigninError};

/// Longer names are no names.
const MOST_OF_NAME: usize = 320;

/// Somebody, as the provider knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// What names them in the organisation; kept by nobody but for its pseudonym.
    pub name: String,
    /// The groups they are in.
    pub groups: Vec<String>,
}

impl Identity {
    /// What is not in the token and has to be asked for.
    pub(super) fn is_known_from(claims: &Map<String, Value>, settings: &Settings) -> bool {
        claims.contains_key(&settings.claim)
            && (!settings.wants_groups || claims.contains_key(&settings.groups_claim))
    }

    pub(super) fn read(claims: &Map<String, Value>, settings: &Settings) -> Result<Self, SigninError> {
        let name = claims.get(&settings.claim).and_then(Value::as_str).map(str::trim);
        let name = name.filter(|name| !name.is_empty() && name.len() <= MOST_OF_NAME);
        let name = name.ok_or_else(|| SigninError::Nobody(settings.claim.clone()))?.to_owned();
        // Where people type their own address, it is theirs only once that was checked. Many providers do not say.
        if settings.claim == "email" && claims.get("email_verified") == Some(&Value::Bool(false)) {
            return Err(SigninError::Unverified);
        }
        let groups = match claims.get(&settings.groups_claim) {
            Some(Value::Array(groups)) => {
                groups.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            }
            Some(Value::String(group)) => vec![group.clone()],
            _ => Vec::new(),
        };
        Ok(Self { name, groups })
    }
}
