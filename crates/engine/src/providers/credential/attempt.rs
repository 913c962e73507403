//! A value, tried: by a command or by a server. Nothing of it is told.

use std::time::Duration;

use firstlight_domain::state::Failure;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use super::{Test, With};
use crate::{
    process,
    provider::Context,
    providers::{failure, failure_with},
    retry,
};

/// How long a server may take to say whether it knows a value.
const HTTP_PATIENCE: Duration = Duration::from_secs(20);

/// Tries a value, if the pack says how. Error: it is not good, or that cannot be told.
pub(super) async fn attempt(with: &With, value: &SecretString, cx: &Context) -> Result<(), Failure> {
    let Some(test) = &with.test else {
        return Ok(());
    };
    if test.is_unresolved() {
        return Err(failure_with(
            format!("{} cannot be tried yet: its test uses what an earlier step has to give", with.title()),
            "do the steps before this one first",
        ));
    }
    match (&test.command, &test.http) {
        (Some(argv), _) => by_command(with, test, argv, value, cx).await,
        (None, Some(address)) => by_http(with, test, address, value, cx).await,
        (None, None) => Ok(()),
    }
}

async fn by_command(
    with: &With,
    test: &Test,
    argv: &[String],
    value: &SecretString,
    cx: &Context,
) -> Result<(), Failure> {
    let mut process = test.process(argv, &cx.facts);
    process = match &test.env {
        Some(name) => process.secret_env(name, value.clone()),
        None => process.secret_stdin(value.clone()),
    };
    let exit = process::run(cx, process).await?;
    if exit.ok() {
        return Ok(());
    }
    Err(Failure {
        cause: format!("“{}” was not accepted: its test ended with code {}", with.title(), exit.code),
        last_lines: exit.tail,
        hint: Some("see that it is the right one, whole and not expired".to_owned()),
    })
}

async fn by_http(
    with: &With,
    test: &Test,
    address: &str,
    value: &SecretString,
    cx: &Context,
) -> Result<(), Failure> {
    let title = with.title();
    let cannot =
        |cause: String| failure_with(format!("{title} could not be tried: {cause}"), "try again later");
    let mut header = HeaderValue::from_str(&format!("{}{}", test.header_prefix(), value.expose_secret()))
        .map_err(|_| failure(format!("{title}: holds characters that cannot be sent in a header")))?;
    header.set_sensitive(true);
    // A redirect would carry the value to wherever it leads.
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| cannot(error.to_string()))?;
    let asking = client.get(address).header(test.header_name(), header);
    let asking = retry::send(asking, HTTP_PATIENCE.min(cx.timeout), cx.host.now(), |_| false);
    let answer = tokio::select! {
        () = cx.cancel.cancelled() => return Err(failure("stopped")),
        answer = asking => answer.map_err(|error| cannot(in_full(&error)))?,
    };
    let status = answer.status();
    if status.is_success() {
        Ok(())
    } else if matches!(status.as_u16(), 401 | 403) {
        Err(failure_with(
            format!("“{title}” was not accepted: the server answered {status}"),
            "see that it is the right one, whole, not expired, and allowed to do what it is for",
        ))
    } else {
        Err(cannot(format!("the server answered {status}")))
    }
}

/// An error with its causes: reqwest's own words leave out why.
fn in_full(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
