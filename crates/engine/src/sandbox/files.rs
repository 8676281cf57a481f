//! Files of a sandbox, worked on by its pid 1 inside its own mount namespace.

use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::fs::FileType;
use toolbox::protocol::{Call, Outcome};

use super::channel::{Answer, CALL_TIME, WALK_TIME};
use super::handle::{unexpected, usable_pipes};
use super::{CommandPipes, FileEntry, FileError, FileStat, Sandbox, SandboxError};

impl Sandbox {
    /// Opens a regular file for reading; the descriptor does not block.
    ///
    /// # Errors
    /// When it is not there, not a regular file, or may not be read.
    pub async fn open_read(&self, path: &str) -> Result<(OwnedFd, FileStat), FileError> {
        let answer = self
            .file_call(
                path,
                Call::OpenRead {
                    path: path.to_owned(),
                },
                CALL_TIME,
            )
            .await?;
        opened(answer)
    }

    /// Opens a regular file for writing from its start, empty.
    ///
    /// # Errors
    /// When it is something else than a regular file, or may not be written.
    pub async fn open_write(
        &self,
        path: &str,
        mode: u32,
        create_parents: bool,
    ) -> Result<OwnedFd, FileError> {
        let call = Call::OpenWrite {
            path: path.to_owned(),
            mode,
            create_parents,
        };
        let answer = self.file_call(path, call, CALL_TIME).await?;
        opened(answer).map(|(file, _)| file)
    }

    /// What is known about a path (links followed).
    ///
    /// # Errors
    /// When nothing is there.
    pub async fn stat(&self, path: &str) -> Result<FileStat, FileError> {
        self.look(path, true).await
    }

    /// What is known about a path; of a link at its end, the link.
    ///
    /// # Errors
    /// When nothing is there.
    pub async fn stat_link(&self, path: &str) -> Result<FileStat, FileError> {
        self.look(path, false).await
    }

    async fn look(&self, path: &str, follow: bool) -> Result<FileStat, FileError> {
        let call = Call::Stat {
            path: path.to_owned(),
            follow,
        };
        match self.file_call(path, call, CALL_TIME).await?.outcome {
            Outcome::Stat(stat) => Ok(stat),
            other => Err(unexpected(&other).into()),
        }
    }

    /// The entries of a folder, sorted by name.
    ///
    /// # Errors
    /// When it is no folder, or one with more than 100,000 entries.
    pub async fn list(&self, path: &str) -> Result<Vec<FileEntry>, FileError> {
        match self
            .file_call(
                path,
                Call::List {
                    path: path.to_owned(),
                },
                WALK_TIME,
            )
            .await?
            .outcome
        {
            Outcome::Entries { entries, .. } => Ok(entries),
            other => Err(unexpected(&other).into()),
        }
    }

    /// Makes a folder and the ones above it; one that is there already is fine.
    ///
    /// # Errors
    /// When something else has the name, or it may not be made.
    pub async fn create_folder(&self, path: &str, mode: u32) -> Result<(), FileError> {
        self.file_done(
            path,
            Call::CreateFolder {
                path: path.to_owned(),
                mode,
            },
            CALL_TIME,
        )
        .await
    }

    /// Removes a file, a link or an empty folder; with `recursive` also a full one.
    ///
    /// # Errors
    /// When it is not there, or not empty, or may not be removed.
    pub async fn remove(&self, path: &str, recursive: bool) -> Result<(), FileError> {
        self.file_done(
            path,
            Call::Remove {
                path: path.to_owned(),
                recursive,
            },
            WALK_TIME,
        )
        .await
    }

    /// Moves a file or folder; nothing that is at `to` already is replaced.
    ///
    /// # Errors
    /// When it is not there, or something is at `to`.
    pub async fn rename(&self, from: &str, to: &str) -> Result<(), FileError> {
        self.file_done(
            from,
            Call::Rename {
                from: from.to_owned(),
                to: to.to_owned(),
            },
            CALL_TIME,
        )
        .await
    }

    /// Sets the permission bits.
    ///
    /// # Errors
    /// When it is not there or not the sandbox's own.
    pub async fn set_permissions(&self, path: &str, mode: u32) -> Result<(), FileError> {
        self.file_done(
            path,
            Call::SetPermissions {
                path: path.to_owned(),
                mode,
            },
            CALL_TIME,
        )
        .await
    }

    /// Makes three named pipes in a new folder, for a program that opens them
    /// by name, and opens the engine's ends: `in` to write, `out` and `err` to
    /// read. Nothing written to `in` is lost before its reader comes.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub async fn create_pipes(&self, folder: &str) -> Result<CommandPipes, FileError> {
        let call = Call::CreatePipes {
            path: folder.to_owned(),
        };
        let answer = self.file_call(folder, call, CALL_TIME).await?;
        if answer.outcome != Outcome::Piped {
            return Err(unexpected(&answer.outcome).into());
        }
        let mut pipes = usable_pipes(answer.descriptors, 3)?.into_iter();
        match (pipes.next(), pipes.next(), pipes.next()) {
            (Some(stdin), Some(stdout), Some(stderr)) => Ok(CommandPipes {
                stdin,
                stdout,
                stderr,
            }),
            _ => Err(SandboxError::Protocol("a folder without its pipes".into()).into()),
        }
    }

    /// Removes the names of [`Sandbox::create_pipes`]; who holds a pipe keeps it.
    ///
    /// # Errors
    /// When they are not there any more.
    pub async fn remove_pipes(&self, folder: &str) -> Result<(), FileError> {
        self.file_done(
            folder,
            Call::RemovePipes {
                path: folder.to_owned(),
            },
            CALL_TIME,
        )
        .await
    }

    async fn file_call(&self, path: &str, call: Call, patience: Duration) -> Result<Answer, FileError> {
        let answer = self.call(call, patience).await?;
        match answer.outcome {
            Outcome::Fault(fault) => Err(FileError::Fault {
                path: path.to_owned(),
                fault,
            }),
            _ => Ok(answer),
        }
    }

    async fn file_done(&self, path: &str, call: Call, patience: Duration) -> Result<(), FileError> {
        match self.file_call(path, call, patience).await?.outcome {
            Outcome::Done => Ok(()),
            other => Err(unexpected(&other).into()),
        }
    }
}

fn opened(answer: Answer) -> Result<(OwnedFd, FileStat), FileError> {
    match (answer.outcome, answer.descriptors.into_iter().next()) {
        (Outcome::Opened(stat), Some(file)) => {
            let known = rustix::fs::fstat(&file).map_err(|error| SandboxError::System(error.to_string()))?;
            if FileType::from_raw_mode(known.st_mode) != FileType::RegularFile {
                return Err(SandboxError::Protocol("something that is no file".into()).into());
            }
            Ok((file, stat))
        }
        (other, _) => Err(unexpected(&other).into()),
    }
}
