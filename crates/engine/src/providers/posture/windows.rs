//! How Windows is read: by PowerShell, asking what answers without elevation (`manage-bde` and `Get-BitLockerVolume` do
//! not).

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::{
    super::user_environment::powershell,
    Item, Reader, ask,
    found::{Lock, Read, Switch, Updates, unreadable},
};
use crate::{
    process::{Process, in_words},
    provider::Context,
};

/// A machine with Windows.
pub(super) struct Windows;

/// What the Explorer paints on the system's drive.
const BITLOCKER: &str = "(New-Object -ComObject Shell.Application).NameSpace($env:SystemDrive+'\\').Self\
    .ExtendedProperty('System.Volume.BitLockerProtection')";

/// The machine's own limit, and the screen saver: as a policy has it, else as the person chose.
const LOCK: &str = "function v($k,$n){try{(Get-ItemProperty -Path $k -Name $n -ErrorAction Stop).$n}catch{$null}}; \
    $p='HKCU:\\Software\\Policies\\Microsoft\\Windows\\Control Panel\\Desktop'; $d='HKCU:\\Control Panel\\Desktop'; \
    function s($n){$x=v $p $n; if($x -eq $null){v $d $n}else{$x}}; \
    @{limit=v 'HKLM:\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Policies\\System' 'InactivityTimeoutSecs'; \
    active=s 'ScreenSaveActive'; secure=s 'ScreenSaverIsSecure'; after=s 'ScreenSaveTimeOut'; saver=s 'SCRNSAVE.EXE'} \
    | ConvertTo-Json -Compress";

/// Each profile as it is in force, policies included.
const FIREWALL: &str = "ConvertTo-Json -Compress @(Get-NetFirewallProfile -PolicyStore ActiveStore | \
    ForEach-Object {@{name=$_.Name;on=[int]$_.Enabled}})";

/// When Windows Update last looked and installed, and what it knows to wait; nothing is asked of the network.
const UPDATES: &str = "$r=(New-Object -ComObject Microsoft.Update.AutoUpdate).Results; \
    $s=(New-Object -ComObject Microsoft.Update.Session).CreateUpdateSearcher(); $s.Online=$false; \
    $w=try{$s.Search('IsInstalled=0 and IsHidden=0 and Type=''Software''').Updates.Count}catch{$null}; \
    function d($t){if($t){([datetime]$t).ToString('yyyy-MM-ddTHH:mm:ssZ',[Globalization.CultureInfo]::InvariantCulture)}}; \
    $h=Get-HotFix|Where-Object InstalledOn|Sort-Object InstalledOn|Select-Object -Last 1; \
    @{looked=d $r.LastSearchSuccessDate;installed=d $r.LastInstallationSuccessDate; \
    hotfix=if($h){d $h.InstalledOn.ToUniversalTime()};waiting=$w}|ConvertTo-Json -Compress";

#[async_trait]
impl Reader for Windows {
    async fn disk_encryption(&self, cx: &Context) -> Read<Switch> {
        by_protection(&ask(cx, powershell(BITLOCKER)).await?.text())
    }

    async fn screen_lock(&self, cx: &Context) -> Read<Lock> {
        by_registry(&ask(cx, powershell(LOCK)).await?.text())
    }

    async fn firewall(&self, cx: &Context) -> Read<Switch> {
        by_profiles(&ask(cx, powershell(FIREWALL)).await?.text())
    }

    async fn os_updates(&self, cx: &Context) -> Read<Updates> {
        by_windows_update(&ask(cx, powershell(UPDATES)).await?.text())
    }

    fn asks(&self, item: Item) -> Vec<Process> {
        vec![powershell(match item {
            Item::DiskEncryption => BITLOCKER,
            Item::ScreenLock(_) => LOCK,
            Item::Firewall => FIREWALL,
            Item::OsUpdates(_) => UPDATES,
        })]
    }

    fn advice(&self, item: Item) -> String {
        match item {
            Item::DiskEncryption => {
                "Turn it on in Settings → Privacy & security → Device encryption, or in Control \
                 Panel → BitLocker Drive Encryption; your company's administrators may have to."
                    .to_owned()
            }
            Item::ScreenLock(limit) => format!(
                "In Settings → Personalization → Lock screen → Screen saver, choose one that starts within {} and tick \
                 “On resume, display logon screen”.",
                in_words(limit)
            ),
            Item::Firewall => {
                "Turn it on for every network in Windows Security → Firewall & network protection.".to_owned()
            }
            Item::OsUpdates(_) => "Install what Settings → Windows Update offers.".to_owned(),
        }
    }
}

/// By the number the Explorer knows a drive's protection by.
fn by_protection(answer: &str) -> Read<Switch> {
    match answer {
        "1" => Ok(Switch::On),
        "2" => Ok(Switch::Off("The system's drive is not encrypted".to_owned())),
        "3" => Ok(Switch::Off("The system's drive is still being encrypted".to_owned())),
        "4" => Ok(Switch::Off("The system's drive is being decrypted".to_owned())),
        "5" => Ok(Switch::Off("BitLocker is suspended on the system's drive".to_owned())),
        "8" => Ok(Switch::Off("BitLocker on the system's drive waits to be activated".to_owned())),
        "0" => Ok(Switch::Off("BitLocker cannot encrypt the system's drive".to_owned())),
        _ => unreadable(
            "without administrator rights Windows does not tell whether BitLocker protects the drive",
        ),
    }
}

