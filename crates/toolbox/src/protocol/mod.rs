//! The messages between the engine and pid 1 of a sandbox.
//!
//! One message is one packet of a `SOCK_SEQPACKET` socket, at most
//! [`MAX_FRAME`] bytes of postcard and at most [`MAX_DESCRIPTORS`] descriptors.
//! Requests carry a number that their answer repeats; a listing is answered by
//! several packets with the same number.

mod files;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub use files::{FileEntry, FileFault, FileKind, FileStat};

/// The longest packet either side accepts, in bytes.
pub const MAX_FRAME: usize = 128 * 1024;
/// The most descriptors that may come with one packet.
pub const MAX_DESCRIPTORS: usize = 4;
/// The most entries a listing may have altogether.
pub const MAX_ENTRIES: usize = 100_000;
/// The variable that marks every process of one command.
pub const MARKER: &str = "PITLANE_COMMAND";

/// What the engine asks of pid 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Repeated in the answer.
    pub id: u32,
    /// The question.
    pub call: Call,
}

/// The questions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Call {
    /// Start a program; answered by `Started` with the pipes, in the order
    /// standard input (when `stdin`), output, errors (unless `merge_stderr`),
    /// and last the engine's end of the control socket (when `control`).
    Spawn {
        /// The program and its arguments.
        argv: Vec<String>,
        /// Its whole environment; only [`MARKER`] is added.
        env: Vec<(String, String)>,
        /// The folder it starts in.
        cwd: String,
        /// Give it a pipe to read instead of nothing.
        stdin: bool,
        /// Put its errors into the same pipe as its output.
        merge_stderr: bool,
        /// Give it one end of a packet socket as descriptor 3.
        control: bool,
    },
    /// Treat an orphan that became a child of pid 1 as a program that was
    /// started, from now on; answered by `Adopted`.
    Adopt {
        /// The process.
        pid: i32,
    },
    /// Send a signal to the process group a started program leads.
    Signal {
        /// The program, by the number `Started` gave.
        pid: i32,
        /// The signal's number.
        signal: i32,
    },
    /// End programs with everything they started.
    EndTree {
        /// The programs, by the numbers `Started` gave.
        pids: Vec<i32>,
        /// How long SIGTERM may take before SIGKILL, in milliseconds.
        grace_ms: u64,
    },
    /// Open a regular file to read; answered by `Opened` with its descriptor.
    OpenRead {
        /// The file.
        path: String,
    },
    /// Open a regular file to write, empty; answered by `Opened`.
    OpenWrite {
        /// The file.
        path: String,
        /// Its permission bits if it is made.
        mode: u32,
        /// Make the folders above it.
        create_parents: bool,
    },
    /// What is known about a path.
    Stat {
        /// The path.
        path: String,
        /// What a link at its end leads to, instead of the link itself.
        follow: bool,
    },
    /// The entries of a folder; answered by one or more `Entries`.
    List {
        /// The folder.
        path: String,
    },
    /// Make a new folder with the named pipes `in`, `out` and `err`; answered by
    /// `Piped` with the engine's ends, in this order.
    CreatePipes {
        /// The folder.
        path: String,
    },
    /// Remove such a folder.
    RemovePipes {
        /// The folder.
        path: String,
    },
    /// Make a folder and the ones above it.
    CreateFolder {
        /// The folder.
        path: String,
        /// Its permission bits if it is made.
        mode: u32,
    },
    /// Remove a file, a link or a folder.
    Remove {
        /// What to remove.
        path: String,
        /// Also a folder that is not empty.
        recursive: bool,
    },
    /// Move a file or folder; nothing that is there already is replaced.
    Rename {
        /// Where it is.
        from: String,
        /// Where it is to be.
        to: String,
    },
    /// Set permission bits.
    SetPermissions {
        /// The file or folder.
        path: String,
        /// The bits.
        mode: u32,
    },
    /// How full the home folder's file system is.
    DiskUsage,
    /// Start a program in a terminal of its own; answered by `Started` with the
    /// master's descriptor.
    SpawnInTerminal {
        /// The program and its arguments.
        argv: Vec<String>,
        /// Its whole environment; only [`MARKER`] is added.
        env: Vec<(String, String)>,
        /// The folder it starts in.
        cwd: String,
        /// How wide the terminal is.
        columns: u16,
        /// How high the terminal is.
        rows: u16,
    },
    /// Begin a connection to a port of the sandbox's own loopback device;
    /// answered by `Connecting` with the socket, or by `Errno`.
    Connect {
        /// The port.
        port: u16,
        /// To `::1` instead of `127.0.0.1`.
        ipv6: bool,
    },
    /// Stop every program where it is, or let all go on.
    Hold {
        /// Whether they are to stand still.
        still: bool,
    },
}

