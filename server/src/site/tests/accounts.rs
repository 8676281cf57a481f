//! One's sessions and password, the limits of signing in, and what an
//! administrator does to accounts.

use super::*;
use crate::site::fresh_link;
use http::header::{RETRY_AFTER, USER_AGENT};
use model::{NewToken, Permission, Role, SignInWay, TeamId};
use store::LinkPurpose;

const PASSWORD: &str = "correct horse battery";

impl TestSite {
    fn store(&self) -> &Store {
        &self.site.services.store
    }

    /// Another account with the password.
    async fn person(&self, name: &str) -> User {
        let hash = app::password::hash(PASSWORD.to_owned()).await.expect("a hash");
        let user = self
            .store()
            .create_user(name, InstanceRole::Person, Some(hash))
            .await
            .expect("an account");
        self.store()
            .add_member(&TeamId::first(), Role::Owner, &user.id, Role::Member)
            .await
            .expect("taken in");
        user
    }

    /// Signs in with the password from an address; the answer.
    async fn try_password(&self, name: &str, password: &str, address: &str) -> Answer {
        let body = format!("name={name}&password={}", password.replace(' ', "+"));
        self.ask(from(address, form("/fn/sign_in", &body))).await
    }

    async fn is_signed_in(&self, cookie: &str) -> bool {
        self.ask_as(cookie, get("/api/session")).await.status == StatusCode::OK
    }
}

/// As if it came from this address.
fn from(address: &str, mut request: Request<Body>) -> Request<Body> {
    let peer = std::net::SocketAddr::new(address.parse().expect("an address"), 4711);
    request.extensions_mut().insert(axum::extract::ConnectInfo(peer));
    request
}

/// A call of a server function with JSON's answer, as a page's script makes it.
fn call(name: &str, body: &str) -> Request<Body> {
    let mut request = form(&format!("/fn/{name}"), body);
    let headers = request.headers_mut();
    headers.insert("sec-fetch-site", "same-origin".parse().expect("a value"));
    headers.insert(header::ACCEPT, "application/json".parse().expect("a value"));
    request
}

#[tokio::test]
async fn one_sees_where_one_is_signed_in_and_ends_it_there() {
    let site = site().await;
    let ada = site.person("ada").await;
    let mut cookies = Vec::new();
    for (address, browser) in [
        (
            "10.0.0.1",
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0",
        ),
        ("10.0.0.2", "curl/8.14.1"),
        ("10.0.0.3", "curl/8.14.1"),
    ] {
        let mut request = from(
            address,
            form("/fn/sign_in", "name=ada&password=correct+horse+battery"),
        );
        request
            .headers_mut()
            .insert(USER_AGENT, browser.parse().expect("a value"));
        cookies.push(site.ask(request).await.cookie());
    }
    let page = site.ask_as(&cookies[0], get("/settings/account")).await;
    for text in [
        "Firefox on Linux",
        "this browser",
        "curl",
        "10.0.0.2",
        "with the password",
    ] {
        assert!(page.body.contains(text), "{text} is missing");
    }
    let sessions = site.store().list_sessions(&ada.id).await.expect("sessions");
    assert_eq!(sessions.len(), 3);
    let second = sessions
        .iter()
        .find(|session| session.address == "10.0.0.2")
        .expect("the second");
    assert_eq!(second.way, SignInWay::Password);
    let stranger = site.sign_in().await;
    let end = format!("session={}", second.id);
    let refused = site.ask_as(&stranger, call("end_session", &end)).await;
    assert_eq!(
        refused.status,
        StatusCode::NOT_FOUND,
        "another person's session is none"
    );
    let ended = site.ask_as(&cookies[0], call("end_session", &end)).await;
    assert_eq!(ended.status, StatusCode::OK, "{}", ended.body);
    assert!(site.is_signed_in(&cookies[0]).await);
    assert!(!site.is_signed_in(&cookies[1]).await);
    assert!(site.is_signed_in(&cookies[2]).await);
    let others = site.ask_as(&cookies[0], call("end_other_sessions", "")).await;
    assert_eq!((others.status, others.body.as_str()), (StatusCode::OK, "1"));
    assert!(site.is_signed_in(&cookies[0]).await && !site.is_signed_in(&cookies[2]).await);
    assert!(site.is_signed_in(&stranger).await);
    // A page of somebody who was signed out leads to the sign-in page.
    let page = site.ask_as(&cookies[1], get("/settings")).await;
    assert_eq!(page.header(header::LOCATION), "/sign-in?next=/settings");
}

