//! Who is asking, and whether this address is for them: the one gate before
//! pages, server functions and the API. It only lets in; what a person may do
//! there is checked again by each server function and handler.
//!
//! People come with a session, programs with a token, which counts for the API
//! alone. A request that carries a token has no session, whatever its cookies
//! say: it is not asked where it comes from (`hosts`), because no page of
//! another site can make a browser send one.

use super::{
    Site, attempts,
    credential::{self, Credential},
    pressure::{Client, Standing},
    refusal::Refusal,
    sign_in_link,
};
use app::session::{SESSION_ID, SignedIn, TEAM_ID, Visit};
use axum::{
    extract::{ConnectInfo, Request, State},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use http::{Extensions, HeaderMap, Method, header};
use model::{SessionId, TeamId};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::{Instant, SystemTime, UNIX_EPOCH},
};
use tower_sessions::Session;

/// Server functions that work without a session: finding out that there is
/// none, and getting one.
pub const OPEN_FUNCTIONS: [&str; 6] = [
    "/fn/accept_invitation",
    "/fn/load_invitation",
    "/fn/load_me",
    "/fn/load_reset",
    "/fn/reset_password",
    "/fn/sign_in",
];
/// The one page among the addresses of the API: who has no session is led to the sign-in page.
const PAGE_OF_THE_API: &str = "/api/docs";
/// The session's key of the hour it was last used in. Writing it anew is what
/// puts the session's end off; once an hour is enough.
const SEEN_HOUR: &str = "seen_hour";

/// When a request may come again whose session could not be looked up, in seconds.
const SESSION_WAIT: u64 = 2;

/// Lets in who may come in.
pub async fn check(State(site): State<Site>, session: Session, mut request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let address = address(&site, request.extensions(), request.headers());
    let visit = visit(address, request.headers());
    request.extensions_mut().insert(visit.clone());
    if path == "/sign-in"
        && request.method() == Method::GET
        && let Some(token) = sign_in_link::token(request.uri().query())
    {
        return sign_in_link::take(&site, &session, &token, address, request.headers(), &visit).await;
    }
    let token = credential::token(request.headers()).filter(|_| is_api(&path));
    let (viewer, credential) = match token {
        Some(token) => match token_viewer(&site, &token).await {
            Ok((who, credential)) => (Some(who), credential),
            Err(refusal) => return refusal.into_response(),
        },
        None => match viewer(&site, &session, &visit).await {
            Ok(who) => {
                let session = who.as_ref().and_then(|who| who.session.clone());
                (who, Credential::Session(session))
            }
            Err(refusal) => return refusal.into_response(),
        },
    };
    let is_program = (is_api(&path) && path != PAGE_OF_THE_API) || path.starts_with("/fn/");
    match &viewer {
        None if is_program && !OPEN_FUNCTIONS.contains(&path.as_str()) => {
            return Refusal::signed_out().into_response();
        }
        None if !is_program && !is_open_page(&path) => return to_sign_in(&request),
        Some(who) if !is_program && !who.user.is_set_up() && path != "/setup" && !is_open_page(&path) => {
            return Redirect::to("/setup").into_response();
        }
        _ => {}
    }
    let starter = viewer
        .as_ref()
        .filter(|_| is_start(request.method(), &path))
        .map(|who| Client::Person(who.user.id.clone()));
    if let Some(who) = viewer {
        request.extensions_mut().insert(who);
    }
    request.extensions_mut().insert(credential);
    if let Some(starter) = starter {
        return with_few_starts(&site, &starter, request, next).await;
    }
    if attempts::is_attempt(&path) {
        return attempts::from_an_address(&site, &session, address, request, next).await;
    }
    next.run(request).await
}

/// Whether a page is shown without a session.
fn is_open_page(path: &str) -> bool {
    path == "/sign-in"
        || ["/invite/", "/oidc/", "/reset/"]
            .iter()
            .any(|start| path.starts_with(start))
}

/// From where a request comes.
fn visit(address: IpAddr, headers: &HeaderMap) -> Visit {
    let browser = headers.get(header::USER_AGENT);
    Visit {
        address: address.to_string(),
        browser: browser
            .map(|browser| String::from_utf8_lossy(browser.as_bytes()).into_owned())
            .unwrap_or_default(),
    }
}

/// Whether a path is one of the API, where tokens count.
pub fn is_api(path: &str) -> bool {
    path.starts_with("/api/")
}

