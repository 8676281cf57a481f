//! Signing in through a real OpenID Connect provider, which runs beside the
//! tests: `end2end/support/oidc-provider.mjs`.

use super::*;
use crate::site::oidc::{Admission, OidcSettings, Provider};
use model::Role;
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

/// The provider, which ends with the test.
struct Running {
    child: Child,
    issuer: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts the provider. None where its package is not installed, which `cargo xtask test` does.
fn provider() -> Option<Running> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../end2end");
    if !folder.join("node_modules/oidc-provider").exists() {
        assert!(
            std::env::var_os("TEST_DATABASE_URL").is_none(),
            "`cargo xtask test` installs the provider's package"
        );
        return None;
    }
    let mut child = Command::new("node")
        .arg(folder.join("support/oidc-provider.mjs"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("Node.js");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let line = lines.find(|line| line.as_ref().is_ok_and(|line| line.starts_with("http://")));
    let issuer = line.expect("its address").expect("text");
    Some(Running { child, issuer })
}

fn settings(issuer: &str, allow: &str) -> OidcSettings {
    OidcSettings {
        issuer: issuer.to_owned(),
        client_id: "pitlane".to_owned(),
        client_secret: Some("a secret of the tests".to_owned().into()),
        scopes: ["openid", "email", "profile"].map(str::to_owned).to_vec(),
        name: "Example".to_owned(),
        allow: Admission::parse(allow).expect("a list"),
        team: None,
        role: Role::Viewer,
    }
}

/// A site with its owner, whom the provider's people may join.
async fn site_with_provider(settings: OidcSettings) -> TestSite {
    let mut site = site().await;
    site.site.services.sign_in.provider = Some(settings.name.clone());
    site.site.provider = Some(Provider::new(settings).expect("a provider"));
    site.router = router(site.site.clone());
    site
}

/// A browser: at our site with one cookie, at the provider with all of its.
#[derive(Default)]
struct Browser {
    ours: String,
    theirs: BTreeMap<String, String>,
}

impl Browser {
    /// Gets a page of ours; where it leads.
    async fn open(&mut self, site: &TestSite, path: &str) -> String {
        // As a link of our own page is followed.
        let mut request = get(path);
        let from = "same-origin".parse().expect("a value");
        request.headers_mut().insert("sec-fetch-site", from);
        let answer = site.ask_as(&self.ours, request).await;
        if !answer.cookie().is_empty() {
            self.ours = answer.cookie();
        }
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}: {}", answer.body);
        answer.header(header::LOCATION).to_owned()
    }

    /// Goes on at the provider from this address, as somebody, until it leads back to us; the path.
    async fn sign_in_there(&mut self, from: &str, address: &str) -> String {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("a client");
        let origin = from.split('/').take(3).collect::<Vec<_>>().join("/");
        let (mut url, mut is_form) = (from.to_owned(), false);
        for _ in 0..12 {
            if let Some(path) = url.strip_prefix("http://localhost:3000") {
                return path.to_owned();
            }
            let form = if address.is_empty() {
                "cancel=1".to_owned()
            } else {
                format!("address={address}")
            };
            let request = if is_form {
                http.post(&url).body(form)
            } else {
                http.get(&url)
            };
            let cookies = self.theirs.iter().map(|(name, value)| format!("{name}={value}"));
            let cookies = cookies.collect::<Vec<_>>().join("; ");
            let answer = request
                .header(header::COOKIE, cookies)
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .send()
                .await
                .expect("the provider");
            for cookie in answer.headers().get_all(header::SET_COOKIE) {
                let pair = cookie
                    .to_str()
                    .expect("text")
                    .split(';')
                    .next()
                    .unwrap_or_default();
                let (name, value) = pair.split_once('=').expect("a cookie");
                self.theirs.insert(name.to_owned(), value.to_owned());
            }
            is_form = !is_form && answer.status() == StatusCode::OK;
            if let Some(next) = answer.headers().get(header::LOCATION) {
                let next = next.to_str().expect("text");
                url = if next.starts_with('/') {
                    format!("{origin}{next}")
                } else {
                    next.to_owned()
                };
            } else {
                assert!(is_form, "{url}: {} {:?}", answer.status(), answer.text().await);
            }
        }
        panic!("the provider leads in a circle");
    }

    /// From our button to where one ends up.
    async fn sign_in(&mut self, site: &TestSite, start: &str, address: &str) -> String {
        let there = self.open(site, start).await;
        if there.starts_with('/') {
            return there;
        }
        let back = self.sign_in_there(&there, address).await;
        self.open(site, &back).await
    }

    async fn name(&self, site: &TestSite) -> String {
        site.ask_as(&self.ours, get("/api/session")).await.body
    }
}

async fn control(provider: &Running, wanted: &str) {
    let request = reqwest::Client::new()
        .post(format!("{}/control", provider.issuer))
        .body(wanted.to_owned());
    assert!(request.send().await.expect("the provider").status().is_success());
}

#[tokio::test]
async fn a_new_person_is_let_in_and_comes_back_to_the_same_account() {
    let Some(provider) = provider() else { return };
    let site = site_with_provider(settings(&provider.issuer, "example.com")).await;
    let mut ada = Browser::default();
    let end = ada
        .sign_in(&site, "/oidc/start?next=/settings", "ada@example.com")
        .await;
    assert_eq!(end, "/settings");
    assert!(
        ada.name(&site).await.contains(r#""name":"ada""#),
        "{}",
        ada.name(&site).await
    );
    let store = &site.site.services.store;
    let (user, _) = store.user_by_name("ada").await.expect("an answer").expect("Ada");
    assert!(user.has_identity && !user.has_password);
    assert_eq!(
        store.teams_of(&user.id).await.expect("teams")[0].role,
        Role::Viewer
    );
    // Another browser, and keys that were changed meanwhile: the same account.
    control(&provider, r#"{"rotate":true}"#).await;
    let mut again = Browser::default();
    assert_eq!(again.sign_in(&site, "/oidc/start", "ada@example.com").await, "/");
    assert!(again.name(&site).await.contains(r#""name":"ada""#));
    assert_eq!(store.users_count().await.expect("a count"), 2);
    let page = site.ask_as(&again.ours, get("/settings/account")).await;
    assert!(page.body.contains("ada@example.com") && page.body.contains("through the sign-in provider"));
    // The password of nobody opens it.
    let guess = site.ask(form("/fn/sign_in", "name=ada&password=")).await;
    assert_eq!(guess.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn only_listed_and_verified_addresses_are_let_in_and_a_name_leads_to_nobodys_account() {
    let Some(provider) = provider() else { return };
    let site = site_with_provider(settings(&provider.issuer, "example.com")).await;
    for (address, end) in [
        ("ada@other.example", "/sign-in?problem=not_allowed"),
        ("unverified@example.com", "/sign-in?problem=unverified"),
        ("", "/sign-in?problem=refused"),
    ] {
        let mut browser = Browser::default();
        assert_eq!(
            browser.sign_in(&site, "/oidc/start", address).await,
            end,
            "{address}"
        );
        assert!(browser.name(&site).await.contains("signed_out"));
        let page = site.ask(get(end)).await;
        assert!(page.body.contains("role=\"alert\""), "{end} says why");
    }
    assert_eq!(site.site.services.store.users_count().await.expect("a count"), 1);
    // The provider's owner@example.com is not the owner here.
    let mut owner = Browser::default();
    assert_eq!(
        owner.sign_in(&site, "/oidc/start", "owner@example.com").await,
        "/"
    );
    assert!(
        owner.name(&site).await.contains(r#""name":"owner 2""#),
        "{}",
        owner.name(&site).await
    );
}

#[tokio::test]
async fn an_account_is_connected_by_whoever_is_signed_in_to_it() {
    let Some(provider) = provider() else { return };
    let site = site_with_provider(settings(&provider.issuer, "")).await;
    let mut nobody = Browser::default();
    let end = nobody
        .sign_in(&site, "/oidc/start?link=1", "boss@other.example")
        .await;
    assert_eq!(end, "/settings/account?problem=stale", "nobody is signed in");
    let mut owner = Browser {
        ours: site.sign_in().await,
        ..Browser::default()
    };
    for _ in 0..2 {
        let end = owner
            .sign_in(&site, "/oidc/start?link=1", "boss@other.example")
            .await;
        assert_eq!(end, "/settings/account");
    }
    let mut again = Browser::default();
    assert_eq!(
        again.sign_in(&site, "/oidc/start", "boss@other.example").await,
        "/"
    );
    assert!(again.name(&site).await.contains(r#""name":"owner""#));
    // What is one's is not another's too.
    let other = site
        .site
        .services
        .store
        .create_user("other", InstanceRole::Person, None);
    let other = other.await.expect("an account");
    let link = crate::site::fresh_sign_in_link(&site.site.services.store, &other.id)
        .await
        .expect("a link");
    let mut thief = Browser {
        ours: site.ask(get(&link)).await.cookie(),
        ..Browser::default()
    };
    let end = thief
        .sign_in(&site, "/oidc/start?link=1", "boss@other.example")
        .await;
    assert_eq!(end, "/settings/account?problem=taken");
    // A disabled account stays out, whatever the provider says.
    site.site
        .services
        .store
        .disable_user(&site.owner.id)
        .await
        .expect("disabled");
    let mut late = Browser::default();
    assert_eq!(
        late.sign_in(&site, "/oidc/start", "boss@other.example").await,
        "/sign-in?problem=disabled"
    );
}

#[tokio::test]
async fn an_answer_counts_once_and_in_the_browser_that_asked() {
    let Some(provider) = provider() else { return };
    let site = site_with_provider(settings(&provider.issuer, "*")).await;
    let mut ada = Browser::default();
    let there = ada.open(&site, "/oidc/start").await;
    for part in [
        "response_type=code",
        "code_challenge_method=S256",
        "state=",
        "nonce=",
        "scope=openid",
    ] {
        assert!(there.contains(part), "{there}");
    }
    let back = ada.sign_in_there(&there, "ada@example.com").await;
    let mut mallory = Browser::default();
    assert_eq!(
        mallory.open(&site, &back).await,
        "/sign-in?problem=stale",
        "no session"
    );
    // Mallory's own sign-in, with Ada's code in it: PKCE binds the code to Ada's browser.
    let there = mallory.open(&site, "/oidc/start").await;
    let state = |address: &str| {
        let (_, rest) = address.split_once("state=").expect("a state");
        rest.split('&').next().unwrap_or_default().to_owned()
    };
    let swapped = back.replace(&state(&back), &state(&there));
    assert_eq!(mallory.open(&site, &swapped).await, "/sign-in?problem=failed");
    let mut fresh = Browser::default();
    assert_eq!(fresh.sign_in(&site, "/oidc/start", "eve@example.com").await, "/");
    let there = ada.open(&site, "/oidc/start").await;
    let back = ada.sign_in_there(&there, "ada@example.com").await;
    assert_eq!(
        ada.open(&site, &format!("{back}x")).await,
        "/sign-in?problem=failed",
        "another issuer or code"
    );
    assert_eq!(
        ada.open(&site, &back).await,
        "/sign-in?problem=stale",
        "it was used"
    );
    for odd in [
        "/oidc/callback",
        "/oidc/callback?state=&code=x",
        "/oidc/callback?error=access_denied&state=x",
    ] {
        assert_eq!(ada.open(&site, odd).await, "/sign-in?problem=stale", "{odd}");
    }
}

#[tokio::test]
async fn clocks_may_differ_a_little_and_no_more() {
    let Some(provider) = provider() else { return };
    let site = site_with_provider(settings(&provider.issuer, "*")).await;
    // Its tokens are good for a minute. 90 s behind, they are over by 30 s when they come.
    control(&provider, r#"{"clock":-90}"#).await;
    let mut ada = Browser::default();
    assert_eq!(ada.sign_in(&site, "/oidc/start", "ada@example.com").await, "/");
    control(&provider, r#"{"clock":90}"#).await;
    let mut ahead = Browser::default();
    assert_eq!(ahead.sign_in(&site, "/oidc/start", "ada@example.com").await, "/");
    control(&provider, r#"{"clock":-600}"#).await;
    let mut late = Browser::default();
    assert_eq!(
        late.sign_in(&site, "/oidc/start", "ada@example.com").await,
        "/sign-in?problem=failed"
    );
}

#[tokio::test]
async fn a_provider_that_is_away_is_told_in_one_sentence() {
    let Some(provider) = provider() else { return };
    let issuer = provider.issuer.clone();
    let site = site_with_provider(settings(&issuer, "*")).await;
    let mut ada = Browser::default();
    let there = ada.open(&site, "/oidc/start").await;
    let back = ada.sign_in_there(&there, "ada@example.com").await;
    drop(provider);
    assert_eq!(ada.open(&site, &back).await, "/sign-in?problem=away");
    let unread = site_with_provider(settings(&issuer, "*")).await;
    let mut bob = Browser::default();
    assert_eq!(
        bob.open(&unread, "/oidc/start?next=/runs").await,
        "/sign-in?problem=away"
    );
    let page = unread.ask(get("/sign-in?problem=away")).await;
    assert!(
        page.body.contains("The sign-in provider cannot be reached now"),
        "{}",
        page.body
    );
    assert!(page.body.contains("Continue with Example") && page.body.contains("Password"));
}

#[tokio::test]
async fn with_passwords_off_the_provider_alone_signs_in_and_a_link_of_the_operators() {
    let mut site = site_with_provider(settings("http://127.0.0.1:9", "*")).await;
    site.site.services.sign_in.password = false;
    site.router = router(site.site.clone());
    let page = site.ask(get("/sign-in")).await;
    assert!(page.body.contains("Continue with Example") && !page.body.contains("type=\"password\""));
    let refused = site.ask(form("/fn/sign_in", "name=owner&password=x")).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(refused.body.contains("Sign in with Example"), "{}", refused.body);
    let cookie = site.sign_in().await;
    assert_eq!(
        site.ask_as(&cookie, get("/api/session")).await.status,
        StatusCode::OK
    );
    let change = site
        .ask_as(
            &cookie,
            form("/fn/change_password", "current=x&password=correct+horse+battery"),
        )
        .await;
    assert_eq!(change.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn an_invitation_lets_in_who_is_on_no_list() {
    let Some(provider) = provider() else { return };
    let site = site_with_provider(settings(&provider.issuer, "")).await;
    let store = &site.site.services.store;
    let team = store
        .create_team("Guests", &site.owner.id)
        .await
        .expect("a team")
        .id;
    let invite = async |role| {
        let text = runs::links::text().expect("a text");
        let new = model::NewInvitation {
            role,
            note: String::new(),
            days: 1,
        };
        let by = (&site.owner.id, Role::Owner);
        let hash = runs::links::hash(&text);
        let made = store.create_invitation(&team, by, new, &hash);
        made.await.expect("an invitation");
        text
    };
    let text = invite(Role::Member).await;
    let page = site.ask(get(&format!("/invite/{text}"))).await;
    assert!(page.body.contains("Continue with Example"), "{}", page.body);
    let mut bob = Browser::default();
    let start = format!("/oidc/start?invitation={text}");
    assert_eq!(bob.sign_in(&site, &start, "bob@other.example").await, "/");
    assert!(bob.name(&site).await.contains(r#""name":"bob""#));
    let (user, _) = store.user_by_name("bob").await.expect("an answer").expect("Bob");
    assert_eq!(
        store.role_in(&team, &user.id).await.expect("an answer"),
        Some(Role::Member)
    );
    // It is used; somebody else is told so, and has no account.
    let mut eve = Browser::default();
    let end = eve.sign_in(&site, &start, "eve@other.example").await;
    assert_eq!(end, format!("/invite/{text}"));
    assert!(site.ask(get(&end)).await.body.contains("used or revoked"));
    assert!(store.user_by_name("eve").await.expect("an answer").is_none());
}
