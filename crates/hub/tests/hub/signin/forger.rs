//! An identity provider that does one thing wrong at a time.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use ed25519_dalek::{Signer as _, SigningKey};
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;
use uuid::Uuid;

use super::browser::parameter;

pub(super) const SECRET: &str = "a secret between the two";

/// What it does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Nothing,
    Audience,
    OneMoreAudience,
    NoAudience,
    Issuer,
    Nonce,
    NoNonce,
    Party,
    Unsigned,
    HmacOfPublicKey,
    HmacOfSecret,
    Expired,
    IssuedLater,
    NotBefore,
    UnknownKey,
    Signature,
    Changed,
    AccessToken,
    NoToken,
    NoName,
    Unverified,
    OtherDetails,
    CodesAgain,
    OtherIssuerInDiscovery,
    LoginNotEncrypted,
    TokensNotEncrypted,
    DiscoveryGarbage,
    KeysGarbage,
    Garbage,
    HalfJson,
    WrongType,
    Failing,
    Elsewhere,
    Slow,
    Endless,
    Huge,
    RefusesHub,
}

struct Asked {
    nonce: String,
    challenge: String,
}

struct Inside {
    url: String,
    fault: Fault,
    key: SigningKey,
    key_id: String,
    codes: HashMap<String, Asked>,
    keys_asked: u32,
    tokens_asked: u32,
    /// Whether the person at the terminal's browser has said something.
    device: Option<&'static str>,
}

/// It runs until the test ends.
#[derive(Clone)]
pub(super) struct Forger(Arc<Mutex<Inside>>);

impl Forger {
    pub(super) async fn start() -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    pub(super) fn on(listener: TcpListener) -> Self {
        let url = format!("http://{}", listener.local_addr().unwrap());
        let forger = Self(Arc::new(Mutex::new(Inside {
            url,
            fault: Fault::Nothing,
            key: SigningKey::from_bytes(&[1; 32]),
            key_id: "first".to_owned(),
            codes: HashMap::new(),
            keys_asked: 0,
            tokens_asked: 0,
            device: None,
        })));
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .route("/details", get(details))
            .route("/device", post(device))
            .with_state(forger.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        forger
    }

    fn inside<T>(&self, look: impl FnOnce(&mut Inside) -> T) -> T {
        look(&mut self.0.lock().unwrap())
    }

    pub(super) fn url(&self) -> String {
        self.inside(|inside| inside.url.clone())
    }

    pub(super) fn does(&self, fault: Fault) {
        self.inside(|inside| inside.fault = fault);
    }

    /// New keys; the old ones are gone.
    pub(super) fn rotates(&self) {
        self.inside(|inside| {
            inside.key = SigningKey::from_bytes(&[2; 32]);
            "second".clone_into(&mut inside.key_id);
        });
    }

    pub(super) fn keys_asked(&self) -> u32 {
        self.inside(|inside| inside.keys_asked)
    }

    pub(super) fn tokens_asked(&self) -> u32 {
        self.inside(|inside| inside.tokens_asked)
    }

    /// What the person says who was shown the terminal's code.
    pub(super) fn person_says(&self, word: &'static str) {
        self.inside(|inside| inside.device = Some(word));
    }

    /// Lets the person in whose browser was sent here: a code.
    pub(super) fn lets_in(&self, address: &str) -> String {
        assert!(address.starts_with(&self.url()), "{address}");
        assert_eq!(parameter(address, "response_type"), "code");
        assert_eq!(parameter(address, "code_challenge_method"), "S256");
        assert_eq!(parameter(address, "redirect_uri"), "https://hub.acme.test/v1/signin/callback");
        let asked =
            Asked { nonce: parameter(address, "nonce"), challenge: parameter(address, "code_challenge") };
        let code = Uuid::now_v7().to_string();
        self.inside(|inside| inside.codes.insert(code.clone(), asked));
        code
    }
}

async fn discovery(State(forger): State<Forger>) -> Response {
    let (url, fault) = forger.inside(|inside| (inside.url.clone(), inside.fault));
    if fault == Fault::DiscoveryGarbage {
        return "<html>Please sign in to the hotel's network</html>".into_response();
    }
    let elsewhere = |wrong: Fault, path: &str| {
        if fault == wrong { format!("http://id.acme.test{path}") } else { format!("{url}{path}") }
    };
    let issuer = if fault == Fault::OtherIssuerInDiscovery { "https://id.acme.test" } else { &url };
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": elsewhere(Fault::LoginNotEncrypted, "/login"),
        "token_endpoint": elsewhere(Fault::TokensNotEncrypted, "/token"),
        "userinfo_endpoint": format!("{url}/details"),
        "jwks_uri": format!("{url}/keys"),
        "device_authorization_endpoint": format!("{url}/device"),
        "response_types_supported": ["code"], "subject_types_supported": ["public"],
        // Whatever it says here, what counts is up to the hub.
        "id_token_signing_alg_values_supported": ["none", "HS256", "EdDSA"],
    }))
    .into_response()
}

