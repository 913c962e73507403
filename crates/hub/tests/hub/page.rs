//! The page the hub carries: what is served, and what it may reach.

use firstlight_hub::http::has_page;
use reqwest::Response;

use crate::common::{Hub, problem};

fn header<'a>(answer: &'a Response, name: &str) -> &'a str {
    answer.headers().get(name).unwrap_or_else(|| panic!("no {name}")).to_str().unwrap()
}

/// Where the page itself is.
const PAGES: [&str; 2] = ["/insights", "/queue"];

#[tokio::test]
async fn the_page_may_load_and_ask_nothing_but_the_hub() {
    let hub = Hub::start();
    let page = hub.get("/insights").send().await.unwrap();
    if !has_page() {
        let said = problem(page, 404).await.error.message;
        assert!(said.contains("built without its page") && said.contains("npm run build"), "{said}");
        return;
    }
    assert_eq!(page.status(), 200);
    assert_eq!(header(&page, "content-type"), "text/html; charset=utf-8");
    assert_eq!(header(&page, "cache-control"), "no-cache");
    let html = page.text().await.unwrap();
    let named: Vec<&str> = html.split('"').filter(|word| word.starts_with("/insights/")).collect();
    assert!(named.len() >= 3, "a script, a style and a picture: {html}");
    // Nothing in the page itself, which the policy would refuse, and nothing of elsewhere.
    assert!(!html.contains("<style") && !html.contains("://") && !html.contains("style="), "{html}");
    assert!(html.matches("<script").count() == html.matches("></script>").count(), "{html}");
    for path in named.into_iter().chain(PAGES) {
        let file = hub.get(path).send().await.unwrap();
        assert_eq!(file.status(), 200, "{path}");
        let policy = header(&file, "content-security-policy");
        assert!(
            policy.starts_with("default-src 'none';") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        for loose in ["unsafe", "data:", "blob:", "http", "*"] {
            assert!(!policy.contains(loose), "{policy}");
        }
        assert_eq!(header(&file, "x-content-type-options"), "nosniff");
        assert_eq!(header(&file, "referrer-policy"), "no-referrer");
        if !PAGES.contains(&path) {
            assert!(header(&file, "cache-control").ends_with("immutable"), "{path}");
            assert_ne!(header(&file, "content-type"), "application/octet-stream", "{path}");
        }
    }
}

#[tokio::test]
async fn g2_nothing_but_the_page_s_own_files_is_served() {
    let hub = Hub::start();
    for path in [
        "/insights/",
        "/insights/index.html",
        "/insights/none.js",
        "/insights/..%2f..%2fpackage.json",
        "/insights/..%2f..%2f..%2f..%2fetc%2fpasswd",
        "/insights/%2fetc%2fpasswd",
        "/insights/a/b",
    ] {
        problem_404(&hub, path).await;
    }
}

async fn problem_404(hub: &Hub, path: &str) {
    let answer = hub.get(path).send().await.unwrap();
    assert_eq!(answer.status(), 404, "{path}");
    assert!(answer.text().await.unwrap().contains("not_found"), "{path}");
}
