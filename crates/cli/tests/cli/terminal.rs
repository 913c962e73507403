//! What is asked of a person at a terminal: a real one, with somebody who reads and types.

use std::{
    fs::{self, File},
    io::{Read, Write},
    os::fd::OwnedFd,
    process::{Child, Command},
    sync::mpsc::{self, Receiver},
    time::Instant,
};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::machine::{Machine, PATIENCE};

/// A program at a terminal.
struct Terminal {
    child: Child,
    keys: File,
    shown: Receiver<Vec<u8>>,
    seen: String,
}

impl Terminal {
    fn of(mut command: Command) -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let name = ptsname(&ours, Vec::new()).unwrap().into_string().unwrap();
        let theirs: OwnedFd = File::options().read(true).write(true).open(name).unwrap().into();
        let child = command
            .stdin(theirs.try_clone().unwrap())
            .stdout(theirs.try_clone().unwrap())
            .stderr(theirs)
            .spawn()
            .unwrap();
        // It holds the program's end open otherwise, and the end of what is shown would never come.
        drop(command);
        let keys = File::from(ours);
        let mut screen = keys.try_clone().unwrap();
        let (sender, shown) = mpsc::channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // Linux ends what is shown with an error when nobody is at the other end any more.
            while let Ok(length @ 1..) = screen.read(&mut buffer) {
                if sender.send(buffer[..length].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { child, keys, shown, seen: String::new() }
    }

    /// Waits for a question, and types the answer.
    fn answers(&mut self, question: &str, answer: &str) {
        let begun = Instant::now();
        while !self.seen.contains(question) {
            let left = PATIENCE.checked_sub(begun.elapsed());
            let Some(Ok(shown)) = left.map(|left| self.shown.recv_timeout(left)) else {
                panic!("nobody asked `{question}`: {}", self.seen);
            };
            self.seen += &String::from_utf8_lossy(&shown);
        }
        // What was asked before is asked no more.
        self.seen = self.seen.split_once(question).unwrap().1.to_owned();
        self.keys.write_all(format!("{answer}\n").as_bytes()).unwrap();
    }

    /// Waits for the end; all that was shown since the last answer.
    fn ends(mut self, well: bool) -> String {
        let status = self.child.wait().unwrap();
        while let Ok(shown) = self.shown.recv_timeout(PATIENCE) {
            self.seen += &String::from_utf8_lossy(&shown);
        }
        assert_eq!(status.success(), well, "{}", self.seen);
        self.seen
    }
}

#[test]
fn init_asks_few_questions_and_asks_again_where_an_answer_is_none() {
    let machine = Machine::new();
    let mut terminal = Terminal::of(machine.command(&["pack", "init", "acme"]));
    terminal.answers("How does it greet people?", "Welcome to Acme");
    terminal.answers("Number or name", "manager");
    terminal.answers("is none of them", "2");
    terminal.answers("What are they called?", "");
    terminal.answers("github, gitlab or none?", "jenkins");
    terminal.answers("is none of them", "gitlab");
    assert!(terminal.ends(true).contains("firstlight pack lint acme"));
    let pack = fs::read_to_string(machine.root.path().join("acme/pack.yaml")).unwrap();
    for words in ["Welcome to Acme", "title: \"Data scientist\"", "first-analysis"] {
        assert!(pack.contains(words), "{words}: {pack}");
    }
    assert!(machine.root.path().join("acme/.gitlab-ci.yml").is_file());
    machine.run(&["pack", "lint", "acme"]).expect(0);
}
