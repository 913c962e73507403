//! `cargo xtask dist`: what people install, for the system this runs on.
//!
//! Both programs are built, Tauri's command line makes packages of them, and beside the packages lie their checksums, a
//! bill of materials and, where a key is at hand, what the updater of the app asks for. `docs/releasing.md` is the guide.
//!
//! It refuses to know how a package of a system is made (that is Tauri's) and where anything is published.
//!
//! One more kind of package: its name in [`Bundle`].

mod bundles;
mod checksums;
mod manifest;
mod programs;
pub(crate) mod sbom;
mod time;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use self::bundles::Bundle;
use crate::{
    args::{Args, Spec},
    sh::Cmd,
    stages::Stages,
    workspace::Workspace,
};

pub(crate) const USAGE: &str = "\
dist [--debug] [--out DIR]                build the packages of this system, with checksums and bill of materials
       [--without-appimage]               … where linuxdeploy cannot be fetched
  dist manifest --from DIR --url URL        what the updater asks for, from the signed packages of every system";

const SPEC: Spec =
    Spec { flags: &["--debug", "--without-appimage"], options: &["--out", "--from", "--url"], name: true };

/// Runs the command.
pub(crate) fn run(workspace: &Workspace, words: &[String]) -> Result<()> {
    match Request::read(workspace, &Args::parse(words, &SPEC)?)? {
        Request::Build(build) => build.run(workspace),
        Request::Manifest { from, url } => manifest::write(workspace, &from, &url),
    }
}

/// What is read from the environment.
#[cfg(test)]
pub(crate) const VARIABLES: [&str; 4] = bundles::VARIABLES;

/// Whether these words are understood after `dist`.
#[cfg(test)]
pub(crate) fn understands(words: &[String]) -> Result<()> {
    Request::read(&Workspace::find()?, &Args::parse(words, &SPEC)?).map(drop)
}

#[derive(Debug, PartialEq, Eq)]
enum Request {
    Build(Build),
    Manifest { from: PathBuf, url: String },
}

/// What is built, and where it goes.
#[derive(Debug, PartialEq, Eq)]
struct Build {
    /// Unoptimised, to try the packages.
    debug: bool,
    bundles: Vec<Bundle>,
    out: PathBuf,
}

impl Request {
    fn read(workspace: &Workspace, args: &Args) -> Result<Self> {
        let out = args.value("--out");
        match args.name.as_deref() {
            Some("manifest") => {
                if args.has("--debug") || args.has("--without-appimage") || out.is_some() {
                    bail!("`dist manifest` builds nothing; it takes --from and --url");
                }
                let (Some(from), Some(url)) = (args.value("--from"), args.value("--url")) else {
                    bail!(
                        "`dist manifest` needs the folder with the signed packages (--from DIR) and the https address \
                         that they will be at (--url URL)"
                    )
                };
                Ok(Self::Manifest { from: from.into(), url: url.to_owned() })
            }
            Some(other) => {
                bail!("`dist {other}` is not understood; it is `dist` alone, or `dist manifest`")
            }
            None if args.value("--from").is_some() || args.value("--url").is_some() => {
                bail!("--from and --url go with `dist manifest`")
            }
            None => Ok(Self::Build(Build {
                debug: args.has("--debug"),
                bundles: Bundle::of_this_system(args.has("--without-appimage")),
                out: out.map_or_else(|| workspace.target.join("dist"), PathBuf::from),
            })),
        }
    }
}

impl Build {
    fn run(&self, workspace: &Workspace) -> Result<()> {
        let out = std::path::absolute(&self.out)
            .with_context(|| format!("`{}` is no usable path", self.out.display()))?;
        let mut stages = Stages::default();
        let epoch = source_date_epoch(workspace)?;
        stages.stage("UI pages", "cd ui && npm ci && npm run build", || {
            workspace.npm().args(["ci", "--no-audit", "--no-fund"]).run()?;
            workspace.npm().args(["run", "build"]).run()
        })?;
        stages.stage("programs", "cargo build --locked -p firstlight-desktop -p firstlight-cli", || {
            programs::build(workspace, self.debug, &epoch)
        })?;
        let made = stages.stage("packages", "cargo xtask dist", || {
            bundles::make(workspace, self.debug, &self.bundles, &epoch)
        })?;
        stages.stage("bill of materials, checksums", "cargo xtask dist", || {
            empty(&out)?;
            let version = version(workspace)?;
            for package in &made {
                let name =
                    package.file_name().and_then(|name| name.to_str()).context("a package without a name")?;
                fs::copy(package, out.join(published_name(name, &version))).with_context(|| {
                    format!("{} could not be copied to {}", package.display(), out.display())
                })?;
            }
            sbom::write(workspace, &epoch, &out)?;
            checksums::write(&out)
        })?;
        stages.finish();
        println!("\nIn {}:", out.display());
        for file in files(&out)? {
            println!("  {}", file.display());
        }
        Ok(())
    }
}

