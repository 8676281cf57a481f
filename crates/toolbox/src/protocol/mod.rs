//! The messages between the engine and pid 1 of a sandbox.

mod files;

pub use files::{FileEntry, FileFault, FileKind, FileStat};
