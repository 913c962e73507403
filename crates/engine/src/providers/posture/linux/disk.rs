//! Whether what `/` and the home folder lie on is encrypted: from the mount down through the kernel's device mapper,
//! as `lsblk` does it. Nothing of this needs administrator rights.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    super::found::{Read, Switch, unreadable},
    text,
};

/// File systems that encrypt what they hold, whatever they lie on.
const ENCRYPTING: [&str; 4] = ["ecryptfs", "fuse.gocryptfs", "fuse.encfs", "fuse.cryfs"];
/// More layers than this are a loop.
const DEPTH: usize = 16;

/// One place where a file system hangs.
#[derive(Debug, PartialEq, Eq)]
struct Mount {
    /// `259:2`; `0:n` where there is no one device.
    device: String,
    point: PathBuf,
    kind: String,
    source: String,
}

/// What a place lies on.
#[derive(Debug, PartialEq, Eq)]
enum Layer {
    Encrypted,
    /// Not encrypted: on what.
    Plain(String),
    /// Not to be seen: why.
    Unseen(String),
}

/// Whether both the system and the home folder are encrypted.
pub(super) fn encryption(root: &Path, home: &Path) -> Read<Switch> {
    let mounts = mounts(&text(root, "proc/self/mountinfo")?);
    let system = below(root, &mounts, Path::new("/"));
    let home_layer = if flagged(home) { Layer::Encrypted } else { below(root, &mounts, home) };
    match (system, home_layer) {
        (Layer::Encrypted, Layer::Encrypted) => Ok(Switch::On),
        (Layer::Plain(device), Layer::Encrypted) => Ok(Switch::Off(format!(
            "Your home folder is encrypted, but the system lies on {device}, which is not"
        ))),
        (Layer::Plain(device), Layer::Plain(_) | Layer::Unseen(_)) => {
            Ok(Switch::Off(format!("The system lies on {device}, which is not encrypted")))
        }
        (Layer::Encrypted | Layer::Unseen(_), Layer::Plain(device)) => {
            Ok(Switch::Off(format!("Your home folder lies on {device}, which is not encrypted")))
        }
        (Layer::Unseen(why), Layer::Encrypted | Layer::Unseen(_))
        | (Layer::Encrypted, Layer::Unseen(why)) => unreadable(why),
    }
}

/// The mounts in `/proc/self/mountinfo`, in the order in which they were made.
fn mounts(text: &str) -> Vec<Mount> {
    let mount = |line: &str| {
        let (before, after) = line.split_once(" - ")?;
        let mut before = before.split(' ').skip(2);
        let mut after = after.split(' ');
        Some(Mount {
            device: before.next()?.to_owned(),
            point: PathBuf::from(unescaped(before.nth(1)?)),
            kind: after.next()?.to_owned(),
            source: unescaped(after.next()?),
        })
    };
    text.lines().filter_map(mount).collect()
}

/// Spaces and the like are written as `\040`.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, others)) = rest.split_first() {
        let octal = others.get(..3).filter(|_| *first == b'\\');
        let value = octal.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        bytes.push(value.unwrap_or(*first));
        rest = others.get(if value.is_some() { 3 } else { 0 }..).unwrap_or_default();
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What a path lies on.
fn below(root: &Path, mounts: &[Mount], path: &Path) -> Layer {
    // Where one hangs over another, the later one is seen.
    let holding = mounts.iter().filter(|mount| path.starts_with(&mount.point));
    let Some(mount) = holding.max_by_key(|mount| mount.point.components().count()) else {
        return Layer::Unseen(format!("what {} lies on is not listed", path.display()));
    };
    if ENCRYPTING.contains(&mount.kind.as_str()) {
        return Layer::Encrypted;
    }
    let device = if !mount.device.starts_with("0:") {
        fs::canonicalize(root.join("sys/dev/block").join(&mount.device))
    } else if mount.source.starts_with("/dev/") {
        // btrfs may lie on several devices, and so has none of its own.
        fs::canonicalize(root.join(mount.source.trim_start_matches('/')))
            .and_then(|node| fs::canonicalize(class(root, node.file_name().unwrap_or_default().as_ref())))
    } else {
        return Layer::Unseen(format!(
            "{} lies on {} ({}), whose disk cannot be seen from here",
            path.display(),
            mount.source,
            mount.kind
        ));
    };
    match device {
        Ok(device) => layer(root, &device, DEPTH),
        Err(error) => Layer::Unseen(format!("the device of {} cannot be looked at: {error}", path.display())),
    }
}

fn class(root: &Path, name: &Path) -> PathBuf {
    root.join("sys/class/block").join(name)
}

