//! Figures of receiving, for `cargo xtask bench releases`: one line of JSON for each turn, in milliseconds. Everything is
//! asked of the same server on this machine; what it is compared with is the bare library and a plain download.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench that cannot set the scene has failed")]

use std::{path::Path, time::Instant};

use firstlight_releases::receive::{Enrolment, Limits, Receiver, Trust};
use firstlight_testkit::releases::{PACK, Repository, hex};
use futures::{StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use semver::Version;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use sigstore_tuf::{FileStore, Repository as Source, Updater, transport::FetchFuture};

/// Files of the large pack, and bytes in each.
const FILES: usize = 1_000;
const BYTES: usize = 4_000;

#[tokio::main]
async fn main() {
    let turns: usize = std::env::args().nth(1).and_then(|turns| turns.parse().ok()).unwrap_or(1);
    let now = Timestamp::now();
    let mut repository = Repository::new(now);
    let files: Vec<(String, String)> = (0..FILES)
        .map(|number| (format!("docs/{number}.md"), format!("{number} ").repeat(BYTES / 4)))
        .chain([("pack.yaml".to_owned(), "version: 2.0.0\n".to_owned())])
        .collect();
    let files: Vec<(&str, &str)> =
        files.iter().map(|(path, content)| (path.as_str(), content.as_str())).collect();
    repository.release("2.0.0", &files);
    repository.publish();
    let targets: Vec<String> =
        repository.site.copy().into_keys().filter(|path| path.contains("/2.0.0/")).collect();
    for _ in 0..turns {
        let home = tempfile::tempdir().unwrap();
        let enrolment = Enrolment { url: repository.site.url(), pack: PACK.to_owned() };
        let trust = Trust::Root(repository.first_root());
        let mut receiver =
            Receiver::enrol(home.path(), enrolment, trust, Limits::default(), now).await.unwrap();
        receiver.check("device", now).await.unwrap();
        let took = {
            let begun = Instant::now();
            let staged = receiver.stage(&Version::new(2, 0, 0), now, &|_, _| {}).await.unwrap();
            receiver.accept(&staged, None).unwrap();
            milliseconds(begun)
        };
        let plain = plain(&repository.site.url(), &targets, &home.path().join("plain")).await;
        // Once before it counts, so that both have their metadata.
        let bare_home = home.path().join("bare");
        bare(&repository, &bare_home, now).await;
        let bare = bare(&repository, &bare_home, now).await;
        repository.site.asked();
        let begun = Instant::now();
        let mut receiver = Receiver::open(home.path(), Limits::default()).unwrap().unwrap();
        let choice = receiver.check("device", now).await.unwrap();
        let check = milliseconds(begun);
        assert_eq!(choice.take, None);
        let requests = repository.site.asked().len();
        println!(
            "{}",
            json!({ "check": check, "bare": bare, "requests": requests, "received": took, "plain": plain })
        );
    }
}

fn milliseconds(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1_000.0
}

/// A client as ours is where there is no TLS: the system's certificates are not read.
fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap()
}

/// The library's own refresh with its own store, when nothing is new.
async fn bare(repository: &Repository, home: &Path, now: Timestamp) -> f64 {
    let begun = Instant::now();
    let source = Bare { client: client(), url: repository.site.url() };
    let mut updater =
        Updater::new(source, &repository.first_root()).unwrap().with_store(FileStore::new(home));
    let now = tuf_jiff::Timestamp::from_nanosecond(now.as_nanosecond()).unwrap();
    updater.refresh(now).await.unwrap();
    milliseconds(begun)
}

struct Bare {
    client: reqwest::Client,
    url: String,
}

impl Source for Bare {
    fn fetch_metadata<'a>(&'a self, name: &'a str, _: u64) -> FetchFuture<'a> {
        Box::pin(async move {
            let answer = self.client.get(format!("{}/metadata/{name}", self.url)).send().await.unwrap();
            Ok(if answer.status().is_success() { Some(answer.bytes().await.unwrap().to_vec()) } else { None })
        })
    }

    fn fetch_target<'a>(&'a self, path: &'a str, _: u64) -> FetchFuture<'a> {
        self.fetch_metadata(path, 0)
    }
}

/// The same files by the same client, as many at once: each written, and its hash compared with the one in its name.
async fn plain(url: &str, targets: &[String], into: &Path) -> f64 {
    std::fs::create_dir_all(into).unwrap();
    let begun = Instant::now();
    let client = client();
    futures::stream::iter(targets.iter().cloned())
        .map(|path| {
            let (client, url) = (client.clone(), url.to_owned());
            async move {
                let content = client.get(format!("{url}/{path}")).send().await?.bytes().await?;
                let name = path.rsplit('/').next().unwrap();
                assert!(name.starts_with(&hex(&Sha256::digest(&content))));
                tokio::fs::write(into.join(name), &content).await.unwrap();
                Ok::<_, reqwest::Error>(())
            }
        })
        .buffer_unordered(Limits::default().at_once)
        .try_collect::<()>()
        .await
        .unwrap();
    milliseconds(begun)
}