/// What pid 1 says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// The walls stand and requests are served. Comes with the way out of its
    /// network when there is one.
    Ready,
    /// The walls could not be built; pid 1 ends.
    SetupFailed {
        /// The sentence part that says what failed.
        reason: String,
    },
    /// The answer to a request.
    Answer {
        /// The request's number.
        id: u32,
        /// The answer.
        outcome: Outcome,
    },
    /// A program ended.
    Exited {
        /// The number `Started` gave.
        pid: i32,
        /// Its exit code, when it ended by itself.
        code: Option<i32>,
        /// The signal, when one ended it.
        signal: Option<i32>,
    },
}

/// The answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It was done.
    Done,
    /// The program runs.
    Started {
        /// Its number inside the sandbox.
        pid: i32,
    },
    /// The orphan is a program like any other.
    Adopted {
        /// Its number, as it was given.
        pid: i32,
        /// What its children are to have as [`MARKER`].
        marker: String,
    },
    /// The program does not run.
    NotStarted {
        /// At what it failed.
        step: LaunchStep,
        /// The operating system's error number.
        errno: i32,
    },
    /// The trees were ended.
    Ended {
        /// Processes that were there and are not any more.
        ended: u32,
        /// Processes that are still there.
        left: u32,
    },
    /// The file is open.
    Opened(FileStat),
    /// The connection was begun. The socket becomes writable when it stands, or
    /// cannot be made.
    Connecting,
    /// The named pipes are there.
    Piped,
    /// What is known about the path.
    Stat(FileStat),
    /// Some entries of the folder.
    Entries {
        /// Sorted by name within the whole listing.
        entries: Vec<FileEntry>,
        /// No more follow.
        last: bool,
    },
    /// How full the disk is.
    Disk {
        /// Bytes in use.
        used: u64,
        /// Bytes altogether.
        total: u64,
    },
    /// The file operation failed.
    Fault(FileFault),
    /// The operating system refused with this error number.
    Errno(i32),
}

/// At what starting a program can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LaunchStep {
    /// The arguments themselves (a NUL byte, no program).
    Arguments,
    /// A pipe for its output.
    Pipe,
    /// Another process (the process limit).
    Fork,
    /// The folder it is to start in.
    Folder,
    /// Its standard descriptors.
    Descriptors,
    /// A terminal of its own.
    Terminal,
    /// The program itself.
    Program,
}

/// A packet is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// Longer than [`MAX_FRAME`].
    #[error("a message of {0} bytes is longer than the {MAX_FRAME} that are allowed")]
    TooLong(usize),
    /// Not a message at all, or one with bytes after its end.
    #[error("a message could not be decoded")]
    Malformed,
}

/// Encodes one message for the wire.
///
/// # Errors
/// When it would be longer than the other side accepts.
pub fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, ProtocolError> {
    let bytes = postcard::to_stdvec(message).map_err(|_| ProtocolError::Malformed)?;
    if bytes.len() > MAX_FRAME {
        return Err(ProtocolError::TooLong(bytes.len()));
    }
    Ok(bytes)
}

/// Decodes one message, whatever the bytes are.
///
/// # Errors
/// When they are too many, not a message, or more than one.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ProtocolError> {
    if bytes.len() > MAX_FRAME {
        return Err(ProtocolError::TooLong(bytes.len()));
    }
    match postcard::take_from_bytes(bytes) {
        Ok((message, [])) => Ok(message),
        _ => Err(ProtocolError::Malformed),
    }
}
