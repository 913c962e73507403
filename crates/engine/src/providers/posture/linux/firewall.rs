//! Whether a firewall is on: its service runs, and its configuration, where it may be read, refuses what comes in. The
//! rules themselves only an administrator can list.

use std::path::Path;

use super::{
    super::found::{Read, Switch, unreadable},
    text,
};
use crate::process::Process;

/// Services that are known here, in the order in which they are asked about.
const SERVICES: [&str; 7] =
    ["ufw", "firewalld", "nftables", "netfilter-persistent", "iptables", "shorewall", "ferm"];
/// Where nftables' rules are kept: Debian and its kin, Fedora and its kin.
const RULES: [&str; 2] = ["etc/nftables.conf", "etc/sysconfig/nftables.conf"];

/// Which of [`SERVICES`] run.
pub(super) fn question() -> Process {
    Process::new("systemctl").arg("is-active").args(SERVICES).env("LC_ALL", "C")
}

/// By what `systemctl` answered, one line a service.
pub(super) fn read(answer: &str, root: &Path) -> Read<Switch> {
    let states: Vec<&str> = answer.lines().map(str::trim).collect();
    if states.len() != SERVICES.len() {
        return unreadable("systemd does not run here, so nothing tells which services do");
    }
    let active: Vec<&str> = SERVICES
        .into_iter()
        .zip(states)
        .filter(|(_, state)| *state == "active")
        .map(|(name, _)| name)
        .collect();
    if active.contains(&"firewalld") {
        return Ok(Switch::On);
    }
    if active.contains(&"ufw") && ufw_enabled(&text(root, "etc/ufw/ufw.conf")?) {
        return Ok(Switch::On);
    }
    if active.contains(&"nftables") {
        let file = RULES.iter().find(|file| root.join(file).exists());
        let Some(file) = file else {
            return unreadable("nftables runs, and its rules are kept where only an administrator may look");
        };
        return refuses(&text(root, file)?);
    }
    if let Some(other) = active.iter().find(|name| **name != "ufw") {
        return unreadable(format!("{other} runs, and only an administrator can list its rules"));
    }
    Ok(Switch::Off("No firewall runs (looked for ufw, firewalld, nftables)".to_owned()))
}

/// The service is active even while the firewall is not.
fn ufw_enabled(config: &str) -> bool {
    config.lines().any(|line| line.trim().eq_ignore_ascii_case("ENABLED=yes"))
}

/// Whether a chain of nftables' rules refuses anything that comes in.
fn refuses(rules: &str) -> Read<Switch> {
    let code: String =
        rules.lines().map(|line| line.split('#').next().unwrap_or_default()).collect::<Vec<_>>().join("\n");
    let has = |text: &str, words: &[&str]| {
        text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| words.contains(&word))
    };
    let chains: Vec<&str> =
        code.match_indices("hook input").map(|(at, _)| to_end_of_block(&code[at..])).collect();
    if chains.iter().any(|chain| has(chain, &["drop", "reject"])) {
        Ok(Switch::On)
    } else if has(&code, &["include"]) || chains.iter().any(|chain| has(chain, &["jump", "goto", "vmap"])) {
        unreadable("nftables runs, but what it refuses lies where its rules lead, which is not followed")
    } else {
        Ok(Switch::Off("nftables runs, but its rules refuse nothing that comes in".to_owned()))
    }
}

/// Up to the brace that closes the block in which a text begins.
fn to_end_of_block(text: &str) -> &str {
    let mut open = 0_u32;
    for (at, letter) in text.char_indices() {
        match letter {
            '{' => open += 1,
            '}' if open == 0 => return &text[..at],
            '}' => open -= 1,
            _ => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn active(names: &[&str]) -> String {
        SERVICES.map(|name| if names.contains(&name) { "active" } else { "inactive" }).join("\n")
    }

    fn machine(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, content) in files {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        root
    }

    #[test]
    fn firewalld_refuses_by_itself() {
        assert_eq!(read(&active(&["firewalld"]), machine(&[]).path()), Ok(Switch::On));
    }

    #[test]
    fn ufw_is_on_when_its_configuration_says_so_too() {
        let on = machine(&[("etc/ufw/ufw.conf", "# comment\nENABLED=yes\nLOGLEVEL=low\n")]);
        let off = machine(&[("etc/ufw/ufw.conf", "ENABLED=no\n")]);
        assert_eq!(read(&active(&["ufw"]), on.path()), Ok(Switch::On));
        assert!(matches!(read(&active(&["ufw"]), off.path()), Ok(Switch::Off(_))));
        assert!(matches!(read(&active(&[]), on.path()), Ok(Switch::Off(_))), "enabled, but not running");
        assert!(read(&active(&["ufw"]), machine(&[]).path()).is_err());
    }

    #[test]
    fn nftables_counts_by_its_rules() {
        // As Debian ships it: everything is let in.
        let shipped = "#!/usr/sbin/nft -f\n\nflush ruleset\n\ntable inet filter {\n\tchain input {\n\t\ttype filter hook \
             input priority filter;\n\t}\n}\n";
        let closed =
            "table inet filter {\n chain input {\n  type filter hook input priority 0; policy drop;\n }\n}\n";
        let by = |rules: &str| read(&active(&["nftables"]), machine(&[("etc/nftables.conf", rules)]).path());
        assert!(matches!(by(shipped), Ok(Switch::Off(_))));
        assert_eq!(by(closed), Ok(Switch::On));
        let last =
            "chain input {\n type filter hook input priority 0;\n tcp dport { 22, 80 } accept\n reject\n}\n";
        assert_eq!(by(last), Ok(Switch::On));
        let forward =
            format!("{shipped}chain forward {{ type filter hook forward priority 0; policy drop; }}\n");
        assert!(matches!(by(&forward), Ok(Switch::Off(_))), "what passes through is not what comes in");
        assert!(by("chain in { type filter hook input priority 0; jump others }\n").is_err());
        assert!(matches!(by("# chain input { policy drop; }\n"), Ok(Switch::Off(_))));
        assert!(by("include \"/etc/nftables/*.nft\"\n").is_err());
        assert!(read(&active(&["nftables"]), machine(&[]).path()).is_err());
    }

    #[test]
    fn what_only_an_administrator_sees_is_not_claimed() {
        assert!(read(&active(&["netfilter-persistent"]), machine(&[]).path()).is_err());
        assert!(read("", machine(&[]).path()).is_err());
        assert!(matches!(read(&active(&[]), machine(&[]).path()), Ok(Switch::Off(_))));
    }
}
