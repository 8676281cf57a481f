//! The log of a run in the browser: a compact store of its lines, the words
//! of terminals (ANSI) turned into styled spans, and the panel that shows a
//! window of it.
//!
//! `store`, `ansi`, `filter` and `source` are plain Rust without the browser,
//! so that they are tested natively; `panel` and `view` are what a person sees.

pub mod feed;
pub mod panel;

pub use feed::LogFeed;
pub use panel::{LogPanel, ProgramInput};
