//! Talking to a Python worker: its order, and the messages it sends.
//!
//! `src/python/zygote.py` is the other end. What comes from there is a claim of
//! the sandbox's user: bounded in length here, and checked by whoever reads it.

mod start;
mod words;

pub(super) use start::{needs_own_start, worker};
pub(super) use words::{Order, Words, send};
