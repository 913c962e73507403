//! A session is its owner's until it is over, and they may what they may at each moment.

use firstlight_hub::{
    audit::By,
    rights::{Grant, Role, RoleSet},
    secrets::{Hash, hash_token},
    store::{
        Store,
        sessions::{NewSession, Session, Whose},
    },
};
use jiff::{SignedDuration, Timestamp};

use crate::story::now;

fn at(hours: i64) -> Timestamp {
    now() + SignedDuration::from_hours(hours)
}

fn grant(text: &str) -> Grant {
    text.parse().unwrap()
}

fn named(name: &str, roles: &[&str], signin: &str) -> Whose {
    let roles: RoleSet = roles.iter().map(|text| grant(text)).collect();
    Whose::Named { name: name.to_owned(), roles, signin: Some(hash_token(signin)) }
}

fn new(token: &str, hours: i64) -> NewSession {
    NewSession { token: hash_token(token), at: at(0), expires_at: at(hours) }
}

async fn session(store: &dyn Store, token: &str, hours: i64) -> Option<Session> {
    store.session(hash_token(token), at(hours)).await.unwrap()
}

async fn roles(store: &dyn Store, token: &str) -> Vec<String> {
    let session = session(store, token, 1).await.unwrap();
    session.asker.roles.iter().map(ToString::to_string).collect()
}

pub(crate) async fn of_named(store: &dyn Store) {
    let by = By::hub(at(0));
    let begin = async |whose, new| store.begin_session(whose, new).await.unwrap();
    assert!(begin(named("ada", &["viewer", "step-owner:it-helpdesk"], "one"), new("a", 8)).await);
    assert!(!begin(named("ada", &["admin"], "one"), new("b", 8)).await, "a sign-in makes one session");
    assert!(session(store, "b", 1).await.is_none());
    assert!(begin(named(" Ada", &[], "two"), new("c", 2)).await);
    assert!(begin(named("bo", &[], "three"), new("d", 8)).await);

    assert_eq!(roles(store, "a").await, ["viewer", "step-owner:it-helpdesk"]);
    assert_eq!(roles(store, "c").await, Vec::<String>::new());
    assert!(store.grant(&by, "ada", &grant("publisher")).await.unwrap());
    assert_eq!(roles(store, "a").await, ["viewer", "publisher", "step-owner:it-helpdesk"]);
    assert_eq!(roles(store, "c").await, ["publisher"]);
    assert!(store.revoke_role(&by, "ada", &grant("publisher")).await.unwrap());
    assert!(!session(store, "c", 1).await.unwrap().asker.roles.include(Role::Viewer));

    let (one, other) = (session(store, "a", 1).await.unwrap(), session(store, "c", 1).await.unwrap());
    assert_eq!((one.asker.person, one.expires_at), (other.asker.person, at(8)));
    assert_ne!(one.asker.person, session(store, "d", 1).await.unwrap().asker.person);
    assert_eq!(Some(one.asker.person), store.person("ada").await.unwrap());

    // Signed out by an admin, everywhere; nobody else is.
    assert_eq!(store.sign_out(&by, "ada").await.unwrap(), Some(2));
    assert!(session(store, "a", 1).await.is_none() && session(store, "c", 1).await.is_none());
    assert!(session(store, "d", 1).await.is_some());
    assert!(begin(named("ada", &["viewer"], "four"), new("a2", 8)).await, "they may sign in again");
    assert_eq!(roles(store, "a2").await, ["viewer"]);
    assert!(begin(named("ada", &[], "five"), new("c2", 2)).await);
    assert!(session(store, "c2", 2).await.is_none(), "it is over");
    store.end_session(hash_token("a2"), at(1)).await.unwrap();
    store.end_session(hash_token("never was"), at(1)).await.unwrap();
    assert!(session(store, "a2", 1).await.is_none() && session(store, "d", 1).await.is_some());
    assert!(!begin(named("ada", &[], "one"), new("e", 8)).await, "nor a second one when the first is over");

    // Much later nothing is left of the first.
    let later = NewSession { token: hash_token("f"), at: at(100), expires_at: at(108) };
    assert!(begin(named("ada", &[], "one"), later).await);
    assert!(session(store, "d", 1).await.is_none());
}

pub(crate) async fn of_bearers(store: &dyn Store) {
    let by = By::hub(at(0));
    let token = |word: &str| -> Hash { hash_token(word) };
    store.grant(&by, "ada", &grant("viewer")).await.unwrap();
    let id = store.add_access(&by, "ada", token("long"), at(100)).await.unwrap();
    store.add_access(&by, "ada", token("short"), at(3)).await.unwrap();
    let begin = async |access, new| store.begin_session(Whose::Bearer(access), new).await.unwrap();
    assert!(!begin(token("made up"), new("x", 8)).await);
    assert!(begin(token("long"), new("a", 8)).await);
    assert!(begin(token("long"), new("b", 8)).await);
    assert!(begin(token("short"), new("c", 8)).await);
    assert_eq!(roles(store, "a").await, ["viewer"]);
    assert_eq!(session(store, "c", 1).await.unwrap().expires_at, at(3), "no longer than its token");
    let late = NewSession { token: hash_token("d"), at: at(4), expires_at: at(8) };
    assert!(!begin(token("short"), late).await, "its token counts no longer");
    store.end_session(hash_token("b"), at(1)).await.unwrap();
    assert!(session(store, "a", 1).await.is_some() && session(store, "b", 1).await.is_none());
    store.revoke_access(&by, id).await.unwrap();
    assert!(session(store, "a", 1).await.is_none(), "it stands and falls with its token");
    assert!(!begin(token("long"), new("e", 8)).await);
}
