//! What is here is not fetched again, and what was cut goes on.

use firstlight_releases::receive::ReceiveError;
use firstlight_testkit::releases::Trick;

use crate::machine::{DEVICE, Machine, now, repository};

#[tokio::test]
async fn nothing_new_costs_two_requests() {
    let mut repository = repository();
    let machine = Machine::at(&repository).await;
    repository.site.asked();
    assert_eq!(machine.check(DEVICE, now()).await.unwrap().take, None);
    assert_eq!(repository.site.asked(), ["metadata/2.root.json", "metadata/timestamp.json"]);
    // And two more where only the timestamp was signed again: it names the same snapshot.
    repository.publish_role("timestamp");
    assert_eq!(machine.check(DEVICE, now()).await.unwrap().take, None);
    assert_eq!(repository.site.asked(), ["metadata/2.root.json", "metadata/timestamp.json"]);
}

#[tokio::test]
async fn what_did_not_change_is_not_fetched_again() {
    let mut repository = repository();
    let machine = Machine::at(&repository).await;
    repository.release(
        "2.0.0",
        &[("pack.yaml", "version: 2.0.0\n"), ("docs/a.md", "# A\n"), ("b.md", "twice"), ("c.md", "twice")],
    );
    repository.publish();
    repository.site.asked();
    assert_eq!(machine.update(now()).await.unwrap().as_deref(), Some("2.0.0"));
    let fetched: Vec<String> =
        repository.site.asked().into_iter().filter(|path| path.contains("targets/acme/")).collect();
    assert_eq!(fetched.len(), 2, "pack.yaml, and one of two files with the same content: {fetched:?}");
    assert_eq!(machine.pack().len(), 5);
}

#[tokio::test]
async fn a_download_that_is_cut_goes_on_where_it_stopped() {
    let long = "0123456789".repeat(5_000);
    let mut repository = repository();
    let machine = Machine::at(&repository).await;
    repository.release("2.0.0", &[("pack.yaml", "version: 2.0.0\n"), ("long.txt", &long)]);
    repository.publish();
    let path = repository.site.copy().into_keys().find(|path| path.ends_with(".long.txt")).unwrap();
    repository.site.trick(&path, Trick::CutAfter(30_000));
    repository.site.asked();
    assert_eq!(machine.update(now()).await.unwrap().as_deref(), Some("2.0.0"));
    let asked: Vec<String> =
        repository.site.asked().into_iter().filter(|asked| asked.starts_with(&path)).collect();
    assert_eq!(asked.len(), 2, "{asked:?}");
    let from: usize = asked[1].rsplit(' ').next().unwrap().parse().unwrap();
    assert!(from > 0 && from <= 30_000, "{asked:?}");
    assert!(machine.pack().contains(&("long.txt".to_owned(), long)));
}

#[tokio::test]
async fn it_goes_on_in_another_start_of_the_program() {
    let long = "0123456789".repeat(5_000);
    let mut repository = repository();
    let mut machine = Machine::at(&repository).await;
    repository.release("2.0.0", &[("pack.yaml", "version: 2.0.0\n"), ("long.txt", &long)]);
    repository.publish();
    let path = repository.site.copy().into_keys().find(|path| path.ends_with(".long.txt")).unwrap();
    repository.site.trick(&path, Trick::CutAfter(30_000));
    machine.limits.tries = 1;
    let error = machine.refused(now()).await;
    assert!(matches!(error, ReceiveError::Incomplete { .. }), "{error:?}");
    repository.site.asked();
    assert_eq!(machine.update(now()).await.unwrap().as_deref(), Some("2.0.0"));
    let asked = repository.site.asked();
    assert!(asked.iter().any(|asked| asked.starts_with(&format!("{path} from "))), "{asked:?}");
}

#[tokio::test]
async fn a_server_that_cannot_go_on_is_asked_from_the_beginning() {
    let long = "0123456789".repeat(5_000);
    let mut repository = repository();
    let machine = Machine::at(&repository).await;
    repository.release("2.0.0", &[("pack.yaml", "version: 2.0.0\n"), ("long.txt", &long)]);
    repository.publish();
    let path = repository.site.copy().into_keys().find(|path| path.ends_with(".long.txt")).unwrap();
    repository.site.trick(&path, Trick::CutAndForget(30_000));
    assert_eq!(machine.update(now()).await.unwrap().as_deref(), Some("2.0.0"));
    assert!(machine.pack().contains(&("long.txt".to_owned(), long)));
}

#[tokio::test]
async fn what_was_begun_with_something_forged_is_begun_anew() {
    let long = "0123456789".repeat(5_000);
    let mut repository = repository();
    let mut machine = Machine::at(&repository).await;
    repository.release("2.0.0", &[("pack.yaml", "version: 2.0.0\n"), ("long.txt", &long)]);
    repository.publish();
    let path = repository.site.copy().into_keys().find(|path| path.ends_with(".long.txt")).unwrap();
    repository.site.trick(&path, Trick::Instead(vec![b'x'; 20_000]));
    machine.limits.tries = 1;
    let error = machine.refused(now()).await;
    assert!(matches!(error, ReceiveError::Incomplete { .. }), "{error:?}");
    repository.site.behave();
    machine.limits.tries = 2;
    assert_eq!(machine.update(now()).await.unwrap().as_deref(), Some("2.0.0"));
    assert!(machine.pack().contains(&("long.txt".to_owned(), long)));
}
