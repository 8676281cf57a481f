//! Standard input of a running program, given piece by piece.

use std::os::fd::OwnedFd;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::unix::pipe::Sender;

/// How long a program may leave a full pipe unread before the giver is told.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why input was not taken.
#[derive(Debug, thiserror::Error)]
pub(in crate::toolbox) enum InputError {
    /// The pipe was closed, by the giver or because the program has none.
    #[error("Standard input of this command is closed.")]
    Closed,
    /// The program does not read.
    #[error("The command has not read its input for 30 seconds; the rest was not given.")]
    Full,
    /// The operating system refused.
    #[error("The command's input could not be written: {0}.")]
    System(std::io::Error),
}

/// The write end; closed when taken.
#[derive(Debug, Default)]
pub(in crate::toolbox) struct Input(Option<Sender>);

impl Input {
    /// # Errors
    /// When the descriptor is no pipe, or cannot be watched.
    pub(in crate::toolbox) fn new(pipe: OwnedFd) -> std::io::Result<Self> {
        Sender::from_owned_fd(pipe).map(|pipe| Self(Some(pipe)))
    }

    /// Gives all bytes.
    pub(in crate::toolbox) async fn write(&mut self, mut bytes: &[u8]) -> Result<(), InputError> {
        let pipe = self.0.as_mut().ok_or(InputError::Closed)?;
        while !bytes.is_empty() {
            match tokio::time::timeout(PATIENCE, pipe.write(bytes)).await {
                Ok(Ok(written)) => bytes = &bytes[written..],
                Ok(Err(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => {
                    self.close();
                    return Err(InputError::Closed);
                }
                Ok(Err(error)) => return Err(InputError::System(error)),
                Err(_) => return Err(InputError::Full),
            }
        }
        Ok(())
    }

    /// The program reads the end after what was given.
    pub(in crate::toolbox) fn close(&mut self) {
        self.0 = None;
    }
}
