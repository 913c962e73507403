//! G1: people sign in with the organisation's identity provider or with an access token, and nobody else does.
//!
//! `forger` is a provider that does one thing wrong at a time; `certified` is the real one.

mod browser;
mod certified;
mod forger;

use firstlight_contract::signin::{DeviceSignin, DeviceToken, Session, SessionAnswer};
use reqwest::Response;
use serde_json::json;

use self::{
    browser::{Browser, PUBLIC, parameter, sent_to},
    forger::{Fault, Forger, SECRET},
};
use crate::common::{Hub, problem, read};

/// A hub that this provider's people sign in at; engineers may look.
fn config(issuer: &str) -> String {
    format!(
        "public_url = \"{PUBLIC}\"\ncontact = \"the platform team\"\n[oidc]\nissuer = \"{issuer}\"\nclient_id = \"hub\"\n\
         client_secret = \"{SECRET}\"\nroles = [\"viewer = engineers\"]\nseconds = 2\n"
    )
}

fn hub_of(forger: &Forger) -> Hub {
    Hub::start_with(&config(&forger.url()))
}

/// Begins, lets the provider let the person in, and comes back.
async fn sign_in(browser: &mut Browser, forger: &Forger) -> Response {
    let address = sent_to(&browser.get("/v1/signin?return_to=/insights").await);
    let code = forger.lets_in(&address);
    come_back(browser, &code, &parameter(&address, "state")).await
}

async fn come_back(browser: &mut Browser, code: &str, state: &str) -> Response {
    browser.get(&format!("/v1/signin/callback?code={code}&state={state}")).await
}

async fn who(browser: &mut Browser) -> SessionAnswer {
    read(browser.get("/v1/session").await).await
}

/// Whether the browser's session opens what a viewer may see.
async fn looks(browser: &mut Browser) -> u16 {
    browser.get("/v1/insights/summary").await.status().as_u16()
}

