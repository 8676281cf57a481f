//! Who is asking: the session of a request, the team it is in, and the
//! permissions that gives. Every server function but those of signing in begins
//! with [`can`], or with [`signed_in`] where it is about one's own account, or
//! with [`can_manage_instance`]. The server's guard looks up who asks, once for each request,
//! and leaves it in the request's extensions as [`SignedIn`].
//!
//! The session of the cookie names a row of the store's sessions, and that row
//! names the account. So whoever ends the row has signed that browser out,
//! wherever the cookie's own session is kept.

use crate::{ErrorCode, UiError, services::services};
use axum::Extension;
use model::{
    InstanceRole, Membership, Permission, Rights, Role, SessionId, SignInWay, Team, TeamId, User, UserId,
};
use store::Store;
use tower_sessions::Session;

/// The key, in the cookie's session, of the id of the store's session.
pub const SESSION_ID: &str = "session_id";
/// The session's key of the team its person works in.
pub const TEAM_ID: &str = "team_id";

/// Somebody who is signed in, in the extensions of their request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    /// Who.
    pub user: User,
    /// The team they work in now; none when they are in no team.
    pub membership: Option<Membership>,
    /// The session they are signed in with; none when it is a token.
    pub session: Option<SessionId>,
}

/// From where a request comes, among its extensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visit {
    /// The address.
    pub address: String,
    /// What the browser says of itself.
    pub browser: String,
}

/// Somebody who may do what they ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Who.
    pub user: User,
    /// The team they work in now: what they see and make is this team's.
    pub team: TeamId,
    /// What they are in that team.
    pub role: Role,
}

impl Caller {
    /// Whether they may do it, by their role in the team or, for what concerns the instance, by their account.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        let rights = Rights {
            role: Some(self.role),
            instance: self.user.role,
        };
        rights.may(permission)
    }
}

impl SignedIn {
    /// The caller, if they may do this.
    ///
    /// # Errors
    /// `Forbidden`, with what to do about it.
    pub fn may(self, permission: Permission) -> Result<Caller, UiError> {
        let Some(Membership {
            team: Team { id, name, .. },
            role,
        }) = self.membership
        else {
            return Err(UiError::new(
                ErrorCode::Forbidden,
                "You are in no team, so there is nothing to see here. Ask an owner or an admin of a team to add you.",
            ));
        };
        let caller = Caller {
            user: self.user,
            team: id,
            role,
        };
        if caller.may(permission) {
            return Ok(caller);
        }
        Err(UiError::new(
            ErrorCode::Forbidden,
            match permission {
                Permission::ManageInstance => {
                    "Only an owner of this instance may do this. Ask one.".to_owned()
                }
                _ => {
                    let role = match role {
                        Role::Admin | Role::Owner => format!("an {}", role.as_str()),
                        Role::Viewer | Role::Member => format!("a {}", role.as_str()),
                    };
                    format!(
                        "You are {role} of the team {name}, and {role} may not do this. Ask an owner or an admin of the team."
                    )
                }
            },
        ))
    }
}

/// The session of this request.
///
/// # Errors
/// When the session layer is missing, which is a fault of ours.
pub async fn session() -> Result<Session, UiError> {
    leptos_axum::extract::<Session>()
        .await
        .map_err(|_| internal("The server keeps no sessions for this address."))
}

/// Who asks, if anybody is signed in.
#[must_use]
pub fn who() -> Option<SignedIn> {
    let parts = leptos::prelude::use_context::<http::request::Parts>()?;
    parts.extensions.get::<SignedIn>().cloned()
}

/// From where this request comes.
///
/// # Errors
/// When the guard did not say, which is a fault of ours.
pub async fn visit() -> Result<Visit, UiError> {
    let visit = leptos_axum::extract::<Extension<Visit>>().await;
    visit
        .map(|Extension(visit)| visit)
        .map_err(|_| internal("The server does not know where this request comes from."))
}

/// The id of the store's session that a cookie's session names.
///
/// # Errors
/// When the sessions cannot be read.
pub async fn session_id(session: &Session) -> Result<Option<SessionId>, UiError> {
    session.get(SESSION_ID).await.map_err(|error| {
        tracing::error!(%error, "the session cannot be read");
        internal("Your session could not be read. Try again.")
    })
}

/// Whoever is signed in, whatever their teams: for what concerns their own account alone.
///
/// # Errors
/// `SignedOut` (401).
pub async fn signed_in() -> Result<SignedIn, UiError> {
    who().ok_or_else(|| UiError::signed_out().with_status())
}

