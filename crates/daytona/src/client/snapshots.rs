//! Snapshots: made, found, switched on and off, deleted.

use super::{Client, Error};
use crate::{CreateSnapshot, ListSnapshots, Snapshot, SnapshotPage, SnapshotState};
use http::Method;
use std::time::{Duration, Instant};

/// How soon a snapshot's state is asked for again.
const PAUSE: Duration = Duration::from_secs(1);

impl Client {
    /// Asks for a snapshot of an image. It is usable once it is active:
    /// [`Client::wait_snapshot`] for that.
    ///
    /// # Errors
    /// 400 for an image that cannot be had, 409 for a name that is taken.
    pub async fn create_snapshot(&self, request: &CreateSnapshot) -> Result<Snapshot, Error> {
        self.fetch(self.call(Method::POST, &["snapshots"])?.json(request)?)
            .await
    }

    /// One page of snapshots.
    ///
    /// # Errors
    /// As every call.
    pub async fn list_snapshots(&self, wanted: &ListSnapshots) -> Result<SnapshotPage, Error> {
        let mut call = self.call(Method::GET, &["snapshots"])?;
        for (name, value) in [("page", wanted.page), ("limit", wanted.limit)] {
            if let Some(value) = value {
                call = call.query(name, &value.to_string());
            }
        }
        for (name, value) in [
            ("name", &wanted.name),
            ("sourceSandboxId", &wanted.source_sandbox_id),
            ("sort", &wanted.sort),
            ("order", &wanted.order),
        ] {
            if let Some(value) = value {
                call = call.query(name, value);
            }
        }
        self.fetch(call).await
    }

    /// A snapshot by id or name.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn snapshot(&self, id_or_name: &str) -> Result<Snapshot, Error> {
        self.fetch(self.call(Method::GET, &["snapshots", id_or_name])?)
            .await
    }

    /// Deletes a snapshot, by id.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn delete_snapshot(&self, id: &str) -> Result<(), Error> {
        self.perform(self.call(Method::DELETE, &["snapshots", id])?).await
    }

    /// Makes an inactive snapshot usable again, by id.
    ///
    /// # Errors
    /// 400 when it is not inactive.
    pub async fn activate_snapshot(&self, id: &str) -> Result<Snapshot, Error> {
        self.fetch(self.call(Method::POST, &["snapshots", id, "activate"])?)
            .await
    }

    /// Puts a snapshot away, by id.
    ///
    /// # Errors
    /// 400 when it is not active.
    pub async fn deactivate_snapshot(&self, id: &str) -> Result<(), Error> {
        self.perform(self.call(Method::POST, &["snapshots", id, "deactivate"])?)
            .await
    }

    /// Waits until a snapshot is active.
    ///
    /// # Errors
    /// [`Error::SnapshotFailed`] when it went into an error state or did not
    /// become active within `timeout`, and as every call.
    pub async fn wait_snapshot(&self, id_or_name: &str, timeout: Duration) -> Result<Snapshot, Error> {
        let started = Instant::now();
        loop {
            let snapshot = self.snapshot(id_or_name).await?;
            if snapshot.state == SnapshotState::Active {
                return Ok(snapshot);
            }
            let elapsed = started.elapsed();
            if snapshot.state.is_failure() || elapsed >= timeout {
                let given = snapshot.error_reason;
                return Err(Error::SnapshotFailed {
                    id: snapshot.id,
                    state: snapshot.state,
                    reason: given
                        .unwrap_or_else(|| format!("the provider gives no reason after {elapsed:?}")),
                });
            }
            tokio::time::sleep(PAUSE.min(timeout - elapsed)).await;
        }
    }
}
