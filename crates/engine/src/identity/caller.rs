//! Who asks, as handlers take it.

use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;

use super::permission::Permit;
use super::{Key, Permission};
use crate::fault::Fault;

/// Who asks: a valid key, and through it an organization and permissions.
#[derive(Clone, Debug)]
pub(crate) struct Caller(Arc<Key>);

impl Caller {
    pub(super) fn new(key: Arc<Key>) -> Self {
        Self(key)
    }

    /// The organization whose things it may see.
    pub(crate) fn organization(&self) -> &str {
        self.0.organization()
    }

    /// The key it came with.
    pub(crate) fn key(&self) -> &Arc<Key> {
        &self.0
    }

    /// Whether it has the engine's own key.
    pub(crate) fn is_administrator(&self) -> bool {
        self.0.is_administrator()
    }

    pub(crate) fn may(&self, permission: Permission) -> bool {
        self.0.permissions().contains(&permission)
    }

    /// Refuses a caller without this permission. For calls that need it only in
    /// some cases; the others take [`Can`].
    pub(crate) fn must(&self, permission: Permission) -> Result<(), Fault> {
        if self.may(permission) {
            return Ok(());
        }
        Err(Fault::new(
            StatusCode::FORBIDDEN,
            format!(
                "The API key {} has no permission {}. Use one that has.",
                self.0.name(),
                permission.as_str()
            ),
        ))
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Fault> {
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(crate::auth::refused)
    }
}

/// A caller that has the permission `P`, one of [`permit`](super::permit).
pub(crate) struct Can<P>(Caller, PhantomData<P>);

impl AsRef<Caller> for Caller {
    fn as_ref(&self) -> &Caller {
        self
    }
}

impl<P> AsRef<Caller> for Can<P> {
    fn as_ref(&self) -> &Caller {
        &self.0
    }
}

impl<P> Deref for Can<P> {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.0
    }
}

impl<S: Sync, P: Permit> FromRequestParts<S> for Can<P> {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fault> {
        let caller = Caller::from_request_parts(parts, state).await?;
        caller.must(P::PERMISSION)?;
        Ok(Self(caller, PhantomData))
    }
}

/// A caller with the engine's own key.
pub(crate) struct Administrator;

impl<S: Sync> FromRequestParts<S> for Administrator {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fault> {
        let caller = Caller::from_request_parts(parts, state).await?;
        if !caller.is_administrator() {
            return Err(Fault::new(
                StatusCode::FORBIDDEN,
                "Only the engine's own key may do this: the one it was started with.",
            ));
        }
        Ok(Self)
    }
}
