//! The same list of checks in the words of every tool it is compared with.

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use super::{spawn, table::quoted};

/// How many checks.
pub(super) const STEPS: usize = 300;

/// The same list in every tool's own words.
pub(super) struct Lists {
    pub(super) files: PathBuf,
    pub(super) home: PathBuf,
    pub(super) pack: PathBuf,
    pub(super) makefile: PathBuf,
    pub(super) ninja: PathBuf,
    pub(super) chezmoi: PathBuf,
    pub(super) mise: PathBuf,
    pub(super) playbook: PathBuf,
}

impl Lists {
    pub(super) fn write(scratch: &Path) -> Result<Self> {
        let lists = Self {
            files: scratch.join("files"),
            home: scratch.join("home"),
            pack: scratch.join("pack"),
            makefile: scratch.join("Makefile"),
            ninja: scratch.join("ninja"),
            chezmoi: scratch.join("chezmoi"),
            mise: scratch.join("mise"),
            playbook: scratch.join("playbook.yml"),
        };
        let folders = [&lists.files, &lists.home, &lists.pack, &lists.ninja, &lists.chezmoi, &lists.mise];
        for folder in folders {
            fs::create_dir_all(folder).with_context(|| format!("{} could not be made", folder.display()))?;
        }
        let files: Vec<String> =
            (0..STEPS).map(|index| spawn::file(&lists.files, index).display().to_string()).collect();
        for file in &files {
            write(Path::new(file), "")?;
        }
        write(&lists.pack.join("pack.yaml"), &pack(&files))?;
        write(&lists.makefile, &makefile(&files))?;
        write(&lists.ninja.join("build.ninja"), &ninja(&files))?;
        for (index, file) in files.iter().enumerate() {
            let script = format!("#!/bin/sh\ntest -e {file}\n");
            write(&lists.chezmoi.join(format!("run_check-{index}.sh")), &script)?;
        }
        write(&lists.mise.join("mise.toml"), &mise(&files))?;
        write(&lists.playbook, &playbook(&files))?;
        Ok(lists)
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("{} could not be written", path.display()))
}

fn pack(files: &[String]) -> String {
    let ids: Vec<String> = (0..files.len()).map(|index| format!("check-{index}")).collect();
    let mut text = format!(
        "apiVersion: firstlight.dev/v1\nkind: Pack\n\
         metadata: {{ name: bench, version: 1.0.0, title: A converged checklist }}\n\
         personas:\n  bench: {{ title: Bench }}\n\
         checklists:\n  bench:\n    stages:\n      - {{ id: day-1, title: Day one, steps: [{}] }}\nsteps:\n",
        ids.join(", ")
    );
    for (index, (id, file)) in ids.iter().zip(files).enumerate() {
        let first_value = if index + 1 == files.len() { ", first-value: true" } else { "" };
        let file = quoted(file);
        // Writing to a String does not fail.
        let _ = writeln!(
            text,
            "  {id}: {{ title: Check {index}, check: [test, -e, {file}], run: [touch, {file}]{first_value} }}"
        );
    }
    text
}

fn makefile(files: &[String]) -> String {
    let names: Vec<String> = (0..files.len()).map(|index| format!("check-{index}")).collect();
    let mut text = format!(".PHONY: all {0}\nall: {0}\n", names.join(" "));
    for (name, file) in names.iter().zip(files) {
        let _ = writeln!(text, "{name}:\n\t@test -e {file}");
    }
    text
}

/// What it builds never comes to be, so it is built each time.
fn ninja(files: &[String]) -> String {
    let mut text = String::from("rule check\n  command = test -e $file\n");
    for (index, file) in files.iter().enumerate() {
        let _ = writeln!(text, "build check-{index}: check\n  file = {file}");
    }
    text
}

fn mise(files: &[String]) -> String {
    let names: Vec<String> = (0..files.len()).map(|index| quoted(&format!("check-{index}"))).collect();
    let mut text = format!("[tasks.all]\ndepends = [{}]\n", names.join(", "));
    for (index, file) in files.iter().enumerate() {
        let _ = writeln!(text, "[tasks.check-{index}]\nrun = {}", quoted(&format!("test -e {file}")));
    }
    text
}

fn playbook(files: &[String]) -> String {
    // Ansible runs one task at a time on one machine, whatever `forks` says.
    let mut text = String::from("- hosts: all\n  gather_facts: false\n  tasks:\n");
    for file in files {
        let _ = writeln!(
            text,
            "    - ansible.builtin.command: {{ argv: [test, -e, {}] }}\n      changed_when: false",
            quoted(file)
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_list_asks_for_every_file() {
        let files = ["/a b/done-0".to_owned(), "/a b/done-1".to_owned()];
        let pack = pack(&files);
        assert!(pack.contains("steps: [check-0, check-1] }"));
        assert!(pack.contains(
            "  check-1: { title: Check 1, check: [test, -e, \"/a b/done-1\"], run: [touch, \"/a b/done-1\"], \
             first-value: true }"
        ));
        assert_eq!(pack.matches("first-value").count(), 1);
        assert_eq!(makefile(&files).matches("\t@test -e ").count(), 2);
        assert_eq!(ninja(&files).matches("  file = /a b/done-").count(), 2);
        assert_eq!(playbook(&files).matches("argv: [test, -e, ").count(), 2);
        assert!(mise(&files).starts_with("[tasks.all]\ndepends = [\"check-0\", \"check-1\"]\n"));
    }
}
