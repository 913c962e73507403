//! pip: `proxy` and `cert` in the section `[global]` of `pip.conf` (`pip.ini` on Windows).

use std::path::{Path, PathBuf};

use firstlight_domain::{
    facts::{Facts, Os},
    state::Failure,
};

use super::{
    insert, proxy,
    tool::{Additions, By, Now, Setting, Trusts, common_variable, own_variable, variable},
};
use crate::{
    facts::on_path,
    process::{self, Process},
    provider::Context,
};

/// From this version on pip trusts whom the system trusts.
const WITH_SYSTEM_STORE: (u32, u32) = (24, 2);

/// What pip is called here.
pub(super) fn program() -> Option<&'static str> {
    ["pip", "pip3"].into_iter().find(|name| on_path(name))
}

pub(super) fn file(facts: &Facts) -> PathBuf {
    let home = Path::new(&facts.home);
    match facts.os {
        Os::Windows => variable("APPDATA")
            .map_or_else(|| home.join(r"AppData\Roaming"), PathBuf::from)
            .join(r"pip\pip.ini"),
        Os::Macos if home.join("Library/Application Support/pip").is_dir() => {
            home.join("Library/Application Support/pip/pip.conf")
        }
        Os::Macos | Os::Linux => variable("XDG_CONFIG_HOME")
            .map_or_else(|| home.join(".config"), PathBuf::from)
            .join("pip/pip.conf"),
    }
}

/// Where pip looked first in earlier times, and still does.
fn earlier_file(facts: &Facts) -> PathBuf {
    let place = if facts.os == Os::Windows { r"pip\pip.ini" } else { ".pip/pip.conf" };
    Path::new(&facts.home).join(place)
}

pub(super) async fn now(cx: &Context) -> Result<Now, Failure> {
    let pip = |args: &[&str]| {
        Process::new(program().unwrap_or("pip"))
            .args(args.iter().copied())
            .env("HOME", &cx.facts.home)
            .env("PIP_DISABLE_PIP_VERSION_CHECK", "1")
            .env("PIP_NO_INPUT", "1")
            .cwd(&cx.facts.home)
    };
    let (said, version) =
        futures::join!(process::quick(cx, pip(&["config", "list"])), process::quick(cx, pip(&["--version"])));
    let said = said?.or_fail("pip config")?.text();
    let version = version?.or_fail("pip")?.text();
    let home = Path::new(&cx.facts.home);
    let own = [file(&cx.facts), earlier_file(&cx.facts)]
        .map(|path| insert::text(&path, home).ok().flatten().unwrap_or_default());
    let setting = |key: &str| {
        let value = listed(&said, key)?;
        let is_own = own.iter().any(|text| in_global(text, key));
        let by = if is_own { By::Person } else { By::Elsewhere("pip's system configuration") };
        Some(Setting { value, by })
    };
    Ok(Now {
        proxy: own_variable("PIP_PROXY")
            .or_else(|| setting("proxy"))
            .or_else(|| common_variable(proxy::VARIABLES)),
        ca: own_variable("PIP_CERT")
            .or_else(|| setting("cert"))
            .or_else(|| common_variable(["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])),
        trusts: trusts(&version),
    })
}

/// `pip 24.2 from PATH (python 3.12)`. Debian's own pip goes by the system's store in every version.
fn trusts(version: &str) -> Trusts {
    let mut words = version.split_whitespace().skip(1);
    let mut numbers = words.next().unwrap_or_default().split('.').map(|number| number.parse().unwrap_or(0));
    let number = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if number >= WITH_SYSTEM_STORE || version.contains("/dist-packages/pip") {
        Trusts::System
    } else {
        Trusts::OwnList
    }
}

/// A value of `pip config list`: `global.cert='PATH'`, in Python's spelling.
fn listed(said: &str, key: &str) -> Option<String> {
    let value =
        said.lines().find_map(|line| line.strip_prefix("global.")?.strip_prefix(key)?.strip_prefix('='))?;
    let value = value.trim().trim_matches(['\'', '"']).replace(r"\\", r"\");
    (!value.is_empty()).then_some(value)
}

/// Where the line after `[global]` begins, if there is such a section.
fn after_heading(text: &str) -> Option<usize> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        at += line.len();
        if line.trim_end() == "[global]" {
            return Some(at);
        }
    }
    None
}

fn in_global(text: &str, key: &str) -> bool {
    let Some(section) = after_heading(text).and_then(|at| text.get(at..)) else { return false };
    let mut lines = section.lines().take_while(|line| !line.starts_with('['));
    lines
        .any(|line| line.split_once(['=', ':']).is_some_and(|(name, _)| name.trim().replace('_', "-") == key))
}

/// Below the heading that is there: a section may be there once only.
pub(super) fn with(text: &str, additions: &Additions) -> String {
    let all = [("proxy", &additions.proxy), ("cert", &additions.ca)];
    let lines: String =
        all.iter().filter_map(|(key, value)| Some(format!("{key} = {}\n", value.as_ref()?))).collect();
    let line_end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    match after_heading(text) {
        Some(at) if at == text.len() => format!("{text}{line_end}{lines}"),
        Some(at) => format!("{}{lines}{}", &text[..at], &text[at..]),
        None => format!("{text}{line_end}[global]\n{lines}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e10_pip_trusts_the_system_from_a_version_on_and_debians_always() {
        assert_eq!(trusts("pip 23.2.1 from /x/site-packages/pip (python 3.11)"), Trusts::OwnList);
        assert_eq!(trusts("pip 24.2 from /x/site-packages/pip (python 3.11)"), Trusts::System);
        assert_eq!(
            trusts("pip 23.0.1 from /usr/lib/python3/dist-packages/pip (python 3.11)"),
            Trusts::System
        );
        assert_eq!(trusts(""), Trusts::OwnList);
    }

    #[test]
    fn settings_go_below_the_heading_that_is_there() {
        let additions = Additions { proxy: None, ca: Some("/ca.pem".into()) };
        assert_eq!(
            with("[install]\nx = 1\n[global]\ntimeout = 9\n", &additions),
            "[install]\nx = 1\n[global]\ncert = /ca.pem\ntimeout = 9\n"
        );
        assert_eq!(with("[global]", &additions), "[global]\ncert = /ca.pem\n");
        assert_eq!(with("", &additions), "[global]\ncert = /ca.pem\n");
        assert_eq!(with("[install]\nx = 1", &additions), "[install]\nx = 1\n[global]\ncert = /ca.pem\n");
        assert!(in_global("[global]\ncert = x\n", "cert"));
        assert!(!in_global("[install]\ncert = x\n", "cert"));
        assert_eq!(
            listed(":env:.cert='/a'\nglobal.cert='C:\\\\ca.pem'\n", "cert").as_deref(),
            Some(r"C:\ca.pem")
        );
    }
}
