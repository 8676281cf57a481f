//! `GET /oidc/callback`: back from the provider.

use super::{
    Problem, Provider,
    pending::{self, Pending, Purpose},
    provider::{Person, ProviderError},
};
use crate::site::{Site, audit, refusal::Refusal};
use app::{
    UiError,
    session::{SignedIn, Visit},
};
use axum::{
    Extension,
    extract::{Query, State},
    response::{IntoResponse, Redirect, Response},
};
use http::HeaderMap;
use model::{SignInWay, TeamId, User};
use serde::Deserialize;
use store::{Identity, NewPerson, Newcomer, StoreError};
use tower_sessions::Session;

/// How many names are tried for a new person before theirs is given up.
const NAMES: usize = 100;

/// What the provider sends the browser back with.
#[derive(Debug, Deserialize)]
pub struct Returned {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
    /// Who answers (RFC 9207).
    iss: Option<String>,
}

/// Why somebody was not signed in.
enum Stopped {
    /// For a reason the page has a sentence for.
    Problem(Problem),
    /// The store did not do its part.
    Store(StoreError),
}

impl From<StoreError> for Stopped {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Problem> for Stopped {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// Signs in whoever comes back.
pub async fn callback(
    State(site): State<Site>,
    session: Session,
    Extension(visit): Extension<Visit>,
    who: Option<Extension<SignedIn>>,
    headers: HeaderMap,
    Query(returned): Query<Returned>,
) -> Response {
    let Some(provider) = &site.provider else {
        return Redirect::to("/sign-in").into_response();
    };
    let state = returned.state.as_deref().unwrap_or_default();
    let pending = match pending::take(&session, state).await {
        Ok(Some(pending)) => pending,
        Ok(None) => return back_with("/sign-in", Problem::Stale),
        Err(error) => return Refusal::internal(&error).into_response(),
    };
    let back = page_of(&pending.purpose);
    let is_invited = matches!(pending.purpose, Purpose::Accept(_));
    let who = who.map(|Extension(who)| who.user);
    let done = async {
        let purpose = pending.purpose.clone();
        let person = ask(provider, pending, returned).await?;
        settle(&site, provider, &person, purpose, who).await
    };
    match done.await {
        Ok(settled) => match sign_in(&site, &session, &visit, &headers, &settled).await {
            Ok(()) => Redirect::to(&settled.next).into_response(),
            Err(error) => Refusal::from(error).into_response(),
        },
        Err(Stopped::Problem(problem)) => back_with(&back, problem),
        // The invitation's page says that it cannot be used.
        Err(Stopped::Store(StoreError::NotFound(_))) if is_invited => Redirect::to(&back).into_response(),
        Err(Stopped::Store(error)) => {
            tracing::warn!(%error, "somebody whom the sign-in provider knows could not be signed in");
            back_with(&back, Problem::Failed)
        }
    }
}

/// Signs in whoever is to be, and has them work in the team they joined.
async fn sign_in(
    site: &Site,
    session: &Session,
    visit: &Visit,
    headers: &HeaderMap,
    settled: &Settled,
) -> Result<(), UiError> {
    let Some(user) = &settled.user else {
        return Ok(());
    };
    let store = &site.services.store;
    app::session::sign_in_as(session, store, &user.id, SignInWay::Provider, visit).await?;
    if let Ok(address) = visit.address.parse() {
        audit::note_sign_in(site, user, address, headers).await;
    }
    match &settled.team {
        Some(team) => app::session::work_in_team(session, team).await,
        None => Ok(()),
    }
}

/// Who came back, as the provider says.
async fn ask(provider: &Provider, pending: Pending, returned: Returned) -> Result<Person, Problem> {
    if returned
        .iss
        .is_some_and(|issuer| issuer != provider.settings().issuer)
    {
        tracing::warn!("an answer of another provider than the one that was asked is refused");
        return Err(Problem::Failed);
    }
    if let Some(error) = returned.error {
        // The words of RFC 6749, section 4.1.2.1.
        return Err(match error.as_str() {
            "temporarily_unavailable" | "server_error" => Problem::Away,
            "access_denied" | "login_required" | "interaction_required" | "consent_required" => {
                Problem::Refused
            }
            _ => {
                let error: String = error.chars().filter(|c| !c.is_control()).take(80).collect();
                tracing::warn!(error, "the sign-in provider refused what was asked of it");
                Problem::Failed
            }
        });
    }
    let code = returned.code.ok_or(Problem::Failed)?;
    provider.finish(pending.asked, code).await.map_err(|error| {
        tracing::warn!(%error, issuer = provider.settings().issuer, "somebody could not be signed in");
        match error {
            ProviderError::Away(_) => Problem::Away,
            ProviderError::Answer(_) => Problem::Failed,
        }
    })
}

/// What came of it.
struct Settled {
    /// Who is to be signed in now; none when somebody is already.
    user: Option<User>,
    /// The team to work in, when it was just joined.
    team: Option<TeamId>,
    /// Where to go on.
    next: String,
}

/// Finds or makes the account, or connects the one that is signed in.
async fn settle(
    site: &Site,
    provider: &Provider,
    person: &Person,
    purpose: Purpose,
    who: Option<User>,
) -> Result<Settled, Stopped> {
    let store = &site.services.store;
    let label = person
        .email
        .as_ref()
        .or(person.username.as_ref())
        .or(person.name.as_ref());
    let identity = Identity {
        issuer: &person.issuer,
        subject: &person.subject,
        label: label.unwrap_or(&person.subject),
    };
    let known = store.identity_user(identity).await?;
    if let Some(user) = &known
        && store.is_disabled(&user.id).await?
    {
        return Err(Problem::Disabled.into());
    }
    let mut settled = Settled {
        user: None,
        team: None,
        next: "/".to_owned(),
    };
    match purpose {
        Purpose::Link => {
            let who = who.ok_or(Problem::Stale)?;
            match known {
                Some(user) if user.id == who.id => {}
                Some(_) => return Err(Problem::Taken.into()),
                None => match store.link_identity(&who.id, identity).await {
                    Err(StoreError::Conflict(_)) => return Err(Problem::Taken.into()),
                    linked => linked?,
                },
            }
            settled.next = "/settings/account".to_owned();
        }
        Purpose::SignIn(next) => {
            settled.user = Some(match known {
                Some(user) => user,
                None => admit(site, provider, person, identity).await?,
            });
            settled.next = next;
        }
        Purpose::Accept(invitation) => {
            let hash = runs::links::hash(&invitation);
            let (user, team) = match known {
                Some(user) => match store.accept_invitation(&hash, &user.id).await {
                    // They are in the team already: nothing to accept.
                    Err(StoreError::Conflict(_)) => (user, None),
                    joined => (user, Some(joined?)),
                },
                None => {
                    let newcomer = |name: String| {
                        let hash = hash.clone();
                        async move {
                            let newcomer = Newcomer::Identity {
                                name: &name,
                                identity,
                            };
                            store.accept_invitation_as_newcomer(&hash, newcomer).await
                        }
                    };
                    let (user, team) = with_a_free_name(person, newcomer).await?;
                    (user, Some(team))
                }
            };
            settled.user = Some(user);
            settled.team = team;
        }
    }
    Ok(settled)
}

/// Makes the account of a new person whom the operator lets in.
async fn admit(
    site: &Site,
    provider: &Provider,
    person: &Person,
    identity: Identity<'_>,
) -> Result<User, Stopped> {
    let store = &site.services.store;
    let settings = provider.settings();
    settings
        .allow
        .check(person.email.as_deref(), person.is_email_verified)?;
    let team = store.team_to_join(settings.team.as_deref()).await?;
    let made = with_a_free_name(person, |name: String| {
        let team = team.clone();
        async move {
            let new = NewPerson {
                name: &name,
                identity: Some(identity),
                password_hash: None,
                team: &team,
                role: settings.role,
            };
            store.create_person(new).await
        }
    });
    match made.await {
        // Somebody who pressed twice: the other request made the account.
        Err(StoreError::Conflict(sentence)) => {
            let other = store.identity_user(identity).await?;
            other.ok_or(Stopped::Store(StoreError::Conflict(sentence)))
        }
        made => {
            let user = made?;
            tracing::info!(
                user.id = user.id.as_str(),
                "the sign-in provider let a new person in"
            );
            Ok(user)
        }
    }
}

/// Tries what a person is called, then that with a number behind it, until a name is free.
async fn with_a_free_name<T, F>(person: &Person, make: impl Fn(String) -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    let name = name_of(person);
    let mut made = make(name.clone()).await;
    for number in 2..=NAMES {
        if !matches!(made, Err(StoreError::Conflict(_))) {
            break;
        }
        made = make(format!("{name} {number}")).await;
    }
    made
}

/// What somebody is called here: as at the provider, where that can be a name.
fn name_of(person: &Person) -> String {
    let local = person.email.as_deref().and_then(|email| email.split('@').next());
    let names = [person.username.as_deref(), person.name.as_deref(), local];
    let name = names.into_iter().flatten().find(|name| !name.trim().is_empty());
    // Room for a number behind it.
    name.unwrap_or("person").trim().chars().take(70).collect()
}

/// The page that shows what went wrong.
pub fn page_of(purpose: &Purpose) -> String {
    match purpose {
        Purpose::SignIn(_) => "/sign-in".to_owned(),
        Purpose::Link => "/settings/account".to_owned(),
        Purpose::Accept(invitation) => format!("/invite/{}", app::parts::errors::in_query(invitation)),
    }
}

/// Back to it.
pub fn back_with(page: &str, problem: Problem) -> Response {
    Redirect::to(&format!("{page}?problem={}", problem.as_str())).into_response()
}
