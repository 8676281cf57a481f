//! The router as a whole, on a real database: who is let in, and what every
//! answer carries.

mod access;
mod accounts;
mod answers;
mod audit;
mod files;
mod hooks;
mod matrix;
mod operation;
mod pressure;
mod provider;
mod secrets;
mod signing_in;
mod stream;
mod tokens;
mod usage;
mod v1;

use super::{Site, hosts::Hosts, router, session::Sessions};
use crate::configuration::PublicUrl;
use axum::{Router, body::Body};
use http::{Request, Response, StatusCode, header};
use model::{AgentSettings, InstanceRole, Language, Provider, User};
use runs::{Runs, RunsConfig};
use store::Store;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// A site of its own for a test.
struct TestSite {
    router: Router,
    site: Site,
    owner: User,
}

/// The answer, read to its end.
struct Answer {
    status: StatusCode,
    headers: http::HeaderMap,
    body: String,
}

impl Answer {
    fn header(&self, name: impl header::AsHeaderName) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().expect("text"))
    }

    /// The cookie it sets, as a browser would send it back.
    fn cookie(&self) -> String {
        self.header(header::SET_COOKIE)
            .split(';')
            .next()
            .unwrap_or_default()
            .to_owned()
    }
}

/// A site with its owner, who has a password unless this is the first start.
async fn site_with(public: Option<&str>, password_hash: Option<&str>) -> TestSite {
    let store = Store::open("sqlite::memory:").await.expect("a database");
    site_on(store, public, password_hash).await
}

/// The same on this database.
async fn site_on(store: Store, public: Option<&str>, password_hash: Option<&str>) -> TestSite {
    let owner = store
        .create_user("owner", InstanceRole::Owner, password_hash.map(str::to_owned))
        .await
        .expect("an owner");
    let sessions = Sessions::open(&store).await.expect("sessions");
    // Nothing listens there: what needs no provider must work without one.
    let client = daytona::Client::new(daytona::Config {
        api_url: "http://127.0.0.1:9/api".to_owned(),
        api_key: "key".to_owned().into(),
        target: None,
        organization_id: None,
    });
    let runs = Runs::open(
        RunsConfig::new("test", Provider::Embedded),
        store.clone(),
        client.expect("a client"),
    )
    .await
    .expect("runs");
    let services = app::Services {
        store,
        runs,
        provider: Provider::Embedded,
        provider_url: "http://127.0.0.1:9/api".to_owned(),
        isolation: "none".to_owned(),
        isolation_facts: Vec::new(),
        sign_in: app::api::SignInOptions::default(),
        origin: None,
    };
    let hosts = Hosts::new(public.map(|url| PublicUrl::parse(url).expect("a URL")));
    let assets = app::Assets {
        base: "/assets/0123456789abcdef".to_owned(),
    };
    let site = Site::new(
        services,
        assets,
        sessions,
        hosts,
        super::Limits::default(),
        crate::observed::Observed::default(),
        CancellationToken::new(),
    );
    TestSite {
        router: router(site.clone()),
        site,
        owner,
    }
}

/// A site whose owner has a password.
async fn site() -> TestSite {
    site_with(
        None,
        Some("$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAA"),
    )
    .await
}

/// A request to this machine.
fn request(method: &str, path: &str) -> http::request::Builder {
    Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "localhost:3000")
}

fn get(path: &str) -> Request<Body> {
    request("GET", path).body(Body::empty()).expect("a request")
}

fn form(path: &str, body: &str) -> Request<Body> {
    request("POST", path)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(body.to_owned()))
        .expect("a request")
}

async fn ask_of(router: &Router, request: Request<Body>) -> Answer {
    let response = router.clone().oneshot(request).await.expect("an answer");
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.expect("a body");
    Answer {
        status: parts.status,
        headers: parts.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    }
}

/// Whether it is ready. A database that is only slow to say so is asked again.
async fn readiness_of(router: &Router) -> Answer {
    let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        let answer = ask_of(router, get("/readyz")).await;
        let is_slow = answer.status == StatusCode::SERVICE_UNAVAILABLE
            && answer.body.contains("The database is too slow.");
        if !is_slow || std::time::Instant::now() >= until {
            return answer;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

impl TestSite {
    async fn send(&self, request: Request<Body>) -> Response<Body> {
        self.router.clone().oneshot(request).await.expect("an answer")
    }

    async fn ask(&self, request: Request<Body>) -> Answer {
        ask_of(&self.router, request).await
    }

    /// Whether it is ready.
    async fn readiness(&self) -> Answer {
        readiness_of(&self.router).await
    }

    /// Signs the owner in by a one-time link; the cookie.
    async fn sign_in(&self) -> String {
        let link = super::fresh_sign_in_link(&self.site.services.store, &self.owner.id)
            .await
            .expect("a link");
        self.ask(get(&link)).await.cookie()
    }

    /// As the owner.
    async fn ask_as(&self, cookie: &str, mut request: Request<Body>) -> Answer {
        request
            .headers_mut()
            .insert(header::COOKIE, cookie.parse().expect("a cookie"));
        self.ask(request).await
    }

    async fn agent(&self) -> model::Agent {
        let settings = AgentSettings::new("Scout", "", Language::Python);
        let file = (
            model::FilePath::parse("agent.py").expect("a path"),
            b"print(1)\n".to_vec(),
        );
        self.site
            .services
            .store
            .create_agent(&model::TeamId::first(), &self.owner.id, &settings, &[file])
            .await
            .expect("an agent")
    }
}
