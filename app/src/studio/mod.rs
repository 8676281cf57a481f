//! The studio: an agent's files on the left, its code in the middle, its runs
//! on the right.
//!
//! `state` holds what all parts of the page share. `documents`, `difference`
//! and `tree::rows` are plain Rust, tested natively; `saving`, `running` and
//! `tree::actions` talk to the server; the rest is what a person sees.

pub mod conflict;
mod cost;
pub mod difference;
pub mod documents;
pub mod drafts;
pub mod history;
pub mod in_step;
pub mod key_help;
pub mod layout;
pub mod page;
pub mod panels;
pub mod right;
pub mod running;

pub mod saving;
pub mod settings_dialog;
pub mod state;
pub mod status_bar;
pub mod tabs;
pub mod toolbar;
pub mod tree;
pub mod variables;
