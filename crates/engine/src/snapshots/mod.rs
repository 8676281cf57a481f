//! Snapshots: what sandboxes are made from. The general ones are the host's own
//! programs in Daytona's three sizes and the operator's images; users make
//! others, from images, builds and sandboxes.

mod general;
mod record;

pub(crate) use general::SIZES;
pub(crate) use record::{Origin, SnapshotRecord};

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use daytona::SnapshotState;
use serde_json::json;

use crate::clock;
use crate::control::describe_snapshot;
use crate::events::Events;
use crate::fault::Fault;
use crate::images::Images;
use crate::records::{NotAdded, Records};

const KIND: &str = "Snapshot";

/// All snapshots.
#[derive(Debug)]
pub(crate) struct Snapshots {
    general: Vec<SnapshotRecord>,
    made: Records<SnapshotRecord>,
    events: Arc<Events>,
}

impl Snapshots {
    /// Reads those an earlier engine kept. One that was in the making is not
    /// going to be any more.
    pub(crate) fn open(data_dir: &Path, images: &Images, events: Arc<Events>) -> io::Result<Self> {
        let made = Records::<SnapshotRecord>::open(data_dir.join("snapshots"))?;
        for record in made.list() {
            let state = match record.state {
                SnapshotState::Active | SnapshotState::Inactive | SnapshotState::Error => continue,
                SnapshotState::BuildFailed => continue,
                SnapshotState::Building | SnapshotState::Pending => SnapshotState::BuildFailed,
                _ => SnapshotState::Error,
            };
            made.update(&record.id, |record| {
                record.state = state;
                record.error_reason = Some("The engine ended before the snapshot was there.".to_owned());
            });
        }
        Ok(Self {
            general: general::all(images),
            made,
            events,
        })
    }

    /// The snapshot that is used when none is named.
    pub(crate) fn default(&self) -> SnapshotRecord {
        self.general[0].clone()
    }

    /// The general one with this name.
    pub(crate) fn general(&self, name: &str) -> Option<SnapshotRecord> {
        self.general.iter().find(|record| record.name == name).cloned()
    }

    /// One an organization may use, by id or name; its own go first.
    pub(crate) fn find(&self, organization: &str, id_or_name: &str) -> Option<SnapshotRecord> {
        self.made.find(organization, id_or_name).or_else(|| {
            let mut general = self.general.iter();
            general
                .find(|record| record.id == id_or_name || record.name == id_or_name)
                .cloned()
        })
    }

    /// The same, or Daytona's 404.
    pub(crate) fn show(&self, organization: &str, id_or_name: &str) -> Result<SnapshotRecord, Fault> {
        self.find(organization, id_or_name)
            .ok_or_else(|| Fault::not_found(format!("{KIND} with ID or name {id_or_name} not found")))
    }

    /// All an organization may use.
    pub(crate) fn of(&self, organization: &str) -> Vec<SnapshotRecord> {
        let mut all = self.general.clone();
        all.extend(self.made_by(organization));
        all
    }

    /// Those an organization has made.
    pub(crate) fn made_by(&self, organization: &str) -> Vec<SnapshotRecord> {
        self.made.of(organization)
    }

    /// Whether one with this id was made, whosever it is.
    pub(crate) fn knows(&self, id: &str) -> bool {
        !self.made.ids(|record| record.id == id).is_empty()
    }

    /// What sandboxes of it are made from.
    pub(crate) fn origin(&self, record: &SnapshotRecord) -> Origin {
        Origin {
            seed: record.size.map(|_| self.archive(&record.id)),
            ..record.origin.clone()
        }
    }

    /// Adds one.
    pub(crate) fn add(&self, record: SnapshotRecord) -> Result<(), Fault> {
        let name = record.name.clone();
        if self.general(&name).is_some() {
            return Err(NotAdded::NameTaken.fault(KIND, &name));
        }
        let added = self.made.add(record.clone());
        added.map_err(|error| error.fault(KIND, &name))?;
        self.events.say(&record.organization, || {
            ("snapshot.created", json!(describe_snapshot(&record)))
        });
        Ok(())
    }

    /// Changes one that was made; `None` when it is gone.
    pub(crate) fn update(
        &self,
        id: &str,
        change: impl FnOnce(&mut SnapshotRecord),
    ) -> Option<SnapshotRecord> {
        let mut before = None;
        let changed = self.made.update(id, |record| {
            before = Some(record.state);
            change(record);
            record.updated_ms = clock::now_ms();
        })?;
        if let Some(before) = before.filter(|before| *before != changed.state) {
            self.events.say(&changed.organization, || {
                let snapshot = describe_snapshot(&changed);
                (
                    "snapshot.state.updated",
                    json!({"snapshot": snapshot, "oldState": before, "newState": changed.state}),
                )
            });
        }
        Some(changed)
    }

