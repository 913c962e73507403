//! A static file server that can also be told to behave badly, file by file.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

/// How a file is answered for.
#[derive(Debug, Clone)]
pub enum Trick {
    /// Not there.
    Missing,
    /// Another content, of a length that is said.
    Instead(Vec<u8>),
    /// The content, but the connection ends after so many bytes of it; a request that goes on is answered in full.
    CutAfter(usize),
    /// So many bytes of the content, whatever is asked.
    Only(usize),
    /// An answer without a length that never ends.
    Endless,
    /// A byte now and then.
    Drip,
    /// Nothing at all.
    Silent,
    /// Somewhere else.
    Redirect(String),
    /// Like [`Trick::CutAfter`], and whoever goes on is answered from the beginning.
    CutAndForget(usize),
}

/// The server. Ends when dropped.
#[derive(Debug)]
pub struct Site {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    files: Mutex<BTreeMap<String, Vec<u8>>>,
    tricks: Mutex<BTreeMap<String, Trick>>,
    asked: Mutex<Vec<String>>,
    over: AtomicBool,
}

impl Default for Site {
    fn default() -> Self {
        Self::start()
    }
}

impl Site {
    /// Starts it, empty.
    pub fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let served = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if served.over.load(Ordering::Relaxed) {
                    break;
                }
                let served = Arc::clone(&served);
                // A client that hangs up early is part of the test.
                thread::spawn(move || drop(serve(&served, stream)));
            }
        });
        Self { address, shared }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Puts a file there.
    pub fn put(&self, path: &str, content: impl Into<Vec<u8>>) {
        self.shared.files.lock().unwrap().insert(path.to_owned(), content.into());
    }

    /// A file that is there.
    pub fn get(&self, path: &str) -> Vec<u8> {
        self.shared.files.lock().unwrap()[path].clone()
    }

    /// Everything that is served now; [`Site::restore`] makes it so again.
    pub fn copy(&self) -> BTreeMap<String, Vec<u8>> {
        self.shared.files.lock().unwrap().clone()
    }

    /// Serves what is in a folder now, and nothing else.
    pub fn serve(&self, folder: &Path) {
        let mut files = BTreeMap::new();
        read(folder, "", &mut files);
        self.restore(files);
    }

    /// Serves exactly this.
    pub fn restore(&self, files: BTreeMap<String, Vec<u8>>) {
        *self.shared.files.lock().unwrap() = files;
    }

    /// Answers for a file badly from now on.
    pub fn trick(&self, path: &str, trick: Trick) {
        self.shared.tricks.lock().unwrap().insert(path.to_owned(), trick);
    }

    /// Answers well again.
    pub fn behave(&self) {
        self.shared.tricks.lock().unwrap().clear();
    }

    /// What was asked since the last time: paths, and ranges where one was asked for.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.shared.asked.lock().unwrap())
    }
}

fn read(folder: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            read(&entry.path(), &format!("{name}/"), files);
        } else {
            files.insert(name, std::fs::read(entry.path()).unwrap());
        }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        // Wakes the listener, which then sees that it is over.
        drop(TcpStream::connect(self.address));
    }
}

fn serve(shared: &Shared, stream: TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let path = unescaped(first.split(' ').nth(1).unwrap_or_default().trim_start_matches('/'));
    let mut from = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(range) = line.strip_prefix("range: bytes=") {
            from = range.trim_end_matches('-').parse().unwrap();
        }
    }
    let range = if from > 0 { format!(" from {from}") } else { String::new() };
    shared.asked.lock().unwrap().push(format!("{path}{range}"));
    let trick = shared.tricks.lock().unwrap().get(&path).cloned();
    let content = shared.files.lock().unwrap().get(&path).cloned();
    let content = match (trick.clone(), content) {
        (Some(Trick::Missing), _) | (_, None) => {
            return write!(
                stream,
                "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
            );
        }
        (Some(Trick::Instead(content)), Some(_)) | (_, Some(content)) => content,
    };
    match trick {
        Some(Trick::Silent) => {
            wait(shared);
            Ok(())
        }
        Some(Trick::Endless) => {
            write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
            while !shared.over.load(Ordering::Relaxed) {
                stream.write_all(&[b' '; 4096])?;
            }
            Ok(())
        }
        Some(Trick::Drip) => {
            write!(
                stream,
                "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
                content.len()
            )?;
            for byte in content.chunks(1) {
                thread::sleep(Duration::from_millis(40));
                stream.write_all(byte)?;
                stream.flush()?;
            }
            Ok(())
        }
        Some(Trick::Redirect(to)) => {
            write!(
                stream,
                "HTTP/1.1 302 Found\r\nConnection: close\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n"
            )
        }
        Some(Trick::Only(length)) => answer(&mut stream, &content[..length], 0, None),
        Some(Trick::CutAfter(length)) if from == 0 => answer(&mut stream, &content, 0, Some(length)),
        Some(Trick::CutAndForget(length)) if from == 0 => {
            shared.tricks.lock().unwrap().insert(path, Trick::CutAndForget(content.len().max(length)));
            answer(&mut stream, &content, 0, Some(length))
        }
        Some(Trick::CutAndForget(_)) => answer(&mut stream, &content, 0, None),
        Some(Trick::Missing | Trick::Instead(_) | Trick::CutAfter(_)) | None => {
            answer(&mut stream, &content, from, None)
        }
    }
}

/// A path as it is on disk: `%20` is a space.
fn unescaped(path: &str) -> String {
    let mut parts = path.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    String::from_utf8(bytes).unwrap()
}

/// The content from a place on; `cut` ends the connection early.
fn answer(stream: &mut TcpStream, content: &[u8], from: usize, cut: Option<usize>) -> std::io::Result<()> {
    if from > content.len() {
        return write!(
            stream,
            "HTTP/1.1 416 Range Not Satisfiable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        );
    }
    let (all, content) = (content.len(), &content[from..]);
    if from > 0 {
        write!(stream, "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {from}-{}/{all}\r\n", all - 1)?;
    } else {
        write!(stream, "HTTP/1.1 200 OK\r\n")?;
    }
    write!(stream, "Connection: close\r\nContent-Length: {}\r\n\r\n", content.len())?;
    stream.write_all(&content[..cut.unwrap_or(content.len()).min(content.len())])
}

fn wait(shared: &Shared) {
    while !shared.over.load(Ordering::Relaxed) {
        thread::sleep(Duration::from_millis(20));
    }
}
