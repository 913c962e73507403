//! The pictures of a pack's documents, under an address scheme of their own: the one thing beside its pages that the window
//! may load. Which file may be shown is the core's to say; here it only becomes an answer that nothing can be made of
//! but a picture.
//!
//! The address is `pack-image://localhost/PATH`, on Windows `http://pack-image.localhost/PATH`, with the path in the
//! pack percent-encoded; the policy in `tauri.conf.json` lets images in from there and nothing else.

use firstlight_app::{DocImage, Firstlight};
use tauri::{
    Manager, Runtime, UriSchemeContext, UriSchemeResponder,
    http::{
        Method, Request, Response, StatusCode,
        header::{ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS},
    },
};

use crate::{shell::Shell, window};

/// The scheme.
pub(crate) const SCHEME: &str = "pack-image";

/// Answers one request, away from the thread that draws.
pub(crate) fn serve<R: Runtime>(
    context: &UriSchemeContext<'_, R>,
    request: Request<Vec<u8>>,
    responder: UriSchemeResponder,
) {
    let ours = context.webview_label() == window::LABEL;
    let app = context.app_handle().clone();
    tauri::async_runtime::spawn(async move {
        let opened = app.state::<Shell>().opened().await.filter(|_| ours);
        // The pack is read from the disk.
        let answer = tauri::async_runtime::spawn_blocking(move || answer(opened.as_ref(), &request)).await;
        responder.respond(answer.unwrap_or_else(|_| refusal(StatusCode::INTERNAL_SERVER_ERROR)));
    });
}

fn answer(app: Option<&Firstlight>, request: &Request<Vec<u8>>) -> Response<Vec<u8>> {
    if request.method() != Method::GET {
        let mut refused = refusal(StatusCode::METHOD_NOT_ALLOWED);
        refused.headers_mut().insert(ALLOW, tauri::http::HeaderValue::from_static("GET"));
        return refused;
    }
    let Some(app) = app else { return refusal(StatusCode::FORBIDDEN) };
    let path = request.uri().path();
    match app.doc_image(path.strip_prefix('/').unwrap_or(path)) {
        Ok(image) => picture(image),
        Err(error) => {
            tracing::info!(message = error.0.message, "a picture is not shown");
            refusal(StatusCode::NOT_FOUND)
        }
    }
}

fn picture(image: DocImage) -> Response<Vec<u8>> {
    let mut answer = refusal(StatusCode::OK);
    answer.headers_mut().insert(CONTENT_TYPE, tauri::http::HeaderValue::from_static(image.media_type));
    *answer.body_mut() = image.content;
    answer
}

/// An answer without content. Whatever it is taken for, it stays what it says it is, runs nothing, and is asked for anew:
/// another pack may have another picture under the same name.
fn refusal(status: StatusCode) -> Response<Vec<u8>> {
    let mut answer = Response::new(Vec::new());
    *answer.status_mut() = status;
    for (name, value) in [
        (CONTENT_TYPE, "text/plain"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
        (CACHE_CONTROL, "no-store"),
    ] {
        answer.headers_mut().insert(name, tauri::http::HeaderValue::from_static(value));
    }
    answer
}

#[cfg(test)]
mod tests {
    use std::{fs, sync::Arc};

    use firstlight_app::{Access, Home, Options, Surroundings};
    use jiff::Timestamp;

    use super::*;

    const PACK: &str = "apiVersion: firstlight.dev/v1
kind: Pack
metadata: { name: pictures, version: 1.0.0, title: Pictures }
personas: { all: { title: All } }
checklists: { all: { stages: [{ id: one, title: One, steps: [look] }] } }
steps: { look: { title: Look, uses: confirm, first-value: true, with: { text: Seen. } } }
";
    /// One pixel.
    const GIF: &[u8] = b"GIF89a\x01\0\x01\0\x80\0\0\xff\xff\xff\0\0\0!\xf9\x04\0\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";

    fn asked(app: Option<&Firstlight>, method: &str, address: &str) -> Response<Vec<u8>> {
        answer(app, &Request::builder().method(method).uri(address).body(Vec::new()).unwrap())
    }

    #[test]
    fn d2_a_picture_of_the_pack_is_given_out_as_that_and_nothing_else_is() {
        let folder = tempfile::tempdir().unwrap();
        let pack = folder.path().join("pack");
        fs::create_dir_all(pack.join("docs/my pictures")).unwrap();
        fs::write(pack.join("pack.yaml"), PACK).unwrap();
        fs::write(pack.join("docs/my pictures/dot.png"), GIF).unwrap();
        fs::write(pack.join("docs/page.png"), "<script>alert(1)</script>").unwrap();
        fs::write(folder.path().join("private.gif"), GIF).unwrap();
        let app = Firstlight::open(Options {
            home: Home::find(Some(folder.path().join("home"))).unwrap(),
            access: Access::Change,
            listener: Arc::new(|_| {}),
            interactive: false,
            carry_on: false,
            surroundings: Surroundings::of_this_machine(Arc::new(|| Timestamp::UNIX_EPOCH)),
        })
        .unwrap();
        assert_eq!(
            asked(Some(&app), "GET", "pack-image://localhost/docs%2Fpage.png").status(),
            404,
            "no pack"
        );
        app.open_pack(&pack).unwrap();

        for address in [
            "pack-image://localhost/docs%2Fmy%20pictures%2Fdot.png",
            "pack-image://localhost/docs/my%20pictures/dot.png?x=1",
            "http://pack-image.localhost/docs%2Fmy%20pictures%2Fdot.png",
        ] {
            let shown = asked(Some(&app), "GET", address);
            assert_eq!(shown.status(), 200, "{address}");
            // By its content, not by its name.
            assert_eq!(shown.headers()[CONTENT_TYPE], "image/gif");
            assert_eq!(shown.headers()[X_CONTENT_TYPE_OPTIONS], "nosniff");
            assert_eq!(shown.headers()[CONTENT_SECURITY_POLICY], "default-src 'none'; sandbox");
            assert_eq!(shown.body(), GIF);
        }
        let private = folder.path().join("private.gif").display().to_string();
        for path in [
            "/docs/page.png",
            "/pack.yaml",
            "/../private.gif",
            "/..%2Fprivate.gif",
            "/%2e%2e/private.gif",
            "/docs%2F..%2F..%2Fprivate.gif",
            "/%252e%252e/private.gif",
            &format!("/{}", private.replace('/', "%2F")),
            &private,
            "/",
            "/docs",
        ] {
            let refused = asked(Some(&app), "GET", &format!("pack-image://localhost{path}"));
            assert_eq!(refused.status(), 404, "{path}");
            assert_eq!(refused.headers()[X_CONTENT_TYPE_OPTIONS], "nosniff");
            assert!(refused.body().is_empty(), "{path}");
        }
        let there = "pack-image://localhost/docs%2Fmy%20pictures%2Fdot.png";
        assert_eq!(asked(Some(&app), "POST", there).status(), 405);
        assert_eq!(asked(None, "GET", there).status(), 403, "not our window");
    }
}