async fn keys(State(forger): State<Forger>) -> Response {
    forger.inside(|inside| {
        inside.keys_asked += 1;
        if inside.fault == Fault::KeysGarbage {
            return "[]".into_response();
        }
        let x = BASE64.encode(inside.key.verifying_key().as_bytes());
        let key =
            json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": inside.key_id, "x": x });
        Json(json!({ "keys": [key] })).into_response()
    })
}

fn refused(word: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({ "error": word }))).into_response()
}

async fn token(State(forger): State<Forger>, body: Bytes) -> Response {
    let form: HashMap<String, String> =
        openidconnect::url::form_urlencoded::parse(&body).into_owned().collect();
    forger.inside(|inside| inside.tokens_asked += 1);
    let fault = forger.inside(|inside| inside.fault);
    let json = [("content-type", "application/json")];
    match fault {
        Fault::Slow => tokio::time::sleep(Duration::from_secs(60)).await,
        Fault::Endless => {
            let more = futures::stream::unfold((), async |()| {
                tokio::time::sleep(Duration::from_millis(50)).await;
                Some((Ok::<_, std::io::Error>(Bytes::from_static(b" ")), ()))
            });
            return (json, Body::from_stream(Box::pin(more))).into_response();
        }
        Fault::Huge => return (json, " ".repeat(4 << 20)).into_response(),
        Fault::Garbage => return "<html>".into_response(),
        Fault::HalfJson => return (json, "{\"access_token\": \"abc").into_response(),
        Fault::WrongType => return (json, "[1, 2, 3]").into_response(),
        Fault::Failing => return (StatusCode::INTERNAL_SERVER_ERROR, "no").into_response(),
        Fault::Elsewhere => {
            return (StatusCode::TEMPORARY_REDIRECT, [("location", "/keys")]).into_response();
        }
        Fault::RefusesHub => return refused("invalid_client"),
        _ => (),
    }
    forger.inside(|inside| {
        if form.get("grant_type").unwrap() == "urn:ietf:params:oauth:grant-type:device_code" {
            assert_eq!(form.get("device_code").unwrap(), "the terminal's");
            return match inside.device {
                Some("yes") => given(inside, None),
                Some(word) => refused(word),
                None => refused("authorization_pending"),
            };
        }
        let code = form.get("code").unwrap();
        let challenge = BASE64.encode(Sha256::digest(form.get("code_verifier").unwrap()));
        let nonce = inside.codes.get(code).filter(|asked| asked.challenge == challenge);
        let Some(nonce) = nonce.map(|asked| asked.nonce.clone()) else { return refused("invalid_grant") };
        if fault != Fault::CodesAgain {
            inside.codes.remove(code);
        }
        given(inside, Some(&nonce))
    })
}

