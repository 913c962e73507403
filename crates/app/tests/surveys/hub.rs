//! As much of a hub as a machine speaks with: it lets everybody in, takes every event, and says what it was told to say of
//! when people were asked.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use firstlight_contract::surveys::Cooldown;
use flate2::read::GzDecoder;
use serde_json::{Value, json};

pub(crate) struct Hub {
    pub(crate) address: String,
    said: Arc<Said>,
}

#[derive(Default)]
struct Said {
    events: Mutex<Vec<Value>>,
    cooldown: Mutex<Cooldown>,
    asked: Mutex<Vec<String>>,
    gone: AtomicBool,
}

impl Hub {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let said: Arc<Said> = Arc::default();
        let heard = Arc::clone(&said);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                // One that is gone says nothing.
                if !heard.gone.load(Ordering::SeqCst) {
                    heard.answer(stream);
                }
            }
        });
        Self { address, said }
    }

    /// What arrived, oldest first.
    pub(crate) fn events(&self) -> Vec<Value> {
        self.said.events.lock().unwrap().clone()
    }

    pub(crate) fn says_asked(&self, cooldown: Cooldown) {
        *self.said.cooldown.lock().unwrap() = cooldown;
    }

    /// How often it was asked about other devices.
    pub(crate) fn times_asked(&self) -> usize {
        self.said.asked.lock().unwrap().iter().filter(|path| path.ends_with("/cooldown")).count()
    }

    /// From here on nobody answers.
    pub(crate) fn goes(&self) {
        self.said.gone.store(true, Ordering::SeqCst);
    }
}

impl Said {
    fn answer(&self, mut stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let path = line.split_whitespace().nth(1).unwrap_or_default().to_owned();
        let mut length = 0;
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).unwrap();
            if header.trim().is_empty() {
                break;
            }
            if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        self.asked.lock().unwrap().push(path.clone());
        let (status, answer) = match path.as_str() {
            "/v1/devices" => {
                let asked: Value = serde_json::from_slice(&body).unwrap();
                let device = asked["source"].as_str().unwrap().trim_start_matches("urn:uuid:").to_owned();
                (201, json!({ "device": device, "token": "flh_test", "expires_at": "2030-01-01T00:00:00Z" }))
            }
            "/v1/devices/self" => {
                let high = self.events.lock().unwrap().len();
                let standing = json!({
                    "device": "here", "high_water": high, "gaps": [], "missing": 0, "accepted": high, "refused": 0,
                    "expires_at": "2030-01-01T00:00:00Z",
                });
                (200, standing)
            }
            "/v1/events" => {
                let mut text = String::new();
                GzDecoder::new(body.as_slice()).read_to_string(&mut text).unwrap();
                let events: Vec<Value> = serde_json::from_str(&text).unwrap();
                let verdicts: Vec<Value> =
                    events.iter().map(|event| json!({ "id": event["id"], "verdict": "accepted" })).collect();
                self.events.lock().unwrap().extend(events);
                (200, json!({ "verdicts": verdicts }))
            }
            "/v1/surveys/cooldown" => (200, serde_json::to_value(&*self.cooldown.lock().unwrap()).unwrap()),
            other => panic!("a machine asked for {other}"),
        };
        let answer = answer.to_string();
        write!(
            stream,
            "HTTP/1.1 {status} Whatever\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{answer}",
            answer.len()
        )
        .unwrap();
    }
}