    /// A sandbox was made from it.
    pub(crate) fn used(&self, id: &str) {
        self.made
            .update(id, |record| record.last_used_ms = Some(clock::now_ms()));
    }

    /// Puts away what nobody used for `limit_ms`, unless `is_needed`. Making it
    /// active again counts as a use.
    pub(crate) fn put_away(&self, now_ms: i64, limit_ms: i64, is_needed: impl Fn(&SnapshotRecord) -> bool) {
        let unused = |record: &SnapshotRecord| now_ms.saturating_sub(record.used_ms()) >= limit_ms;
        let due = |record: &SnapshotRecord| {
            record.state == SnapshotState::Active && unused(record) && !is_needed(record)
        };
        for id in self.made.ids(due) {
            tracing::info!(snapshot = id, "a snapshot that nobody used is put away");
            self.update(&id, |record| {
                // It may have been used, or made anew, a moment ago.
                if record.state == SnapshotState::Active && unused(record) {
                    record.state = SnapshotState::Inactive;
                }
            });
        }
    }

    /// Where the files of one are.
    pub(crate) fn archive(&self, id: &str) -> PathBuf {
        self.made.folder().join(format!("{id}.tar"))
    }

    /// Forgets one with its files.
    pub(crate) fn remove(&self, id: &str) {
        let mut removed = None;
        self.made.remove_if(id, |record| {
            removed = Some(record.clone());
            true
        });
        if let Some(record) = removed {
            self.events.say(&record.organization, || {
                ("snapshot.removed", json!(describe_snapshot(&record)))
            });
        }
        match std::fs::remove_file(self.archive(id)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::error!(%error, id, "a snapshot's files could not be removed");
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn general_ones_are_everybodys_and_made_ones_their_organizations() {
        let data = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(data.path().join("debian/usr/bin")).unwrap();
        let images = format!("debian:12={}", data.path().join("debian").display());
        let images: Images = images.parse().unwrap();
        let snapshots = Snapshots::open(data.path(), &images, Default::default()).unwrap();
        assert_eq!(snapshots.default().name, SIZES[0].0);
        assert_eq!(
            snapshots
                .find("red", "debian:12")
                .unwrap()
                .origin
                .image
                .as_deref(),
            Some("debian:12")
        );
        let made = SnapshotRecord::new("red", "mine", Origin::default(), (1, 1, 1));
        let id = made.id.clone();
        snapshots.add(made.clone()).unwrap();
        for name in ["mine", "daytona-small", &id] {
            let again = SnapshotRecord::new("red", name, Origin::default(), (1, 1, 1));
            assert!(snapshots.add(again).is_err(), "{name}");
        }
        assert!(snapshots.find("blue", "mine").is_none() && snapshots.find("blue", &id).is_none());
        assert_eq!((snapshots.of("red").len(), snapshots.of("blue").len()), (5, 4));

        snapshots.update(&id, |record| record.state = SnapshotState::Building);
        std::fs::write(snapshots.archive(&id), "x").unwrap();
        let again = Snapshots::open(data.path(), &Images::default(), Default::default()).unwrap();
        assert_eq!(again.find("red", &id).unwrap().state, SnapshotState::BuildFailed);
        again.remove(&id);
        assert!(!again.archive(&id).exists() && again.find("red", &id).is_none());
    }
    #[test]
    fn what_nobody_uses_is_put_away_and_comes_back() {
        let data = tempfile::tempdir().unwrap();
        let snapshots = Snapshots::open(data.path(), &Images::default(), Default::default()).unwrap();
        let (active, inactive, error) = (
            SnapshotState::Active,
            SnapshotState::Inactive,
            SnapshotState::Error,
        );
        let add = |name: &str, last_used_ms, state| {
            let mut record = SnapshotRecord::new("red", name, Origin::default(), (1, 1, 1));
            (record.created_ms, record.updated_ms) = (1000, 1000);
            (record.last_used_ms, record.state) = (last_used_ms, state);
            snapshots.add(record.clone()).unwrap();
            record.id
        };
        let old = add("old", None, active);
        add("used", Some(1500), active);
        add("needed", None, active);
        add("broken", None, error);
        let states =
            || ["old", "used", "needed", "broken"].map(|name| snapshots.find("red", name).unwrap().state);
        let needed = |record: &SnapshotRecord| record.name == "needed";
        snapshots.put_away(1999, 1000, needed);
        assert_eq!(states(), [active, active, active, error]);
        snapshots.put_away(2000, 1000, needed);
        assert_eq!(states(), [inactive, active, active, error]);
        // Made active again it is as good as used.
        snapshots.update(&old, |record| record.state = active).unwrap();
        snapshots.put_away(clock::now_ms(), 60_000, needed);
        assert_eq!(states(), [active, inactive, active, error]);
    }
}