/// The answer with a token, in which one thing is wrong.
fn given(inside: &Inside, nonce: Option<&str>) -> Response {
    let now = Timestamp::now().as_second();
    let access = "an access token";
    let hash = BASE64.encode(&sha2::Sha512::digest(access)[..32]);
    let mut claims = json!({
        "iss": inside.url, "aud": "hub", "sub": "ada", "iat": now, "exp": now + 60, "nonce": nonce, "azp": "hub",
        "at_hash": hash, "email": "ada@acme.test", "email_verified": true, "groups": ["engineers"],
    });
    let mut header = json!({ "alg": "EdDSA", "kid": inside.key_id });
    match inside.fault {
        Fault::Audience => claims["aud"] = "another program".into(),
        Fault::OneMoreAudience => claims["aud"] = json!(["hub", "another program"]),
        Fault::NoAudience => claims["aud"] = json!([]),
        Fault::Issuer => claims["iss"] = "https://id.acme.test".into(),
        Fault::Nonce => claims["nonce"] = "another".into(),
        Fault::NoNonce => claims["nonce"] = Value::Null,
        Fault::Party => claims["azp"] = "another program".into(),
        Fault::Unsigned => header = json!({ "alg": "none" }),
        Fault::HmacOfPublicKey | Fault::HmacOfSecret => header["alg"] = "HS256".into(),
        Fault::Expired => claims["exp"] = (now - 1).into(),
        Fault::IssuedLater => claims["iat"] = (now + 600).into(),
        Fault::NotBefore => claims["nbf"] = (now + 600).into(),
        Fault::UnknownKey => header["kid"] = "third".into(),
        Fault::AccessToken => claims["at_hash"] = BASE64.encode([7; 32]).into(),
        Fault::NoName => claims["email"] = Value::Null,
        Fault::Unverified => claims["email_verified"] = false.into(),
        // Then they have to be asked for.
        Fault::OtherDetails => claims.as_object_mut().unwrap().retain(|name, _| name != "email"),
        _ => (),
    }
    let part = |value: &Value| BASE64.encode(value.to_string());
    let signed = format!("{}.{}", part(&header), part(&claims));
    let hmac = |key: &[u8]| {
        let mac = Hmac::<Sha256>::new_from_slice(key).unwrap().chain_update(signed.as_bytes());
        mac.finalize().into_bytes().to_vec()
    };
    let signature = match inside.fault {
        Fault::Unsigned => Vec::new(),
        Fault::HmacOfPublicKey => hmac(inside.key.verifying_key().as_bytes()),
        Fault::HmacOfSecret => hmac(SECRET.as_bytes()),
        Fault::Signature => SigningKey::from_bytes(&[9; 32]).sign(signed.as_bytes()).to_vec(),
        _ => inside.key.sign(signed.as_bytes()).to_vec(),
    };
    let signed = if inside.fault == Fault::Changed {
        claims["email"] = "grace@acme.test".into();
        format!("{}.{}", part(&header), part(&claims))
    } else {
        signed
    };
    let mut answer = json!({ "access_token": access, "token_type": "Bearer", "expires_in": 60 });
    if inside.fault != Fault::NoToken {
        answer["id_token"] = format!("{signed}.{}", BASE64.encode(signature)).into();
    }
    Json(answer).into_response()
}

async fn details(State(forger): State<Forger>) -> Response {
    match forger.inside(|inside| inside.fault) {
        Fault::NoName => Json(json!({ "sub": "ada" })).into_response(),
        _ => Json(json!({ "sub": "grace", "email": "grace@acme.test" })).into_response(),
    }
}

async fn device(State(forger): State<Forger>) -> Response {
    let url = forger.url();
    Json(json!({
        "device_code": "the terminal's", "user_code": "ABCD-EFGH", "verification_uri": format!("{url}/type"),
        "expires_in": 600, "interval": 2,
    }))
    .into_response()
}