/// By the answer to [`LOCK`]. Values of the registry are texts or numbers, as whoever wrote them liked.
fn by_registry(answer: &str) -> Read<Lock> {
    let Ok(values) = serde_json::from_str::<Value>(answer) else {
        return unreadable("the settings of the screen lock cannot be read from the registry");
    };
    let number = |key: &str| match values.get(key) {
        Some(Value::Number(number)) => number.as_u64(),
        Some(Value::String(text)) => text.trim().parse().ok(),
        _ => None,
    };
    let limit = number("limit").filter(|seconds| *seconds > 0);
    let has_saver = values.get("saver").and_then(Value::as_str).is_some_and(|name| !name.is_empty());
    let asks = number("active") == Some(1) && number("secure") == Some(1) && has_saver;
    let saver = number("after").filter(|seconds| asks && *seconds > 0);
    match [limit, saver].into_iter().flatten().min() {
        Some(seconds) => Ok(Lock::After(Duration::from_secs(seconds))),
        None => Ok(Lock::Never(
            "there is neither a limit for inactivity nor a screen saver that asks for the password"
                .to_owned(),
        )),
    }
}

/// By the answer to [`FIREWALL`].
fn by_profiles(answer: &str) -> Read<Switch> {
    #[derive(Deserialize)]
    struct Profile {
        name: String,
        on: u8,
    }
    let profiles: Vec<Profile> = serde_json::from_str(answer).unwrap_or_default();
    if profiles.is_empty() {
        return unreadable("Windows did not tell the state of its firewall");
    }
    let off: Vec<String> =
        profiles.into_iter().filter(|profile| profile.on != 1).map(|profile| profile.name).collect();
    if off.is_empty() {
        Ok(Switch::On)
    } else {
        Ok(Switch::Off(format!("The firewall is off for these networks: {}", off.join(", "))))
    }
}

/// By the answer to [`UPDATES`].
fn by_windows_update(answer: &str) -> Read<Updates> {
    #[derive(Deserialize)]
    struct Results {
        looked: Option<Timestamp>,
        installed: Option<Timestamp>,
        hotfix: Option<Timestamp>,
        waiting: Option<u32>,
    }
    let Ok(results) = serde_json::from_str::<Results>(answer) else {
        return unreadable("Windows Update did not tell when it last looked");
    };
    Ok(Updates {
        looked: results.looked,
        installed: results.installed.max(results.hotfix),
        waiting: results.waiting,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bitlocker_protects_only_when_it_is_wholly_on() {
        assert_eq!(by_protection("1"), Ok(Switch::On));
        for off in ["0", "2", "3", "4", "5", "8"] {
            assert!(matches!(by_protection(off), Ok(Switch::Off(_))), "{off}");
        }
        assert!(by_protection("").is_err());
    }

    #[test]
    fn the_shorter_of_limit_and_screen_saver_locks() {
        let after = |seconds: u64| Ok(Lock::After(Duration::from_secs(seconds)));
        let saver =
            r#""active":"1","secure":"1","after":"600","saver":"C:\\Windows\\system32\\scrnsave.scr""#;
        assert_eq!(by_registry(&format!(r#"{{"limit":900,{saver}}}"#)), after(600));
        assert_eq!(
            by_registry(r#"{"limit":900,"active":"1","secure":"0","after":"60","saver":"x"}"#),
            after(900)
        );
        let never = r#"{"limit":null,"active":"1","secure":"1","after":"600","saver":null}"#;
        assert!(matches!(by_registry(never), Ok(Lock::Never(_))));
        assert!(by_registry("").is_err());
    }

    #[test]
    fn the_firewall_is_on_in_every_profile_or_named() {
        let all = r#"[{"name":"Domain","on":1},{"name":"Private","on":1},{"name":"Public","on":1}]"#;
        assert_eq!(by_profiles(all), Ok(Switch::On));
        let one = by_profiles(&all.replacen("\"on\":1", "\"on\":0", 1));
        assert_eq!(one, Ok(Switch::Off("The firewall is off for these networks: Domain".to_owned())));
        assert!(by_profiles("").is_err());
    }

    #[test]
    fn windows_update_tells_what_it_knows() {
        let answer = r#"{"looked":"2026-03-20T10:00:00Z","installed":"2026-03-12T03:00:00Z","hotfix":"2026-03-13T00:00:00Z","waiting":0}"#;
        let updates = by_windows_update(answer).unwrap();
        assert_eq!(updates.installed, Some("2026-03-13T00:00:00Z".parse().unwrap()));
        assert_eq!(updates.waiting, Some(0));
        let nothing = by_windows_update(r#"{"looked":null,"installed":null,"hotfix":null,"waiting":null}"#);
        assert_eq!(nothing, Ok(Updates::default()));
        assert!(by_windows_update("").is_err());
    }
}
