//! A page that says one thing, for people who came with a browser and are in the middle of signing in.

use std::fmt::Write as _;

use axum::{
    http::{HeaderMap, HeaderValue, header},
    response::{Html, IntoResponse as _, Response},
};

use super::super::{Failure, answer};

/// What somebody may do next.
#[derive(Debug, Clone, Copy)]
pub(super) enum Next<'address> {
    /// Begin again.
    SignIn,
    /// Look again whether there is something for them now.
    Reload(&'address str),
}

/// Whether a browser shows the answer to somebody.
pub(super) fn is_wanted(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted.split(',').any(|kind| kind.trim().starts_with("text/html"))
}

/// The page of a problem.
pub(super) fn of(failure: &Failure, next: Next<'_>) -> Response {
    let problem = failure.problem();
    let (words, address) = match next {
        Next::SignIn => ("Sign in again", "/v1/signin"),
        Next::Reload(address) => ("Look again", address),
    };
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>Sign in · Firstlight</title>\n\
         <main>\n<h1>Sign in</h1>\n<p>{}.</p>\n<p>{}</p>\n<p><a href=\"{}\">{words}</a></p>\n</main>\n</html>\n",
        text(&capitalised(&problem.message)),
        text(&problem.hint),
        text(address),
    );
    let mut response = (answer::status(problem.code), Html(html)).into_response();
    let headers = response.headers_mut();
    // It has neither scripts nor anything else to fetch, and belongs into no frame.
    let policy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn capitalised(message: &str) -> String {
    let mut letters = message.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

fn text(words: &str) -> String {
    let mut escaped = String::with_capacity(words.len());
    for letter in words.chars() {
        match letter {
            // Writing to a text never fails.
            '&' | '<' | '>' | '"' | '\'' => drop(write!(escaped, "&#{};", u32::from(letter))),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g1_what_others_say_is_text_on_the_page() {
        assert_eq!(text("<a href='x'>&\"ü"), "&#60;a href=&#39;x&#39;&#62;&#38;&#34;ü");
        assert_eq!(capitalised("this, then"), "This, then");
    }
}
