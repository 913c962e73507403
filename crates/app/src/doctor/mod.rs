//! What decides whether a first day goes well, looked at without changing anything: network, proxy, certificates, clock,
//! disk, keychain, administrator rights, and what the tools go by. One more: a function in the file of its kin that
//! gives a [`Finding`]. What can be set is set by [`fix`].

mod fix;
mod machine;
mod network;
mod reach;

use firstlight_contract::doctor::{DoctorView, Finding, FindingLevel};

pub use self::fix::FixRequest;
use crate::session::Firstlight;

impl Firstlight {
    /// Looks at the machine.
    pub async fn doctor(&self) -> DoctorView {
        let hosts = self.pack_at_hand().map(|pack| pack.policy.hosts.clone()).unwrap_or_default();
        let ([network, clock], survey, keychain, admin) = futures::join!(
            reach::findings(&hosts, self.now()),
            self.network_survey(),
            self.keychain(),
            self.admin()
        );
        let mut findings = vec![network];
        match survey {
            Ok(survey) => findings.extend(network::findings(&survey, self.facts())),
            Err(error) => findings.push(finding(
                "proxy",
                "Proxy and certificates",
                FindingLevel::Unknown,
                error.0.message,
                error.0.hint,
            )),
        }
        findings.extend([
            clock,
            machine::disk(self.home().root()),
            keychain,
            machine::admin(admin),
            machine::virtualisation(self.facts()),
            machine::packages(self.facts()),
        ]);
        let ok = findings.iter().all(|finding| finding.level != FindingLevel::Bad);
        let can_undo = self.with_world(|world| world.fixes.values().any(|fix| !fix.receipts.is_empty()));
        DoctorView { ok, findings, can_undo }
    }

    async fn keychain(&self) -> Finding {
        match self.inner.surroundings.keychain.probe().await {
            Ok(()) => ok("keychain", "Keychain", "It answers and is unlocked."),
            Err(error) => finding(
                "keychain",
                "Keychain",
                FindingLevel::Bad,
                format!("{error}."),
                Some(error.hint().to_owned()),
            ),
        }
    }
}

fn finding(id: &str, title: &str, level: FindingLevel, found: String, hint: Option<String>) -> Finding {
    Finding { id: id.to_owned(), title: title.to_owned(), level, found, hint, can_fix: false }
}

fn ok(id: &str, title: &str, found: &str) -> Finding {
    finding(id, title, FindingLevel::Ok, found.to_owned(), None)
}
