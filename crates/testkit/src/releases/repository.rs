//! A signed repository made by hand, so that every part of it can be wrong in one way at a time.

use std::collections::{BTreeMap, BTreeSet};

use ed25519_dalek::{Signer as _, SigningKey};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::site::Site;

/// The pack that is published.
pub const PACK: &str = "acme";

/// The repository, and where it is served.
#[derive(Debug)]
pub struct Repository {
    /// Where it is served.
    pub site: Site,
    /// When all this happens; what is signed is good for a year from then.
    pub now: Timestamp,
    /// Version of each role's metadata; of the root: the one that is published next.
    pub versions: BTreeMap<String, u64>,
    /// Names of the keys of each role, and how many have to sign.
    pub roles: BTreeMap<String, (Vec<String>, usize)>,
    /// Who signs a role, where it is not all of its keys.
    pub signers: BTreeMap<String, Vec<String>>,
    /// When each role expires, where it is not in a year.
    pub expires: BTreeMap<String, Timestamp>,
    /// Files by release and path.
    pub releases: BTreeMap<String, BTreeMap<String, Vec<u8>>>,
    /// `acme.rollout.json`.
    pub rollout: Value,
    /// More that role `acme` lists, by target.
    pub more: BTreeMap<String, Value>,
}

/// The key of a name; always the same.
fn key(name: &str) -> SigningKey {
    SigningKey::from_bytes(&Sha256::digest(name).into())
}

