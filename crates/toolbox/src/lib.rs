//! The part of Pitlane that lives inside a sandbox, and what speaks to it.
//!
//! `toolbox` is pid 1 of every sandbox: it starts programs, reaps and ends
//! them, and works on files inside the sandbox's own mount namespace. The crate
//! also holds the protocol between pid 1 and the engine and the blocking
//! framing both sides share. It has no async runtime and no HTTP: it is forked
//! from a small single-threaded process and must stay small itself.

#![expect(
    unsafe_code,
    reason = "fork, exec, signalfd and signals to all have no safe wrapper; each block says why it holds"
)]

mod commands;
mod connect;
mod ending;
mod files;
pub mod frame;
mod helper;
mod hold;
mod launch;
mod mark;
mod processes;
pub mod protocol;
mod requests;
mod supervise;
mod terminal;

pub use files::Places;
pub use supervise::{Surroundings, supervise};
