//! The one-time link that the first start prints: `GET /sign-in?token=…`.

use super::{Site, attempts, audit};
use app::session::Visit;
use axum::response::{IntoResponse, Redirect, Response};
use http::HeaderMap;
use model::SignInWay;
use std::net::IpAddr;
use store::LinkPurpose;
use tower_sessions::Session;

/// The token of a link.
pub fn token(query: Option<&str>) -> Option<String> {
    let (_, token) = query?
        .split('&')
        .filter_map(|part| part.split_once('='))
        .find(|(name, _)| *name == "token")?;
    (!token.is_empty()).then(|| token.to_owned())
}

/// Signs in with it, and goes on to the set-up or the agents. A link that was
/// used, is over or never was leads to the sign-in page, which says so.
pub async fn take(
    site: &Site,
    session: &Session,
    token: &str,
    address: IpAddr,
    headers: &HeaderMap,
    visit: &Visit,
) -> Response {
    if let Err(response) = attempts::begin(site, address) {
        return *response;
    }
    let store = &site.services.store;
    let taken = async {
        let hash = runs::links::hash(token);
        let Some(id) = store.take_link(LinkPurpose::SignIn, &hash).await? else {
            return Ok(None);
        };
        let user = store.user(&id).await?;
        Ok::<_, store::StoreError>(Some(user))
    };
    match taken.await {
        Ok(Some(user)) => {
            let signed_in = app::session::sign_in_as(session, store, &user.id, SignInWay::Link, visit);
            if let Err(error) = signed_in.await {
                return super::refusal::Refusal::from(error).into_response();
            }
            attempts::forget(site, address);
            audit::note_sign_in(site, &user, address, headers).await;
            Redirect::to(if user.is_set_up() { "/" } else { "/setup" }).into_response()
        }
        Ok(None) => Redirect::to("/sign-in?link=used").into_response(),
        Err(error) => super::refusal::Refusal::from(error).into_response(),
    }
}
