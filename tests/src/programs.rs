//! Where the programs are, and a clear sentence when one is not.

use std::{
    env, fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

/// A program of ours: in `FIRSTLIGHT_BIN_DIR`, or where `cargo build` puts it.
pub fn binary(name: &str) -> Result<PathBuf> {
    let folder = match env::var_os("FIRSTLIGHT_BIN_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => target().join("debug"),
    };
    let path = folder.join(name);
    if !path.is_file() {
        bail!(
            "{} is not there; `cargo build --workspace --bins` makes it (or set FIRSTLIGHT_BIN_DIR)",
            path.display()
        );
    }
    Ok(path)
}

/// A program of the system, or of the contribute pack.
pub(crate) fn tool(name: &str, package: &str) -> Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain([target().join("tools").join("bin")]);
    folders.map(|folder| folder.join(name)).find(|path| path.is_file()).with_context(|| {
        format!("`{name}` is missing; it comes with {package} (`cargo xtask test` installs everything)")
    })
}

/// A folder of `tests/fixtures`.
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

/// The sample pack, copied into `folder`, its service on a port that is free: on the usual one the service of whoever
/// tried the sample on this machine may well answer.
pub fn sample(folder: &Path) -> Result<PathBuf> {
    let copy = folder.join("sample");
    let original = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/packs/sample");
    let copied = Command::new("cp").arg("-r").arg(&original).arg(&copy).status();
    if !copied.is_ok_and(|status| status.success()) {
        bail!("{} cannot be copied to {}", original.display(), copy.display());
    }
    let file = copy.join("pack.yaml");
    let pack = fs::read_to_string(&file).context("the sample cannot be read")?;
    if !pack.contains(SAMPLE_PORT) {
        bail!("the sample's service has another port than {SAMPLE_PORT}");
    }
    fs::write(&file, pack.replace(SAMPLE_PORT, &free_port()?.to_string()))
        .context("the copy cannot be written")?;
    Ok(copy)
}

/// Where the sample's service answers.
const SAMPLE_PORT: &str = "47613";

/// Where pictures go.
pub(crate) fn screenshots() -> PathBuf {
    env::var_os("FIRSTLIGHT_SCREENSHOTS").map_or_else(|| target().join("screenshots"), PathBuf::from)
}

/// A port nobody listens on just now.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0").context("no port is free")?.local_addr()?.port())
}

/// Cargo's target folder: the test itself lies in `<target>/<profile>/deps`.
fn target() -> PathBuf {
    let program = env::current_exe().ok();
    let found = program.as_deref().and_then(|program| program.ancestors().nth(3));
    found.map_or_else(|| PathBuf::from("target"), Path::to_owned)
}