fn sessions(hub: &Hub) -> i64 {
    let raw = rusqlite::Connection::open(hub.database()).unwrap();
    raw.query_row("SELECT count(*) FROM session", [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn g1_somebody_signs_in_looks_and_signs_out() {
    let forger = Forger::start().await;
    let hub = hub_of(&forger);
    let mut browser = Browser::at(&hub);
    let nobody = who(&mut browser).await;
    assert_eq!((nobody.session, nobody.oidc, nobody.contact.as_str()), (None, true, "the platform team"));
    assert_eq!(looks(&mut browser).await, 401);

    let answer = sign_in(&mut browser, &forger).await;
    let set: Vec<&str> =
        answer.headers().get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
    let session = set.iter().find(|set| set.starts_with("__Host-firstlight-session=fls_")).unwrap();
    for attribute in ["Path=/", "HttpOnly", "Secure", "SameSite=Lax", "Max-Age=43"] {
        assert!(session.contains(attribute), "{session}");
    }
    assert!(browser.cookie("__Host-firstlight-signin").is_none(), "the sign-in is over: {set:?}");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    assert_eq!(answer.headers()["referrer-policy"], "no-referrer");
    assert_eq!(sent_to(&answer), "/insights");

    let session = who(&mut browser).await.session.unwrap();
    assert_eq!(session.roles, ["viewer"]);
    assert_eq!(looks(&mut browser).await, 200);
    let cookie = browser.session().unwrap().to_owned();
    let end = browser.post_request("/v1/session/end").header("sec-fetch-site", "same-origin");
    assert_eq!(browser.send(end).await.status(), 204);
    assert!(browser.session().is_none());
    // Who has kept a copy has nothing.
    browser.keep("__Host-firstlight-session", &cookie);
    assert_eq!(looks(&mut browser).await, 401);
    assert!(who(&mut browser).await.session.is_none());
}

#[tokio::test]
async fn g1_whatever_is_wrong_with_an_answer_of_the_provider_is_said_and_signs_nobody_in() {
    let forger = Forger::start().await;
    let hub = hub_of(&forger);
    // Once, so that what the provider says of itself is known.
    sent_to(&Browser::at(&hub).get("/v1/signin").await);
    for (fault, status, words) in [
        (Fault::Audience, 502, "for another program (aud)"),
        (Fault::OneMoreAudience, 502, "for another program (aud)"),
        (Fault::NoAudience, 502, "for another program (aud)"),
        (Fault::Issuer, 502, "somebody else has issued it (iss)"),
        (Fault::Nonce, 502, "of another sign-in (nonce)"),
        (Fault::NoNonce, 502, "of another sign-in (nonce)"),
        (Fault::Party, 502, "given to another program (azp)"),
        (Fault::Unsigned, 502, "it is not signed"),
        (Fault::HmacOfPublicKey, 502, "in a way that does not count (alg)"),
        (Fault::HmacOfSecret, 502, "in a way that does not count (alg)"),
        (Fault::Expired, 502, "it has expired (exp)"),
        (Fault::IssuedLater, 502, "of the future (iat, nbf)"),
        (Fault::NotBefore, 502, "of the future (iat, nbf)"),
        (Fault::UnknownKey, 502, "does not have the key it is signed with (kid)"),
        (Fault::Signature, 502, "its signature is wrong"),
        (Fault::Changed, 502, "its signature is wrong"),
        (Fault::AccessToken, 502, "another one (at_hash)"),
        (Fault::NoToken, 502, "there is none"),
        (Fault::OtherDetails, 502, "the details are somebody else's (sub)"),
        (Fault::NoName, 403, "there is no claim `email`"),
        (Fault::Unverified, 403, "has not verified this person's e-mail address"),
        (Fault::Garbage, 502, "answer cannot be used"),
        (Fault::HalfJson, 502, "answer cannot be used"),
        (Fault::WrongType, 502, "answer cannot be used"),
        (Fault::Failing, 502, "answer cannot be used"),
        (Fault::Elsewhere, 502, "answer cannot be used"),
        (Fault::Slow, 502, "did not answer in time"),
        (Fault::Endless, 502, "did not answer in time"),
        (Fault::Huge, 502, "more than 262144 bytes"),
        (Fault::RefusesHub, 502, "refuses: invalid_client"),
    ] {
        forger.does(fault);
        let mut browser = Browser::at(&hub);
        let answer = sign_in(&mut browser, &forger).await;
        assert!(browser.session().is_none(), "{fault:?}");
        let said = problem(answer, status).await.error;
        assert!(said.message.contains(words), "{fault:?}: {}", said.message);
        assert!(!said.message.contains(SECRET), "{}", said.message);
        assert_eq!(looks(&mut browser).await, 401, "{fault:?}");
    }
    assert_eq!(sessions(&hub), 0);
    // And the same again with nothing wrong.
    forger.does(Fault::Nothing);
    sent_to(&sign_in(&mut Browser::at(&hub), &forger).await);
    assert_eq!(sessions(&hub), 1);
}

#[tokio::test]
async fn g1_a_provider_that_says_odd_things_of_itself_is_not_used() {
    for (fault, words) in [
        (Fault::OtherIssuerInDiscovery, "unexpected issuer URI"),
        (Fault::LoginNotEncrypted, "http://id.acme.test/login is not https"),
        (Fault::DiscoveryGarbage, "answer cannot be used"),
        (Fault::KeysGarbage, "answer cannot be used"),
    ] {
        let forger = Forger::start().await;
        let hub = hub_of(&forger);
        forger.does(fault);
        let said = problem(Browser::at(&hub).get("/v1/signin").await, 502).await.error;
        assert!(said.message.contains(words), "{fault:?}: {}", said.message);
        // It is asked again the next time.
        forger.does(Fault::Nothing);
        sent_to(&sign_in(&mut Browser::at(&hub), &forger).await);
    }
    let forger = Forger::start().await;
    let hub = hub_of(&forger);
    forger.does(Fault::TokensNotEncrypted);
    let said = problem(sign_in(&mut Browser::at(&hub), &forger).await, 502).await.error;
    assert!(said.message.contains("http://id.acme.test/token is not https"), "{}", said.message);
}

#[tokio::test]
async fn g1_a_provider_with_new_keys_is_believed_and_asked_for_them_once() {
    let forger = Forger::start().await;
    let hub = hub_of(&forger);
    sent_to(&sign_in(&mut Browser::at(&hub), &forger).await);
    assert_eq!(forger.keys_asked(), 1);
    forger.rotates();
    sent_to(&sign_in(&mut Browser::at(&hub), &forger).await);
    sent_to(&sign_in(&mut Browser::at(&hub), &forger).await);
    assert_eq!(forger.keys_asked(), 2);
    forger.does(Fault::UnknownKey);
    problem(sign_in(&mut Browser::at(&hub), &forger).await, 502).await;
    assert_eq!(forger.keys_asked(), 3);
}

#[tokio::test]
async fn g1_a_sign_in_is_of_one_browser_and_leads_to_one_session() {
    let forger = Forger::start().await;
    let hub = hub_of(&forger);
    let not_ours = "this sign-in was not begun in this browser, or too long ago";

    // An answer that nobody asked for, in a browser that began nothing, or something else.
    let (mut one, mut other) = (Browser::at(&hub), Browser::at(&hub));
    let address = sent_to(&one.get("/v1/signin").await);
    let (code, state) = (forger.lets_in(&address), parameter(&address, "state"));
    assert_eq!(problem(come_back(&mut other, &code, &state).await, 400).await.error.message, not_ours);
    let others = sent_to(&other.get("/v1/signin").await);
    assert_eq!(problem(come_back(&mut other, &code, &state).await, 400).await.error.message, not_ours);
    problem(one.get(&format!("/v1/signin/callback?code={code}")).await, 400).await;
    assert_eq!(forger.tokens_asked(), 0, "no code was shown to the provider");

    // A code of one put into the other's answer: the verifier does not fit.
    let (mut one, mut other) = (Browser::at(&hub), Browser::at(&hub));
    let address = sent_to(&one.get("/v1/signin").await);
    let code = forger.lets_in(&address);
    let others_state = parameter(&sent_to(&other.get("/v1/signin").await), "state");
    assert_ne!(parameter(&others, "state"), others_state);
    let over = problem(come_back(&mut other, &code, &others_state).await, 400).await.error;
    assert_eq!(over.message, "the identity provider says that this sign-in is over");

    // The same answer again, from a browser that has kept everything.
    for (fault, words) in
        [(Fault::Nothing, "sign-in is over"), (Fault::CodesAgain, "it has made a session before")]
    {
        forger.does(fault);
        let mut browser = Browser::at(&hub);
        let address = sent_to(&browser.get("/v1/signin").await);
        let kept = browser.cookie("__Host-firstlight-signin").unwrap().to_owned();
        let (code, state) = (forger.lets_in(&address), parameter(&address, "state"));
        sent_to(&come_back(&mut browser, &code, &state).await);
        let mut copy = Browser::at(&hub);
        copy.keep("__Host-firstlight-signin", &kept);
        let said = problem(come_back(&mut copy, &code, &state).await, 400).await.error;
        assert!(said.message.contains(words), "{}", said.message);
        assert!(copy.session().is_none());
    }
    assert_eq!(sessions(&hub), 2);
}

#[tokio::test]
async fn g1_an_answer_names_the_provider_it_comes_from_if_it_names_one() {
    let forger = Forger::start().await;
    let hub = hub_of(&forger);
    let back = async |more: &str| {
        let mut browser = Browser::at(&hub);
        let address = sent_to(&browser.get("/v1/signin").await);
        let (code, state) = (forger.lets_in(&address), parameter(&address, "state"));
        browser.get(&format!("/v1/signin/callback?code={code}&state={state}{more}")).await
    };
    let said = problem(back("&iss=https%3A%2F%2Fid.acme.test").await, 502).await.error;
    assert!(said.message.contains("(iss)"), "{}", said.message);
    assert_eq!(forger.tokens_asked(), 0);
    sent_to(&back(&format!("&iss={}&session_state=more", forger.url())).await);
    let mut browser = Browser::at(&hub);
    let address = sent_to(&browser.get("/v1/signin").await);
    let state = parameter(&address, "state");
    let no = browser.get(&format!("/v1/signin/callback?error=access_denied&state={state}")).await;
    assert_eq!(problem(no, 403).await.error.message, "the identity provider says no");
}

#[tokio::test]
async fn g1_nobody_is_sent_to_another_host() {
    let forger = Forger::start().await;
    let hub = hub_of(&forger);
    for odd in
        ["//evil.test", "/%5Cevil.test", "https://evil.test/", "/%09/evil.test", "evil", "", "/%0d%0aA:b"]
    {
        let answer = Browser::at(&hub).get(&format!("/v1/signin?return_to={odd}")).await;
        problem(answer, 400).await;
    }
    problem(Browser::at(&hub).get("/v1/signin?next=/").await, 400).await;
}

#[tokio::test]
async fn g1_a_provider_that_is_away_keeps_the_hub_from_nothing_else() {
    // Whatever listens there later is the provider.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let hub = Hub::start_with(&config(&format!("http://{address}")));
    let said = problem(Browser::at(&hub).get("/v1/signin").await, 502).await.error;
    assert!(said.message.contains("cannot be asked"), "{}", said.message);
    let device = hub.enrol().await;
    device.send(&hub, &device.events([1, 2])).await;
    assert_eq!(hub.get("/readyz").send().await.unwrap().status(), 200);

    let forger = Forger::on(tokio::net::TcpListener::bind(address).await.unwrap());
    let mut browser = Browser::at(&hub);
    sent_to(&sign_in(&mut browser, &forger).await);
    assert_eq!(looks(&mut browser).await, 200);
}

#[tokio::test]
async fn g8_somebody_without_a_role_is_told_whom_to_ask_and_gets_in_once_they_have_one() {
    let forger = Forger::start().await;
    let hub = Hub::start_with(&config(&forger.url()).replace("engineers", "nobody-is-in-it"));
    let mut browser = Browser::at(&hub);
    let said = problem(sign_in(&mut browser, &forger).await, 403).await.error;
    assert!(said.hint.starts_with("Ask the platform team for one."), "{}", said.hint);
    assert_eq!(who(&mut browser).await.session.unwrap().roles, Vec::<String>::new());
    assert_eq!(looks(&mut browser).await, 403);

    // Somebody is the same whether they are named by an admin or by the provider.
    hub.say(&["role", "grant", "Ada@acme.test", "viewer"]);
    assert_eq!(looks(&mut browser).await, 200);
    hub.say(&["role", "revoke", "ada@acme.test", "viewer"]);
    assert_eq!(looks(&mut browser).await, 403);

    let mut person = Browser::at(&hub);
    let address = sent_to(&person.get("/v1/signin?return_to=/%3Ca%22b").await);
    let (code, state) = (forger.lets_in(&address), parameter(&address, "state"));
    let back = person.get_request(&format!("/v1/signin/callback?code={code}&state={state}"));
    let page = person.send(back.header("accept", "text/html,*/*;q=0.8")).await;
    assert_eq!(page.status(), 403);
    assert!(page.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
    let html = page.text().await.unwrap();
    assert!(html.contains("<p>Ask the platform team for one."), "{html}");
    assert!(html.contains("href=\"/&#60;a&#34;b\""), "{html}");
    assert!(person.session().is_some());
}

#[tokio::test]
async fn g1_a_mistake_on_the_way_is_a_page_for_people() {
    let hub = Hub::start();
    let page = hub.get("/v1/signin").header("accept", "text/html").send().await.unwrap();
    assert_eq!(page.status(), 404);
    let html = page.text().await.unwrap();
    assert!(html.contains("<p>This hub has no identity provider to sign in with.</p>"), "{html}");
    problem(hub.get("/v1/signin/callback?code=a&state=b").send().await.unwrap(), 404).await;
    problem(hub.post("/v1/signin/device").send().await.unwrap(), 404).await;
}

fn exchange(browser: &Browser, token: &str) -> reqwest::RequestBuilder {
    browser
        .post_request("/v1/session")
        .header("content-type", "application/json")
        .body(json!({ "token": token }).to_string())
}

#[tokio::test]
async fn g1_an_access_token_is_exchanged_for_a_session_that_ends_with_it() {
    let hub = Hub::start();
    hub.say(&["role", "grant", "ada", "viewer"]);
    let token = hub.say(&["role", "token", "ada"]).trim().to_owned();
    let mut browser = Browser::at(&hub);
    for wrong in ["", "flr_made-up", &token[..token.len() - 1]] {
        let answer = browser.send(exchange(&browser, wrong)).await;
        problem(answer, 401).await;
    }
    let answer = browser.send(exchange(&browser, &token)).await;
    assert_eq!(answer.status(), 201);
    // Without encryption on this machine, a browser would not send back what is `Secure`.
    let set = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(set.starts_with("firstlight-session=fls_") && !set.contains("Secure"), "{set}");
    let session: Session = read(answer).await;
    assert_eq!(session.roles, ["viewer"]);
    assert_eq!(looks(&mut browser).await, 200);

    // Through a proxy from elsewhere it is `Secure`, whatever the proxy does not say of encryption.
    let far = exchange(&browser, &token).header("x-forwarded-for", "203.0.113.7");
    let set = far.send().await.unwrap().headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(set.starts_with("__Host-firstlight-session=") && set.contains("; Secure"), "{set}");

    let id = hub.say(&["role", "list"]);
    let id = id.split_whitespace().find(|word| word.parse::<i64>().is_ok()).unwrap().to_owned();
    hub.say(&["role", "revoke-token", &id]);
    assert_eq!(looks(&mut browser).await, 401);
    let answer = browser.send(exchange(&browser, &token)).await;
    problem(answer, 401).await;
}

#[tokio::test]
async fn g1_no_other_sites_page_signs_anybody_in_or_out() {
    let hub = Hub::start();
    hub.say(&["role", "grant", "ada", "viewer"]);
    let token = hub.say(&["role", "token", "ada"]).trim().to_owned();
    let mut browser = Browser::at(&hub);
    let own = hub.url.clone();
    let others: [&[(&str, &str)]; 5] = [
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "cross-site"), ("origin", &own)],
        &[("origin", "http://evil.test")],
        &[("origin", "null")],
    ];
    for headers in others {
        let mut request = exchange(&browser, &token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = browser.send(request).await;
        problem(answer, 403).await;
    }
    // What a form of another site could send without being asked first whether it may.
    let form = browser.post_request("/v1/session").header("content-type", "text/plain");
    let answer = browser.send(form.body(json!({ "token": token }).to_string())).await;
    problem(answer, 415).await;
    assert!(browser.cookie("firstlight-session").is_none());

    browser.send(exchange(&browser, &token).header("sec-fetch-site", "same-origin")).await;
    for headers in others.into_iter().chain([&[][..]]) {
        let mut request = browser.post_request("/v1/session/end");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = browser.send(request).await;
        problem(answer, 403).await;
        assert_eq!(looks(&mut browser).await, 200, "{headers:?}");
    }
    let end = browser.post_request("/v1/session/end").header("origin", &own);
    assert_eq!(browser.send(end).await.status(), 204);
    assert_eq!(looks(&mut browser).await, 401);
}

#[tokio::test]
async fn g1_who_tries_too_often_has_to_wait() {
    let hub = Hub::start_with("signins_per_minute = 3");
    let browser = Browser::at(&hub);
    for _ in 0..3 {
        problem(exchange(&browser, "flr_guess").send().await.unwrap(), 401).await;
    }
    let slowed = exchange(&browser, "flr_guess").send().await.unwrap();
    assert!(slowed.headers().contains_key("retry-after"));
    problem(slowed, 429).await;
    for path in ["/v1/signin", "/v1/signin/callback"] {
        problem(hub.get(path).send().await.unwrap(), 429).await;
    }
    for path in ["/v1/signin/device", "/v1/signin/device/token"] {
        problem(hub.post(path).send().await.unwrap(), 429).await;
    }
}

#[tokio::test]
async fn g1_neither_sessions_nor_names_are_in_the_database() {
    let forger = Forger::start().await;
    let mut hub = hub_of(&forger);
    let mut browser = Browser::at(&hub);
    let address = sent_to(&browser.get("/v1/signin").await);
    let attempt = browser.cookie("__Host-firstlight-signin").unwrap().to_owned();
    let (code, state) = (forger.lets_in(&address), parameter(&address, "state"));
    sent_to(&come_back(&mut browser, &code, &state).await);
    let session = browser.session().unwrap().to_owned();
    hub.kill();
    let secrets = [session.as_str(), attempt.as_str(), state.as_str(), SECRET, "ada@acme.test"];
    let mut read = 0;
    for entry in std::fs::read_dir(hub.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "toml") {
            continue;
        }
        let bytes = std::fs::read(path).unwrap();
        read += bytes.len();
        for secret in secrets {
            let found = bytes.windows(secret.len()).any(|part| part.eq_ignore_ascii_case(secret.as_bytes()));
            assert!(!found, "{secret}");
        }
    }
    assert!(read > 20_000, "there was something to read");
}

async fn ask_again(hub: &Hub, handle: &str) -> Response {
    hub.post("/v1/signin/device/token")
        .header("content-type", "application/json")
        .body(json!({ "handle": handle }).to_string())
        .send()
        .await
        .unwrap()
}

#[tokio::test]
async fn g1_a_terminal_is_signed_in_once_the_person_says_yes() {
    let forger = Forger::start().await;
    let hub = hub_of(&forger);
    let asked: DeviceSignin = read(hub.post("/v1/signin/device").send().await.unwrap()).await;
    assert_eq!((asked.user_code.as_str(), asked.interval_seconds), ("ABCD-EFGH", 2));
    let pending = ask_again(&hub, &asked.handle).await;
    assert_eq!(pending.status(), 202);
    let interval = |answer: DeviceToken| match answer {
        DeviceToken::Pending { interval_seconds } => interval_seconds,
        DeviceToken::SignedIn { .. } => panic!("nobody has said yes"),
    };
    assert_eq!(interval(read(pending).await), 2);
    forger.person_says("slow_down");
    assert_eq!(interval(read(ask_again(&hub, &asked.handle).await).await), 7);
    forger.person_says("access_denied");
    let no = problem(ask_again(&hub, &asked.handle).await, 403).await.error;
    assert_eq!(no.message, "the identity provider says no");
    forger.person_says("expired_token");
    problem(ask_again(&hub, &asked.handle).await, 400).await;
    for wrong in ["", "made up", &asked.handle[1..], &asked.handle.replacen('.', "..", 1)] {
        let before = forger.tokens_asked();
        problem(ask_again(&hub, wrong).await, 400).await;
        assert_eq!(forger.tokens_asked(), before, "the provider is not asked about {wrong}");
    }

    forger.person_says("yes");
    forger.does(Fault::Audience);
    problem(ask_again(&hub, &asked.handle).await, 502).await;
    assert_eq!(sessions(&hub), 0);
    forger.does(Fault::Nothing);
    let DeviceToken::SignedIn { token, session } = read(ask_again(&hub, &asked.handle).await).await else {
        panic!("they have said yes");
    };
    assert_eq!(session.roles, ["viewer"]);
    let look = || hub.get("/v1/insights/summary").bearer_auth(&token).send();
    assert_eq!(look().await.unwrap().status(), 200);
    // Once.
    problem(ask_again(&hub, &asked.handle).await, 400).await;
    let end = hub.post("/v1/session/end").bearer_auth(&token).send().await.unwrap();
    assert_eq!(end.status(), 204);
    assert_eq!(look().await.unwrap().status(), 401);
}

#[cfg(unix)]
#[tokio::test]
async fn g1_a_sign_in_begun_at_one_hub_ends_at_another_of_the_same_database() {
    let Some(server) = crate::postgres::Server::shared() else { return };
    let forger = Forger::start().await;
    let (url, config) = (server.fresh(), config(&forger.url()));
    let (one, other) = (Hub::start_on_with(&url, &config), Hub::start_on_with(&url, &config));
    let mut browser = Browser::at(&one);
    let address = sent_to(&browser.get("/v1/signin").await);
    let (code, state) = (forger.lets_in(&address), parameter(&address, "state"));
    browser.goes_to(&other);
    sent_to(&come_back(&mut browser, &code, &state).await);
    for hub in [&one, &other] {
        browser.goes_to(hub);
        assert_eq!(looks(&mut browser).await, 200);
    }
    let asked: DeviceSignin = read(one.post("/v1/signin/device").send().await.unwrap()).await;
    forger.person_says("yes");
    assert_eq!(ask_again(&other, &asked.handle).await.status(), 200);
    problem(ask_again(&one, &asked.handle).await, 400).await;
    // A hub of another database takes none of it.
    let stranger = Hub::start_with(&config);
    browser.goes_to(&stranger);
    assert_eq!(looks(&mut browser).await, 401);
    problem(ask_again(&stranger, &asked.handle).await, 400).await;

    browser.goes_to(&one);
    let end = browser.post_request("/v1/session/end").header("origin", PUBLIC);
    let cookie = browser.session().unwrap().to_owned();
    assert_eq!(browser.send(end).await.status(), 204);
    browser.keep("__Host-firstlight-session", &cookie);
    browser.goes_to(&other);
    assert_eq!(looks(&mut browser).await, 401);
}
