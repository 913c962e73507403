//! What the machine only looks at: the person's turn until a look says that it holds, whatever they say.

use std::{
    fs,
    io::{Read, Write},
    process::{Command, Stdio},
};

use firstlight_testkit::PackFolder;

use crate::machine::{Machine, Ran};

fn pack() -> PackFolder {
    PackFolder::with_steps(
        &["kept", "use"],
        "  kept: { title: Lock your screen, uses: posture, with: { screen-lock: 15m } }
  use:
    title: Note when it locks
    needs: [kept]
    shell: true
    check: ['test -f \"$PLACE\"']
    run: ['echo \"$LOCKS\" > \"$PLACE\"']
    env: { PLACE: '${{ inputs.place }}', LOCKS: '${{ steps.kept.outputs.screen_lock }}' }
    first-value: true",
    )
}

/// On a desktop whose settings are a file.
fn on_plasma(mut command: Command) -> Command {
    command.env("XDG_CURRENT_DESKTOP", "KDE");
    command
}

fn lock_after(machine: &Machine, settings: &str) {
    let folder = machine.home().join(".config");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("kscreenlockerrc"), format!("[Daemon]\n{settings}\n")).unwrap();
}

#[test]
fn yes_beforehand_does_not_lock_a_screen() {
    let (machine, pack) = (Machine::new(), pack());
    lock_after(&machine, "Autolock=false");
    let ran = |command: &str, more: &[&str]| {
        Ran::of(on_plasma(machine.command_on(&pack, command, more)).output().unwrap())
    };
    let plan = ran("plan", &[]).expect(0).stdout;
    assert!(plan.contains("The screen does not lock by itself"), "{plan}");
    assert!(!plan.contains("You will be asked for nothing"), "{plan}");
    let up = ran("up", &["--yes"]).expect(1).stdout;
    assert!(up.contains("waiting for you: Lock your screen (kept)"), "{up}");
    assert!(!machine.place().exists());
    lock_after(&machine, "Timeout=10\nLockGrace=0");
    ran("up", &["--yes"]).expect(0);
    assert_eq!(fs::read_to_string(machine.place()).unwrap(), "600s\n");
}

#[test]
fn a_person_says_that_it_is_done_and_a_look_decides() {
    let (machine, pack) = (Machine::new(), pack());
    lock_after(&machine, "Timeout=60");
    let up = machine.command_on(&pack, "up", &[]);
    let mut words = vec![up.get_program()];
    words.extend(up.get_args());
    let words: Vec<_> = words.iter().map(|word| format!("'{}'", word.to_str().unwrap())).collect();
    let mut terminal = on_plasma(machine.command_of("script", &["-qec", &words.join(" "), "/dev/null"]));
    let mut child = terminal.stdin(Stdio::piped()).spawn().expect("script, of the package bsdutils");
    let (mut keys, mut screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut shown = Vec::new();
    let mut answer = |prompt: &str, typed: &str, shown: &mut Vec<u8>| {
        let (mut byte, from) = ([0], shown.len());
        while !String::from_utf8_lossy(&shown[from..]).contains(prompt) {
            let read = screen.read(&mut byte).unwrap();
            assert_eq!(read, 1, "it ended before {prompt:?}:\n{}", String::from_utf8_lossy(shown));
            shown.push(byte[0]);
        }
        keys.write_all(typed.as_bytes()).unwrap();
    };
    answer("Go ahead?", "y\r", &mut shown);
    answer("Done?", "y\r", &mut shown);
    // It was not: the answer says so, and nothing goes on.
    answer("does not hold yet", "", &mut shown);
    screen.read_to_end(&mut shown).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    let text = String::from_utf8_lossy(&shown).into_owned();
    assert!(text.contains("System Settings → Security & Privacy → Screen Locking"), "{text}");
    assert!(text.contains("The screen locks after"), "{text}");
    assert!(!machine.place().exists());
}
