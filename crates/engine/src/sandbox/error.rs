//! What can go wrong with a sandbox, as sentences a person can act on.

use toolbox::protocol::FileFault;

/// No isolation is to be had here; the engine does not start without.
#[derive(Debug, thiserror::Error)]
pub enum IsolationError {
    /// Every rung of the ladder was tried and refused.
    #[error("{0}")]
    Refused(Box<super::Diagnosis>),
    /// The process that makes sandboxes could not be started or went away.
    #[error("The sandbox helper process could not be started: {0}.")]
    Helper(String),
    /// A Python or Node.js that was asked for is not to be had in sandboxes.
    #[error("{0}")]
    Interpreter(String),
}

/// A sandbox could not do what was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SandboxError {
    /// It was destroyed, or its pid 1 died.
    #[error("The sandbox has ended: {0}.")]
    Ended(String),
    /// It could not be made.
    #[error("The sandbox could not be made: {0}.")]
    Create(String),
    /// A program could not be started in it.
    #[error("The program could not be started: {0}.")]
    Spawn(String),
    /// It did not answer in time.
    #[error("The sandbox did not answer within {0} seconds.")]
    Silent(u64),
    /// It, or the helper process, broke the protocol.
    #[error("The sandbox sent something that is not understood: {0}.")]
    Protocol(String),
    /// The operating system refused an operation on the host's side.
    #[error("{0}.")]
    System(String),
}

/// A file operation inside a sandbox failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum FileError {
    /// Refused inside the sandbox, for the named path.
    #[error("{path}: {}", fault_sentence(*fault))]
    Fault {
        /// The path as it was asked for.
        path: String,
        /// Why.
        fault: FileFault,
    },
    /// The sandbox itself is not there any more, or does not answer.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
}

impl FileError {
    /// The reason, when the sandbox itself gave one.
    #[must_use]
    pub fn fault(&self) -> Option<FileFault> {
        match self {
            Self::Fault { fault, .. } => Some(*fault),
            Self::Sandbox(_) => None,
        }
    }
}

fn fault_sentence(fault: FileFault) -> String {
    match fault {
        FileFault::NotFound => "no such file or directory".into(),
        FileFault::Denied => "permission denied".into(),
        FileFault::Exists => "it exists already".into(),
        FileFault::IsFolder => "it is a directory".into(),
        FileFault::NotFolder => "a part of the path is not a directory".into(),
        FileFault::NotRegular => "only regular files can be read or written".into(),
        FileFault::NotEmpty => "the directory is not empty".into(),
        FileFault::NoSpace => "the sandbox's disk space is used up".into(),
        FileFault::ReadOnly => "this part of the file system is read-only".into(),
        FileFault::BadPath => "this path cannot be used".into(),
        FileFault::TooLarge => "the answer is too large".into(),
        FileFault::TimedOut => "the operation did not end in time".into(),
        FileFault::OtherFileSystem => "it lies on another file system".into(),
        FileFault::Other(number) => std::io::Error::from_raw_os_error(number).to_string(),
    }
}
