//! The one-time link that the first start prints: `GET /sign-in?token=…`.

use super::{Site, audit, guard::too_many_sign_ins, pressure::Client, session::token_hash};
use axum::response::{IntoResponse, Redirect, Response};
use http::HeaderMap;
use std::{net::IpAddr, time::Instant};
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
) -> Response {
    let client = Client::at(address);
    if let Err(standing) = site.pressure.sign_ins.begin(&client, Instant::now()) {
        return too_many_sign_ins(&standing);
    }
    let store = &site.services.store;
    let taken = async {
        let Some(id) = store.take_sign_in_token(&token_hash(token)).await? else {
            return Ok(None);
        };
        let user = store.user(&id).await?;
        Ok::<_, store::StoreError>(Some(user))
    };
    match taken.await {
        Ok(Some(user)) => {
            if let Err(error) = app::session::sign_in_as(session, &user.id).await {
                return super::refusal::Refusal::from(error).into_response();
            }
            site.pressure.sign_ins.forget(&client);
            audit::note_sign_in(site, &user, address, headers).await;
            Redirect::to(if user.has_password { "/" } else { "/setup" }).into_response()
        }
        Ok(None) => Redirect::to("/sign-in?link=used").into_response(),
        Err(error) => super::refusal::Refusal::from(error).into_response(),
    }
}
