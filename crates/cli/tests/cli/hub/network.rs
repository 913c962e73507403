//! A network between machines and a hub, that does to each request what it was told to do to the next.

use std::{
    collections::BTreeMap,
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

/// What becomes of a batch of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    /// It never arrives.
    Lost,
    /// It arrives, and the answer does not.
    Unanswered,
    /// It arrives twice.
    Doubled,
    /// It arrives after others that were sent later, and its answer never does.
    HeldUp,
    /// Somebody in between answers in the hub's place.
    Impostor,
    /// It is cut in the middle.
    Cut,
    /// It takes longer than a command waits.
    Stalled,
}

impl Fault {
    pub(super) const ALL: [Self; 7] =
        [Self::Lost, Self::Unanswered, Self::Doubled, Self::HeldUp, Self::Impostor, Self::Cut, Self::Stalled];
}

struct State {
    /// What meets the next fault begins so.
    of: &'static [u8],
    next: Option<Fault>,
    met: BTreeMap<Fault, u32>,
    held_up: Vec<Vec<u8>>,
}

impl Default for State {
    fn default() -> Self {
        Self { of: b"POST /v1/events", next: None, met: BTreeMap::new(), held_up: Vec::new() }
    }
}

/// The network. Its threads end with the test.
pub(super) struct FaultyNetwork {
    address: SocketAddr,
    hub: String,
    state: Arc<Mutex<State>>,
}

impl FaultyNetwork {
    pub(super) fn start(hub: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let network =
            Self { address: listener.local_addr().unwrap(), hub: hub.to_owned(), state: Arc::default() };
        let (hub, state) = (network.hub.clone(), Arc::clone(&network.state));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (hub, state) = (hub.clone(), Arc::clone(&state));
                // What breaks is what is tested; the machine sees it.
                thread::spawn(move || pass(client, &hub, &state));
            }
        });
        network
    }

    pub(super) fn address(&self) -> String {
        self.address.to_string()
    }

    /// What becomes of the next batch.
    pub(super) fn next(&self, fault: Fault) {
        self.with(|state| state.next = Some(fault));
    }

    /// What becomes of the next request for a new token.
    pub(super) fn next_renewal(&self, fault: Fault) {
        self.with(|state| (state.of, state.next) = (b"POST /v1/devices/self/token", Some(fault)));
    }

    /// Nothing is wrong with it from now on.
    pub(super) fn mend(&self) {
        self.with(|state| state.next = None);
    }

    /// How often each fault was met.
    pub(super) fn met(&self) -> BTreeMap<Fault, u32> {
        self.with(|state| state.met.clone())
    }

    /// Lets what was held up arrive.
    pub(super) fn release_what_was_held_up(&self) {
        for request in self.with(|state| std::mem::take(&mut state.held_up)) {
            ask(&self.hub, &request).unwrap();
        }
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One request of a machine, and what becomes of it. The connection ends with it.
fn pass(mut client: TcpStream, hub: &str, state: &Mutex<State>) -> io::Result<()> {
    let request = request(&mut client)?;
    let fault = {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        let fault = {
            let of = state.of;
            state.next.take_if(|_| request.starts_with(of))
        };
        if let Some(fault) = fault {
            *state.met.entry(fault).or_default() += 1;
        }
        fault
    };
    match fault {
        Some(Fault::Lost) => return Ok(()),
        Some(Fault::Unanswered) => return ask(hub, &request).map(drop),
        Some(Fault::Doubled) => drop(ask(hub, &request)?),
        Some(Fault::HeldUp) => {
            state.lock().unwrap_or_else(PoisonError::into_inner).held_up.push(request);
            return Ok(());
        }
        Some(Fault::Impostor) => {
            let page = "<h1>Please sign in</h1>";
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", page.len());
            return client.write_all(format!("{head}{page}").as_bytes());
        }
        Some(Fault::Cut) => {
            let mut half = TcpStream::connect(hub)?;
            return half.write_all(&request[..request.len() - 20]);
        }
        Some(Fault::Stalled) => {
            let answer = ask(hub, &request)?;
            thread::sleep(Duration::from_secs(6));
            return client.write_all(&answer);
        }
        None => {}
    }
    client.write_all(&ask(hub, &request)?)
}

/// Reads a request whole, and asks for the connection to be closed after it.
fn request(client: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut reader = BufReader::new(client);
    let (mut head, mut length) = (Vec::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if line == "\r\n" {
            break;
        }
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
        if !lower.starts_with("connection:") {
            head.extend_from_slice(line.as_bytes());
        }
    }
    head.extend_from_slice(b"Connection: close\r\n\r\n");
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    head.extend_from_slice(&body);
    Ok(head)
}

/// What the hub says at a path to whoever is on its own machine.
pub(super) fn get(hub: &str, path: &str) -> String {
    let answer =
        ask(hub, format!("GET {path} HTTP/1.1\r\nHost: {hub}\r\nConnection: close\r\n\r\n").as_bytes());
    let answer = String::from_utf8(answer.unwrap()).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").expect(&answer);
    assert!(head.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(!head.to_ascii_lowercase().contains("chunked"), "{head}");
    body.to_owned()
}

/// Asks the hub, to the end of its answer.
fn ask(hub: &str, request: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(hub)?;
    stream.write_all(request)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}
