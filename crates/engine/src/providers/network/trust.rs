//! Whom this machine trusts: the system's store of certificates, and which of them are no public authority's.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use firstlight_domain::{facts::Os, state::Failure};
use rustls_pki_types::{CertificateDer, pem::PemObject};

use crate::{
    process::{self, Process},
    provider::Context,
    providers::failure_with,
};

/// Where Linux distributions keep what they trust, in one file.
const BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];
/// Where they keep the public authorities' certificates that go into it. What is in the one and not in the other was
/// added on this machine.
const PUBLIC: [&str; 3] =
    ["/usr/share/ca-certificates", "/usr/share/pki/ca-trust-source", "/usr/share/pki/trust"];
/// The longest file looked at: the whole bundle is some 250 KB.
const LONGEST: u64 = 8 * 1024 * 1024;

/// An authority's certificate.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Certificate {
    der: CertificateDer<'static>,
}

impl Certificate {
    /// What the authority is called in it.
    pub fn name(&self) -> String {
        let subject = webpki::anchor_from_trusted_cert(&self.der).ok().map(|anchor| anchor.subject.to_vec());
        let subject = subject.unwrap_or_default();
        // Common name, else organisation.
        [3, 10]
            .into_iter()
            .find_map(|attribute| attribute_of(&subject, attribute))
            .unwrap_or_else(|| "an authority without a name".to_owned())
    }

    fn pem(&self) -> String {
        let text = STANDARD.encode(&self.der);
        let mut pem =
            format!("# {}\n-----BEGIN CERTIFICATE-----\n", self.name().replace(char::is_control, " "));
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let (line, after) = rest.split_at(rest.len().min(64));
            pem.extend([line, "\n"]);
            rest = after;
        }
        pem.push_str("-----END CERTIFICATE-----\n");
        pem
    }
}

/// The text of the attribute 2.5.4.n in a subject's DER: its identifier, then a tag, a length below 128 and the text.
fn attribute_of(subject: &[u8], attribute: u8) -> Option<String> {
    let id = [0x06, 0x03, 0x55, 0x04, attribute];
    let at = subject.windows(id.len()).position(|window| window == id)? + id.len();
    let length = usize::from(*subject.get(at + 1)?);
    let text = subject.get(at + 2..at + 2 + length)?;
    Some(String::from_utf8_lossy(text).into_owned())
}

/// What the system trusts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Store {
    /// The file that holds all of it, on systems that have one.
    pub file: Option<PathBuf>,
    /// Everything in it.
    pub all: Vec<Certificate>,
    /// What this machine was given besides the public authorities'; none where that cannot be told.
    pub private: Option<Vec<Certificate>>,
}

/// Reads the system's store.
pub(super) async fn store(cx: &Context) -> Store {
    match cx.facts.os {
        Os::Linux => {
            // Not what `SSL_CERT_FILE` names: that is the list of one tool set, and says nothing of the others.
            let file = BUNDLES.iter().map(PathBuf::from).find(|path| path.is_file());
            let all = file.as_deref().map(certificates).unwrap_or_default();
            let known = all.iter().cloned().chain(handed_out()).collect::<Vec<_>>();
            let private = added(&known, &PUBLIC.map(Path::new));
            Store { file, all, private }
        }
        Os::Macos => {
            let store = "/Library/Keychains/System.keychain";
            let kept = printed(cx, &["security", "find-certificate", "-a", "-p", store]).await;
            // Fails where nobody changed any trust.
            let trusted = printed(cx, &["security", "dump-trust-settings", "-d"]).await.unwrap_or_default();
            let private = kept.map(|kept| named_in(parse(&kept), &trusted));
            Store { file: None, all: native(), private }
        }
        Os::Windows => {
            let found =
                printed(cx, &["powershell", "-NoProfile", "-NonInteractive", "-Command", MANAGED]).await;
            Store { file: None, all: native(), private: found.as_deref().map(parse) }
        }
    }
}

/// What was handed out besides the store, by the variable that many a company sets for it.
fn handed_out() -> Vec<Certificate> {
    std::env::var_os("NODE_EXTRA_CA_CERTS").map(|path| certificates(Path::new(&path))).unwrap_or_default()
}

/// Lists what the company's directory or policy put among the trusted roots. What a person added by hand lies among the
/// public ones and cannot be told from them.
const MANAGED: &str = r"
$stores = 'HKLM:\SOFTWARE\Microsoft\EnterpriseCertificates', 'HKLM:\SOFTWARE\Policies\Microsoft\SystemCertificates'
$managed = $stores | ForEach-Object { Get-ChildItem -ErrorAction SilentlyContinue $_\Root\Certificates }
Get-ChildItem Cert:\LocalMachine\Root | Where-Object { $managed.PSChildName -contains $_.Thumbprint } | ForEach-Object {
  '-----BEGIN CERTIFICATE-----'
  [Convert]::ToBase64String($_.RawData, 'InsertLineBreaks')
  '-----END CERTIFICATE-----'
}";

