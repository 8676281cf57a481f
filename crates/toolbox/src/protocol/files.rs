//! What the engine and pid 1 say to each other about files.
//!
//! Everything that comes from the sandbox is a claim, not a fact: the engine
//! bounds its length and never uses a name from here as a path on the host.

use serde::{Deserialize, Serialize};

/// What kind of thing a path names (a symbolic link is not followed for this).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileKind {
    /// A regular file: the only kind that can be read or written.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A pipe, socket or device: listed, never opened.
    Special,
}

/// What is known about one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileStat {
    /// Its kind. `stat` follows links, so a dangling link is "not found".
    pub kind: FileKind,
    /// Length in bytes.
    pub size: u64,
    /// Permission bits, such as `0o644`.
    pub mode: u32,
    /// Last change, in milliseconds since 1970.
    pub modified_ms: i64,
    /// Numeric owner inside the sandbox.
    pub uid: u32,
    /// Numeric group inside the sandbox.
    pub gid: u32,
}

/// One line of a folder listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// The last part of the path, with bytes that are not UTF-8 replaced.
    pub name: String,
    /// What is known about it (links are not followed).
    pub stat: FileStat,
}

/// Why pid 1 refused a file operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileFault {
    /// Nothing has this path.
    NotFound,
    /// The permissions do not allow it.
    Denied,
    /// It exists already.
    Exists,
    /// It is a folder where a file is needed.
    IsFolder,
    /// A part of the path is not a folder.
    NotFolder,
    /// It is a pipe, socket or device; only regular files are read and written.
    NotRegular,
    /// The folder is not empty.
    NotEmpty,
    /// The disk allowance (bytes or files) is used up.
    NoSpace,
    /// The path is on a part of the file system that cannot be changed.
    ReadOnly,
    /// The path cannot be used: empty, too long, a NUL byte, a loop of links.
    BadPath,
    /// The answer would be larger than the engine accepts.
    TooLarge,
    /// The operation did not end in time.
    TimedOut,
    /// Where it is and where it is to be are two file systems, between which
    /// nothing can be moved without copying.
    OtherFileSystem,
    /// Another error number of the operating system.
    Other(i32),
}