fn keyid(name: &str) -> String {
    hex(&Sha256::digest(format!("id of {name}")))
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn public(name: &str) -> Value {
    let public = hex(key(name).verifying_key().as_bytes());
    json!({ "keytype": "ed25519", "scheme": "ed25519", "keyval": { "public": public } })
}

impl Repository {
    /// A published repository with release 1.0.0 for everybody.
    pub fn new(now: Timestamp) -> Self {
        let mut repository = Self::empty(now);
        repository.release("1.0.0", &[("pack.yaml", "name: acme\nversion: 1.0.0\n"), ("docs/a.md", "# A\n")]);
        repository.publish();
        repository
    }

    /// A repository with a root and nothing else.
    pub fn empty(now: Timestamp) -> Self {
        let role =
            |names: &[&str], threshold| (names.iter().map(|&name| name.to_owned()).collect(), threshold);
        let roles = [
            ("root", role(&["root-a", "root-b"], 2)),
            ("targets", role(&["targets-a", "targets-b"], 2)),
            ("snapshot", role(&["snapshot"], 1)),
            ("timestamp", role(&["timestamp"], 1)),
            ("acme", role(&["platform", "security"], 2)),
            ("acme-rollout", role(&["platform", "security", "online"], 1)),
        ];
        let mut repository = Self {
            site: Site::start(),
            now,
            versions: BTreeMap::new(),
            roles: roles.map(|(name, role)| (name.to_owned(), role)).into(),
            signers: [("acme-rollout".to_owned(), vec!["online".to_owned()])].into(),
            expires: BTreeMap::new(),
            releases: BTreeMap::new(),
            rollout: json!({ "pack": PACK, "releases": [] }),
            more: BTreeMap::new(),
        };
        repository.publish_root();
        repository
    }

    /// The first root, which machines are handed.
    pub fn first_root(&self) -> Vec<u8> {
        self.site.get("metadata/1.root.json")
    }

    /// Adds a release for everybody; published with [`Repository::publish`].
    pub fn release(&mut self, version: &str, files: &[(&str, &str)]) {
        let files = files.iter().map(|(path, content)| ((*path).to_owned(), content.as_bytes().to_vec()));
        self.releases.insert(version.to_owned(), files.collect());
        self.ring(version, 100, false);
    }

    /// Says who gets a release.
    pub fn ring(&mut self, version: &str, share: u8, halted: bool) {
        let releases = self.rollout["releases"].as_array_mut().unwrap();
        releases.retain(|release| release["version"] != version);
        let reason = halted.then_some("it broke");
        releases.push(json!({ "version": version, "share": share, "halted": halted, "reason": reason }));
    }

    /// Publishes everything anew, but for the root.
    pub fn publish(&mut self) {
        self.publish_files();
        for role in ["acme", "acme-rollout", "targets", "snapshot", "timestamp"] {
            self.publish_role(role);
        }
    }

    fn publish_files(&self) {
        for (version, files) in &self.releases {
            for (path, content) in files {
                self.put_target(&format!("{PACK}/{version}/{path}"), content);
            }
        }
        self.put_target(&format!("{PACK}.rollout.json"), self.rollout.to_string().as_bytes());
    }

    fn put_target(&self, path: &str, content: &[u8]) {
        self.site.put(&format!("targets/{}", consistent(path, content)), content);
    }

    /// Publishes the next root.
    pub fn publish_root(&mut self) {
        let names: BTreeSet<&String> = TOP.iter().flat_map(|role| &self.roles[*role].0).collect();
        let keys: BTreeMap<String, Value> =
            names.into_iter().map(|name| (keyid(name), public(name))).collect();
        let roles: BTreeMap<&str, Value> = TOP.iter().map(|role| (*role, self.role_keys(role))).collect();
        let version = self.next("root");
        let signed = json!({
            "_type": "root", "spec_version": "1.0.34", "version": version, "expires": self.expiry("root"),
            "consistent_snapshot": true, "keys": keys, "roles": roles,
        });
        self.put_metadata(&format!("{version}.root.json"), "root", &signed);
    }

    /// Publishes the next version of a role.
    pub fn publish_role(&mut self, role: &str) {
        let version = self.next(role);
        let body = match role {
            "timestamp" => json!({ "_type": "timestamp", "meta": { "snapshot.json": self.pin("snapshot") } }),
            "snapshot" => {
                let pins: BTreeMap<String, Value> = ["targets", "acme", "acme-rollout"]
                    .map(|role| (format!("{role}.json"), self.pin(role)))
                    .into();
                json!({ "_type": "snapshot", "meta": pins })
            }
            "targets" => json!({ "_type": "targets", "targets": {}, "delegations": self.delegations() }),
            "acme" => json!({ "_type": "targets", "targets": self.pack_targets() }),
            "acme-rollout" => {
                let content = self.rollout.to_string();
                let path = format!("{PACK}.rollout.json");
                json!({ "_type": "targets", "targets": { path: target(content.as_bytes()) } })
            }
            other => panic!("no role {other}"),
        };
        let mut signed = body;
        signed["spec_version"] = json!("1.0.34");
        signed["version"] = json!(version);
        signed["expires"] = json!(self.expiry(role));
        let file =
            if role == "timestamp" { "timestamp.json".to_owned() } else { format!("{version}.{role}.json") };
        self.put_metadata(&file, role, &signed);
    }

    /// Gives a role other keys; the root or whoever delegates has to be published after that.
    pub fn rotate(&mut self, role: &str, names: &[&str]) {
        self.roles.get_mut(role).unwrap().0 = names.iter().map(|&name| name.to_owned()).collect();
    }

    fn next(&mut self, role: &str) -> u64 {
        let version = self.versions.entry(role.to_owned()).or_default();
        *version += 1;
        *version
    }

    fn pin(&self, role: &str) -> Value {
        json!({ "version": self.versions[role] })
    }

    fn expiry(&self, role: &str) -> String {
        self.expires
            .get(role)
            .copied()
            .unwrap_or(self.now + SignedDuration::from_hours(365 * 24))
            .strftime("%Y-%m-%dT%H:%M:%SZ")
            .to_string()
    }

    fn role_keys(&self, role: &str) -> Value {
        let (names, threshold) = &self.roles[role];
        let ids: Vec<String> = names.iter().map(|name| keyid(name)).collect();
        json!({ "keyids": ids, "threshold": threshold })
    }

    fn delegations(&self) -> Value {
        let delegated = ["acme", "acme-rollout"];
        let names: BTreeSet<&String> = delegated.iter().flat_map(|role| &self.roles[*role].0).collect();
        let keys: BTreeMap<String, Value> =
            names.into_iter().map(|name| (keyid(name), public(name))).collect();
        let deep: Vec<String> =
            (1..=9).map(|depth| format!("{PACK}/{}", vec!["*"; depth].join("/"))).collect();
        let roles: Vec<Value> =
            [("acme", json!(deep)), ("acme-rollout", json!([format!("{PACK}.rollout.json")]))]
                .into_iter()
                .map(|(role, paths)| {
                    let mut delegated = self.role_keys(role);
                    delegated["name"] = json!(role);
                    delegated["terminating"] = json!(true);
                    delegated["paths"] = paths;
                    delegated
                })
                .collect();
        json!({ "keys": keys, "roles": roles })
    }

    fn pack_targets(&self) -> BTreeMap<String, Value> {
        let files = self.releases.iter().flat_map(|(version, files)| {
            files.iter().map(move |(path, content)| (format!("{PACK}/{version}/{path}"), target(content)))
        });
        files.chain(self.more.clone()).collect()
    }

    fn put_metadata(&self, file: &str, role: &str, signed: &Value) {
        let signers = self.signers.get(role).unwrap_or(&self.roles[role].0);
        self.site.put(&format!("metadata/{file}"), sign(signed, signers));
    }
}

const TOP: [&str; 4] = ["root", "targets", "snapshot", "timestamp"];

/// Signs. A name `as X: Y` signs with the key of `Y` under the id of `X`.
pub fn sign(signed: &Value, signers: &[String]) -> Vec<u8> {
    let canonical = canonical(signed);
    let signatures: Vec<Value> = signers
        .iter()
        .map(|name| {
            let (id, name) = match name.strip_prefix("as ").and_then(|rest| rest.split_once(": ")) {
                Some((id, name)) => (keyid(id), name),
                None => (keyid(name), name.as_str()),
            };
            json!({ "keyid": id, "sig": hex(&key(name).sign(canonical.as_bytes()).to_bytes()) })
        })
        .collect();
    json!({ "signed": signed, "signatures": signatures }).to_string().into_bytes()
}

/// What is signed about a content.
pub fn target(content: &[u8]) -> Value {
    json!({ "length": content.len(), "hashes": { "sha256": hex(&Sha256::digest(content)) } })
}

/// Where a target is served.
pub fn consistent(path: &str, content: &[u8]) -> String {
    let sum = hex(&Sha256::digest(content));
    match path.rsplit_once('/') {
        Some((folder, name)) => format!("{folder}/{sum}.{name}"),
        None => format!("{sum}.{path}"),
    }
}

/// JSON as it is signed: sorted keys, no spaces, nothing escaped but quotes and backslashes, whole numbers.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let sorted: BTreeMap<&String, &Value> = fields.iter().collect();
            let fields =
                sorted.into_iter().map(|(key, value)| format!("{}:{}", quoted(key), canonical(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        Value::String(text) => quoted(text),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