/// A block device: encrypted itself, or everything it is made of is.
fn layer(root: &Path, device: &Path, depth: usize) -> Layer {
    let name = device.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if depth == 0 {
        return Layer::Unseen(format!("{name} is made of too many layers"));
    }
    let uuid = fs::read_to_string(device.join("dm/uuid")).unwrap_or_default();
    // Verity and integrity are of the same family, and hide nothing.
    let hides = |kind: &str| !kind.starts_with("VERITY") && !kind.starts_with("INTEGRITY");
    if uuid.strip_prefix("CRYPT-").is_some_and(hides) {
        return Layer::Encrypted;
    }
    if let Ok(file) = fs::read_to_string(device.join("loop/backing_file")) {
        return Layer::Unseen(format!("{name} is a file, {}, whose disk is not followed", file.trim()));
    }
    let parts: Vec<_> = fs::read_dir(device.join("slaves")).into_iter().flatten().flatten().collect();
    if parts.is_empty() {
        return Layer::Plain(format!("/dev/{name}"));
    }
    let mut unseen = None;
    for part in parts {
        match fs::canonicalize(class(root, part.file_name().as_ref())) {
            Ok(part) => match layer(root, &part, depth - 1) {
                Layer::Encrypted => {}
                Layer::Plain(device) => return Layer::Plain(device),
                Layer::Unseen(why) => unseen = Some(why),
            },
            Err(error) => unseen = Some(format!("a part of {name} cannot be looked at: {error}")),
        }
    }
    unseen.map_or(Layer::Encrypted, Layer::Unseen)
}

/// Whether the file system itself says that a folder is encrypted (fscrypt, on ext4, f2fs, ubifs).
#[cfg(target_os = "linux")]
fn flagged(folder: &Path) -> bool {
    use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};
    statx(CWD, folder, AtFlags::empty(), StatxFlags::TYPE)
        .is_ok_and(|found| found.stx_attributes.contains(StatxAttributes::ENCRYPTED))
}

