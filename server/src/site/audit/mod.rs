//! Writes into the audit log what is done through the site: every request to an
//! address that changes something is the doing of whoever asks ([`store::Doing`]),
//! and its record is written with the change itself. Which addresses those are,
//! and what is done there, is one table: [`actions`].

mod actions;
mod retention;

pub use retention::forget_old;

#[cfg(test)]
pub use actions::known as known_effect;
use actions::{Effect, effect};

use super::{Site, credential::Credential, guard};
use app::session::{SESSION_ID, SignedIn};
use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use http::{Extensions, HeaderMap, StatusCode, header};
use model::{Action, Actor, ActorKind, SessionId, Target};
use std::{net::IpAddr, sync::Arc};
use store::Doing;
use tower_sessions::Session;

/// Has a request answered, and what it changes recorded.
pub async fn record(State(site): State<Site>, request: Request, next: Next) -> Response {
    let Some(route) = request.extensions().get::<MatchedPath>().cloned() else {
        return next.run(request).await;
    };
    let action = match effect(request.method(), route.as_str()) {
        Effect::Reads => return next.run(request).await,
        Effect::Changes(action) => action,
    };
    let doing = Arc::new(doing(&site, &request, route.as_str(), action));
    let session = request.extensions().get::<Session>().cloned();
    let response = doing.scope(next.run(request)).await;
    let finished = match (action, is_done(&response)) {
        // The conversation goes on, and takes the doing along.
        _ if response.status() == StatusCode::SWITCHING_PROTOCOLS => return response,
        (Action::AccountSignIn, true) => signed_in(&site, &doing, session.as_ref()).await,
        (Action::AccountSignIn, false) => {
            doing
                .turned_into(Action::AccountSignInRefused)
                .finish(&site.services.store)
                .await
        }
        (_, true) => doing.finish(&site.services.store).await,
        (_, false) => Ok(()),
    };
    if let Err(error) = finished {
        tracing::error!(%error, action = action.as_str(), "what was done is missing in the audit log");
    }
    response
}

/// Notes that somebody signed in by a link, and whose account it was.
pub async fn note_sign_in(site: &Site, user: &model::User, address: IpAddr, headers: &HeaderMap) {
    let actor = Actor::new(ActorKind::Person, Some(user.id.as_str()), user.name.as_str());
    let doing = Doing::new(actor, Action::AccountSignIn)
        .from(address.to_string(), user_agent(headers))
        .to(Some(Target::new("account", user.id.as_str(), user.name.as_str())));
    if let Err(error) = doing.finish(&site.services.store).await {
        tracing::error!(%error, "a sign-in is missing in the audit log");
    }
}

fn user_agent(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::USER_AGENT)?.to_str().ok()
}

/// What a request is about to do.
fn doing(site: &Site, request: &Request, route: &str, action: Action) -> Doing {
    let address = guard::address(site, request.extensions(), request.headers());
    let who = request.extensions().get::<SignedIn>();
    let doing = Doing::new(actor(request.extensions()), action)
        .from(address.to_string(), user_agent(request.headers()))
        .to(target(route, request.uri().path()));
    match who.and_then(|who| who.membership.as_ref()) {
        Some(membership) => doing.of_team(membership.team.id.clone()),
        None => doing,
    }
}

/// Whoever asks.
fn actor(extensions: &Extensions) -> Actor {
    match (extensions.get::<SignedIn>(), extensions.get::<Credential>()) {
        (Some(who), Some(Credential::Token(token))) => Actor::new(
            ActorKind::Token,
            Some(token.id.as_str()),
            format!("{} of {}", token.name, who.user.name),
        ),
        (Some(who), _) => Actor::new(
            ActorKind::Person,
            Some(who.user.id.as_str()),
            who.user.name.as_str(),
        ),
        (None, _) => Actor::new(ActorKind::Nobody, None, "somebody"),
    }
}

/// What the address of a request names last: `/api/agents/{id}` is an agent.
fn target(route: &str, path: &str) -> Option<Target> {
    let parts: Vec<_> = route.split('/').zip(path.split('/')).collect();
    let place = parts.iter().rposition(|(name, _)| name.starts_with('{'))?;
    let kind = parts.get(place.checked_sub(1)?)?.0.trim_end_matches('s');
    Some(Target::new(kind, parts[place].1, ""))
}

/// Whether what was asked for was done. A form without scripts is sent on in any case; what went wrong is
/// in the address then.
fn is_done(response: &Response) -> bool {
    let status = response.status();
    let location = response.headers().get(header::LOCATION);
    let is_error = location
        .and_then(|location| location.to_str().ok())
        .is_some_and(|location| location.contains("__err="));
    status.is_success() || status.is_redirection() && !is_error
}

/// Records a sign-in with the account whose session it made; without one, that it was refused.
async fn signed_in(site: &Site, doing: &Doing, session: Option<&Session>) -> store::Result<()> {
    let store = &site.services.store;
    let id: Option<SessionId> = match session {
        Some(session) => session.get(SESSION_ID).await.unwrap_or_default(),
        None => None,
    };
    let found = match &id {
        Some(id) => store.session_user(id).await?,
        None => None,
    };
    let Some((id, _)) = found else {
        return doing
            .turned_into(Action::AccountSignInRefused)
            .finish(store)
            .await;
    };
    let user = store.user(&id).await?;
    doing.done_by(Actor::new(
        ActorKind::Person,
        Some(user.id.as_str()),
        user.name.as_str(),
    ));
    doing.finish(store).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_name_what_is_changed() {
        let named = |route, path| target(route, path).map(|target| (target.kind, target.id));
        assert_eq!(
            named("/api/agents/{id}/execute", "/api/agents/scout/execute"),
            Some(("agent".to_owned(), "scout".to_owned()))
        );
        assert_eq!(named("/fn/save_file", "/fn/save_file"), None);
    }
}
