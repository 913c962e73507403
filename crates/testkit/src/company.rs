//! A company's network on this machine: a proxy that opens every connection with certificates of its own authority, as
//! many companies' do, and behind it hosts that exist nowhere else.

use std::{
    collections::BTreeMap,
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use jiff::{Timestamp, fmt::rfc2822::DateTimePrinter};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    crypto::aws_lc_rs,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};

/// The common name of the authority.
pub const AUTHORITY: &str = "Acme Test Authority";

/// How long a client may be silent.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a host behind the proxy answers.
#[derive(Debug, Clone)]
pub struct Page {
    /// The HTTP status.
    pub status: u16,
    /// More header lines, names and values.
    pub headers: Vec<(&'static str, String)>,
    /// The content.
    pub body: Vec<u8>,
}

impl Page {
    /// 200 with this content.
    pub fn of(content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, headers: vec![("Content-Type", content_type.to_owned())], body: body.into() }
    }

    /// An empty answer with this status.
    pub fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }
}

/// The proxy and what lies behind it. Ends when dropped.
pub struct CompanyNetwork {
    address: SocketAddr,
    shared: Arc<Shared>,
}

type Answer = dyn Fn(&str) -> Page + Send + Sync;

struct Shared {
    authority: Issuer<'static, KeyPair>,
    authority_pem: String,
    answer: Box<Answer>,
    asked: Mutex<Vec<String>>,
    over: AtomicBool,
}

impl CompanyNetwork {
    /// Starts it. Each request is answered by `answer`, which gets `host/path`.
    ///
    /// # Panics
    /// If this machine has no port to listen on, or makes no keys.
    #[expect(clippy::expect_used, reason = "a test without its network cannot go on")]
    pub fn start(answer: impl Fn(&str) -> Page + Send + Sync + 'static) -> Self {
        let (authority, authority_pem) = authority().expect("a certificate");
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            authority,
            authority_pem,
            answer: Box::new(answer),
            asked: Mutex::default(),
            over: AtomicBool::new(false),
        });
        let own = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming() {
                if own.over.load(Ordering::SeqCst) {
                    break;
                }
                let (Ok(client), own) = (client, Arc::clone(&own)) else { continue };
                // A client that breaks off is what some tests are about; it sees the error itself.
                thread::spawn(move || own.serve(client));
            }
        });
        Self { address, shared }
    }

    /// Starts it with these pages, by `host/path`; anything else is not found.
    pub fn with_pages(pages: BTreeMap<String, Page>) -> Self {
        Self::start(move |asked| {
            let path = asked.split_once('?').map_or(asked, |(path, _)| path);
            pages.get(path).cloned().unwrap_or_else(|| Page::status(404))
        })
    }

    /// The proxy's address, as a setting takes it.
    pub fn proxy(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The authority's certificate.
    pub fn authority(&self) -> &str {
        &self.shared.authority_pem
    }

    /// What was asked so far: `host/path`, and `CONNECT host:port` for each connection that was opened.
    pub fn asked(&self) -> Vec<String> {
        self.shared.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for CompanyNetwork {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        // Wakes the one that listens; if nobody does any more, that is just as well.
        let _ = TcpStream::connect(self.address);
    }
}

fn authority() -> Result<(Issuer<'static, KeyPair>, String), rcgen::Error> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.distinguished_name.push(DnType::CommonName, AUTHORITY);
    let key = KeyPair::generate()?;
    let pem = params.self_signed(&key)?.pem();
    Ok((Issuer::new(params, key), pem))
}

impl Shared {
    fn serve(&self, mut client: TcpStream) -> io::Result<()> {
        client.set_read_timeout(Some(PATIENCE))?;
        let Some((method, target)) = request(&mut client)? else { return Ok(()) };
        if method != "CONNECT" {
            let address = target.strip_prefix("http://").unwrap_or(&target).to_owned();
            return self.reply(&mut client, &address);
        }
        self.note(format!("CONNECT {target}"));
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
        let host = target.rsplit_once(':').map_or(target.as_str(), |(host, _)| host).to_owned();
        let tls = self.tls_for(&host).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(tls, client);
        if let Some((_, path)) = request(&mut stream)? {
            self.reply(&mut stream, &format!("{host}{path}"))?;
        }
        stream.conn.send_close_notify();
        stream.flush()
    }

    /// A connection with a certificate for this host, made now.
    fn tls_for(&self, host: &str) -> Result<ServerConnection, Box<dyn std::error::Error + Send + Sync>> {
        let key = KeyPair::generate()?;
        let leaf = CertificateParams::new(vec![host.to_owned()])?.signed_by(&key, &self.authority)?;
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], key)?;
        Ok(ServerConnection::new(Arc::new(config))?)
    }

    fn reply(&self, to: &mut impl Write, address: &str) -> io::Result<()> {
        self.note(address.to_owned());
        let page = (self.answer)(address);
        let date = DateTimePrinter::new()
            .timestamp_to_rfc9110_string(&Timestamp::now())
            .map_err(io::Error::other)?;
        let mut head = format!(
            "HTTP/1.1 {} Answer\r\nDate: {date}\r\nContent-Length: {}\r\nConnection: close\r\n",
            page.status,
            page.body.len()
        );
        for (name, value) in &page.headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        head.push_str("\r\n");
        to.write_all(head.as_bytes())?;
        to.write_all(&page.body)?;
        to.flush()
    }

    fn note(&self, what: String) {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }
}

/// The method and target of a request, whose headers are read and left aside; none if the client went away.
fn request(from: &mut impl Read) -> io::Result<Option<(String, String)>> {
    // One byte at a time: what follows the empty line belongs to whoever reads next.
    let mut reader = BufReader::with_capacity(1, from);
    let mut first = String::new();
    if reader.read_line(&mut first)? == 0 {
        return Ok(None);
    }
    let mut line = String::new();
    while reader.read_line(&mut line)? > 2 {
        line.clear();
    }
    let mut words = first.split_whitespace().map(str::to_owned);
    Ok(words.next().zip(words.next()))
}
