//! The journal as the application uses it.

use crate::common::{Home, at, journey_started, run_started, step};
use firstlight_domain::{
    event::{Event, Happened},
    state::StepState,
};

#[test]
fn what_was_appended_is_read_again_in_order_whatever_the_clock_says() {
    let home = Home::new();
    let mut opened = home.open();
    assert!(opened.events.is_empty());
    assert_eq!(opened.restored, None);
    let first = [journey_started(), run_started()];
    let second = [step("git", StepState::Running)];
    let mut appended = opened.journal.append(at(100), &first).unwrap();
    appended.extend(opened.journal.append(at(-500), &second).unwrap());
    let expected: Vec<Happened> = [(100, &first[0]), (100, &first[1]), (-500, &second[0])]
        .map(|(second, event): (i64, &Event)| Happened { at: at(second), event: event.clone() })
        .into();
    assert_eq!(appended, expected);
    assert_eq!(opened.journal.events().unwrap(), expected);
    let device = opened.journal.device().to_owned();
    drop(opened);
    let again = home.open();
    assert_eq!(again.events, expected);
    assert_eq!(again.journal.device(), device);
}