#[cfg(not(target_os = "linux"))]
fn flagged(_folder: &Path) -> bool {
    false
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A machine's `/proc` and `/sys` as far as they are read.
    struct Tree(tempfile::TempDir);

    impl Tree {
        fn new(mountinfo: &str) -> Self {
            let tree = Self(tempfile::tempdir().unwrap());
            tree.write("proc/self/mountinfo", mountinfo);
            tree
        }

        fn write(&self, path: &str, content: &str) {
            let path = self.0.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }

        fn link(&self, at: &str, to: &Path) {
            let at = self.0.path().join(at);
            fs::create_dir_all(at.parent().unwrap()).unwrap();
            symlink(to, at).unwrap();
        }

        /// A device with its number, its device mapper's id, and what it is made of.
        fn device(&self, name: &str, number: &str, uuid: Option<&str>, parts: &[&str]) {
            let folder = self.0.path().join("sys/devices").join(name);
            fs::create_dir_all(folder.join("slaves")).unwrap();
            if let Some(uuid) = uuid {
                self.write(&format!("sys/devices/{name}/dm/uuid"), uuid);
            }
            for part in parts {
                self.link(
                    &format!("sys/devices/{name}/slaves/{part}"),
                    &self.0.path().join("sys/devices").join(part),
                );
            }
            self.link(&format!("sys/class/block/{name}"), &folder);
            self.link(&format!("sys/dev/block/{number}"), &folder);
        }

        fn read(&self) -> Read<Switch> {
            encryption(self.0.path(), Path::new("/home/ada"))
        }

        fn off(&self) -> String {
            match self.read() {
                Ok(Switch::Off(why)) => why,
                other => panic!("{other:?}"),
            }
        }
    }

    // The lines are those of machines installed by the Ubuntu and Fedora installers.
    const UBUNTU: &str = "\
22 29 0:21 / /sys rw,nosuid,nodev,noexec,relatime shared:7 - sysfs sysfs rw
29 1 252:1 / / rw,relatime shared:1 - ext4 /dev/mapper/ubuntu--vg-ubuntu--lv rw
96 29 259:2 / /boot rw,relatime shared:48 - ext4 /dev/nvme0n1p2 rw
";
    const FEDORA: &str = "\
62 1 0:33 /root / rw,relatime shared:1 - btrfs /dev/mapper/luks-8e28 rw,compress=zstd:1,subvolid=257,subvol=/root
95 62 0:33 /home /home rw,relatime shared:47 - btrfs /dev/mapper/luks-8e28 rw,subvolid=256,subvol=/home
";

    #[test]
    fn lvm_on_luks_is_encrypted() {
        let tree = Tree::new(UBUNTU);
        tree.device("nvme0n1p3", "259:3", None, &[]);
        tree.device("dm-0", "252:0", Some("CRYPT-LUKS2-9f3e-dm_crypt-0\n"), &["nvme0n1p3"]);
        tree.device("dm-1", "252:1", Some("LVM-Xy\n"), &["dm-0"]);
        assert_eq!(tree.read(), Ok(Switch::On));
    }

    #[test]
    fn lvm_of_two_disks_is_encrypted_only_if_both_are() {
        let tree = Tree::new(UBUNTU);
        tree.device("sda1", "8:1", None, &[]);
        tree.device("sdb1", "8:17", None, &[]);
        tree.device("dm-0", "252:0", Some("CRYPT-LUKS2-9f3e\n"), &["sda1"]);
        tree.device("dm-1", "252:1", Some("LVM-Xy\n"), &["dm-0", "sdb1"]);
        assert_eq!(tree.off(), "The system lies on /dev/sdb1, which is not encrypted");
    }

    #[test]
    fn btrfs_is_followed_by_the_name_of_its_device() {
        let tree = Tree::new(FEDORA);
        tree.device("nvme0n1p3", "259:3", None, &[]);
        tree.device("dm-0", "253:0", Some("CRYPT-LUKS2-8e28\n"), &["nvme0n1p3"]);
        tree.write("dev/dm-0", "");
        tree.link("dev/mapper/luks-8e28", &tree.0.path().join("dev/dm-0"));
        assert_eq!(tree.read(), Ok(Switch::On));
    }

    #[test]
    fn a_partition_by_itself_is_not_encrypted_and_verity_hides_nothing() {
        let tree = Tree::new("29 1 8:2 / / rw - ext4 /dev/sda2 rw\n");
        tree.device("sda2", "8:2", None, &[]);
        assert_eq!(tree.off(), "The system lies on /dev/sda2, which is not encrypted");
        let tree = Tree::new("29 1 252:0 / / rw - ext4 /dev/mapper/root rw\n");
        tree.device("sda2", "8:2", None, &[]);
        tree.device("dm-0", "252:0", Some("CRYPT-VERITY-11\n"), &["sda2"]);
        assert!(tree.off().contains("/dev/sda2"));
    }

    #[test]
    fn an_encrypted_home_does_not_make_an_encrypted_system() {
        let home = "80 29 0:50 / /home/ada rw - ecryptfs /home/.ecryptfs/ada/.Private rw\n";
        let tree = Tree::new(&format!("29 1 8:2 / / rw - ext4 /dev/sda2 rw\n{home}"));
        tree.device("sda2", "8:2", None, &[]);
        assert!(tree.off().starts_with("Your home folder is encrypted, but"), "{}", tree.off());
        let tree =
            Tree::new("29 1 252:0 / / rw - ext4 /dev/mapper/r rw\n80 29 8:9 / /home rw - ext4 /dev/sdb rw\n");
        tree.device("dm-0", "252:0", Some("CRYPT-LUKS2-9f3e\n"), &[]);
        tree.device("sdb", "8:9", None, &[]);
        assert_eq!(tree.off(), "Your home folder lies on /dev/sdb, which is not encrypted");
    }

    #[test]
    fn what_no_device_tells_is_not_claimed() {
        for mountinfo in [
            "",
            "29 1 0:40 / / rw - overlay overlay rw,lowerdir=/l\n",
            "29 1 0:40 / / rw - zfs rpool/ROOT/ubuntu rw\n",
            "29 1 8:2 / / rw - ext4 /dev/sda2 rw\n",
        ] {
            assert!(Tree::new(mountinfo).read().is_err(), "{mountinfo}");
        }
        let tree = Tree::new("29 1 7:0 / / rw - ext4 /dev/loop0 rw\n");
        tree.device("loop0", "7:0", None, &[]);
        tree.write("sys/devices/loop0/loop/backing_file", "/disk.img\n");
        assert!(tree.read().is_err());
        assert!(encryption(Path::new("/nowhere"), Path::new("/home/ada")).is_err());
    }

    #[test]
    fn names_with_spaces_are_read() {
        assert_eq!(unescaped(r"/media/My\040Disk\134x"), r"/media/My Disk\x");
        assert_eq!(unescaped(r"a\04"), r"a\04");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_machine_has_an_answer_or_a_reason() {
        match encryption(Path::new("/"), &std::env::home_dir().unwrap()) {
            Ok(Switch::On) => {}
            Ok(Switch::Off(why)) => assert!(why.contains("not"), "{why}"),
            Err(why) => assert!(!why.0.is_empty()),
        }
    }
}
