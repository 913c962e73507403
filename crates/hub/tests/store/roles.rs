//! Who may what, and that nothing is done without a word of it in the log.

use firstlight_domain::id::TeamId;
use firstlight_hub::{
    audit::{Act, Actor, By, Named},
    rights::{Asker, Grant, Role, RoleSet},
    secrets::{hash_code, hash_token},
    store::{
        PersonKey, Store,
        people::{Erasing, Whom},
        requests::{Answering, Which},
        retention::{Forgotten, Horizon},
        sessions::{NewSession, Whose},
    },
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use uuid::Uuid;

use crate::{
    requests,
    story::{self, by, now},
};

fn grant(text: &str) -> Grant {
    text.parse().unwrap()
}

fn at(hours: i64) -> Timestamp {
    now() + SignedDuration::from_hours(hours)
}

pub(crate) async fn rights(store: &dyn Store) {
    let owner = grant("step-owner:it-helpdesk");
    assert!(store.grant(&by(), "Ada", &grant("viewer")).await.unwrap());
    assert!(!store.grant(&by(), "ada ", &grant("viewer")).await.unwrap(), "she has it");
    assert!(store.grant(&by(), "ada", &owner).await.unwrap());
    assert!(store.grant(&by(), "bo", &grant("admin")).await.unwrap());
    let ada = store.person("ada").await.unwrap().unwrap();
    assert_eq!(store.person("cy").await.unwrap(), None);
    let listed: Vec<_> = store.roles().await.unwrap();
    let listed: Vec<_> = listed.iter().map(|one| (one.person, one.grant.to_string())).collect();
    let bo = PersonKey(ada.0 + 1);
    let expected = [(ada, "step-owner:it-helpdesk"), (ada, "viewer"), (bo, "admin")];
    assert_eq!(listed, expected.map(|(person, role)| (person, role.to_owned())));

    let first = store.add_access(&by(), "ada", hash_token("one"), at(1)).await.unwrap();
    let second = store.add_access(&by(), "ada", hash_token("two"), at(9)).await.unwrap();
    let asks = async |token: &str, when| store.asker(hash_token(token), when).await.unwrap();
    let known = Asker { person: ada, roles: store.roles_of(ada).await.unwrap() };
    assert!(known.roles.include(Role::Viewer) && known.roles.answer_for("it-helpdesk"));
    assert!(!known.roles.include(Role::Admin) && !known.roles.answer_for("data-platform"));
    assert_eq!(asks("one", at(0)).await, Some(known.clone()));
    assert_eq!(asks("one", at(1)).await, None, "it has expired");
    assert_eq!(asks("three", at(0)).await, None);

    assert!(store.revoke_access(&by(), second).await.unwrap());
    assert!(store.revoke_access(&by(), second).await.unwrap(), "it is shut out, which is what was asked for");
    assert!(!store.revoke_access(&by(), 99).await.unwrap());
    assert_eq!(asks("two", at(0)).await, None);
    let tokens = store.accesses().await.unwrap();
    let tokens: Vec<_> = tokens.iter().map(|one| (one.id, one.person, one.revoked_at.is_some())).collect();
    assert_eq!(tokens, [(first, ada, false), (second, ada, true)]);

    // What is taken counts no longer, at once; the token goes on being hers.
    assert!(store.revoke_role(&by(), "ada", &grant("viewer")).await.unwrap());
    assert!(!store.revoke_role(&by(), "ada", &grant("viewer")).await.unwrap());
    assert!(!store.revoke_role(&by(), "nobody", &grant("viewer")).await.unwrap());
    assert_eq!(store.person("nobody").await.unwrap(), None, "asking makes nobody known");
    assert!(!asks("one", at(0)).await.unwrap().roles.include(Role::Viewer));
    assert!(store.revoke_role(&by(), "ada", &owner).await.unwrap());
    assert_eq!(asks("one", at(0)).await, Some(Asker { person: ada, roles: RoleSet::default() }));

    // Another name is the same person, here too.
    assert!(store.add_alias(&by(), "bo", "github:bo").await.unwrap());
    assert_eq!(store.person("github:bo").await.unwrap(), Some(bo));
    assert!(!store.grant(&by(), "github:bo", &grant("admin")).await.unwrap());
}

/// Adoption is a share of everybody: who has rights here is not one of them for that alone.
pub(crate) async fn everybody(store: &dyn Store) {
    store.grant(&by(), "ada", &grant("viewer")).await.unwrap();
    store.add_access(&by(), "bo", hash_token("bo"), at(1)).await.unwrap();
    assert!(store.known().await.unwrap().everybody.is_empty());
    store.add_code(&by(), hash_code("one"), Some("ada"), at(1)).await.unwrap();
    let ada = store.person("ada").await.unwrap().unwrap();
    let everybody = store.known().await.unwrap().everybody;
    assert_eq!(everybody.into_iter().collect::<Vec<_>>(), [ada.0]);
    assert_eq!(store.known().await.unwrap(), store.known_from_log().await.unwrap());
}

/// The name of every act there is: one more has to be done in [`everything`].
fn name(act: &Act) -> &'static str {
    match act {
        Act::CodeMade { .. } => "code made",
        Act::DeviceRevoked { .. } => "device revoked",
        Act::IntegrationMade { .. } => "integration made",
        Act::IntegrationRevoked { .. } => "integration revoked",
        Act::AliasAdded { .. } => "alias added",
        Act::TeamSaid { .. } => "team said",
        Act::RoleGranted { .. } => "role granted",
        Act::RoleRevoked { .. } => "role revoked",
        Act::TokenMade { .. } => "token made",
        Act::TokenRevoked { .. } => "token revoked",
        Act::BackupMade => "backup made",
        Act::BackupRestored => "backup restored",
        Act::SettingsChanged { .. } => "settings changed",
        Act::PersonExported { .. } => "person exported",
        Act::PeopleErased { .. } => "people erased",
        Act::Forgotten { .. } => "forgotten",
        Act::RequestAnswered { .. } => "request answered",
        Act::SignedOut { .. } => "signed out",
    }
}