/// What a program prints; none if it fails.
async fn printed(cx: &Context, argv: &[&str]) -> Option<Vec<u8>> {
    let argv: Vec<String> = argv.iter().map(|&word| word.to_owned()).collect();
    let exit = process::quick(cx, Process::of(&argv)).await.ok()?;
    exit.ok().then_some(exit.stdout)
}

/// The certificates whose names `security dump-trust-settings` lists, as `Cert 0: NAME`.
fn named_in(kept: Vec<Certificate>, trusted: &[u8]) -> Vec<Certificate> {
    let trusted = String::from_utf8_lossy(trusted);
    let names: Vec<&str> = trusted
        .lines()
        .filter_map(|line| line.strip_prefix("Cert ")?.split_once(": ").map(|(_, name)| name.trim()))
        .collect();
    kept.into_iter().filter(|certificate| names.contains(&certificate.name().as_str())).collect()
}

/// Everything the system trusts, where no file holds it.
#[cfg(not(target_os = "linux"))]
fn native() -> Vec<Certificate> {
    rustls_native_certs::load_native_certs().certs.into_iter().map(|der| Certificate { der }).collect()
}

#[cfg(target_os = "linux")]
fn native() -> Vec<Certificate> {
    Vec::new()
}

/// What is among `all` and in no file below these folders; none if there are no such files.
fn added(all: &[Certificate], public: &[&Path]) -> Option<Vec<Certificate>> {
    let mut known = HashSet::new();
    for folder in public {
        below(folder, 4, &mut known);
    }
    let mut seen = HashSet::new();
    let private = || all.iter().filter(|one| !known.contains(*one) && seen.insert(*one)).cloned().collect();
    (!known.is_empty()).then(private)
}

fn below(folder: &Path, deep: u8, found: &mut HashSet<Certificate>) {
    // What cannot be read holds nothing that could be told from anything else.
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && deep > 0 => below(&entry.path(), deep - 1, found),
            Ok(kind) if kind.is_file() => found.extend(certificates(&entry.path())),
            Ok(_) | Err(_) => {}
        }
    }
}

/// The certificates in a file; none if it cannot be read.
pub(super) fn certificates(path: &Path) -> Vec<Certificate> {
    let short = path.metadata().is_ok_and(|found| found.len() <= LONGEST);
    let text = if short { std::fs::read(path).unwrap_or_default() } else { Vec::new() };
    parse(&text)
}

/// The certificates in a text; what else is in it is passed over.
pub(super) fn parse(text: &[u8]) -> Vec<Certificate> {
    CertificateDer::pem_slice_iter(text).filter_map(|der| Some(Certificate { der: der.ok()? })).collect()
}

/// The certificates in a file that is named by somebody.
pub(super) fn certificates_in(path: &Path) -> Result<Vec<Certificate>, Failure> {
    let found = certificates(path);
    if found.is_empty() {
        return Err(failure_with(
            format!("{} holds no certificate", path.display()),
            "name a file in PEM form: its first line is -----BEGIN CERTIFICATE-----",
        ));
    }
    Ok(found)
}

/// Whether a file holds all of these.
pub(super) fn holds(path: &Path, wanted: &[Certificate]) -> bool {
    let there = certificates(path);
    wanted.iter().all(|one| there.contains(one))
}

/// A file's text with all of these, in the order given, each once.
pub(super) fn bundle<'a>(all: impl Iterator<Item = &'a Certificate>) -> String {
    let mut written: Vec<&Certificate> = Vec::new();
    let mut text = "# Kept by Firstlight: what this system trusts, and your company's own.\n".to_owned();
    for certificate in all {
        if !written.contains(&certificate) {
            text.push_str(&certificate.pem());
            written.push(certificate);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two authorities made for this test (`openssl req -x509 -subj /O=Acme/CN=NAME`).
    const TWO: &str = include_str!("two-authorities.pem");

    #[test]
    fn e10_what_was_added_is_told_from_what_is_public() {
        let folder = tempfile::tempdir().unwrap();
        let all = parse(TWO.as_bytes());
        assert_eq!(all.iter().map(Certificate::name).collect::<Vec<_>>(), ["Acme Root", "Public Root"]);
        let public = folder.path().join("mozilla");
        std::fs::create_dir(&public).unwrap();
        assert_eq!(added(&all, &[folder.path()]), None, "without a list it cannot be told");
        std::fs::write(public.join("public.crt"), all[1].pem()).unwrap();
        assert_eq!(added(&all, &[folder.path()]), Some(vec![all[0].clone()]));
    }

    #[test]
    fn a_bundle_holds_each_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bundle.pem");
        let all = parse(TWO.as_bytes());
        std::fs::write(&path, bundle(all.iter().chain(&all))).unwrap();
        assert_eq!(certificates(&path), all);
        assert!(holds(&path, &all[..1]));
        assert!(!holds(&folder.path().join("none.pem"), &all[..1]));
    }

    #[test]
    fn a_name_that_macos_trusts_is_found() {
        let all = parse(TWO.as_bytes());
        let says = b"Number of trusted certs = 1\nCert 0: Acme Root\n   Number of trust settings : 0\n";
        assert_eq!(named_in(all.clone(), says), all[..1]);
        assert_eq!(named_in(all, b""), []);
    }
}
