//! Who asks: organizations, their API keys, and what each key may.
//!
//! Everything a client can name belongs to one organization, and a key opens
//! one organization. The engine's own key (of [`EngineConfig`]) is the
//! administrator's: it belongs to the first organization, may everything, is
//! never written to the book of keys, and alone may make further organizations.
//!
//! A handler says what it needs in its signature: [`Caller`] for any valid
//! key, [`Can`] for a key with one permission, [`Administrator`] for the
//! engine's own. What it then finds, it finds with that caller (see
//! [`Registry::find`]), so that no handler can reach over to another
//! organization by forgetting to look.
//!
//! [`EngineConfig`]: crate::EngineConfig
//! [`Registry::find`]: crate::registry::Registry::find

mod book;
mod caller;
mod key;
mod permission;
mod store;

pub(crate) use book::Organization;
pub(crate) use caller::{Administrator, Caller, Can};
pub(crate) use key::Key;
pub(crate) use permission::{Permission, permit};
pub(crate) use store::{Identity, NewKey};

/// The organization of the engine's own key, and of everything that was made
/// before there were several.
pub(crate) const FIRST_ORGANIZATION: &str = "pitlane";

/// [`FIRST_ORGANIZATION`], owned: what a record without an organization has.
pub(crate) fn first_organization() -> String {
    FIRST_ORGANIZATION.to_owned()
}
