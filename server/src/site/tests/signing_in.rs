//! The one-time link, the password, and the end of a session.

use super::*;
use crate::site::fresh_sign_in_link;
use model::RunId;
use sqlx::Connection;

#[tokio::test]
async fn the_link_works_once_and_leads_to_the_set_up() {
    let site = site_with(None, None).await;
    let link = fresh_sign_in_link(&site.site.services.store, &site.owner.id)
        .await
        .expect("a link");
    let answer = site.ask(get(&link)).await;
    assert_eq!(
        (answer.status, answer.header(header::LOCATION)),
        (StatusCode::SEE_OTHER, "/setup")
    );
    let cookie = answer.header(header::SET_COOKIE);
    for part in ["pitlane=", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age="] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let again = site.ask(get(&link)).await;
    assert_eq!(again.header(header::LOCATION), "/sign-in?link=used");
    assert_eq!(again.header(header::SET_COOKIE), "");
    // Signed in without a password: every page leads to choosing one.
    let page = site.ask_as(&answer.cookie(), get("/")).await;
    assert_eq!(page.header(header::LOCATION), "/setup");
}

#[tokio::test]
async fn the_owner_chooses_a_password_and_signs_in_with_it() {
    let site = site_with(None, None).await;
    let cookie = site.sign_in().await;
    let set = site
        .ask_as(
            &cookie,
            form("/fn/set_owner", "name=Ada&password=correct+horse+battery"),
        )
        .await;
    assert!(
        set.status.is_success() || set.status.is_redirection(),
        "{} {}",
        set.status,
        set.body
    );
    assert_eq!(
        site.ask_as(&cookie, get("/api/session")).await.body,
        r#"{"name":"Ada"}"#
    );
    let out = site.ask_as(&cookie, form("/fn/sign_out", "")).await;
    assert!(
        out.status.is_success() || out.status.is_redirection(),
        "{}",
        out.status
    );
    assert_eq!(
        site.ask_as(&cookie, get("/api/session")).await.status,
        StatusCode::UNAUTHORIZED
    );
    let wrong = site.ask(form("/fn/sign_in", "name=ada&password=wrong")).await;
    assert_eq!(
        (wrong.status, wrong.header(header::SET_COOKIE)),
        (StatusCode::FORBIDDEN, "")
    );
    let right = site
        .ask(form("/fn/sign_in", "name=ada&password=correct+horse+battery"))
        .await;
    assert_eq!(
        site.ask_as(&right.cookie(), get("/api/session")).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_session_set_before_is_not_the_one_after() {
    let site = site_with(None, None).await;
    let before = site.sign_in().await;
    let link = fresh_sign_in_link(&site.site.services.store, &site.owner.id)
        .await
        .expect("a link");
    let after = site.ask_as(&before, get(&link)).await.cookie();
    assert_ne!(before, after);
    assert_eq!(
        site.ask_as(&before, get("/api/session")).await.status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        site.ask_as(&after, get("/api/session")).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn guessing_is_slowed_down() {
    let site = site().await;
    for _ in 0..10 {
        // A form without scripts gets a redirect in both cases, which must not count as success.
        let mut guess = form("/fn/sign_in", "name=owner&password=guess");
        guess
            .headers_mut()
            .insert(header::ACCEPT, "text/html".parse().expect("a type"));
        guess.headers_mut().insert(
            header::REFERER,
            "http://localhost:3000/sign-in".parse().expect("an address"),
        );
        assert_ne!(site.ask(guess).await.status, StatusCode::TOO_MANY_REQUESTS);
    }
    let answer = site.ask(form("/fn/sign_in", "name=owner&password=guess")).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = answer.header(header::RETRY_AFTER).parse().expect("seconds");
    assert_eq!(answer.header("ratelimit-policy"), "\"sign-in\";q=10;w=300");
    assert_eq!(answer.header("ratelimit"), format!("\"sign-in\";r=0;t={wait}"));
    assert!((1..=300).contains(&wait));
    assert!(
        answer.body.contains("There were too many attempts"),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn one_comes_back_to_where_one_wanted_to_go() {
    let site = site().await;
    let answer = site.ask(get("/agents/scout?file=a.py&line=3")).await;
    assert_eq!(
        answer.header(header::LOCATION),
        "/sign-in?next=/agents/scout%3Ffile%3Da.py%26line%3D3"
    );
}

/// `cargo xtask test` starts a PostgreSQL and names it.
#[tokio::test]
async fn sessions_live_in_postgresql_too() {
    let Ok(url) = std::env::var("TEST_DATABASE_URL") else {
        return;
    };
    let schema = format!("test_{}", RunId::generate().as_str().replace('-', ""));
    let mut connection = sqlx::PgConnection::connect(&url).await.expect("the test server");
    sqlx::query(&format!("create schema {schema}"))
        .execute(&mut connection)
        .await
        .expect("a schema");
    let store = Store::open(&format!("{url}?options[search_path]={schema}"))
        .await
        .expect("an empty schema");
    let site = site_on(store, None, None).await;
    let cookie = site.sign_in().await;
    assert_eq!(
        site.ask_as(&cookie, get("/api/session")).await.status,
        StatusCode::OK
    );
    site.ask_as(&cookie, form("/fn/sign_out", "")).await;
    assert_eq!(
        site.ask_as(&cookie, get("/api/session")).await.status,
        StatusCode::UNAUTHORIZED
    );
}
