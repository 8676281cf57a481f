//! `cargo xtask bench`: speed and memory.
