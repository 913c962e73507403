//! Linux: Landlock keeps a process to folders, TCP and its own processes; a seccomp filter closes what Landlock leaves
//! open. Both hold for the thread that asks and for all it starts, and are never lifted again. So a thread that does
//! nothing else confines itself and starts the process, without code between fork and exec.
//!
//! Either everything in [`REQUIRED`] can be enforced, or the system counts as not confining. What newer kernels add (no
//! control of devices, no signals to others) is asked for and taken where it is there.

use std::{collections::BTreeMap, io, path::Path, sync::OnceLock, thread};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, Scope, path_beneath_rules,
};
use rustix::{
    process::Pid,
    thread::{CapabilitySet, CapabilitySets, set_capabilities},
};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};
use tokio::{process::Command, runtime::Handle};

use super::Sandbox;
use crate::process::system;

/// Linux 5.13. What it cannot do yet the filter does: no file is emptied by its name, nobody listens.
const REQUIRED: ABI = ABI::V1;
/// Linux 6.10, the newest whose rights over files are asked for.
const WANTED: ABI = ABI::V5;

/// Programs, libraries and settings of the system: read and run.
const SYSTEM: &[&str] = &[
    "/usr",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/bin",
    "/sbin",
    "/etc",
    "/opt",
    "/nix",
    "/snap",
    "/home/linuxbrew/.linuxbrew",
    "/proc",
    "/sys",
    "/run/systemd/resolve",
    "/run/current-system",
    "/var/lib/ca-certificates",
];
/// Devices every program takes for granted.
const DEVICES: &[&str] = &["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];

/// Whether this system can confine a process. Found out once, by a thread that confines itself and ends.
pub(crate) fn is_confining() -> bool {
    static FOUND: OnceLock<bool> = OnceLock::new();
    *FOUND.get_or_init(|| {
        let tried = thread::scope(|scope| {
            let tried = thread::Builder::new().spawn_scoped(scope, || restrict(&Sandbox::default(), None));
            tried.map(thread::ScopedJoinHandle::join)
        });
        match tried {
            Ok(Ok(Ok(()))) => true,
            Ok(Ok(Err(error))) => {
                tracing::info!(%error, "programs from outside cannot be confined on this system");
                false
            }
            Ok(Err(_)) | Err(_) => false,
        }
    })
}

/// Starts a command within a sandbox, where the system can confine it. Error: it cannot be started.
pub(in crate::process) fn spawn(
    sandbox: &Sandbox,
    command: Command,
    marker: &str,
) -> io::Result<system::Child> {
    if !is_confining() {
        return system::spawn(command, marker);
    }
    // Started before, because it is not confined: its pipe tells it when to end.
    let anchor = system::Anchor::start(marker)?;
    let runtime = Handle::current();
    thread::scope(|scope| {
        let starting = thread::Builder::new().name("sandbox".to_owned()).spawn_scoped(scope, || {
            let _runtime = runtime.enter();
            restrict(sandbox, Some(anchor.group()))?;
            system::spawn_beside(command, marker, anchor)
        })?;
        starting.join().unwrap_or_else(|_| Err(io::Error::other("the thread that starts it broke off")))
    })
}

/// Confines the calling thread for the rest of its life; what it starts can be in this process group and in no other.
fn restrict(sandbox: &Sandbox, group: Option<Pid>) -> io::Result<()> {
    let filter = filter(sandbox.network, group)?;
    files_and_tcp(sandbox).map_err(io::Error::other)?;
    // For people who work as root: its powers reach around Landlock, into the memory of other processes for one.
    let none = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })?;
    seccompiler::apply_filter(&filter).map_err(io::Error::other)
}

fn files_and_tcp(sandbox: &Sandbox) -> Result<(), RulesetError> {
    let read = AccessFs::from_read(REQUIRED);
    let change = AccessFs::from_all(WANTED);
    let device = AccessFs::from_file(WANTED) & !BitFlags::from(AccessFs::Execute);
    // What is handled and not allowed is denied. Nobody is let in, ever; it may go out where it may use the network.
    let tcp = if sandbox.network { AccessNet::BindTcp.into() } else { AccessNet::from_all(ABI::V4) };
    let rules = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(REQUIRED))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(WANTED) & !AccessFs::from_all(REQUIRED))?
        .handle_access(tcp)?
        .scope(Scope::from_all(ABI::V6))?
        .create()?;
    let system = SYSTEM.iter().map(Path::new).filter(|folder| !sandbox.home.starts_with(folder));
    rules
        .add_rules(path_beneath_rules(system, read))?
        .add_rules(path_beneath_rules(DEVICES, device))?
        .add_rules(path_beneath_rules(&sandbox.reads, read))?
        .add_rules(path_beneath_rules(&sandbox.writes, change))?
        .restrict_self()
        .map(drop)
}

/// Denies the ways around Landlock.
///
/// Sockets: without the network none at all, since Landlock knows TCP only; with it, those of the internet, and netlink,
/// which looking up names uses. Never local ones: behind them sit services that would do outside what is denied inside
/// (the session bus starts any program). `socketpair` stays. `io_uring` makes sockets past any filter. A session or
/// a group of its own would hide a process from its end. The kernel's keyrings hold secrets.
fn filter(network: bool, group: Option<Pid>) -> io::Result<BpfProgram> {
    let denied = [
        libc::SYS_truncate,
        libc::SYS_listen,
        libc::SYS_io_uring_setup,
        libc::SYS_setsid,
        libc::SYS_keyctl,
        libc::SYS_add_key,
        libc::SYS_request_key,
    ];
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        denied.into_iter().map(|call| (call, Vec::new())).collect();
    let sockets = if network {
        vec![other_than(0, &[libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK])?]
    } else {
        Vec::new()
    };
    rules.insert(libc::SYS_socket, sockets);
    let groups = group.map(|group| other_than(1, &[group.as_raw_nonzero().get()])).transpose()?;
    rules.insert(libc::SYS_setpgid, groups.into_iter().collect());
    let architecture = std::env::consts::ARCH.try_into().map_err(io::Error::other)?;
    let errno = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    SeccompFilter::new(rules, SeccompAction::Allow, errno, architecture)
        .and_then(TryInto::try_into)
        .map_err(io::Error::other)
}

/// Fits calls whose argument at this place is none of these.
fn other_than(place: u8, values: &[i32]) -> io::Result<SeccompRule> {
    let differs = |value: &i32| {
        SeccompCondition::new(
            place,
            SeccompCmpArgLen::Dword,
            SeccompCmpOp::Ne,
            u64::from(value.unsigned_abs()),
        )
    };
    let conditions: Result<Vec<_>, _> = values.iter().map(differs).collect();
    conditions.and_then(SeccompRule::new).map_err(io::Error::other)
}
