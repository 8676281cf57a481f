//! What answers carry.

use super::*;

#[tokio::test]
async fn pages_carry_a_policy_with_the_nonce_of_their_scripts() {
    let site = site().await;
    let cookie = site.sign_in().await;
    for path in ["/sign-in", "/", "/nowhere"] {
        let answer = site.ask_as(&cookie, get(path)).await;
        let policy = answer.header(header::CONTENT_SECURITY_POLICY).to_owned();
        let nonce = policy
            .split("'nonce-")
            .nth(1)
            .and_then(|rest| rest.split('\'').next())
            .expect("a nonce");
        assert!(nonce.len() >= 16, "{policy}");
        assert!(answer.body.contains(&format!("nonce=\"{nonce}\"")), "{path}");
        let scripts = answer.body.matches("<script").count();
        assert_eq!(
            scripts,
            answer.body.matches(&format!("nonce=\"{nonce}\"")).count(),
            "{path}: each script has it"
        );
        assert!(policy.contains("frame-ancestors 'none'") && policy.starts_with("default-src 'none'"));
        assert_eq!(answer.header(header::CACHE_CONTROL), "no-store");
        assert_eq!(answer.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
        assert_eq!(answer.header(header::X_FRAME_OPTIONS), "DENY");
        assert!(answer.body.contains("</html>"), "{path} is whole");
    }
    let other = site.ask_as(&cookie, get("/")).await;
    let again = site.ask_as(&cookie, get("/")).await;
    assert_ne!(
        other.header(header::CONTENT_SECURITY_POLICY),
        again.header(header::CONTENT_SECURITY_POLICY)
    );
}

#[tokio::test]
async fn unknown_addresses_are_told_in_kind() {
    let site = site().await;
    let cookie = site.sign_in().await;
    let page = site.ask_as(&cookie, get("/nowhere")).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(page.header(header::CONTENT_TYPE).starts_with("text/html"));
    let api = site.ask_as(&cookie, get("/api/nowhere")).await;
    assert_eq!(
        (api.status, api.header(header::CONTENT_TYPE)),
        (StatusCode::NOT_FOUND, "application/problem+json")
    );
    let function = request("POST", "/fn/of_last_week")
        .body(Body::empty())
        .expect("a request");
    let function = site.ask_as(&cookie, function).await;
    assert!(
        function.status.is_client_error() && function.body.contains("outdated"),
        "{}",
        function.body
    );
}

#[tokio::test]
async fn pages_are_compressed_for_those_who_can_read_it() {
    let site = site().await;
    let cookie = site.sign_in().await;
    let request = request("GET", "/")
        .header(header::ACCEPT_ENCODING, "gzip, br")
        .body(Body::empty())
        .expect("a request");
    assert_eq!(
        site.ask_as(&cookie, request)
            .await
            .header(header::CONTENT_ENCODING),
        "br"
    );
}

/// What refuses is made after the answer was compressed, and says nothing else of itself.
#[tokio::test]
async fn a_long_refusal_is_what_it_says_it_is() {
    let site = site().await;
    let cookie = site.sign_in().await;
    let request = request("POST", "/api/v1/agents")
        .header(header::ACCEPT_ENCODING, "gzip")
        .body(Body::from(format!("{{\"{}\":1}}", "x".repeat(600))))
        .expect("a request");
    let answer = site.ask_as(&cookie, request).await;
    assert!(
        answer.body.len() > 400,
        "long enough to be compressed: {}",
        answer.body
    );
    assert_eq!(answer.header(header::CONTENT_ENCODING), "");
    assert_eq!(answer.header(header::CONTENT_TYPE), "application/problem+json");
    assert!(answer.body.starts_with('{'), "{}", answer.body);
}

#[tokio::test]
async fn a_websocket_asked_for_as_a_page_says_what_it_is() {
    let site = site().await;
    let cookie = site.sign_in().await;
    let agent = site.agent().await;
    for path in ["ws", "interpreter/ws"] {
        let answer = site
            .ask_as(&cookie, get(&format!("/api/agents/{}/{path}", agent.slug)))
            .await;
        assert_eq!(answer.status, StatusCode::UPGRADE_REQUIRED, "{}", answer.body);
        assert_eq!(answer.header(header::UPGRADE), "websocket");
    }
}

#[tokio::test]
async fn over_tls_browsers_are_held_to_it() {
    let site = site_with(Some("https://pitlane.example"), None).await;
    let mut request = get("/healthz");
    request
        .headers_mut()
        .insert(header::HOST, "pitlane.example".parse().expect("a name"));
    assert!(
        site.ask(request)
            .await
            .header(header::STRICT_TRANSPORT_SECURITY)
            .starts_with("max-age=")
    );
    let link = crate::site::fresh_sign_in_link(&site.site.services.store, &site.owner.id)
        .await
        .expect("a link");
    let answer = site.ask(get(&link)).await;
    let cookie = answer.header(header::SET_COOKIE);
    assert!(
        cookie.starts_with("__Host-pitlane=") && cookie.contains("Secure"),
        "{cookie}"
    );
}

#[tokio::test]
async fn a_server_that_stops_is_not_ready() {
    let site = site().await;
    site.site.shutdown.cancel();
    assert_eq!(
        site.ask(get("/readyz")).await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert_eq!(site.ask(get("/healthz")).await.status, StatusCode::OK);
}

/// Parts of a page are painted by several threads; each has to find what the page holds.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn pages_asked_for_at_once_are_all_painted() {
    let site = site().await;
    let cookie = site.sign_in().await;
    let agent = site.agent().await;
    let studio = format!("/agents/{}", agent.slug);
    for _ in 0..30 {
        let asked = ["/", &studio, "/settings", &studio, "/settings/secrets", &studio]
            .map(|path| site.ask_as(&cookie, get(path)));
        for answer in futures::future::join_all(asked).await {
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        }
    }
}

/// Whoever ran it: a program's run is a revision as one of the studio is.
#[tokio::test]
async fn the_studio_says_whether_its_files_are_the_newest_revision() {
    let site = site().await;
    let cookie = site.sign_in().await;
    let agent = site.agent().await;
    let store = &site.site.services.store;
    let path = format!("/agents/{}", agent.slug);
    let page = async || site.ask_as(&cookie, get(&path)).await.body;
    assert!(page().await.contains("Not run yet"));
    store.snapshot(&agent.id).await.expect("a revision");
    let same = page().await;
    assert!(
        same.contains("Revision 1") && !same.contains("Changed since"),
        "{same}"
    );
    let file = model::FilePath::parse("more.py").expect("a path");
    store
        .save_file(&agent.id, &file, b"print(2)\n", None)
        .await
        .expect("written");
    assert!(page().await.contains("Changed since revision 1"));
    // A program runs it as it is, and then with files of its own, which never were the agent's.
    store.snapshot(&agent.id).await.expect("a revision");
    let own = [(file, b"print(3)\n".to_vec())];
    store.snapshot_of(&agent.id, &own).await.expect("a revision");
    let same = page().await;
    assert!(
        same.contains("Revision 2") && !same.contains("Changed since"),
        "{same}"
    );
}