#[tokio::test]
async fn a_stream_ends_with_its_session() {
    let site = site().await;
    let cookie = site.sign_in().await;
    let mut request = get("/api/events");
    request
        .headers_mut()
        .insert(header::COOKIE, cookie.parse().expect("a cookie"));
    let answer = site.send(request).await;
    assert_eq!(answer.status(), StatusCode::OK);
    site.store()
        .end_other_sessions(&site.owner.id, None)
        .await
        .expect("ended");
    let body = axum::body::to_bytes(answer.into_body(), usize::MAX)
        .await
        .expect("its end");
    assert!(String::from_utf8_lossy(&body).contains(r#""reason":"signed_out""#));
}

#[tokio::test]
async fn a_new_password_needs_the_old_one_and_signs_out_everywhere_else() {
    let site = site().await;
    site.person("ada").await;
    let here = site.try_password("ada", PASSWORD, "10.0.0.1").await.cookie();
    let there = site.try_password("ada", PASSWORD, "10.0.0.2").await.cookie();
    let wrong = call("change_password", "current=wrong&password=another+horse+battery");
    let refused = site.ask_as(&here, wrong).await;
    assert_eq!(
        refused.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{}",
        refused.body
    );
    let short = call("change_password", "current=correct+horse+battery&password=short");
    assert_eq!(
        site.ask_as(&here, short).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert!(site.is_signed_in(&there).await, "nothing changed yet");
    let right = call(
        "change_password",
        "current=correct+horse+battery&password=another+horse+battery",
    );
    let done = site.ask_as(&here, right).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.body);
    assert!(site.is_signed_in(&here).await && !site.is_signed_in(&there).await);
    assert_eq!(
        site.try_password("ada", PASSWORD, "10.0.0.1").await.status,
        StatusCode::FORBIDDEN
    );
    let new = site
        .try_password("ada", "another horse battery", "10.0.0.1")
        .await;
    assert!(site.is_signed_in(&new.cookie()).await);
}

#[tokio::test]
async fn a_reset_link_sets_a_password_once_and_opening_it_uses_nothing_up() {
    let site = site().await;
    let ada = site.person("ada").await;
    let before = site.try_password("ada", PASSWORD, "10.0.0.1").await.cookie();
    let admin = site.sign_in().await;
    let made = site
        .ask_as(&admin, call("create_reset_link", &format!("user={}", ada.id)))
        .await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.body);
    let path: String = serde_json::from_str(&made.body).expect("a path");
    let token = path.strip_prefix("/reset/").expect("the page's path").to_owned();
    for _ in 0..2 {
        let page = site.ask(get(&path)).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.body.contains("For the account") && page.body.contains("ada"));
    }
    let sign_in = site.ask(get(&format!("/sign-in?token={token}"))).await;
    assert_eq!(
        sign_in.header(header::LOCATION),
        "/sign-in?link=used",
        "it signs nobody in by itself"
    );
    let short = site
        .ask(call("reset_password", &format!("token={token}&password=short")))
        .await;
    assert_eq!(short.status, StatusCode::UNPROCESSABLE_ENTITY);
    let set = call(
        "reset_password",
        &format!("token={token}&password=another+horse+battery"),
    );
    let set = site.ask(set).await;
    assert_eq!(set.status, StatusCode::OK, "{}", set.body);
    assert!(site.is_signed_in(&set.cookie()).await && !site.is_signed_in(&before).await);
    let again = call(
        "reset_password",
        &format!("token={token}&password=third+horse+battery"),
    );
    assert_eq!(site.ask(again).await.status, StatusCode::NOT_FOUND);
    let page = site.ask(get(&path)).await;
    assert!(page.body.contains("used before or is too old"));
    let new = site
        .try_password("ada", "another horse battery", "10.0.0.1")
        .await;
    assert!(site.is_signed_in(&new.cookie()).await);
}

