//! The content of files, stored once per SHA-256.
//!
//! Putting a content that is there already notes the time, and collecting
//! leaves alone what was put lately: so a content that is put while the
//! collector runs is never taken away between its put and the row that refers
//! to it.

use crate::{Result, Store, StoreError, session::Session, value::values};
use model::Millis;
use sha2::{Digest, Sha256};

/// The SHA-256 of bytes, in hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Stores a content. `sha256` is that of `bytes`.
pub(crate) async fn put(session: &mut Session, sha256: &str, bytes: &[u8], now: Millis) -> Result<()> {
    session
        .execute(
            "insert into blobs (sha256, put_at, size, body) values ($1, $2, $3, $4)
             on conflict (sha256) do update set put_at = excluded.put_at",
            values![sha256, now, bytes.len() as u64, bytes],
        )
        .await?;
    Ok(())
}

impl Store {
    /// The content of this SHA-256.
    ///
    /// # Errors
    /// `NotFound` when there is none, or none any more.
    pub async fn content(&self, sha256: &str) -> Result<Vec<u8>> {
        let body: Option<(Vec<u8>,)> = self
            .reader()
            .await?
            .optional("select body from blobs where sha256 = $1", values![sha256])
            .await?;
        let none = || StoreError::NotFound("This content is not there any more.".to_owned());
        Ok(body.ok_or_else(none)?.0)
    }

    /// Deletes the contents that no file and no revision refers to and that were last stored before
    /// `stored_before`, and gives their number. Give a point some minutes ago.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn collect_blobs(&self, stored_before: Millis) -> Result<u64> {
        let mut session = self.writer().await?;
        let deleted = session
            .execute(
                "delete from blobs where put_at < $1
                 and not exists (select 1 from files where files.sha256 = blobs.sha256)
                 and not exists (select 1 from revision_files where revision_files.sha256 = blobs.sha256)",
                values![stored_before],
            )
            .await?;
        session.commit().await?;
        Ok(deleted)
    }
}
