//! A reader of one run: it pulls at its own pace, from its own cursor.

use model::{Cursor, RunId, StreamMessage};

/// Reads one run from a cursor to its end.
pub struct Follower {
    run: RunId,
    cursor: Cursor,
}

impl Follower {
    /// Whose run it reads.
    #[must_use]
    pub fn run(&self) -> &RunId {
        &self.run
    }

    /// How far it is: everything before was returned by [`Follower::next`].
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// Waits for what comes next: first the run, then events and output as
    /// they come, then the end; after that, nothing. Cancel-safe: what was not
    /// returned comes with the next call.
    pub async fn next(&mut self) -> Option<Vec<StreamMessage>> {
        None
    }
}
