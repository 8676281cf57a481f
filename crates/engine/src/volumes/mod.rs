//! Volumes: folders of their own that several sandboxes show and write at the
//! same time, and that outlive them all.
//!
//! Each is a folder below the data directory. As root its files belong to one
//! owner on disk, whichever sandbox's uid wrote them. How many bytes it holds
//! is not bounded.

use std::io;
use std::os::unix::fs::{DirBuilderExt, chown};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use daytona::VolumeState;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::clock;
use crate::control::describe_volume;
use crate::events::Events;
use crate::fault::Fault;
use crate::records::{Records, kept};
use crate::sandbox::{Standing, VOLUME_OWNER};

const KIND: &str = "Volume";

/// A volume, as it is kept on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct VolumeRecord {
    pub(crate) id: String,
    pub(crate) organization: String,
    pub(crate) name: String,
    pub(crate) created_ms: i64,
    pub(crate) updated_ms: i64,
    pub(crate) last_used_ms: Option<i64>,
}

kept!(VolumeRecord);

/// All volumes.
#[derive(Debug)]
pub(crate) struct Volumes {
    records: Records<VolumeRecord>,
    events: Arc<Events>,
}

impl Volumes {
    pub(crate) fn open(data_dir: &Path, events: Arc<Events>) -> io::Result<Self> {
        Ok(Self {
            records: Records::open(data_dir.join("volumes"))?,
            events,
        })
    }

    /// Makes an empty one.
    pub(crate) fn create(&self, organization: &str, name: &str) -> Result<VolumeRecord, Fault> {
        let now = clock::now_ms();
        let record = VolumeRecord {
            id: uuid::Uuid::new_v4().to_string(),
            organization: organization.to_owned(),
            name: name.to_owned(),
            created_ms: now,
            updated_ms: now,
            last_used_ms: None,
        };
        let folder = self.folder(&record.id);
        make(&folder)
            .map_err(|error| Fault::internal(format!("The volume's folder could not be made: {error}.")))?;
        self.records.add(record.clone()).map_err(|error| {
            let _ = std::fs::remove_dir(&folder);
            error.fault(KIND, name)
        })?;
        self.events.say(organization, || {
            (
                "volume.created",
                json!(describe_volume(&record, VolumeState::Ready)),
            )
        });
        Ok(record)
    }

    /// One of an organization, by id or name.
    pub(crate) fn find(&self, organization: &str, id_or_name: &str) -> Option<VolumeRecord> {
        self.records.find(organization, id_or_name)
    }

    /// The same, or Daytona's 404.
    pub(crate) fn show(&self, organization: &str, id_or_name: &str) -> Result<VolumeRecord, Fault> {
        self.records.show(KIND, organization, id_or_name)
    }

    pub(crate) fn of(&self, organization: &str) -> Vec<VolumeRecord> {
        self.records.of(organization)
    }

    /// A sandbox that is known to the registry begins to use it; `false` when
    /// it was deleted meanwhile.
    pub(crate) fn used(&self, id: &str) -> bool {
        let used = self
            .records
            .update(id, |record| record.last_used_ms = Some(clock::now_ms()));
        let Some(record) = used else { return false };
        self.events.say(&record.organization, || {
            let volume = describe_volume(&record, VolumeState::Ready);
            ("volume.lastUsedAt.updated", json!(volume))
        });
        true
    }

    /// Where its files are.
    pub(crate) fn folder(&self, id: &str) -> PathBuf {
        self.records.folder().join(id)
    }

    /// Forgets it unless it is used, which is asked while nobody can begin to.
    pub(crate) fn forget_unless(&self, id: &str, is_used: impl FnOnce() -> bool) -> bool {
        let mut gone = None;
        let removed = self.records.remove_if(id, |record| {
            gone = Some(record.clone());
            !is_used()
        });
        if let Some(record) = gone.filter(|_| removed) {
            self.events.say(&record.organization, || {
                let volume = describe_volume(&record, VolumeState::Deleted);
                let (old, new) = (VolumeState::Ready, VolumeState::Deleted);
                (
                    "volume.state.updated",
                    json!({"volume": volume, "oldState": old, "newState": new}),
                )
            });
        }
        removed
    }
}

fn make(folder: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().mode(0o700).create(folder)?;
    if Standing::find().is_root() {
        chown(folder, Some(VOLUME_OWNER), Some(VOLUME_OWNER))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_in_use_stays() {
        let data = tempfile::tempdir().unwrap();
        let volumes = Volumes::open(data.path(), Default::default()).unwrap();
        let made = volumes.create("red", "v").unwrap();
        assert!(volumes.create("red", "v").is_err());
        assert_eq!(std::fs::read_dir(data.path().join("volumes")).unwrap().count(), 2);
        assert!(volumes.used(&made.id) && volumes.find("red", "v").unwrap().last_used_ms.is_some());
        assert!(!volumes.forget_unless(&made.id, || true));
        assert!(volumes.forget_unless(&made.id, || false));
        assert!(!volumes.used(&made.id));
        assert!(
            volumes.folder(&made.id).exists(),
            "its files are removed by who forgot it"
        );
    }
}
