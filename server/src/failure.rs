//! Why a command ends without having done its work: one sentence for the
//! person at the terminal, and the exit code for the program that called.

/// A command's failure.
#[derive(Debug)]
pub struct Failure {
    /// What happened, why, and what to do.
    pub sentence: String,
    /// The exit code.
    pub code: u8,
}

/// The exit code for settings and arguments that cannot be used.
pub const UNUSABLE: u8 = 2;

impl Failure {
    /// Something went wrong while working.
    pub fn new(sentence: impl Into<String>) -> Self {
        Self {
            sentence: sentence.into(),
            code: 1,
        }
    }

    /// A setting or an argument cannot be used.
    pub fn unusable(sentence: impl Into<String>) -> Self {
        Self {
            sentence: sentence.into(),
            code: UNUSABLE,
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl std::error::Error for Failure {}
