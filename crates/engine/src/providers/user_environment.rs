//! The user's own environment variables on Windows. Read and written by PowerShell: `setx` cuts values at 1,024
//! characters, and both would have to quote; here name and value go in by environment and are never interpreted.

use firstlight_domain::state::Failure;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::failure_with;
use crate::{
    process::{self, Process},
    provider::{Context, read_receipt},
};

const NAME: &str = "FIRSTLIGHT_ENV_NAME";
const VALUE: &str = "FIRSTLIGHT_ENV_VALUE";

/// Prints the value as it is stored (`%…%` unexpanded); exit code 3 if there is none.
const READ: &str = "$k=[Microsoft.Win32.Registry]::CurrentUser.OpenSubKey('Environment'); \
    if($k -eq $null -or $k.GetValueNames() -notcontains $env:FIRSTLIGHT_ENV_NAME){exit 3}; \
    [Console]::OutputEncoding=[Text.Encoding]::UTF8; \
    [Console]::Out.Write($k.GetValue($env:FIRSTLIGHT_ENV_NAME,'','DoNotExpandEnvironmentNames'))";

/// Stores the value so that `%…%` in it still works. Setting and removing a variable that nobody uses tells running
/// programs of the change, which writing to the registry does not.
const WRITE: &str = "$k=[Microsoft.Win32.Registry]::CurrentUser.CreateSubKey('Environment'); \
    $k.SetValue($env:FIRSTLIGHT_ENV_NAME,$env:FIRSTLIGHT_ENV_VALUE,'ExpandString'); \
    [Environment]::SetEnvironmentVariable('FIRSTLIGHT_TELL','1','User'); \
    [Environment]::SetEnvironmentVariable('FIRSTLIGHT_TELL',$null,'User')";

const REMOVE: &str = "[Environment]::SetEnvironmentVariable($env:FIRSTLIGHT_ENV_NAME,$null,'User')";

/// What a variable was, and what we made of it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Before {
    pub(super) name: String,
    pub(super) value: Option<String>,
    pub(super) written: String,
}

/// The command that reads a variable.
pub(super) fn reading(name: &str) -> Process {
    powershell(READ).env(NAME, name)
}

/// The command that sets a variable, or removes it.
pub(super) fn writing(name: &str, value: Option<&str>) -> Process {
    match value {
        Some(value) => powershell(WRITE).env(NAME, name).env(VALUE, value),
        None => powershell(REMOVE).env(NAME, name),
    }
}

/// The value of a variable; `None` if it is not set.
pub(super) async fn read(cx: &Context, name: &str) -> Result<Option<String>, Failure> {
    let exit = process::quick(cx, reading(name)).await?;
    match exit.code {
        3 => Ok(None),
        _ => exit.or_fail("reading the user's environment").map(|exit| Some(exit.text())),
    }
}

/// Sets a variable, or removes it.
pub(super) async fn write(cx: &Context, name: &str, value: Option<&str>) -> Result<(), Failure> {
    process::run(cx, writing(name, value)).await?.or_fail("setting the user's environment").map(drop)
}

/// Gives back what a receipt says was there, unless it was changed since.
pub(super) async fn give_back(cx: &Context, receipt: &Value) -> Result<(), Failure> {
    let before: Before = read_receipt(receipt)?;
    let now = read(cx, &before.name).await?;
    if now == before.value {
        return Ok(());
    }
    if now.as_ref() != Some(&before.written) {
        return Err(failure_with(
            format!("{} was changed since; it is left as it is", before.name),
            "look at it in the settings of your account",
        ));
    }
    write(cx, &before.name, before.value.as_deref()).await
}

/// PowerShell with a script of ours, asking nobody anything.
pub(super) fn powershell(script: &str) -> Process {
    Process::new("powershell").args(["-NoProfile", "-NonInteractive", "-Command", script])
}
