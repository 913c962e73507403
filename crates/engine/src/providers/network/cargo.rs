//! cargo: `http.proxy` and `http.cainfo` in the `config.toml` of its home.

use std::path::{Path, PathBuf};

use firstlight_domain::{facts::Facts, state::Failure};
use toml_edit::{DocumentMut, Item, Table, value};

use super::{
    insert, proxy,
    tool::{Additions, By, Now, Setting, Trusts, common_variable, own_variable, variable},
};
use crate::{provider::Context, providers::failure_with};

pub(super) fn file(facts: &Facts) -> PathBuf {
    let home = variable("CARGO_HOME").map_or_else(|| Path::new(&facts.home).join(".cargo"), PathBuf::from);
    let earlier = home.join("config");
    // cargo reads the older name first where both are there.
    if earlier.is_file() { earlier } else { home.join("config.toml") }
}

/// cargo has no stable way to be asked.
pub(super) fn now(cx: &Context) -> Result<Now, Failure> {
    let path = file(&cx.facts);
    let text = insert::text(&path, Path::new(&cx.facts.home))?.unwrap_or_default();
    let config: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| {
        failure_with(
            format!("{} cannot be read: {}", path.display(), error.message()),
            "mend the file; cargo cannot read it either",
        )
    })?;
    let setting = |key: &str| {
        let value = config.get("http")?.get(key)?.as_str()?.to_owned();
        Some(Setting { value, by: By::Person })
    };
    // A relative path counts from the folder above the file's.
    let ca = setting("cainfo").map(|setting| {
        let base = path.parent().and_then(Path::parent).unwrap_or(Path::new(""));
        Setting { value: base.join(&setting.value).display().to_string(), ..setting }
    });
    let common = proxy::VARIABLES.into_iter().chain(["http_proxy", "HTTP_PROXY"]);
    Ok(Now {
        proxy: own_variable("CARGO_HTTP_PROXY")
            .or_else(|| setting("proxy"))
            .or_else(|| common_variable(common)),
        ca: own_variable("CARGO_HTTP_CAINFO").or(ca).or_else(|| common_variable(["SSL_CERT_FILE"])),
        trusts: Trusts::System,
    })
}

pub(super) fn with(text: &str, additions: &Additions) -> Result<String, String> {
    let mut config: DocumentMut =
        text.parse().map_err(|error: toml_edit::TomlError| error.message().to_owned())?;
    let http = config.entry("http").or_insert_with(|| Item::Table(Table::new()));
    let Some(http) = http.as_table_like_mut() else { return Err("`http` in it is not a table".to_owned()) };
    for (key, wanted) in [("proxy", &additions.proxy), ("cainfo", &additions.ca)] {
        if let Some(wanted) = wanted {
            http.insert(key, value(wanted));
        }
    }
    Ok(config.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_order_stay() {
        let additions = Additions { proxy: Some("http://p:1".into()), ca: Some("/ca.pem".into()) };
        let text = "# mine\n[net]\nretry = 3 # often\n\n[http] # here\ntimeout = 9\n\n[build]\njobs = 1\n";
        let made = with(text, &additions).unwrap();
        for kept in
            ["# mine\n[net]\nretry = 3 # often\n", "[http] # here\ntimeout = 9\n", "[build]\njobs = 1\n"]
        {
            assert!(made.contains(kept), "{made}");
        }
        assert!(made.contains("proxy = \"http://p:1\"\ncainfo = \"/ca.pem\"\n"), "{made}");
        assert_eq!(with("", &additions).unwrap(), "[http]\nproxy = \"http://p:1\"\ncainfo = \"/ca.pem\"\n");
        assert!(with("http = 1\n", &additions).is_err());
    }
}
