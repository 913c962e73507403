//! F6, the hub's side: what the network drops, doubles and reorders has its effect once.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use firstlight_contract::hub::{BATCH, BatchAnswer};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use crate::common::{Device, Hub};

/// A proxy that spoils one exchange in three: the request is lost, the answer is lost, or the request is sent twice.
struct FaultyProxy {
    address: String,
    spoiled: Arc<AtomicU64>,
}

impl FaultyProxy {
    async fn before(hub: &Hub) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let upstream = hub.url.strip_prefix("http://").unwrap().to_owned();
        let spoiled = Arc::new(AtomicU64::new(0));
        let counts = Arc::clone(&spoiled);
        tokio::spawn(async move {
            for turn in 0_u64.. {
                let (client, _) = listener.accept().await.unwrap();
                let (upstream, counts) = (upstream.clone(), Arc::clone(&counts));
                tokio::spawn(async move {
                    // A client that went away is one more fault.
                    let _ = exchange(client, &upstream, turn, &counts).await;
                });
            }
        });
        Self { address, spoiled }
    }
}

async fn exchange(mut client: TcpStream, upstream: &str, turn: u64, spoiled: &AtomicU64) -> io::Result<()> {
    let request = whole_request(&mut client).await?;
    let fault = turn.wrapping_mul(2_654_435_761) >> 7;
    if fault.is_multiple_of(3) {
        spoiled.fetch_add(1, Ordering::SeqCst);
        match fault / 3 % 3 {
            0 => return Ok(()),
            1 => return forward(&request, upstream).await.map(drop),
            _ => drop(tokio::join!(forward(&request, upstream), forward(&request, upstream))),
        }
    }
    let answer = forward(&request, upstream).await?;
    client.write_all(&answer).await
}

async fn forward(request: &[u8], upstream: &str) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(upstream).await?;
    stream.write_all(request).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(answer)
}

/// Reads up to the end of the body.
async fn whole_request(client: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:")).unwrap().trim();
            if bytes.len() >= end + 4 + length.parse::<usize>().unwrap() {
                return Ok(bytes);
            }
        }
        if client.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// Sends until there is an answer, as a device does.
async fn deliver(address: &str, device: &Device, body: &str) -> BatchAnswer {
    let request = format!(
        "POST /v1/events HTTP/1.1\r\nhost: hub\r\nconnection: close\r\nauthorization: Bearer {}\r\n\
         content-type: {BATCH}\r\ncontent-length: {}\r\n\r\n{body}",
        device.token,
        body.len()
    );
    loop {
        let Ok(answer) = forward(request.as_bytes(), address).await else { continue };
        let answer = String::from_utf8(answer).unwrap();
        if let Some((head, body)) = answer.split_once("\r\n\r\n") {
            assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
            return serde_json::from_str(body).unwrap();
        }
    }
}

#[tokio::test]
async fn f6_ten_thousand_events_have_exactly_ten_thousand_effects() {
    let hub = Hub::start();
    let proxy = FaultyProxy::before(&hub).await;
    let mut senders = JoinSet::new();
    for _ in 0..4 {
        let device = hub.enrol().await;
        let address = proxy.address.clone();
        senders.spawn(async move {
            let batches: Vec<String> = (0..100_u64)
                .map(|batch| serde_json::to_string(&device.events(batch * 25 + 1..=batch * 25 + 25)).unwrap())
                .collect();
            // Four batches at a time and not in their order: later ones overtake earlier ones.
            let mut under_way = JoinSet::new();
            for index in 0..100 {
                let (body, device) = (batches[index * 37 % 100].clone(), device.clone());
                let address = address.clone();
                under_way.spawn(async move { deliver(&address, &device, &body).await });
                if under_way.len() == 4 {
                    under_way.join_next().await.unwrap().unwrap();
                }
            }
            under_way.join_all().await;
            device
        });
    }
    let devices = senders.join_all().await;
    assert!(proxy.spoiled.load(Ordering::SeqCst) > 100);
    for device in &devices {
        let standing = device.standing(&hub).await;
        assert_eq!((standing.high_water, standing.missing, standing.accepted), (2_500, 0, 2_500));
        assert_eq!(standing.received_share, Some(1.0));
    }
    assert_eq!(hub.counted().await, 10_000);
    let people: u64 = hub.rollups().await.people.values().map(roaring::RoaringBitmap::len).max().unwrap();
    assert_eq!(people, 4);
}
