//! Whether this machine is a computer of its own, a virtual machine, a container, or Linux inside of Windows.

use firstlight_domain::facts::Virtualisation;

/// Makers and models that only virtual machines have, in lower case.
#[cfg(any(target_os = "linux", windows, test))]
const VIRTUAL: [&str; 14] = [
    "amazon ec2",
    "bochs",
    "bhyve",
    "google compute engine",
    "hvm domu",
    "innotek",
    "kvm",
    "openstack",
    "parallels",
    "qemu",
    "virtual machine",
    "virtualbox",
    "vmware",
    "xen",
];

/// Whether the maker or the model is one of those.
#[cfg(any(target_os = "linux", windows, test))]
fn is_virtual(model: &str) -> bool {
    let model = model.to_lowercase();
    VIRTUAL.iter().any(|name| model.contains(name))
}

#[cfg(target_os = "linux")]
pub(super) fn find() -> Virtualisation {
    in_files(std::path::Path::new("/"), std::env::var_os("container").is_some())
}

/// What the files below this root say.
#[cfg(target_os = "linux")]
fn in_files(root: &std::path::Path, told: bool) -> Virtualisation {
    let text = |path: &str| std::fs::read_to_string(root.join(path)).unwrap_or_default();
    // A container inside of a virtual machine is a container.
    let marks = [".dockerenv", "run/.containerenv", "run/systemd/container"];
    if told || marks.iter().any(|mark| root.join(mark).exists()) {
        return Virtualisation::Container;
    }
    if text("proc/sys/kernel/osrelease").to_lowercase().contains("microsoft") {
        return Virtualisation::Wsl;
    }
    let models =
        ["sys_vendor", "product_name", "board_vendor"].map(|name| format!("sys/class/dmi/id/{name}"));
    let flagged = text("proc/cpuinfo")
        .lines()
        .any(|line| line.starts_with("flags") && line.split_whitespace().any(|flag| flag == "hypervisor"));
    if flagged
        || models.iter().any(|model| is_virtual(&text(model)))
        || root.join("proc/device-tree/hypervisor").exists()
    {
        return Virtualisation::Vm;
    }
    Virtualisation::None
}

/// No file tells; the system does.
#[cfg(target_os = "macos")]
pub(super) fn find() -> Virtualisation {
    let asked = std::process::Command::new("/usr/sbin/sysctl").args(["-n", "kern.hv_vmm_present"]).output();
    match asked {
        Ok(said) if said.stdout.trim_ascii() == b"1" => Virtualisation::Vm,
        Ok(_) | Err(_) => Virtualisation::None,
    }
}

#[cfg(windows)]
pub(super) fn find() -> Virtualisation {
    let model = |name: &str| {
        let bios = windows_registry::LOCAL_MACHINE.open(r"HARDWARE\DESCRIPTION\System\BIOS").ok()?;
        bios.get_string(name).ok()
    };
    let all = ["SystemManufacturer", "SystemProductName"];
    if all.into_iter().filter_map(model).any(|model| is_virtual(&model)) {
        Virtualisation::Vm
    } else {
        Virtualisation::None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_of_virtual_machines_are_known_and_no_others() {
        for model in ["QEMU", "VMware Virtual Platform", "innotek GmbH", "Virtual Machine", "Amazon EC2"] {
            assert!(is_virtual(model), "{model}");
        }
        for model in ["LENOVO", "Microsoft Corporation", "Surface Laptop 5", "MacBookPro18,1", ""] {
            assert!(!is_virtual(model), "{model}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_container_is_told_from_wsl_a_virtual_machine_and_a_computer() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        let found = || in_files(folder.path(), false);
        write("proc/cpuinfo", "processor : 0\nflags\t\t: fpu vme\n");
        write("sys/class/dmi/id/sys_vendor", "LENOVO\n");
        assert_eq!(found(), Virtualisation::None);
        write("proc/cpuinfo", "processor : 0\nflags\t\t: fpu hypervisor vme\n");
        assert_eq!(found(), Virtualisation::Vm);
        write("proc/sys/kernel/osrelease", "5.15.153.1-microsoft-standard-WSL2\n");
        assert_eq!(found(), Virtualisation::Wsl);
        write(".dockerenv", "");
        assert_eq!(found(), Virtualisation::Container);
        assert_eq!(in_files(&folder.path().join("none"), true), Virtualisation::Container);
    }
}
