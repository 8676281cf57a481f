//! The sandbox that a call is about, found before its handler runs: who asks
//! may ask, and it is one of the caller's organization.

use std::ops::Deref;
use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use daytona::Sandbox;

use super::present::{Base, describe};
use crate::fault::Fault;
use crate::identity::Caller;
use crate::registry::Entry;
use crate::state::SharedEngine;

/// The parameter of a route that names a sandbox, by its id or name.
const PARAMETER: &str = "sandbox";

/// A sandbox, and who asks about it: a [`Caller`], or one that
/// [`Can`](crate::identity::Can) do something.
pub(super) struct Asked<C> {
    pub(super) engine: SharedEngine,
    pub(super) entry: Arc<Entry>,
    pub(super) caller: C,
    base: Base,
}

impl<C> Asked<C> {
    /// The sandbox as it is now, which is the answer of most calls.
    pub(super) fn shown(&self) -> Answer<Sandbox> {
        Answer(self.describe(&self.entry))
    }

    /// Another sandbox, as this caller is shown it.
    pub(super) fn describe(&self, entry: &Entry) -> Sandbox {
        describe(entry, &self.base)
    }
}

impl<C> FromRequestParts<SharedEngine> for Asked<C>
where
    C: FromRequestParts<SharedEngine, Rejection = Fault> + AsRef<Caller> + Send,
{
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, engine: &SharedEngine) -> Result<Self, Fault> {
        let caller = C::from_request_parts(parts, engine).await?;
        let Ok(base) = Base::from_request_parts(parts, engine).await;
        let unreadable = || Fault::bad_request("The sandbox's name in the address is not UTF-8.");
        let named = RawPathParams::from_request_parts(parts, engine)
            .await
            .map_err(|_| unreadable())?;
        let named = named.iter().find(|(name, _)| *name == PARAMETER);
        let named = named.map(|(_, value)| value).unwrap_or_default();
        Ok(Self {
            engine: Arc::clone(engine),
            entry: engine.registry.find(caller.as_ref(), named)?,
            caller,
            base,
        })
    }
}

impl<C> Deref for Asked<C> {
    type Target = Arc<Entry>;

    fn deref(&self) -> &Arc<Entry> {
        &self.entry
    }
}
