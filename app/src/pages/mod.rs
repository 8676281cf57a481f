//! The pages, one file each; the studio has a folder of its own.

pub mod account;
pub mod accounts;
pub mod agents;
pub mod audit;
pub mod invitations;
pub mod invite;
pub mod members;
pub mod new_agent;
pub mod not_found;
pub mod reset;
pub mod run;
pub mod sandboxes;
pub mod schedules;
pub mod secrets;
pub mod settings;
pub mod setup;
pub mod sign_in;
pub mod tokens;
pub mod usage;
pub mod webhooks;
