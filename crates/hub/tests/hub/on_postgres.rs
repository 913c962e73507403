//! Hubs on a PostgreSQL that goes away and comes back, and more than one of them.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
};

use firstlight_contract::hub::{BATCH, BatchAnswer, Verdict};
use reqwest::StatusCode;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use crate::{
    common::{Device, Hub, PATIENCE, accepted, read},
    postgres::Server,
};

/// Sends the same again until it is acknowledged, as the outbox does.
async fn deliver(client: &reqwest::Client, url: &str, device: &Device, body: &str) -> BatchAnswer {
    loop {
        let request = client
            .post(format!("{url}/v1/events"))
            .bearer_auth(&device.token)
            .header("content-type", BATCH)
            .body(body.to_owned());
        let answer = request.send().await.unwrap();
        match answer.status() {
            StatusCode::OK => return read(answer).await,
            status if status.is_server_error() => {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
            other => panic!("{other}: {}", answer.text().await.unwrap()),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g7_postgres_killed_under_load_loses_and_doubles_nothing() {
    let Some(mut server) = Server::own() else { return };
    let hub = Hub::start_on(&server.fresh());
    let (stop, acknowledged) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let mut senders = JoinSet::new();
    for _ in 0..4 {
        let device = hub.enrol().await;
        let (client, url) = (hub.client.clone(), hub.url.clone());
        let (stop, acknowledged) = (Arc::clone(&stop), Arc::clone(&acknowledged));
        senders.spawn(async move {
            let mut last = 0;
            while !stop.load(Ordering::SeqCst) {
                let body = serde_json::to_string(&device.events(last + 1..=last + 7)).unwrap();
                let answer = deliver(&client, &url, &device, &body).await;
                // All or nothing: what was written without an answer is there as a whole.
                let verdicts: Vec<Verdict> = answer.verdicts.into_iter().map(|one| one.verdict).collect();
                assert!(
                    verdicts == vec![Verdict::Accepted; 7] || verdicts == vec![Verdict::Duplicate; 7],
                    "{verdicts:?}"
                );
                last += 7;
                acknowledged.fetch_add(7, Ordering::SeqCst);
            }
            (device, last)
        });
    }
    for _ in 0..3 {
        let goal = acknowledged.load(Ordering::SeqCst) + 150;
        while acknowledged.load(Ordering::SeqCst) < goal {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        tokio::task::block_in_place(|| server.crash());
        let ready = hub.get("/readyz").send().await.unwrap();
        assert_eq!(ready.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(hub.get("/healthz").send().await.unwrap().status(), StatusCode::OK);
        tokio::task::block_in_place(|| server.start());
    }
    let goal = acknowledged.load(Ordering::SeqCst) + 100;
    while acknowledged.load(Ordering::SeqCst) < goal {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    stop.store(true, Ordering::SeqCst);
    let mut all = 0;
    for (device, last) in senders.join_all().await {
        let standing = device.standing(&hub).await;
        assert_eq!((standing.high_water, standing.missing, standing.accepted), (last, 0, last));
        all += last;
    }
    assert_eq!(hub.get("/readyz").send().await.unwrap().status(), StatusCode::OK);
    assert_eq!(hub.counted().await, all);
}

/// Passes each connection on to the next of these addresses.
async fn proxy(backends: Vec<String>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let next = AtomicUsize::new(0);
    tokio::spawn(async move {
        loop {
            let (mut front, _) = listener.accept().await.unwrap();
            let backend = backends[next.fetch_add(1, Ordering::SeqCst) % backends.len()].clone();
            tokio::spawn(async move {
                let mut back = TcpStream::connect(backend).await.unwrap();
                // Whoever hangs up first ends it.
                let _ = copy_bidirectional(&mut front, &mut back).await;
            });
        }
    });
    url
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hubs_behind_a_proxy_count_what_both_were_sent_at_once_once() {
    const BATCHES: u64 = 30;
    let Some(server) = Server::shared() else { return };
    let url = server.fresh();
    let hubs = [Hub::start_on(&url), Hub::start_on(&url)];
    let address = |hub: &Hub| hub.url.strip_prefix("http://").unwrap().to_owned();
    let front = proxy(hubs.iter().map(address).collect()).await;
    // A connection for each request, so that the proxy may choose each time.
    let client =
        reqwest::Client::builder().no_proxy().timeout(PATIENCE).pool_max_idle_per_host(0).build().unwrap();
    let mut senders = JoinSet::new();
    for turn in 0..4 {
        // Let in by one, it is known to the other.
        let device = hubs[turn % 2].enrol().await;
        let (client, front) = (client.clone(), front.clone());
        let both = hubs.each_ref().map(|hub| hub.url.clone());
        senders.spawn(async move {
            let mut accepted_of_it = 0;
            for batch in 0..BATCHES {
                let body = serde_json::to_string(&device.events(batch * 5 + 1..=batch * 5 + 5)).unwrap();
                let answers = if batch % 2 == 0 {
                    tokio::join!(
                        deliver(&client, &front, &device, &body),
                        deliver(&client, &front, &device, &body)
                    )
                } else {
                    tokio::join!(
                        deliver(&client, &both[0], &device, &body),
                        deliver(&client, &both[1], &device, &body)
                    )
                };
                for answer in [answers.0, answers.1] {
                    let verdicts: Vec<Verdict> = answer.verdicts.into_iter().map(|one| one.verdict).collect();
                    accepted_of_it += accepted(&verdicts);
                }
            }
            assert_eq!(accepted_of_it as u64, BATCHES * 5, "each by exactly one of the two");
        });
    }
    senders.join_all().await;
    for hub in &hubs {
        assert_eq!(hub.counted().await, 4 * BATCHES * 5);
    }
}

#[tokio::test]
async fn a_postgres_over_the_network_is_encrypted_and_has_to_be_vouched_for() {
    let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let Some(mut server) = Server::with(&["listen_addresses=127.0.0.1"]) else { return };
    let port = server.port();
    let file = |name: &str| server.folder().join(name);
    fs::write(file("server.crt"), pair.cert.pem()).unwrap();
    fs::write(file("server.key"), pair.signing_key.serialize_pem()).unwrap();
    server.take(&["server.crt", "server.key"]);
    let authority = file("server.crt");
    let folder = server.folder().display().to_string();
    server.crash();
    for setting in [format!("ssl_cert_file={folder}/server.crt"), format!("ssl_key_file={folder}/server.key")]
    {
        server.set(setting);
    }
    server.set("ssl=on".to_owned());
    server.start();

    let url = format!("postgres://ada@localhost:{port}/postgres?sslmode=verify-full");
    let trusting = Hub::start_on_with(&url, &format!("database_ca = {authority:?}"));
    let device = trusting.enrol().await;
    assert_eq!(device.send(&trusting, &device.events([1])).await, [Verdict::Accepted]);
    server.sql("SELECT 1 / count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE ssl AND application_name = 'firstlight-hub'");

    let stranger = tempfile::tempdir().unwrap();
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let other_authority = stranger.path().join("other.pem");
    fs::write(&other_authority, other.cert.pem()).unwrap();
    let config = stranger.path().join("hub.toml");
    fs::write(&config, format!("database_ca = {other_authority:?}")).unwrap();
    let refused =
        Hub::run_alone(&["device", "list", "--config", &config.display().to_string(), "--database", &url]);
    assert!(!refused.status.success());
    let words = String::from_utf8(refused.stderr).unwrap();
    assert!(words.contains("certificate"), "{words}");
}

#[tokio::test]
async fn g8_postgres_has_the_queue_of_each_step_owner() {
    let Some(server) = Server::shared() else { return };
    crate::requests::story(&Hub::start_on(&server.fresh())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_hubs_on_one_postgres_one_tells_each_webhook() {
    let Some(server) = Server::shared() else { return };
    crate::requests::one_of_two_tells(&server.fresh()).await;
}