#[tokio::test]
async fn a_name_is_tried_so_often_from_anywhere_and_its_owner_is_not_locked_out() {
    let site = site().await;
    site.person("ada").await;
    let known = "10.0.0.1";
    site.try_password("ada", PASSWORD, known).await;
    for (name, first) in [("ada", 1), ("nobody", 2)] {
        // Each address has few attempts, so an attacker uses many.
        for number in 0..30 {
            let address = format!("172.16.{first}.{}", number / 9 + 1);
            let answer = site.try_password(name, "guess", &address).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name} {number}");
        }
        let answer = site
            .try_password(&name.to_uppercase(), PASSWORD, "172.16.9.9")
            .await;
        assert_eq!(
            answer.status,
            StatusCode::TOO_MANY_REQUESTS,
            "{name}: {}",
            answer.body
        );
        let wait: u64 = answer.header(RETRY_AFTER).parse().expect("seconds");
        assert!((1..=900).contains(&wait), "{wait}");
        assert!(answer.body.contains("with this name"), "{}", answer.body);
    }
    let owner = site.try_password("ada", PASSWORD, known).await;
    assert!(
        site.is_signed_in(&owner.cookie()).await,
        "from where she is signed in: {}",
        owner.body
    );
    let ada = site
        .store()
        .user_by_name("ada")
        .await
        .expect("an answer")
        .expect("Ada")
        .0;
    let link = fresh_link(site.store(), &ada.id, LinkPurpose::SignIn)
        .await
        .expect("a link");
    let by_link = site.ask(from("172.16.9.10", get(&link))).await;
    assert!(site.is_signed_in(&by_link.cookie()).await);
}

#[tokio::test]
async fn being_signed_in_gives_nobody_more_guesses() {
    let site = site().await;
    site.person("ada").await;
    let mallory = site.sign_in().await;
    for _ in 0..10 {
        let guess = form("/fn/sign_in", "name=ada&password=guess");
        assert_eq!(site.ask_as(&mallory, guess).await.status, StatusCode::FORBIDDEN);
    }
    let guess = form("/fn/sign_in", "name=ada&password=guess");
    assert_eq!(
        site.ask_as(&mallory, guess).await.status,
        StatusCode::TOO_MANY_REQUESTS
    );
}

#[tokio::test]
async fn every_wrong_sign_in_says_the_same() {
    let site = site().await;
    site.person("ada").await;
    site.store()
        .create_user("provider-only", InstanceRole::Person, None)
        .await
        .expect("an account");
    let mut said = Vec::new();
    for (name, password) in [
        ("ada", "wrong"),
        ("nobody", "wrong"),
        ("provider-only", ""),
        ("", ""),
        ("ada", &"x".repeat(5000)),
    ] {
        let answer = site.try_password(name, password, "10.1.1.1").await;
        said.push((answer.status, answer.body));
    }
    said.dedup();
    assert_eq!(said.len(), 1, "{said:?}");
    for body in [
        "",
        "password=x",
        "name=ada&name=bob&password=x",
        "name=%ff&password=%00",
    ] {
        let answer = site.ask(form("/fn/sign_in", body)).await;
        assert!(answer.status.is_client_error(), "{body}: {}", answer.status);
        assert_eq!(answer.header(header::SET_COOKIE), "");
    }
}

#[tokio::test]
async fn disabling_ends_sessions_and_tokens_at_once_and_deleting_for_good() {
    let site = site().await;
    let ada = site.person("ada").await;
    let agent = site.agent().await;
    let admin = site.sign_in().await;
    let cookie = site.try_password("ada", PASSWORD, "10.0.0.1").await.cookie();
    let new = NewToken {
        name: "t".to_owned(),
        scopes: vec![Permission::Read],
        days: None,
    };
    let (_, token) = runs::tokens::create(site.store(), &TeamId::first(), &ada.id, new)
        .await
        .expect("a token");
    let bearing = || {
        let header = format!("Bearer {token}");
        request("GET", "/api/session")
            .header(header::AUTHORIZATION, header)
            .body(Body::empty())
            .expect("a request")
    };
    assert_eq!(site.ask(bearing()).await.status, StatusCode::OK);
    let list = site.ask_as(&admin, get("/settings/accounts")).await;
    assert!(list.body.contains("ada") && list.body.contains("this is you"));
    let user = format!("user={}", ada.id);
    let myself = format!("user={}", site.owner.id);
    for name in ["disable_account", "delete_account"] {
        let refused = site.ask_as(&admin, call(name, &myself)).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.body);
    }
    let done = site.ask_as(&admin, call("disable_account", &user)).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.body);
    assert!(!site.is_signed_in(&cookie).await);
    assert_eq!(site.ask(bearing()).await.status, StatusCode::UNAUTHORIZED);
    let wrong = site.try_password("ada", "wrong", "10.0.0.1").await;
    assert!(
        !wrong.body.contains("disabled"),
        "told to nobody without the password"
    );
    let right = site.try_password("ada", PASSWORD, "10.0.0.1").await;
    assert_eq!(right.status, StatusCode::FORBIDDEN);
    assert!(right.body.contains("disabled"), "{}", right.body);
    site.ask_as(&admin, call("enable_account", &user)).await;
    let back = site.try_password("ada", PASSWORD, "10.0.0.1").await;
    assert!(site.is_signed_in(&back.cookie()).await);
    let gone = site.ask_as(&admin, call("delete_account", &user)).await;
    assert_eq!(gone.status, StatusCode::OK, "{}", gone.body);
    assert!(!site.is_signed_in(&back.cookie()).await);
    assert_eq!(
        site.try_password("ada", PASSWORD, "10.0.0.1").await.status,
        StatusCode::FORBIDDEN
    );
    assert!(site.store().agent(&agent.id).await.is_ok());
    site.person("ada").await;
}

