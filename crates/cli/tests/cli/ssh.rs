//! A key made, a server that does not know it, and a clone once it does: with the real `ssh` against a real server.

use std::{
    fs,
    io::Write,
    net::{TcpListener, TcpStream},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use firstlight_testkit::PackFolder;

use crate::machine::{Machine, until};

/// A server for one test, which ends with it.
struct Server {
    process: Child,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Said past the harness, which would keep it to itself.
fn not_tested(why: &str) {
    std::io::stderr().write_all(format!("not tested with a real SSH server: {why}\n").as_bytes()).unwrap();
}

fn is_root(folder: &Path) -> bool {
    fs::metadata(folder).unwrap().uid() == 0
}

impl Server {
    /// Lets in whoever `folder/authorized_keys` names. None where there is no such program, or where root may not give it
    /// the account it wants for itself.
    fn start(folder: &Path) -> Option<Self> {
        let Some(program) = found("sshd") else {
            not_tested("there is none; `assets/packs/contribute` fetches one on Debian and Ubuntu");
            return None;
        };
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let at = |name: &str| folder.join(name).display().to_string();
        let key = ["-q", "-t", "ed25519", "-N", "", "-f", &at("host_key")];
        assert!(Command::new("ssh-keygen").args(key).status().unwrap().success());
        let config = format!(
            "ListenAddress 127.0.0.1\nPort {port}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nUsePAM no\n\
             StrictModes no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
             PermitRootLogin prohibit-password\n",
            at("host_key"),
            at("authorized_keys"),
        );
        fs::write(folder.join("config"), config).unwrap();
        let mut command = if is_root(folder) {
            // As root it wants an account and a folder of its own, which it finds only here: in its own mounts.
            let script = "set -e; mount -t tmpfs none /run; mkdir /run/sshd; cp /etc/passwd \"$0/passwd\"; \
                          grep -q '^sshd:' \"$0/passwd\" || \
                          echo 'sshd:x:64999:65534::/run/sshd:/usr/sbin/nologin' >> \"$0/passwd\"; \
                          mount --bind \"$0/passwd\" /etc/passwd; exec \"$1\" -D -e -f \"$0/config\"";
            if !Command::new("unshare").args(["--mount", "true"]).status().is_ok_and(|ended| ended.success())
            {
                not_tested("root may not have mounts of its own here");
                return None;
            }
            let mut command = Command::new("unshare");
            command
                .args(["--mount", "--propagation", "private", "sh", "-c", script])
                .arg(folder)
                .arg(program);
            command
        } else {
            let mut command = Command::new(program);
            command.args(["-D", "-e", "-f", &at("config")]);
            command
        };
        let log = fs::File::create(folder.join("log")).unwrap();
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let server = Self { process, port };
        until("the server listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        Some(server)
    }
}

fn found(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    // By its full path: it starts itself again for each connection.
    folders.map(|folder| folder.join(program)).find(|file| file.is_file())
}

fn said(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A repository with one commit.
fn repository(at: &Path) {
    let at = at.display().to_string();
    said("git", &["init", "--quiet", "--initial-branch=main", &at]);
    fs::write(format!("{at}/README"), "orders\n").unwrap();
    said("git", &["-C", &at, "add", "README"]);
    let who = ["-c", "user.name=Ada", "-c", "user.email=ada@acme.test"];
    said("git", &[&["-C", &at], &who[..], &["commit", "--quiet", "--message", "Begin"]].concat());
}

#[test]
fn e8_a_clone_over_ssh_says_what_is_missing_until_server_and_key_know_each_other() {
    let machine = Machine::new();
    let folder = machine.root.path().join("server");
    fs::create_dir(&folder).unwrap();
    let Some(server) = Server::start(&folder) else { return };
    repository(&folder.join("orders"));
    let user = said("id", &["--user", "--name"]);
    let url = format!("ssh://{user}@127.0.0.1:{}{}/orders", server.port, folder.display());
    // `ssh` finds the person's settings by their account and not by HOME, which is another one here.
    let (key, known) = (machine.home().join(".ssh/id_ed25519"), machine.home().join(".ssh/known_hosts"));
    let ssh = format!(
        "ssh -F none -o IdentitiesOnly=yes -i {} -o UserKnownHostsFile={}",
        key.display(),
        known.display()
    );
    let pack = PackFolder::with_steps(
        &["key", "ssh", "clone"],
        &format!(
            "  key: {{ title: Create your key, uses: ssh/key, with: {{ comment: ada }} }}
  ssh: {{ title: Use it, uses: git/config, with: {{ key: core.sshCommand, value: '{ssh}' }} }}
  clone: {{ title: Clone orders, uses: git/clone, needs: [key, ssh], first-value: true,
            with: {{ url: '{url}', into: '${{{{ inputs.place }}}}/orders' }} }}
policy: {{ capabilities: {{ hosts: [127.0.0.1] }} }}"
        ),
    );

    let stranger = machine.on(&pack, "up", &["--yes"]).expect(1);
    assert!(
        stranger.stdout.contains("does not know that server yet"),
        "{}{}",
        stranger.stdout,
        stranger.stderr
    );

    let host_key = fs::read_to_string(folder.join("host_key.pub")).unwrap();
    fs::write(&known, format!("[127.0.0.1]:{} {host_key}", server.port)).unwrap();
    let unknown = machine.on(&pack, "up", &["--yes"]).expect(1);
    assert!(
        unknown.stdout.contains("does not know your SSH key yet"),
        "{}{}",
        unknown.stdout,
        unknown.stderr
    );
    assert!(!machine.place().join("orders").exists());

    fs::copy(key.with_extension("pub"), folder.join("authorized_keys")).unwrap();
    machine.on(&pack, "up", &["--yes"]).expect(0);
    let readme = machine.place().join("orders/README");
    assert_eq!(fs::read_to_string(&readme).unwrap(), "orders\n");
    machine.on(&pack, "plan", &["--detailed-exitcode"]).expect(0);

    machine.run(&["undo", "--all"]).expect(0);
    assert!(!readme.exists() && !key.exists());
}
