//! The same with `oidc-provider`, which is certified: `npm ci` in `tests/identity-provider` installs it, and the contribute
//! pack does that.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

use firstlight_contract::signin::{DeviceSignin, DeviceToken};
use reqwest::Response;

use super::{Browser, Hub, PUBLIC, SECRET, ask_again, config, looks, problem, read, sent_to, who};

/// The provider; it ends with its standard input, so with the test process at the latest.
struct Certified {
    child: Child,
    /// It goes on talking, and would end if nobody could hear it.
    _says: BufReader<ChildStdout>,
    url: String,
}

impl Certified {
    /// None without Node or its packages, which is said past the harness that would keep it to itself. Where everything has
    /// to be tested, that is a failure.
    fn start(algorithm: &str) -> Option<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/identity-provider");
        let installed = folder.join("node_modules/oidc-provider").exists();
        let child = Command::new("node")
            .args(["provider.mjs", &format!("{PUBLIC}/v1/signin/callback"), algorithm])
            .current_dir(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let (Ok(mut child), true) = (child, installed) else {
            let missing = "not tested with a certified identity provider: `npm ci` in crates/hub/tests/identity-provider\n";
            assert!(std::env::var_os("CI").is_none(), "{missing}");
            std::io::stderr().write_all(missing.as_bytes()).unwrap();
            return None;
        };
        let mut url = String::new();
        let mut says = BufReader::new(child.stdout.take().unwrap());
        says.read_line(&mut url).unwrap();
        assert!(url.starts_with("http://127.0.0.1:"), "{url}");
        Some(Self { child, _says: says, url: url.trim().to_owned() })
    }
}

impl Drop for Certified {
    fn drop(&mut self) {
        // Not by the end of its input: Node, asked to end, may wait for its own threads forever (nodejs/node#54918).
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a form on a page would send, and where.
fn form(page: &str) -> Option<(String, Vec<(String, String)>)> {
    let value = |tag: &str, name: &str| {
        let rest = tag.split_once(&format!("{name}=\""))?.1;
        Some(rest.split('"').next()?.to_owned())
    };
    let (_, form) = page.split_once("<form")?;
    let fields = form.split("</form>").next()?.split("<input").skip(1);
    let fields =
        fields.filter_map(|tag| Some((value(tag, "name")?, value(tag, "value").unwrap_or_default())));
    Some((value(form, "action")?, fields.collect()))
}

/// Goes where the provider sends, and does what it asks for as `name`, until there is nothing left to do or it leads away.
async fn agree(browser: &mut Browser, provider: &Certified, mut answer: Response, name: &str) -> Response {
    for _ in 0..12 {
        if answer.status() == 303 {
            let address = sent_to(&answer);
            if address.starts_with(PUBLIC) {
                return answer;
            }
            assert!(address.starts_with('/') || address.starts_with(&provider.url), "{address}");
            answer = browser.get(&address).await;
            continue;
        }
        assert_eq!(answer.status(), 200);
        let page = answer.text().await.unwrap();
        let Some((address, mut fields)) = form(&page) else {
            return browser.get("/.well-known/openid-configuration").await;
        };
        for (field, value) in &mut fields {
            if matches!(field.as_str(), "login" | "password") {
                name.clone_into(value);
            }
        }
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        answer = browser.post_form(&address, &fields).await;
    }
    panic!("{} goes on asking", provider.url);
}

/// Signs somebody in as a browser does.
async fn sign_in(hub: &Hub, provider: &Certified, name: &str) -> (Browser, Response) {
    let (mut at_hub, mut at_provider) = (Browser::at(hub), Browser::on(&provider.url));
    let login = sent_to(&at_hub.get("/v1/signin?return_to=/insights").await);
    assert!(login.starts_with(&provider.url), "{login}");
    let page = at_provider.get(&login).await;
    let back = sent_to(&agree(&mut at_provider, provider, page, name).await);
    let answer = at_hub.get(&back).await;
    (at_hub, answer)
}

fn config_of(provider: &Certified) -> String {
    // It tells groups to those only who ask for that scope.
    config(&provider.url).replace("seconds = 2", "seconds = 20\nscopes = [\"email\", \"groups\"]")
}

#[tokio::test]
async fn g1_a_certified_provider_signs_people_in_with_each_kind_of_key() {
    for algorithm in ["RS256", "ES256", "EdDSA"] {
        let Some(provider) = Certified::start(algorithm) else { return };
        let hub = Hub::start_with(&config_of(&provider));
        let (mut browser, answer) = sign_in(&hub, &provider, "grace").await;
        assert_eq!(sent_to(&answer), "/insights");
        assert_eq!(who(&mut browser).await.session.unwrap().roles, ["viewer"], "{algorithm}");
        assert_eq!(looks(&mut browser).await, 200);
    }
}

#[tokio::test]
async fn g1_a_certified_provider_tells_who_is_who_and_of_which_groups() {
    let Some(provider) = Certified::start("RS256") else { return };
    let config = config_of(&provider)
        .replace("viewer = engineers", "viewer = engineers\", \"step-owner:it-helpdesk = platform")
        // And takes the secret in the body of this one.
        .replace("client_id = \"hub\"", "client_id = \"hub-post\"");
    let hub = Hub::start_with(&config);
    hub.say(&["role", "grant", "ada@acme.test", "publisher"]);
    let (mut ada, _) = sign_in(&hub, &provider, "ada").await;
    let (mut again, _) = sign_in(&hub, &provider, "ada").await;
    let (mut grace, _) = sign_in(&hub, &provider, "grace").await;
    let [ada, again, grace] =
        [who(&mut ada).await, who(&mut again).await, who(&mut grace).await].map(|one| one.session.unwrap());
    assert_eq!(ada.roles, ["viewer", "publisher", "step-owner:it-helpdesk"]);
    assert_eq!(grace.roles, ["viewer"]);
    assert_eq!(ada.person, again.person);
    assert_ne!(ada.person, grace.person);
    let (_, refused) = sign_in(&hub, &provider, "eve-unverified").await;
    let said = problem(refused, 403).await.error;
    assert_eq!(said.message, "the identity provider has not verified this person's e-mail address");
}

#[tokio::test]
async fn g1_a_certified_provider_that_does_not_know_the_hub_signs_nobody_in() {
    let Some(provider) = Certified::start("RS256") else { return };
    let hub = Hub::start_with(&config_of(&provider).replace(SECRET, "another secret, a wrong one"));
    let (browser, answer) = sign_in(&hub, &provider, "ada").await;
    let said = problem(answer, 502).await.error;
    assert_eq!(said.message, "the identity provider refuses: invalid_client");
    assert!(browser.session().is_none());
}

#[tokio::test]
async fn g1_a_certified_provider_signs_a_terminal_in() {
    let Some(provider) = Certified::start("ES256") else { return };
    let hub = Hub::start_with(&config_of(&provider));
    let asked: DeviceSignin = read(hub.post("/v1/signin/device").send().await.unwrap()).await;
    assert_eq!(ask_again(&hub, &asked.handle).await.status(), 202);
    let mut browser = Browser::on(&provider.url);
    let page = browser.get(asked.verification_uri_complete.as_deref().unwrap()).await;
    agree(&mut browser, &provider, page, "grace").await;
    let DeviceToken::SignedIn { token, session } = read(ask_again(&hub, &asked.handle).await).await else {
        panic!("the person has agreed");
    };
    assert_eq!(session.roles, ["viewer"]);
    assert_eq!(hub.get("/v1/insights/summary").bearer_auth(&token).send().await.unwrap().status(), 200);
    problem(ask_again(&hub, &asked.handle).await, 400).await;
}
