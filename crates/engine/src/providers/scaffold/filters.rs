//! Filters that templates use and minijinja does not bring: Backstage's own, and nunjucks'.

use minijinja::{
    Environment, Error, ErrorKind,
    value::{Serde, Value as Jinja, ValueKind},
};
use serde_json::{Map, Value};

use super::{
    dialect::PAIRS,
    language::{json, text_of},
};

/// Adds them.
pub(super) fn add(environment: &mut Environment<'static>) {
    environment.add_filter("dump", dump);
    environment.add_filter("join", join);
    environment.add_filter("string", text_of);
    environment.add_filter("parseRepoUrl", parse_repo_url);
    environment.add_filter("parseEntityRef", parse_entity_ref);
    environment.add_filter("pick", pick);
    environment.add_filter("projectSlug", project_slug);
    environment.add_filter("truncate", truncate);
    environment.add_filter("urlencode", urlencode);
    environment.add_filter("wordcount", wordcount);
    environment.add_filter(PAIRS, pairs);
}

fn wrong(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message.into())
}

/// JSON on one line, or indented by so many spaces.
fn dump(value: &Jinja, indent: Option<usize>) -> Result<Jinja, Error> {
    if value.is_undefined() {
        return Ok(Jinja::UNDEFINED);
    }
    let value = json(value)?;
    let Some(indent) = indent.filter(|indent| *indent > 0) else {
        return Ok(Jinja::from(value.to_string()));
    };
    let spaces = " ".repeat(indent.min(10));
    let mut out = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(spaces.as_bytes());
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, formatter);
    serde::Serialize::serialize(&value, &mut serializer).map_err(|error| wrong(error.to_string()))?;
    Ok(Jinja::from(String::from_utf8_lossy(&out).into_owned()))
}

/// `git.acme.test?owner=team&repo=orders` in its parts.
fn repo_parts(text: &str) -> Result<Map<String, Value>, Error> {
    let what = || wrong(format!("`{text}` is not a repository as Backstage writes it: host?owner=…&repo=…"));
    let url = url::Url::parse(&format!("https://{text}")).map_err(|_| what())?;
    let mut parts = Map::new();
    let host = url.port().map_or_else(
        || url.host_str().unwrap_or_default().to_owned(),
        |port| format!("{}:{port}", url.host_str().unwrap_or_default()),
    );
    parts.insert("host".to_owned(), host.into());
    for (name, value) in url.query_pairs() {
        if ["owner", "repo", "organization", "workspace", "project"].contains(&&*name) {
            parts.insert(name.into_owned(), value.into_owned().into());
        }
    }
    if parts.get("repo").is_none_or(|repo| repo == "") {
        return Err(what());
    }
    Ok(parts)
}

fn parse_repo_url(text: &str) -> Result<Jinja, Error> {
    Ok(Jinja::from(Serde(repo_parts(text)?)))
}

fn project_slug(text: &str) -> Result<String, Error> {
    let parts = repo_parts(text)?;
    let part = |name: &str| parts.get(name).and_then(Value::as_str).unwrap_or_default();
    if part("owner").is_empty() {
        return Err(wrong(format!("`{text}` does not name an owner")));
    }
    Ok(format!("{}/{}", part("owner"), part("repo")))
}

/// `[kind:][namespace/]name`, with `{ defaultKind, defaultNamespace }` for what is not said.
fn parse_entity_ref(text: &str, defaults: Option<&Jinja>) -> Result<Jinja, Error> {
    let default = |name: &str| {
        let value = defaults.and_then(|defaults| defaults.get_attr(name).ok());
        value.and_then(|value| value.as_str().map(str::to_owned))
    };
    let (kind, rest) = match text.split_once(':') {
        Some((kind, rest)) => (Some(kind.to_owned()), rest),
        None => (default("defaultKind"), text),
    };
    let (namespace, name) = match rest.split_once('/') {
        Some((namespace, name)) => (namespace.to_owned(), name),
        None => (default("defaultNamespace").unwrap_or_else(|| "default".to_owned()), rest),
    };
    let Some(kind) = kind.filter(|kind| !kind.is_empty()) else {
        return Err(wrong(format!("`{text}` does not say of which kind it is: kind:namespace/name")));
    };
    if namespace.is_empty() || name.is_empty() {
        return Err(wrong(format!("`{text}` is not a reference like kind:namespace/name")));
    }
    Ok(minijinja::context! { kind, namespace, name })
}

/// Texts in one, each as it would be printed.
fn join(value: &Jinja, separator: Option<&str>, attribute: Option<&str>) -> Result<String, Error> {
    let items = value.try_iter()?.map(|item| match attribute {
        Some(name) => text_of(&item.get_attr(name)?),
        None => text_of(&item),
    });
    Ok(items.collect::<Result<Vec<_>, _>>()?.join(separator.unwrap_or_default()))
}

fn pick(value: &Jinja, key: &str) -> Result<Jinja, Error> {
    value.get_attr(key)
}

/// At most this many characters, cut at a word unless told otherwise, and `...`.
fn truncate(text: &str, length: Option<usize>, anywhere: Option<bool>, end: Option<&str>) -> String {
    let length = length.unwrap_or(255);
    if text.chars().count() <= length {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(length).collect();
    if !anywhere.unwrap_or(false)
        && let Some(space) = cut.rfind(' ')
    {
        cut.truncate(space);
    }
    cut + end.unwrap_or("...")
}

/// As `encodeURIComponent` does.
fn urlencode(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

fn wordcount(text: &str) -> usize {
    text.split_whitespace().count()
}

/// What a loop over two names walks.
fn pairs(value: &Jinja) -> Result<Jinja, Error> {
    if value.kind() != ValueKind::Map {
        return Ok(value.clone());
    }
    let keys = value.try_iter()?;
    keys.map(|key| Ok(Jinja::from(vec![key.clone(), value.get_item(&key)?]))).collect()
}