/// The second in which what is built counts as made: `SOURCE_DATE_EPOCH`, else the time of the commit. Two builds of one
/// commit then carry one time.
fn source_date_epoch(workspace: &Workspace) -> Result<String> {
    let epoch = match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(epoch) => epoch,
        Err(_) => Cmd::new("git").args(["log", "-1", "--format=%ct"]).dir(&workspace.root).read().context(
            "what is built counts as made when its commit was; without git, set SOURCE_DATE_EPOCH",
        )?,
    };
    let epoch = epoch.trim().to_owned();
    if epoch.parse::<u32>().is_err() {
        bail!("SOURCE_DATE_EPOCH is `{epoch}`; it has to be seconds since 1970");
    }
    Ok(epoch)
}

/// The folder, new and empty. Only one that this command made is emptied.
fn empty(folder: &Path) -> Result<()> {
    let in_folder = |what: &str| format!("{} could not be {what}", folder.display());
    if folder.is_dir() && fs::read_dir(folder).with_context(|| in_folder("read"))?.next().is_some() {
        if !folder.join(checksums::FILE).is_file() {
            bail!(
                "{} is not empty, and nothing that `cargo xtask dist` made; name another folder with --out",
                folder.display()
            );
        }
        fs::remove_dir_all(folder).with_context(|| in_folder("emptied"))?;
    }
    fs::create_dir_all(folder).with_context(|| in_folder("made"))
}

/// Tauri names the app of macOS after nothing but itself; those of two processors would be one file.
fn published_name(name: &str, version: &str) -> String {
    match name.split_once(".app.tar.gz") {
        Some((app, rest)) => format!("{app}_{version}_{}.app.tar.gz{rest}", std::env::consts::ARCH),
        None => name.to_owned(),
    }
}

/// The names of the files in a folder, sorted.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            names.push(entry.file_name().into());
        }
    }
    names.sort();
    Ok(names)
}

/// The version of the workspace, which is that of the app.
fn version(workspace: &Workspace) -> Result<String> {
    let packages = workspace.metadata["packages"].as_array().context("cargo metadata lists no packages")?;
    let desktop = packages.iter().find(|package| package["name"] == "firstlight-desktop");
    let version = desktop.and_then(|package| package["version"].as_str());
    Ok(version.context("cargo metadata does not know firstlight-desktop")?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Result<Request> {
        let workspace =
            Workspace { root: "/clone".into(), target: "/build".into(), metadata: serde_json::Value::Null };
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        Request::read(&workspace, &Args::parse(&words, &SPEC)?)
    }

    #[test]
    fn builds_everything_of_this_system_unless_told_otherwise() {
        let Request::Build(build) = read(&[]).unwrap() else { panic!("asked for packages") };
        assert_eq!((build.debug, build.out.as_path()), (false, Path::new("/build/dist")));
        let Request::Build(tried) = read(&["--debug", "--without-appimage", "--out", "here"]).unwrap() else {
            panic!("asked for packages")
        };
        assert_eq!((tried.debug, tried.out.as_path()), (true, Path::new("here")));
        if cfg!(target_os = "linux") {
            assert_eq!(build.bundles, [Bundle::Deb, Bundle::Rpm, Bundle::AppImage]);
            assert_eq!(tried.bundles, [Bundle::Deb, Bundle::Rpm]);
        }
    }

    #[test]
    fn a_manifest_needs_packages_and_an_address() {
        let request = read(&["manifest", "--from", "in", "--url", "https://x.test/"]).unwrap();
        assert_eq!(request, Request::Manifest { from: "in".into(), url: "https://x.test/".to_owned() });
        for words in [
            &["manifest"][..],
            &["manifest", "--from", "in"],
            &["manifest", "--debug"],
            &["other"],
            &["--url", "x"],
        ] {
            assert!(read(words).is_err(), "{words:?}");
        }
    }

    #[test]
    fn the_app_of_macos_is_told_from_that_of_another_processor() {
        let named = published_name("Firstlight.app.tar.gz.sig", "1.2.0");
        assert_eq!(named, format!("Firstlight_1.2.0_{}.app.tar.gz.sig", std::env::consts::ARCH));
        assert_eq!(published_name("Firstlight_1.2.0_amd64.deb", "1.2.0"), "Firstlight_1.2.0_amd64.deb");
    }

    #[test]
    fn a_folder_that_is_somebody_elses_is_not_emptied() {
        let folder = std::env::temp_dir().join(format!("firstlight-dist-{}", std::process::id()));
        empty(&folder).unwrap();
        fs::write(folder.join("thesis.txt"), "years").unwrap();
        let error = empty(&folder).unwrap_err().to_string();
        assert!(error.contains("--out"), "{error}");
        fs::write(folder.join(checksums::FILE), "").unwrap();
        empty(&folder).unwrap();
        assert_eq!(files(&folder).unwrap(), Vec::<PathBuf>::new());
        fs::remove_dir_all(&folder).unwrap();
    }
}
