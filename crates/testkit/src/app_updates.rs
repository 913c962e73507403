//! Whoever publishes the app, with keys made for the test: signatures as Tauri's signer makes them, and forged ones.

#![expect(clippy::unwrap_used, reason = "a test that cannot make a signature cannot go on")]

use std::io::Cursor;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use minisign::KeyPair;
use serde_json::{Value, json};

use crate::releases::Site;

/// A key that signs updates.
pub struct UpdateKey(KeyPair);

impl UpdateKey {
    /// A new one.
    ///
    /// # Panics
    /// If the system has no randomness.
    pub fn new() -> Self {
        Self(KeyPair::generate_unencrypted_keypair().unwrap())
    }

    /// Its public half, as Tauri's configuration wants it.
    ///
    /// # Panics
    /// Never: the key was just made.
    pub fn public(&self) -> String {
        STANDARD.encode(self.0.pk.to_box().unwrap().into_string())
    }

    /// A signature with this trusted comment, as a `.sig` file has it.
    ///
    /// # Panics
    /// Never: the key was just made.
    pub fn sign(&self, content: &[u8], comment: &str) -> String {
        let signature = minisign::sign(
            Some(&self.0.pk),
            &self.0.sk,
            Cursor::new(content),
            Some(comment),
            Some("signature from tauri secret key"),
        );
        STANDARD.encode(signature.unwrap().into_string())
    }

    /// A signature for a version, made at a second since 1970.
    pub fn sign_for(&self, content: &[u8], version: &str, at: i64) -> String {
        self.sign(content, &format!("timestamp:{at}\tfile:x\tversion:{version}"))
    }
}

impl Default for UpdateKey {
    fn default() -> Self {
        Self::new()
    }
}

/// A server with an announcement, and the key that signs it.
pub struct UpdateSite {
    /// The server.
    pub site: Site,
    /// The key.
    pub key: UpdateKey,
    platform: String,
}

impl UpdateSite {
    /// The announcement's name.
    pub const ANNOUNCEMENT: &str = "latest.json";

    /// An empty one for this kind of machine.
    pub fn new(platform: &str) -> Self {
        Self { site: Site::start(), key: UpdateKey::new(), platform: platform.to_owned() }
    }

    /// The announcement's address.
    pub fn url(&self) -> String {
        format!("{}/{}", self.site.url(), Self::ANNOUNCEMENT)
    }

    /// Publishes a version as it should be done, at a second since 1970.
    pub fn publish(&self, version: &str, package: &[u8], at: i64) {
        let name = format!("app-{version}");
        self.site.put(&name, package);
        let signature = self.key.sign_for(package, version, at);
        self.announce(&self.announcement(version, &name, &signature), version, at);
    }

    /// What would announce this.
    pub fn announcement(&self, version: &str, package: &str, signature: &str) -> Value {
        let url = format!("{}/{package}", self.site.url());
        json!({
            "version": version,
            "notes": format!("- What is new in {version}"),
            "pub_date": "2026-11-20T08:00:00Z",
            "platforms": { &self.platform: { "url": url, "signature": signature } },
        })
    }

    /// Signs and serves an announcement.
    pub fn announce(&self, announcement: &Value, version: &str, at: i64) {
        let text = announcement.to_string();
        self.site.put(Self::ANNOUNCEMENT, text.as_bytes());
        let signature = self.key.sign_for(text.as_bytes(), version, at);
        self.site.put(&format!("{}.sig", Self::ANNOUNCEMENT), signature);
    }
}