/// Does each thing once that has an effect, and once more without one.
async fn everything(store: &dyn Store, by: &By) -> Vec<Act> {
    let ada = async || Named::Person { key: store.person("ada").await.unwrap().unwrap() };
    let mut acts = Vec::new();
    let device = story::device_by(store, by, "ada").await;
    let (request, refused) = requests::asked(store, &device).await;
    // The code it came with.
    acts.push(Act::CodeMade { person: ada().await, expires_at: at(1) });
    for again in [false, true] {
        assert!(store.revoke(by, device.id).await.unwrap());
        assert_eq!(store.add_integration(by, "portal", hash_token("p")).await.unwrap(), !again);
        assert!(store.add_alias(by, "ada", "github:ada-l").await.unwrap());
        assert!(store.join(by, "ada", Some(&TeamId::new("orders").unwrap())).await.unwrap());
        assert_eq!(store.grant(by, "ada", &grant("author")).await.unwrap(), !again);
        let answered = store.answer_request(by, request, &refused).await.unwrap();
        assert_eq!(answered == Answering::Settled, again);
    }
    let owner = "it-helpdesk".to_owned();
    acts.push(Act::RequestAnswered { request, owner, reply: refused.reply });
    acts.push(Act::DeviceRevoked { device: Named::Device { id: device.id, key: device.person } });
    acts.push(Act::IntegrationMade { name: "portal".to_owned() });
    acts.push(Act::AliasAdded { person: ada().await });
    acts.push(Act::TeamSaid { person: ada().await });
    acts.push(Act::RoleGranted { person: ada().await, role: grant("author") });
    let token = store.add_access(by, "ada", hash_token("a"), at(5)).await.unwrap();
    acts.push(Act::TokenMade { person: ada().await, token, expires_at: at(5) });
    let session = NewSession { token: hash_token("s"), at: at(0), expires_at: at(5) };
    assert!(store.begin_session(Whose::Bearer(hash_token("a")), session).await.unwrap());
    for expected in [1, 0] {
        assert_eq!(store.sign_out(by, "ada").await.unwrap(), Some(expected));
    }
    acts.push(Act::SignedOut { person: ada().await, sessions: 1 });
    for again in [false, true] {
        assert!(store.revoke_access(by, token).await.unwrap());
        assert!(store.revoke_integration(by, "portal").await.unwrap());
        assert_eq!(store.revoke_role(by, "ada", &grant("author")).await.unwrap(), !again);
    }
    acts.push(Act::TokenRevoked { person: ada().await, token });
    acts.push(Act::IntegrationRevoked { name: "portal".to_owned() });
    acts.push(Act::RoleRevoked { person: ada().await, role: grant("author") });
    // None of these does anything.
    assert!(!store.revoke(by, Uuid::nil()).await.unwrap());
    assert!(!store.revoke_integration(by, "other").await.unwrap());
    assert!(!store.add_alias(by, "bo", "github:ada-l").await.unwrap());
    assert!(!store.join(by, "nobody", None).await.unwrap());
    assert_eq!(store.sign_out(by, "nobody").await.unwrap(), None);
    let settings = Act::SettingsChanged { settings: [("zone".to_owned(), "UTC".to_owned())].into() };
    for act in [settings, Act::BackupMade, Act::BackupRestored] {
        store.note(by, &act).await.unwrap();
        acts.push(act);
    }
    store.add_code(by, hash_code("zoe"), Some("zoe"), at(1)).await.unwrap();
    acts.push(Act::CodeMade { person: Named::Erased, expires_at: at(1) });
    let [zoe, ada] = ["zoe", "ada"].map(|name| Whom::Name(name.to_owned()));
    let horizon = Horizon::at(at(24 * 402), &TimeZone::UTC).unwrap();
    for again in [false, true] {
        let erased = store.erase(by, std::slice::from_ref(&zoe), &TimeZone::UTC).await.unwrap();
        assert_eq!(matches!(erased, Erasing::Done(_)), !again);
        assert_eq!(store.export(by, &zoe).await.unwrap(), None);
    }
    acts.push(Act::PeopleErased { people: 1 });
    let person = Named::Person { key: PersonKey(store.export(by, &ada).await.unwrap().unwrap().person) };
    acts.push(Act::PersonExported { person });
    let forgotten = store.forget(by, horizon, &TimeZone::UTC).await.unwrap();
    assert_eq!(forgotten, Forgotten { events: 1, devices: 1, ..Forgotten::default() });
    assert_eq!(store.forget(by, horizon, &TimeZone::UTC).await.unwrap(), Forgotten::default());
    acts.push(Act::Forgotten { forgotten });
    acts
}

