//! The log of a run in the browser: a compact store of its lines, the words
//! of terminals (ANSI) turned into styled spans, and the panel that shows a
//! window of it.
//!
//! `store`, `ansi`, `filter`, `matches`, `source`, `segment`, `scroll` and
//! `timestamp` are plain Rust without the browser, so that they are tested
//! natively; `panel` and `view` are what a person sees.

pub mod ansi;
mod connection;
pub mod feed;
pub mod filter;
pub mod matches;
mod mount;
pub mod panel;
mod prompt;
pub mod scroll;
pub mod segment;
pub mod source;
pub mod store;
pub mod timestamp;
mod tools;
pub mod view;

pub use feed::LogFeed;
pub use panel::{LogPanel, ProgramInput};
