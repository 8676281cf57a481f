//! Permissions in the types of handlers. Routes of the REST API are made with
//! [`on`], [`get`] and [`put`] of this module, which take only handlers whose first
//! argument is [`Can`]: one that forgot its permission does not compile.

use super::{
    Site,
    credential::{Admission, Credential},
    refusal::Refusal,
};
use app::{ErrorCode, session::SignedIn};
use axum::{
    extract::FromRequestParts,
    handler::Handler,
    routing::{MethodFilter, MethodRouter},
};
use http::request::Parts;
use model::{Agent, AgentId, Permission, Role, Run as ModelRun, RunId, TeamId, Trigger, User};
use std::marker::PhantomData;
use store::StoreError;

/// A permission as a type.
pub trait PermissionMarker {
    /// The permission.
    const PERMISSION: Permission;
}

/// See agents, their files, runs and logs.
pub struct Read;
impl PermissionMarker for Read {
    const PERMISSION: Permission = Permission::Read;
}

/// Create, change and delete agents and their files.
pub struct Edit;
impl PermissionMarker for Edit {
    const PERMISSION: Permission = Permission::Edit;
}

/// Start and stop runs, and write to them.
pub struct Run;
impl PermissionMarker for Run {
    const PERMISSION: Permission = Permission::Run;
}

/// Look after what the team has in common: members, secrets, tokens, schedules, webhooks, budgets.
pub struct Administer;
impl PermissionMarker for Administer {
    const PERMISSION: Permission = Permission::Administer;
}

/// The proof that whoever asks is signed in and may do it.
pub struct Can<P> {
    /// Who asks.
    pub user: User,
    /// The team they ask in: a session's current one, a token's own. What is another team's is not there.
    pub team: TeamId,
    /// What they are in that team.
    pub role: Role,
    /// By what they are known.
    pub credential: Credential,
    permission: PhantomData<P>,
}

impl<P> Can<P> {
    /// What a run is started by that this request starts.
    pub fn trigger(&self) -> Trigger {
        match &self.credential {
            Credential::Session(_) => Trigger::person(&self.user),
            Credential::Token(token) => Trigger::token(token),
        }
    }
}

impl<P: PermissionMarker, S: Sync> FromRequestParts<S> for Can<P> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refusal> {
        let who = parts.extensions.get::<SignedIn>().cloned();
        let who = who.ok_or_else(Refusal::signed_out)?;
        let credential = parts.extensions.get::<Credential>().cloned();
        let credential = credential.ok_or_else(Refusal::signed_out)?;
        if !credential.includes(P::PERMISSION) {
            return Err(Refusal::new(
                ErrorCode::Forbidden,
                format!(
                    "This token may not do this: it lacks the scope {}. Make one that has it, in the settings or with `pitlane token create`.",
                    P::PERMISSION.as_str()
                ),
            ));
        }
        let caller = who.may(P::PERMISSION)?;
        Ok(Self {
            user: caller.user,
            team: caller.team,
            role: caller.role,
            credential,
            permission: PhantomData,
        })
    }
}

impl<P: PermissionMarker> Can<P> {
    /// The same for what goes on for long, and asks again and again whether it still may.
    pub fn admission(&self) -> Admission {
        Admission {
            credential: self.credential.clone(),
            user: self.user.id.clone(),
            team: self.team.clone(),
            permission: P::PERMISSION,
        }
    }

    /// The team's agent of this id.
    pub async fn agent(&self, site: &Site, id: &AgentId) -> Result<Agent, Refusal> {
        let found = site.services.store.agent_in(&self.team, id).await;
        found.map_err(Refusal::agent_not_found)
    }

    /// The team's agent of this id, or of this name in addresses.
    pub async fn agent_named(&self, site: &Site, named: &str) -> Result<Agent, Refusal> {
        let store = &site.services.store;
        if let Ok(id) = AgentId::parse(named) {
            match store.agent_in(&self.team, &id).await {
                Err(StoreError::NotFound(_)) => {}
                found => return Ok(found?),
            }
        }
        let found = store.agent_by_slug(&self.team, named).await;
        found.map_err(Refusal::agent_not_found)
    }

    /// The team's run of this id.
    pub async fn run(&self, site: &Site, id: &RunId) -> Result<ModelRun, Refusal> {
        Ok(site.services.store.run_in(&self.team, id).await?)
    }
}

/// Arguments of a handler that begin with a permission.
pub trait BeginsWithPermission {
    /// The permission.
    const PERMISSION: Permission;
}

macro_rules! begins_with_permission {
    ($($argument:ident)*) => {
        impl<M, P: PermissionMarker, $($argument),*> BeginsWithPermission for (M, Can<P>, $($argument),*) {
            const PERMISSION: Permission = P::PERMISSION;
        }
    };
}
begins_with_permission!();
begins_with_permission!(A);
begins_with_permission!(A B);
begins_with_permission!(A B C);
begins_with_permission!(A B C D);
begins_with_permission!(A B C D E);

/// A route for some methods.
pub fn on<H, T>(methods: MethodFilter, handler: H) -> MethodRouter<Site>
where
    H: Handler<T, Site>,
    T: BeginsWithPermission + 'static,
{
    axum::routing::on(methods, handler)
}

/// A route for GET.
pub fn get<H, T>(handler: H) -> MethodRouter<Site>
where
    H: Handler<T, Site>,
    T: BeginsWithPermission + 'static,
{
    axum::routing::get(handler)
}

/// A route for PUT.
pub fn put<H, T>(handler: H) -> MethodRouter<Site>
where
    H: Handler<T, Site>,
    T: BeginsWithPermission + 'static,
{
    axum::routing::put(handler)
}
