//! The host's side of the pool: what stands ready, and how it becomes what is
//! asked for.
//!
//! A sandbox whose home is to be kept has it on the disk, under its own name.
//! One that stands ready has a home there too, under a name of its own, which
//! is renamed when the sandbox is handed out; one whose home is not to be kept
//! after all removes it at its end.

use std::sync::{Arc, Weak};

use super::host::Inner;
use super::room::Room;
use super::{Ready, SandboxError, SandboxHost, SandboxSpec};

/// The shelf of the operator's ready sandboxes that keep nothing.
const OWN: &str = "own";
/// The same of those whose home is kept.
const OWN_KEPT: &str = "own-kept";

impl SandboxHost {
    /// Keeps the operator's number of sandboxes of default limits ready, of
    /// those that keep nothing and of those that do.
    pub(super) fn keep_own(&self, size: usize) {
        for (name, keep_home) in [(OWN, false), (OWN_KEPT, true)] {
            let spec = SandboxSpec {
                keep_home,
                shelf: self.inner.config.shelf.clone(),
                ..SandboxSpec::default()
            };
            self.pool.keep(name, spec, size);
        }
    }

    /// Keeps `size` sandboxes ready, under a name, for whoever creates one from
    /// this name. They serve sandboxes that keep their home and those that do
    /// not.
    ///
    /// # Errors
    /// When none can be made ready on this host.
    pub fn keep_ready(&self, name: &str, spec: SandboxSpec, size: usize) -> Result<(), SandboxError> {
        if !self.inner.isolation.level.has_namespaces() {
            return Err(SandboxError::Create(
                "without namespaces its home is a folder with its name, so none can be ready before it is asked for"
                    .into(),
            ));
        }
        let spec = SandboxSpec {
            keep_home: true,
            ..spec
        };
        self.pool.keep(name, spec, size);
        Ok(())
    }

    /// Ends what stands ready under a name.
    pub fn keep_no_more(&self, name: &str) {
        self.pool.forget(name);
    }

    /// How many stand ready under a name.
    #[must_use]
    pub fn ready(&self, name: &str) -> Ready {
        self.pool.ready(name)
    }

    /// One that stands ready under one of these names, or is the operator's,
    /// and has become what is asked for.
    pub(super) async fn take_ready(&self, names: &[&str], spec: &SandboxSpec) -> Option<(String, Room)> {
        // A home that is there already is not exchanged for an empty one.
        if spec.keep_home && self.inner.homes.has(&spec.id) {
            return None;
        }
        let names: Vec<&str> = names.iter().copied().chain([OWN, OWN_KEPT]).collect();
        let (name, mut room) = self.pool.take(&names, spec)?;
        let lent = room.lent().map(ToOwned::to_owned);
        if let Some(lent) = lent {
            match self.inner.homes.rename(&lent, &spec.id) {
                Ok(folder) => room.settle(folder, spec.keep_home),
                Err(error) => {
                    tracing::warn!(%error, "the home of a ready sandbox could not be given away");
                    return None;
                }
            }
        }
        // One whose limits cannot be changed is ended by being dropped.
        room.become_what(spec).await.then_some((name, room))
    }
}

/// The pool's way to a sandbox; `None` once the host is gone or closing.
pub(super) async fn make(inner: Weak<Inner>, spec: SandboxSpec) -> Option<Result<Room, SandboxError>> {
    let inner = inner.upgrade().filter(|inner| !inner.closed.initialized())?;
    if !inner.isolation.level.has_namespaces() {
        // Their homes are folders with the sandbox's name: none can be ready.
        return None;
    }
    let id = uuid::Uuid::new_v4().to_string();
    let built = inner
        .build(&SandboxSpec {
            id: id.clone(),
            ..spec.clone()
        })
        .await;
    let built = match built {
        Ok(mut room) => {
            room.start_python().await;
            if spec.keep_home {
                room.lend(id, Arc::clone(&inner.homes));
            }
            Ok(room)
        }
        Err(error) => {
            if spec.keep_home {
                remove_home(&inner, id).await;
            }
            Err(error)
        }
    };
    Some(built)
}

async fn remove_home(inner: &Inner, id: String) {
    let homes = Arc::clone(&inner.homes);
    let removed = tokio::task::spawn_blocking(move || homes.remove(&id)).await;
    if let Ok(Err(error)) = removed {
        tracing::warn!(%error, "the home of a sandbox that could not be made ready stays");
    }
}