#[tokio::test]
async fn an_invitation_makes_an_account_or_takes_one_in_and_works_once() {
    let site = site().await;
    let ada = site.person("ada").await;
    let member = site.try_password("ada", PASSWORD, "10.0.0.1").await.cookie();
    let admin = site.sign_in().await;
    let invite = || call("create_invitation", "role=viewer&note=for+Bob&days=7");
    let refused = site.ask_as(&member, invite()).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "a member invites nobody");
    let made = site.ask_as(&admin, invite()).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.body);
    let path: String = serde_json::from_str(&made.body).expect("a path");
    let token = path.strip_prefix("/invite/").expect("the page's path").to_owned();
    let page = site.ask(get(&path)).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(
        page.body.contains("invites you to the team") && page.body.contains("as a viewer"),
        "{}",
        page.body
    );
    let accept = |body: &str| call("accept_invitation", &format!("token={token}&{body}"));
    for wrong in [
        "name=bob&password=short",
        "name=&password=correct+horse+battery",
        "name=ADA&password=correct+horse+battery",
    ] {
        let answer = site.ask(accept(wrong)).await;
        assert!(answer.status.is_client_error(), "{wrong}: {}", answer.body);
    }
    let bob = site.ask(accept("name=bob&password=correct+horse+battery")).await;
    assert_eq!(bob.status, StatusCode::OK, "{}", bob.body);
    assert!(site.is_signed_in(&bob.cookie()).await);
    let user = site
        .store()
        .user_by_name("bob")
        .await
        .expect("an answer")
        .expect("Bob")
        .0;
    assert_eq!(
        site.store()
            .role_in(&TeamId::first(), &user.id)
            .await
            .expect("an answer"),
        Some(Role::Viewer)
    );
    let again = site.ask(accept("name=eve&password=correct+horse+battery")).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
    assert!(site.ask(get(&path)).await.body.contains("used or revoked"));
    let list = site.ask_as(&admin, get("/settings/invitations")).await;
    assert!(
        list.body.contains("for Bob") && list.body.contains("used by bob"),
        "{}",
        list.body
    );
    // Whoever is signed in joins another team with it, and works there from then on.
    let other = site
        .store()
        .create_team("Other", &site.owner.id)
        .await
        .expect("a team");
    let text = runs::links::text().expect("a text");
    let new = model::NewInvitation {
        role: Role::Admin,
        note: String::new(),
        days: 1,
    };
    let by = (&site.owner.id, Role::Owner);
    site.store()
        .create_invitation(&other.id, by, new, &runs::links::hash(&text))
        .await
        .expect("an invitation");
    let page = site.ask_as(&member, get(&format!("/invite/{text}"))).await;
    assert!(page.body.contains("Join as ada"), "{}", page.body);
    let joined = site
        .ask_as(&member, call("join_team", &format!("token={text}")))
        .await;
    assert_eq!(joined.status, StatusCode::OK, "{}", joined.body);
    assert_eq!(
        site.store().role_in(&other.id, &ada.id).await.expect("an answer"),
        Some(Role::Admin)
    );
    let invitations = site.ask_as(&member, get("/settings/invitations")).await;
    assert!(
        invitations.body.contains("Invite to Other"),
        "{}",
        invitations.body
    );
}
