//! `latest.json`: what the app asks for to hear of a newer version, from the signed packages of every system.
//!
//! It names only packages that the app may install by itself. Each signature has to carry the version it was made for;
//! the file itself is signed too, so that nobody who serves it can put words or versions into it.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use super::{bundles, files, source_date_epoch, time};
use crate::workspace::Workspace;

const FILE: &str = "latest.json";

/// Writes and signs it, beside the packages.
pub(super) fn write(workspace: &Workspace, from: &Path, url: &str) -> Result<()> {
    let from =
        std::path::absolute(from).with_context(|| format!("`{}` is no usable path", from.display()))?;
    let version = super::version(workspace)?;
    let changelog = workspace.root.join("CHANGELOG.md");
    let changelog =
        fs::read_to_string(&changelog).with_context(|| format!("{} cannot be read", changelog.display()))?;
    let notes = notes(&changelog, &version)?;
    let seconds: u32 = source_date_epoch(workspace)?.parse().context("no time")?;
    let manifest = manifest(&from, url, &version, &notes, &time::utc(seconds))?;
    let to = from.join(FILE);
    fs::write(&to, format!("{manifest:#}\n"))
        .with_context(|| format!("{} could not be written", to.display()))?;
    bundles::tauri(workspace)
        .args(["signer", "sign", "--app-version", &version])
        .arg(&to)
        .run()
        .with_context(|| {
            format!("{FILE} was not signed: the key is read from {} and its _PASSWORD", bundles::KEY)
        })?;
    super::checksums::write(&from)?;
    println!("{} and its signature are written; both belong to {url}", to.display());
    Ok(())
}

fn manifest(from: &Path, url: &str, version: &str, notes: &str, at: &str) -> Result<Value> {
    if !url.starts_with("https://") || url.contains(['?', '#']) {
        bail!("`{url}` is no plain https address; the app takes updates from no other");
    }
    let mut platforms = Map::new();
    for name in files(from)? {
        let name = name.to_string_lossy().into_owned();
        let Some(package) = name.strip_suffix(".sig") else { continue };
        let Some(platform) = platform(package) else { continue };
        let signature =
            fs::read_to_string(from.join(&name)).with_context(|| format!("{name} cannot be read"))?;
        let signature = signature.trim();
        signed_for(signature, version).with_context(|| format!("{name} cannot be published as {version}"))?;
        if !from.join(package).is_file() {
            bail!("{package} is not there, only its signature");
        }
        let address = format!("{}/{}", url.trim_end_matches('/'), package.replace(' ', "%20"));
        let entry = json!({ "url": address, "signature": signature });
        if platforms.insert(platform.clone(), entry).is_some() {
            bail!("two packages are for {platform}; there has to be one");
        }
    }
    if platforms.is_empty() {
        bail!("{} holds no signed package that the app could install by itself", from.display());
    }
    Ok(json!({ "version": version, "notes": notes, "pub_date": at, "platforms": platforms }))
}

/// Whom a package is for, as the updater names it. None for those that a package manager installs.
fn platform(package: &str) -> Option<String> {
    let arch = |intel: &str, arm: &str| {
        if package.contains(intel) {
            Some("x86_64")
        } else if package.contains(arm) {
            Some("aarch64")
        } else {
            None
        }
    };
    if package.ends_with(".AppImage") {
        Some(format!("linux-{}-appimage", arch("_amd64", "_aarch64")?))
    } else if package.ends_with(".app.tar.gz") {
        Some(format!("darwin-{}-app", arch("_x86_64", "_aarch64")?))
    } else if package.ends_with("-setup.exe") {
        Some(format!("windows-{}-nsis", arch("_x64", "_arm64")?))
    } else {
        None
    }
}

/// Whether a signature says that it is for this version, in the words that the signature itself covers.
fn signed_for(signature: &str, version: &str) -> Result<()> {
    let text = STANDARD.decode(signature).context("the signature is not in base64")?;
    let text = String::from_utf8(text).context("the signature is not text")?;
    let comment = text.lines().find_map(|line| line.strip_prefix("trusted comment: "));
    let signed = comment.and_then(|it| it.split('\t').find_map(|field| field.strip_prefix("version:")));
    match signed {
        Some(signed) if signed == version => Ok(()),
        Some(signed) => bail!("it was signed for version {signed}"),
        None => {
            bail!("it was signed for no version; sign it with `tauri signer sign --app-version {version}`")
        }
    }
}

