//! `GET /oidc/start`: off to the provider.

use super::{
    Problem,
    pending::{self, Purpose},
    provider::ProviderError,
};
use crate::site::{Site, attempts, guard, refusal::Refusal};
use app::session::{SignedIn, local_path};
use axum::{
    extract::{Query, Request, State},
    response::{IntoResponse, Redirect, Response},
};
use http::{HeaderMap, header};
use serde::Deserialize;
use tower_sessions::{Expiry, Session, cookie::time::Duration};

/// How long the session of somebody who is not signed in yet is kept, in minutes.
const MINUTES: i64 = 15;

/// What for.
#[derive(Debug, Deserialize)]
pub struct Wanted {
    /// The path to go on to.
    next: Option<String>,
    /// To connect the provider to the account that is signed in.
    link: Option<String>,
    /// The secret text of an invitation to accept.
    invitation: Option<String>,
}

/// Sends the browser to the provider.
pub async fn start(
    State(site): State<Site>,
    session: Session,
    Query(wanted): Query<Wanted>,
    request: Request,
) -> Response {
    let Some(provider) = &site.provider else {
        return Redirect::to("/sign-in").into_response();
    };
    let address = guard::address(&site, request.extensions(), request.headers());
    if let Err(response) = attempts::begin_elsewhere(&site, address) {
        return *response;
    }
    let purpose = match (wanted.link, wanted.invitation) {
        (Some(_), _) => Purpose::Link,
        (None, Some(invitation)) => Purpose::Accept(invitation),
        (None, None) => Purpose::SignIn(local_path(wanted.next.as_deref()).to_owned()),
    };
    let back = super::callback::page_of(&purpose);
    // A page of another site, where somebody else may be signed in at the provider, must not connect
    // theirs to this account.
    if purpose == Purpose::Link && !is_from_our_page(request.headers()) {
        return super::callback::back_with(&back, Problem::Stale);
    }
    let (url, asked) = match provider.begin(redirect_uri(&site, request.headers())).await {
        Ok(begun) => begun,
        Err(error) => {
            tracing::warn!(%error, issuer = provider.settings().issuer, "nobody can be sent to the sign-in provider");
            let problem = match error {
                ProviderError::Away(_) => Problem::Away,
                ProviderError::Answer(_) => Problem::Failed,
            };
            return super::callback::back_with(&back, problem);
        }
    };
    if request.extensions().get::<SignedIn>().is_none() {
        session.set_expiry(Some(Expiry::OnInactivity(Duration::minutes(MINUTES))));
    }
    if let Err(error) = pending::keep(&session, asked, purpose).await {
        return Refusal::internal(&error).into_response();
    }
    Redirect::to(&url).into_response()
}

/// Where the provider sends the browser back to. Without an address of the operator's it is the one
/// this request came to, which is a number or `localhost`: the provider knows which ones are ours.
fn redirect_uri(site: &Site, headers: &HeaderMap) -> String {
    let origin = site.services.origin.clone().unwrap_or_else(|| {
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        format!("http://{}", host.unwrap_or("localhost"))
    });
    format!("{origin}/oidc/callback")
}

/// Whether the browser followed a link of one of our own pages.
fn is_from_our_page(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return site == "same-origin";
    }
    // Browsers leave that header out on plain-http addresses other than localhost.
    let (Some(referrer), Some(host)) = (text("referer"), text("host")) else {
        return false;
    };
    let rest = referrer.split_once("://").map(|(_, rest)| rest);
    rest.and_then(|rest| rest.split(['/', '?', '#']).next())
        .is_some_and(|authority| authority.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_pages_connect_an_account() {
        let is_ours = |pairs: &[(&'static str, &str)]| {
            let mut headers = HeaderMap::new();
            headers.insert("host", "10.0.0.7:3000".parse().expect("a value"));
            for (name, value) in pairs {
                headers.insert(*name, value.parse().expect("a value"));
            }
            is_from_our_page(&headers)
        };
        assert!(is_ours(&[("sec-fetch-site", "same-origin")]));
        assert!(is_ours(&[("referer", "http://10.0.0.7:3000/settings/account")]));
        for other in ["cross-site", "same-site", "none"] {
            assert!(
                !is_ours(&[("sec-fetch-site", other), ("referer", "http://10.0.0.7:3000/")]),
                "{other}"
            );
        }
        for other in [
            "http://evil.example/10.0.0.7:3000",
            "http://10.0.0.7:3000.evil.example/",
            "nonsense",
            "",
        ] {
            assert!(!is_ours(&[("referer", other)]), "{other}");
        }
        assert!(!is_ours(&[]));
    }
}
