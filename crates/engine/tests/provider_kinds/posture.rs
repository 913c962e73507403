use firstlight_domain::{plan::Purpose, state::WaitsOn};
use firstlight_engine::{facts, provider::Check};
use serde_json::json;

use crate::Machine;

fn everything() -> serde_json::Value {
    json!({ "disk-encryption": true, "screen-lock": "15m", "firewall": true, "os-updates": "30d" })
}

/// This machine as it really is, except for the home folder.
fn real() -> Machine {
    let mut machine = Machine::new();
    machine.facts.package_manager = facts::find().package_manager;
    machine
}

#[tokio::test]
async fn this_machine_is_looked_at_and_left_as_it_is() {
    let machine = real();
    let operation = machine.operation("posture", everything());
    let cx = machine.context();
    let before = machine.snapshot();
    let check = operation.check(&cx).await.unwrap();
    match &check {
        Check::Satisfied { outputs } => {
            for name in ["disk_encryption", "screen_lock", "firewall", "os_updates"] {
                assert_ne!(outputs[name], "unknown");
            }
        }
        Check::Person { on, what } => {
            assert_eq!(*on, WaitsOn::You);
            assert!(what.starts_with("would wait for you: "), "{what}");
        }
        Check::Unknown { why } => assert!(why.contains("is not known: "), "{why}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(machine.snapshot(), before);
    assert_eq!(operation.check(&cx).await.unwrap(), check, "looking changes nothing of what is seen");
    assert!(operation.apply(&cx).await.is_err(), "it is never the machine's to change");
    assert!(!operation.can_undo());
    assert_eq!(machine.receipts(), 0);
}

#[tokio::test]
async fn e5_the_plan_shows_questions_only_and_no_elevation() {
    let machine = real();
    let resolved = machine.operation("posture", everything()).resolved();
    assert!(!resolved.elevated);
    assert!(resolved.commands.iter().all(|command| command.purpose == Purpose::Check));
    let text = resolved.text.unwrap();
    assert!(text.contains("The screen locks by itself within 15 minutes."), "{text}");
    assert!(text.contains("not older than 30 days"), "{text}");
}

#[tokio::test]
async fn apt_tells_how_old_the_updates_are() {
    let machine = real();
    let Some(firstlight_domain::facts::PackageManager::Apt) = machine.facts.package_manager else {
        println!("not tested: this machine has no apt");
        return;
    };
    let operation = machine.operation("posture", json!({ "os-updates": "3650d" }));
    match operation.check(&machine.context()).await.unwrap() {
        Check::Satisfied { outputs } => {
            assert_eq!(outputs["os_updates"].len(), "2026-01-01".len());
            assert_eq!(outputs["firewall"], "unknown", "it was not asked about");
        }
        // A machine on which nothing was ever upgraded, with updates that wait.
        Check::Person { what, .. } => assert!(what.contains("sudo apt upgrade"), "{what}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_asks_for_nothing_or_for_no_time_is_refused() {
    let machine = Machine::new();
    let cause = |with| machine.prepare("posture", with).err().unwrap().cause;
    assert!(cause(json!({})).contains("asks for nothing"));
    assert!(cause(json!({ "firewall": false })).contains("asks for nothing"));
    assert!(cause(json!({ "screen-lock": "soon" })).contains("with.screen-lock"));
    assert!(cause(json!({ "os-updates": "0d" })).contains("longer than nothing"));
    assert!(machine.prepare("posture", json!({ "screen-lock": "${{ inputs.lock }}" })).is_err());
}