/// What changes, from the changelog's section of the version.
fn notes(changelog: &str, version: &str) -> Result<String> {
    let heading = format!("## {version}");
    let mut lines = changelog.lines().skip_while(|line| line.split(" (").next() != Some(heading.as_str()));
    if lines.next().is_none() {
        bail!("CHANGELOG.md has no section `{heading}`; rename `## Unreleased` before you release");
    }
    let section: Vec<&str> = lines.take_while(|line| !line.starts_with("## ")).collect();
    Ok(section.join("\n").trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signature(comment: &str) -> String {
        STANDARD.encode(format!("untrusted comment: x\nRUQ=\ntrusted comment: {comment}\nAA=="))
    }

    /// A folder with these files.
    fn folder(name: &str, files: &[(&str, &str)]) -> std::path::PathBuf {
        let folder = std::env::temp_dir().join(format!("firstlight-manifest-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        for (file, content) in files {
            fs::write(folder.join(file), content).unwrap();
        }
        folder
    }

    #[test]
    fn names_what_the_app_installs_and_nothing_else() {
        let signed = signature("timestamp:1\tfile:x\tversion:1.2.0");
        let folder = folder(
            "good",
            &[
                ("Firstlight_1.2.0_amd64.AppImage", ""),
                ("Firstlight_1.2.0_amd64.AppImage.sig", &signed),
                ("Firstlight_1.2.0_aarch64.app.tar.gz", ""),
                ("Firstlight_1.2.0_aarch64.app.tar.gz.sig", &signed),
                ("Firstlight_1.2.0_x64-setup.exe", ""),
                ("Firstlight_1.2.0_x64-setup.exe.sig", &signed),
                ("Firstlight_1.2.0_amd64.deb", ""),
                ("Firstlight_1.2.0_amd64.deb.sig", &signed),
            ],
        );
        let made = manifest(&folder, "https://get.acme.test/v1/", "1.2.0", "words", "t").unwrap();
        let platforms: Vec<&String> = made["platforms"].as_object().unwrap().keys().collect();
        assert_eq!(platforms, ["darwin-aarch64-app", "linux-x86_64-appimage", "windows-x86_64-nsis"]);
        let image = &made["platforms"]["linux-x86_64-appimage"];
        assert_eq!(image["url"], "https://get.acme.test/v1/Firstlight_1.2.0_amd64.AppImage");
        assert_eq!(image["signature"], signed);
        for address in ["http://get.acme.test/", "ftp://x", "https://x/?a=b"] {
            assert!(manifest(&folder, address, "1.2.0", "", "t").is_err(), "{address}");
        }
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn d4_a_package_of_another_version_is_not_published() {
        for (comment, why) in
            [("timestamp:1\tversion:1.1.0", "for version 1.1.0"), ("timestamp:1", "for no version")]
        {
            let folder = folder(
                "old",
                &[("F_1.2.0_amd64.AppImage", ""), ("F_1.2.0_amd64.AppImage.sig", &signature(comment))],
            );
            let error = manifest(&folder, "https://x.test", "1.2.0", "", "t").unwrap_err();
            assert!(format!("{error:#}").contains(why), "{error:#}");
            fs::remove_dir_all(&folder).unwrap();
        }
        let empty = folder("empty", &[]);
        assert!(manifest(&empty, "https://x.test", "1.2.0", "", "t").is_err());
        fs::remove_dir_all(&empty).unwrap();
    }

    #[test]
    fn notes_are_the_section_of_the_version() {
        let changelog = "# Changelog\n\n## Unreleased\n\n- later\n\n## 1.2.0 (2026-12-01)\n\n- this\n\n## 1.1.0\n\n- old\n";
        assert_eq!(notes(changelog, "1.2.0").unwrap(), "- this");
        assert_eq!(notes(changelog, "1.1.0").unwrap(), "- old");
        assert!(notes(changelog, "1.2").unwrap_err().to_string().contains("## 1.2"));
    }
}
