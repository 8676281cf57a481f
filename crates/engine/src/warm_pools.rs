//! The sandboxes that clients ordered to stand ready: what they ordered is kept
//! on disk, what stands ready is the sandbox host's.

use std::io;
use std::path::{Path, PathBuf};

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::clock;
use crate::fault::Fault;
use crate::records::{Kept, NotAdded, Records};
use crate::sandbox::SandboxSpec;
use crate::snapshots::Origin;
use crate::state::Engine;

/// The most sandboxes that stand ready for all clients together: each holds
/// memory, and a home on the disk.
const MOST: u32 = 64;
const GIB: u64 = 1 << 30;

/// An order: so many of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pool {
    pub(crate) id: String,
    pub(crate) organization: String,
    /// The snapshot's name: with the region, what makes it one pool.
    pub(crate) snapshot: String,
    pub(crate) target: String,
    pub(crate) size: u32,
    /// The operator's image the snapshot runs on.
    pub(crate) image: Option<String>,
    /// Folders outside the home that the snapshot can write to.
    pub(crate) places: Vec<String>,
    pub(crate) cpu: u32,
    /// GiB.
    pub(crate) memory: u32,
    /// GiB.
    pub(crate) disk: u32,
    pub(crate) created_ms: i64,
    pub(crate) updated_ms: i64,
}

impl Kept for Pool {
    fn id(&self) -> &str {
        &self.id
    }

    fn name(&self) -> &str {
        &self.snapshot
    }

    fn organization(&self) -> &str {
        &self.organization
    }
}

impl Pool {
    pub(crate) fn new(
        organization: &str,
        snapshot: String,
        target: String,
        size: u32,
        origin: &Origin,
        (cpu, memory, disk): (u32, u32, u32),
    ) -> Self {
        let now = clock::now_ms();
        Self {
            id: uuid::Uuid::new_v4().to_string(),
            organization: organization.to_owned(),
            snapshot,
            target,
            size,
            image: origin.image.clone(),
            places: origin.start.places.clone(),
            cpu,
            memory,
            disk,
            created_ms: now,
            updated_ms: now,
        }
    }
}

/// All orders.
#[derive(Debug)]
pub(crate) struct WarmPools(Records<Pool>);

impl WarmPools {
    pub(crate) fn open(data_dir: &Path) -> io::Result<Self> {
        Ok(Self(Records::open(data_dir.join("warm-pools"))?))
    }

    /// Has everything that was ordered made ready.
    pub(crate) fn fill(&self, engine: &Engine) {
        for pool in self.0.list() {
            if let Err(fault) = keep(engine, &pool) {
                tracing::warn!(
                    pool = pool.id,
                    reason = fault.message(),
                    "a warm pool stays empty"
                );
            }
        }
    }

    pub(crate) fn of(&self, organization: &str) -> Vec<Pool> {
        self.0.of(organization)
    }

    pub(crate) fn find(&self, organization: &str, id: &str) -> Result<Pool, Fault> {
        let found = self.0.find(organization, id).filter(|pool| pool.id == id);
        found.ok_or_else(|| Fault::not_found(format!("Warm pool with ID {id} not found")))
    }

    /// The pools a sandbox of this snapshot may come from.
    pub(crate) fn serving(&self, organization: &str, snapshot: &str) -> Vec<String> {
        let own = self.0.of(organization).into_iter();
        own.filter(|pool| pool.snapshot == snapshot)
            .map(|pool| pool.id)
            .collect()
    }

    pub(crate) fn add(&self, engine: &Engine, pool: Pool) -> Result<(), Fault> {
        self.check_room(&pool.id, pool.size)?;
        let added = self.0.add(pool.clone());
        added.map_err(|why| match why {
            NotAdded::NameTaken => Fault::conflict(format!(
                "There is a warm pool of {} already; change its size.",
                pool.snapshot
            )),
            NotAdded::Unwritten(error) => Fault::new(
                StatusCode::INSUFFICIENT_STORAGE,
                format!("The warm pool could not be written down: {error}."),
            ),
        })?;
        keep(engine, &pool).inspect_err(|_| {
            self.0.remove_if(&pool.id, |_| true);
        })
    }

    /// Changes how many stand ready, and gives the pool as it is then.
    pub(crate) fn resize(&self, engine: &Engine, pool: &Pool, size: u32) -> Result<Pool, Fault> {
        self.check_room(&pool.id, size)?;
        let changed = self.0.update(&pool.id, |pool| {
            pool.size = size;
            pool.updated_ms = clock::now_ms();
        });
        let changed =
            changed.ok_or_else(|| Fault::not_found(format!("Warm pool with ID {} not found", pool.id)))?;
        keep(engine, &changed)?;
        Ok(changed)
    }

    pub(crate) fn remove(&self, engine: &Engine, pool: &Pool) {
        self.0.remove_if(&pool.id, |_| true);
        engine.host.keep_no_more(&pool.id);
    }

    fn check_room(&self, id: &str, size: u32) -> Result<(), Fault> {
        let others = self.0.list().into_iter().filter(|pool| pool.id != id);
        let taken: u32 = others.map(|pool| pool.size).sum();
        if taken.saturating_add(size) > MOST {
            return Err(Fault::bad_request(format!(
                "This engine keeps at most {MOST} sandboxes ready, of which {taken} are ordered by other pools."
            )));
        }
        Ok(())
    }
}

fn keep(engine: &Engine, pool: &Pool) -> Result<(), Fault> {
    let spec = SandboxSpec {
        cpu: pool.cpu,
        memory_bytes: u64::from(pool.memory) * GIB,
        disk_bytes: u64::from(pool.disk) * GIB,
        root: engine.root(pool.image.as_deref())?,
        places: pool.places.iter().map(PathBuf::from).collect(),
        shelf: engine.shelf(&pool.organization, pool.image.as_deref()),
        ..SandboxSpec::default()
    };
    let kept = engine.host.keep_ready(&pool.id, spec, pool.size as usize);
    kept.map_err(|error| Fault::bad_request(error.to_string()))
}