pub(crate) async fn g8_every_act_is_in_the_log(store: &dyn Store) {
    let by = By::account("grace as root", at(0));
    let acts = everything(store, &by).await;
    let mut names: Vec<_> = acts.iter().map(name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 18, "{names:?}");
    let records: Vec<_> =
        store.audit_log().await.unwrap().records().into_iter().map(Result::unwrap).collect();
    assert!(records.iter().map(|record| record.seq).eq(1..=acts.len() as u64));
    let sort = |mut acts: Vec<Act>| {
        acts.sort_by_key(name);
        acts
    };
    assert_eq!(sort(records.iter().map(|record| record.act.clone()).collect()), sort(acts));
    for record in &records {
        assert_eq!((record.at, &record.by), (at(0), &Actor::Account { account: "grace as root".to_owned() }));
        assert!(!record.act.to_string().is_empty());
    }
    // Who asks over HTTP is a person, whose name is sealed like any other.
    let asker = Asker { person: PersonKey(1), roles: [grant("admin")].into_iter().collect() };
    store.add_integration(&By::asker(&asker, at(1)), "forge", hash_token("f")).await.unwrap();
    let last = store.audit_log().await.unwrap().records().pop().unwrap().unwrap();
    assert_eq!(last.by, Actor::Person { person: Named::Person { key: PersonKey(1) } });
}

/// Nothing is done that cannot be written down. `spoil` keeps records from being written, `mend` lets them again.
pub(crate) async fn g8_what_cannot_be_logged_is_not_done(
    store: &dyn Store,
    spoil: impl AsyncFn(),
    mend: impl AsyncFn(),
) {
    let device = story::device(store, "ada").await;
    let (request, refused) = requests::asked(store, &device).await;
    store.add_integration(&by(), "portal", hash_token("p")).await.unwrap();
    store.grant(&by(), "ada", &grant("viewer")).await.unwrap();
    let token = store.add_access(&by(), "ada", hash_token("a"), at(5)).await.unwrap();
    let seen = async || {
        (
            store.devices().await.unwrap(),
            store.integrations().await.unwrap(),
            store.roles().await.unwrap(),
            store.accesses().await.unwrap(),
            store.requests(Which::Open).await.unwrap(),
            store.known().await.unwrap().everybody,
            store.person("github:ada-l").await.unwrap(),
            store.audit_log().await.unwrap().records().len(),
        )
    };
    let before = seen().await;
    spoil().await;
    store.add_code(&by(), hash_code("x"), Some("bo"), at(1)).await.unwrap_err();
    store.revoke(&by(), device.id).await.unwrap_err();
    store.add_integration(&by(), "forge", hash_token("f")).await.unwrap_err();
    store.revoke_integration(&by(), "portal").await.unwrap_err();
    store.add_alias(&by(), "ada", "github:ada-l").await.unwrap_err();
    store.grant(&by(), "cy", &grant("admin")).await.unwrap_err();
    store.revoke_role(&by(), "ada", &grant("viewer")).await.unwrap_err();
    store.add_access(&by(), "ada", hash_token("b"), at(5)).await.unwrap_err();
    store.revoke_access(&by(), token).await.unwrap_err();
    let ada = Whom::Name("ada".to_owned());
    store.export(&by(), &ada).await.unwrap_err();
    store.erase(&by(), &[ada], &TimeZone::UTC).await.unwrap_err();
    store.answer_request(&by(), request, &refused).await.unwrap_err();
    mend().await;
    assert_eq!(seen().await, before);
    let enrolled = store.asker(hash_token("a"), at(0)).await.unwrap();
    assert!(enrolled.is_some_and(|asker| asker.roles.include(Role::Viewer)));
    // And the log goes on without a hole.
    store.grant(&by(), "cy", &grant("admin")).await.unwrap();
    assert!(store.audit_log().await.unwrap().verify(None).unwrap().ok());
}
