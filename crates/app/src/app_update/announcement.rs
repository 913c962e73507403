//! What is announced (`latest.json`, as Tauri's updater reads it), and whose signature it takes.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use minisign_verify::{Error, PublicKey, Signature};
use semver::Version;
use serde_json::Value;
use url::Url;

use super::refusal::Refused;

pub(super) const ANNOUNCEMENT: &str = "the announcement of updates";
pub(super) const SIGNATURE: &str = "the signature of the announcement";
pub(super) const PACKAGE: &str = "the update";

/// Who publishes: where the announcement is, and the key that signs.
#[derive(Debug, Clone)]
pub struct Publisher {
    pub(super) url: String,
    key: PublicKey,
}

impl Publisher {
    /// `key` is the content of the `.pub` file that `tauri signer generate` writes.
    ///
    /// # Errors
    /// What is wrong with the address or the key.
    pub fn new(url: &str, key: &str) -> Result<Self, String> {
        let parsed = Url::parse(url).map_err(|error| format!("`{url}` is no address: {error}"))?;
        if parsed.query().is_some() || parsed.fragment().is_some() {
            return Err(format!("`{url}` has a query; the signature lies beside the file, with .sig added"));
        }
        let text = STANDARD.decode(key.trim()).ok().and_then(|text| String::from_utf8(text).ok());
        let key = text.and_then(|text| PublicKey::decode(&text).ok());
        let key =
            key.ok_or("the key is not the content of a .pub file that `tauri signer generate` writes")?;
        Ok(Self { url: url.to_owned(), key })
    }

    pub(super) fn signature_url(&self) -> String {
        format!("{}.sig", self.url)
    }

    /// What the signature itself says, if the key made it for this content. `signature` is base64, as Tauri writes it.
    pub(super) fn verify(&self, content: &[u8], signature: &[u8], what: &str) -> Result<Signed, Refused> {
        let unreadable = || Refused::NotUnderstood {
            what: format!("the signature of {what}"),
            why: "it is no minisign signature in base64".to_owned(),
        };
        let text = STANDARD.decode(signature.trim_ascii()).map_err(|_| unreadable())?;
        let text = String::from_utf8(text).map_err(|_| unreadable())?;
        let signature = Signature::decode(&text).map_err(|_| unreadable())?;
        match self.key.verify(content, &signature, false) {
            Ok(()) => Ok(Signed::read(signature.trusted_comment())),
            Err(Error::UnexpectedKeyId) => Err(Refused::WrongKey { what: what.to_owned() }),
            Err(_) => Err(Refused::Forged { what: what.to_owned() }),
        }
    }
}

/// What a signature covers besides the content: its trusted comment, tab-separated pairs in the way of Tauri's signer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Signed {
    /// Seconds since 1970.
    pub(super) at: Option<i64>,
    /// The version it was made for.
    version: Option<String>,
}

impl Signed {
    fn read(comment: &str) -> Self {
        let field = |name: &str| comment.split('\t').find_map(|pair| pair.strip_prefix(name));
        Self {
            at: field("timestamp:").and_then(|at| at.parse().ok()),
            version: field("version:").map(str::to_owned),
        }
    }

    /// Whether it was made for this version and no other.
    pub(super) fn is_for(&self, announced: &Version) -> Result<(), Refused> {
        if self.version.as_deref().and_then(version).as_ref() == Some(announced) {
            return Ok(());
        }
        Err(Refused::WrongVersion { announced: announced.clone(), signed: self.version.clone() })
    }
}

fn version(text: &str) -> Option<Version> {
    Version::parse(text.trim_start_matches('v')).ok()
}

/// A newer version for this machine.
#[derive(Debug)]
pub(super) struct Announcement {
    pub(super) version: Version,
    pub(super) notes: String,
    pub(super) published_at: Option<String>,
    /// Where the package is.
    pub(super) url: String,
    /// The package's signature, base64.
    pub(super) signature: String,
    /// All of it, for what verifies once more.
    pub(super) announced: Value,
}

impl Announcement {
    /// Reads it. None if it is about the version that runs.
    pub(super) fn read(
        text: &[u8],
        signed: &Signed,
        current: &Version,
        platform: Option<&str>,
    ) -> Result<Option<Self>, Refused> {
        let odd = |why: &str| Refused::NotUnderstood { what: ANNOUNCEMENT.to_owned(), why: why.to_owned() };
        let announced: Value =
            serde_json::from_slice(text).map_err(|error| odd(&format!("it is no JSON: {error}")))?;
        let named = announced["version"].as_str().and_then(version);
        let offered = named.ok_or_else(|| odd("it names no version that can be compared"))?;
        signed.is_for(&offered)?;
        match offered.cmp_precedence(current) {
            std::cmp::Ordering::Less => {
                return Err(Refused::Older { have: current.clone(), offered });
            }
            // Build metadata is no newer version.
            std::cmp::Ordering::Equal => return Ok(None),
            std::cmp::Ordering::Greater => {}
        }
        let other = || Refused::OtherPlatform { version: offered.clone() };
        let package = &announced["platforms"][platform.ok_or_else(other)?];
        let (Some(url), Some(signature)) = (package["url"].as_str(), package["signature"].as_str()) else {
            return Err(other());
        };
        let text = |field: &str| announced[field].as_str().map(str::to_owned);
        Ok(Some(Self {
            notes: text("notes").unwrap_or_default(),
            published_at: text("pub_date").filter(|at| at.parse::<jiff::Timestamp>().is_ok()),
            url: url.to_owned(),
            signature: signature.to_owned(),
            version: offered,
            announced,
        }))
    }
}