/// Whether such a request to this address starts a run.
fn is_start(method: &Method, path: &str) -> bool {
    let parts: Vec<_> = path.split('/').collect();
    match parts.as_slice() {
        ["", "fn", "start_run"] | ["", "api", "agents", _, "execute" | "ws"] => true,
        ["", "api", "v1", "agents", _, "runs"] => method == Method::POST,
        _ => false,
    }
}

/// Whose token it is. Nobody guesses 256 bits, so tries are not counted: a program with an old token must
/// not keep the people of its address from signing in.
pub(super) async fn token_viewer(site: &Site, token: &str) -> Result<(SignedIn, Credential), Refusal> {
    let hash = runs::tokens::hash_of(token).ok_or_else(Refusal::bad_token)?;
    let used = site.services.store.use_token(&hash).await?;
    let (user, membership, token) = used.ok_or_else(Refusal::bad_token)?;
    let who = SignedIn {
        user,
        membership: Some(membership),
        session: None,
    };
    Ok((who, Credential::Token(token)))
}

/// Who a session is of, and the team they work in: the one they chose, as long as they are in it.
async fn viewer(site: &Site, session: &Session, visit: &Visit) -> Result<Option<SignedIn>, Refusal> {
    let id: Option<SessionId> = session
        .get(SESSION_ID)
        .await
        .map_err(|error| no_session(&error))?;
    let Some(id) = id else { return Ok(None) };
    let chosen: Option<TeamId> = session.get(TEAM_ID).await.map_err(|error| no_session(&error))?;
    let store = &site.services.store;
    let Some((user, used_at)) = store.session_user(&id).await? else {
        return Ok(None);
    };
    let Some((user, membership)) = store.standing(&user, chosen.as_ref()).await? else {
        return Ok(None);
    };
    let touched = store.touch_session(&id, used_at, &visit.browser, &visit.address);
    if let Err(error) = touched.await {
        // Nothing that whoever asks has to wait for, or to know.
        tracing::warn!(%error, "the last use of a session could not be noted");
    }
    let hour = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
        / 3600;
    let seen: Option<u64> = session.get(SEEN_HOUR).await.map_err(|error| no_session(&error))?;
    if seen != Some(hour) {
        session
            .insert(SEEN_HOUR, hour)
            .await
            .map_err(|error| no_session(&error))?;
    }
    Ok(Some(SignedIn {
        user,
        membership,
        session: Some(id),
    }))
}

/// The sessions cannot be reached: for a moment, as far as anybody knows.
fn no_session(error: &tower_sessions::session::Error) -> Refusal {
    tracing::error!(%error, "a session cannot be read or written");
    Refusal::busy(
        "Your session could not be looked up, because the database did not answer. Try again in a moment."
            .to_owned(),
        SESSION_WAIT,
    )
}

/// To the sign-in page, and back to where they wanted to go.
fn to_sign_in(request: &Request) -> Response {
    let wanted = request
        .uri()
        .path_and_query()
        .map_or("/", http::uri::PathAndQuery::as_str);
    if wanted == "/" || request.method() != Method::GET {
        return Redirect::to("/sign-in").into_response();
    }
    let mut query = String::from("/sign-in?next=");
    for byte in wanted.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => {
                query.push(char::from(byte))
            }
            other => query.push_str(&format!("%{other:02X}")),
        }
    }
    Redirect::to(&query).into_response()
}

/// A start is one of a few in a minute.
async fn with_few_starts(site: &Site, starter: &Client, request: Request, next: Next) -> Response {
    match site.pressure.starts.begin(starter, Instant::now()) {
        Ok(standing) => {
            let mut response = next.run(request).await;
            if let Some(standing) = standing {
                standing.say(response.headers_mut());
            }
            response
        }
        Err(standing) => too_many(&standing, "You started as many runs as one may in a minute."),
    }
}

/// The refusal of what was tried too often.
pub fn too_many(standing: &Standing, sentence: &str) -> Response {
    let seconds = standing.wait_seconds();
    let words = model::time::duration_words(seconds * 1000);
    let refusal = Refusal::too_many(format!("{sentence} Try again in {words}."), seconds);
    let mut response = refusal.into_response();
    standing.say(response.headers_mut());
    response
}

/// The address a request comes from; behind a proxy of this machine or
/// network, the one that the proxy itself saw.
pub fn address(site: &Site, extensions: &Extensions, headers: &HeaderMap) -> IpAddr {
    let peer = extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(peer)| {
            peer.ip().to_canonical()
        });
    let is_near = match peer {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local(),
    };
    if !(is_near && site.hosts.is_behind_proxy()) {
        return peer;
    }
    headers
        .get_all("x-forwarded-for")
        .iter()
        .next_back()
        .and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse().ok())
        .unwrap_or(peer)
}
