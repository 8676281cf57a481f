//! The content of files, stored once per SHA-256.

use crate::{Result, Store};
use model::Millis;

impl Store {
    /// Deletes the contents that no file and no revision refers to and that were last stored before
    /// `stored_before`, and gives their number. Give a point some minutes ago.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn collect_blobs(&self, stored_before: Millis) -> Result<u64> {
        let _ = stored_before;
        todo!()
    }
}