/// The signed-in person in their team, if they may do this.
///
/// # Errors
/// `SignedOut` (401) or `Forbidden` (403).
pub async fn can(permission: Permission) -> Result<Caller, UiError> {
    let caller = signed_in().await?.may(permission);
    caller.map_err(UiError::with_status)
}

/// The signed-in person, if they are an owner of the instance; they need not be in a team.
///
/// # Errors
/// `SignedOut` (401) or `Forbidden` (403).
pub async fn can_manage_instance() -> Result<User, UiError> {
    let user = signed_in().await?.user;
    if user.role == InstanceRole::Owner {
        return Ok(user);
    }
    Err(UiError::new(
        ErrorCode::Forbidden,
        "Only an owner of this instance may do this. Ask one.",
    )
    .with_status())
}

/// The team's agent of this id.
///
/// # Errors
/// `NotFound` (404) when there is none, or it is another team's.
pub async fn agent_of(caller: &Caller, agent: &model::AgentId) -> Result<model::Agent, UiError> {
    Ok(services()?.store.agent_in(&caller.team, agent).await?)
}

/// The team's run of this id.
///
/// # Errors
/// `NotFound` (404) when there is none, or it is another team's.
pub async fn run_of(caller: &Caller, run: &model::RunId) -> Result<model::Run, UiError> {
    Ok(services()?.store.run_in(&caller.team, run).await?)
}

/// Has this browser's session work in a team from the next request on.
///
/// # Errors
/// When the session cannot be written.
pub async fn work_in(team: &TeamId) -> Result<(), UiError> {
    work_in_team(&session().await?, team).await
}

/// The same of a session that is at hand.
///
/// # Errors
/// When the session cannot be written.
pub async fn work_in_team(session: &Session, team: &TeamId) -> Result<(), UiError> {
    session.insert(TEAM_ID, team).await.map_err(|error| {
        tracing::error!(%error, "the session cannot be written");
        internal("The team could not be changed: the session could not be saved. Try again.")
    })
}

/// Signs a user in: a new session, so that one set before cannot be used, and nothing of what
/// another account left in this browser's.
///
/// # Errors
/// When the account may not sign in, or the session cannot be written.
pub async fn sign_in_as(
    session: &Session,
    store: &Store,
    user: &UserId,
    way: SignInWay,
    visit: &Visit,
) -> Result<(), UiError> {
    let failed = |error: tower_sessions::session::Error| {
        tracing::error!(%error, "the session cannot be written");
        internal("You could not be signed in: the session could not be saved. Try again.")
    };
    let id = store
        .create_account_session(user, way, &visit.browser, &visit.address)
        .await?;
    if let Some(before) = session_id(session).await? {
        store.sign_out(&before).await?;
    }
    session.clear().await;
    session.cycle_id().await.map_err(failed)?;
    session.insert(SESSION_ID, id).await.map_err(failed)
}

fn internal(text: &str) -> UiError {
    UiError::new(ErrorCode::Internal, text).with_status()
}

/// Sends a form that was sent without scripts on to `path`. A page with scripts
/// loads the next page by itself, as a whole: who is signed in has changed, and
/// nothing that was known before may stay.
pub fn send_form_on(path: &str) {
    let is_form = leptos::prelude::use_context::<http::request::Parts>().is_some_and(|parts| {
        let accepts = parts.headers.get(http::header::ACCEPT);
        accepts
            .and_then(|accepts| accepts.to_str().ok())
            .is_some_and(|accepts| accepts.contains("text/html"))
    });
    if is_form {
        leptos_axum::redirect(path);
    }
}

/// The path to go to after signing in: `next` when it is a path of this site,
/// else the agents.
#[must_use]
pub fn local_path(next: Option<&str>) -> &str {
    match next {
        // `//host` and `/\host` are other sites to a browser.
        Some(path)
            if path.starts_with('/')
                && !path.starts_with("//")
                && !path.contains(['\\', '\r', '\n', '\t', '\0'])
                && path.is_ascii() =>
        {
            path
        }
        _ => "/",
    }
}

#[cfg(test)]
mod tests {
    use super::local_path;

    #[test]
    fn only_paths_of_this_site_are_gone_to() {
        assert_eq!(local_path(Some("/agents/x?file=a.py")), "/agents/x?file=a.py");
        for bad in [
            None,
            Some(""),
            Some("https://x.example"),
            Some("//x.example"),
            Some("/\\x.example"),
            Some("/a\r\nb"),
        ] {
            assert_eq!(local_path(bad), "/");
        }
    }
}
