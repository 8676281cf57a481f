//! The server functions: the site's private API, at `/fn/NAME`. Each checks a
//! permission, calls the store or the runs, and puts errors into words.
#![expect(
    missing_docs,
    reason = "`#[server]` makes a struct of each function's arguments; the functions are documented"
)]

pub mod account;
pub mod accounts;
pub mod agents;
pub mod audit;
pub mod files;
pub mod invitations;
pub mod password;
pub mod runs;
pub mod sandboxes;
pub mod schedules;
pub mod secrets;
pub mod sessions;
pub mod teams;
pub mod tokens;
#[cfg(feature = "ssr")]
mod trigger_words;
pub mod usage;
pub mod webhooks;
#[cfg(feature = "ssr")]
mod words;

pub use account::*;
pub use accounts::*;
pub use agents::*;
pub use audit::*;
pub use files::*;
pub use invitations::*;
pub use password::*;
pub use runs::*;
pub use sandboxes::*;
pub use schedules::*;
pub use secrets::*;
pub use sessions::*;
pub use teams::*;
pub use tokens::*;
pub use usage::*;
pub use webhooks::*;
