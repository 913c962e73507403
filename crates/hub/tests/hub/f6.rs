//! F6, the hub's side: what the network drops, doubles and reorders has its effect once, and no clock changes it.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use firstlight_contract::hub::{BATCH, BatchAnswer, SENT_AT};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use crate::common::{Device, Hub, accepted, problem, read};

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

#[tokio::test]
async fn f6_a_clock_a_year_off_that_steps_back_changes_nothing() {
    let hub = Hub::start_with("zone = \"UTC\"");
    let year = SignedDuration::from_hours(365 * 24);
    for ahead in [SignedDuration::ZERO, year, -year] {
        let device = hub.enrol().await;
        let send = async |sequences: std::ops::RangeInclusive<u64>,
                          of_event: SignedDuration,
                          shown: SignedDuration| {
            let mut events = device.events(sequences);
            for event in &mut events {
                event["time"] = (Timestamp::now() + of_event).to_string().into();
            }
            let sent = (Timestamp::now() + shown).as_millisecond();
            let answer = device.post(&hub, &events).header(SENT_AT, sent).send().await.unwrap();
            let answer: BatchAnswer = read(answer).await;
            let verdicts: Vec<_> = answer.verdicts.into_iter().map(|one| one.verdict).collect();
            assert_eq!(accepted(&verdicts), events.len(), "{verdicts:?}");
        };
        send(1..=100, ahead, ahead).await;
        // It is set right between what it writes down and sending it, and then a little further back.
        send(101..=200, ahead, SignedDuration::ZERO).await;
        send(201..=300, SignedDuration::ZERO, SignedDuration::from_mins(-5)).await;
        let standing = device.standing(&hub).await;
        assert_eq!((standing.accepted, standing.missing, standing.clock_ahead_seconds), (300, 0, Some(-300)));
    }
    let days: Vec<_> = hub.rollups().await.people.into_keys().collect();
    let today = TimeZone::UTC.to_datetime(Timestamp::now()).date();
    // Midnight may have come meanwhile.
    assert!(
        days.iter().all(|day| *day == today || today.yesterday().is_ok_and(|before| *day == before)),
        "{days:?}"
    );
    // The log has what each clock said.
    let log = rusqlite::Connection::open(hub.database()).unwrap();
    let said = |sql: &str| log.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(said("SELECT count(*) FROM event WHERE abs(received - time) > 86400000"), 400);
    assert_eq!(said("SELECT count(*) FROM event WHERE abs(received - coalesce(happened, time)) > 600000"), 0);
    let listed = hub.say(&["device", "list"]);
    assert_eq!(listed.matches("clock 5m behind").count(), 3, "{listed}");
}

#[tokio::test]
async fn what_no_clock_shows_is_refused() {
    let hub = Hub::start();
    let device = hub.enrol().await;
    for wrong in ["", "now", "-1", "1.5", "99999999999999", "2026-11-26T12:00:00Z"] {
        let answer = device.post(&hub, &device.events([1])).header(SENT_AT, wrong).send().await.unwrap();
        problem(answer, 400).await;
    }
    assert_eq!(hub.counted().await, 0);
}
