//! What a sandbox or snapshot is made from: a snapshot, an image, a Dockerfile.

use daytona::{BuildInfo, CreateBuildInfo, SnapshotState};

use crate::builds::{Order, Planned, Recipe, stands_for_host};
use crate::clock::{now_ms, rfc3339};
use crate::fault::Fault;
use crate::sandbox::SandboxSpec;
use crate::snapshots::{Origin, SnapshotRecord};
use crate::state::{Engine, SharedEngine};

/// What was asked for, found.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) origin: Origin,
    /// The snapshot it is, by name and id; none when it is built.
    pub(super) snapshot: Option<(String, String)>,
    /// Processors, GiB of memory, GiB of disk, unless others are asked for.
    pub(super) size: (u32, u32, u32),
    /// What is to be built before.
    pub(super) planned: Option<Planned>,
    pub(super) build: Option<BuildInfo>,
}

impl Made {
    fn of(engine: &Engine, record: &SnapshotRecord) -> Self {
        Self {
            origin: engine.snapshots.origin(record),
            snapshot: Some((record.name.clone(), record.id.clone())),
            size: (record.cpu, record.memory, record.disk),
            planned: None,
            build: None,
        }
    }
}

/// A snapshot by name or id; the default one when none is named.
pub(super) fn of_snapshot(engine: &Engine, organization: &str, wanted: Option<&str>) -> Result<Made, Fault> {
    let Some(wanted) = wanted.filter(|wanted| !wanted.is_empty()) else {
        return Ok(Made::of(engine, &engine.snapshots.default()));
    };
    let found = engine.snapshots.find(organization, wanted).ok_or_else(|| {
        Fault::bad_request(format!(
            "Snapshot {wanted} not found. Did you add it through the Daytona Dashboard?"
        ))
    })?;
    active(&found)?;
    Ok(Made::of(engine, &found))
}

fn active(record: &SnapshotRecord) -> Result<(), Fault> {
    match record.state {
        SnapshotState::Active => Ok(()),
        state => Err(Fault::bad_request(format!(
            "Snapshot {} is {}",
            record.name,
            state.as_str()
        ))),
    }
}

/// An image: a snapshot's name, or a public one that the host's own programs
/// may stand for.
pub(super) fn of_image(engine: &Engine, organization: &str, image: &str) -> Result<Made, Fault> {
    if let Some(found) = engine.snapshots.find(organization, image) {
        active(&found)?;
        return Ok(Made::of(engine, &found));
    }
    let usual = stands_for_host(image);
    if usual && engine.config.image_substitution {
        return Ok(Made {
            snapshot: None,
            ..Made::of(engine, &engine.snapshots.default())
        });
    }
    let advice = if usual {
        " Its operator can also let the host's own programs stand for the usual public images (image_substitution)."
    } else {
        ""
    };
    Err(Fault::bad_request(format!(
        "The image {image} cannot be used: this engine has no registry. Use one of its snapshots, such as {}, \
         or have its operator register an unpacked root file system under this name.{advice}",
        engine.snapshots.default().name
    )))
}

/// A Dockerfile; `spec` says with which limits and network it is built.
pub(super) fn of_build(
    engine: &SharedEngine,
    organization: &str,
    build: &CreateBuildInfo,
    spec: SandboxSpec,
) -> Result<Made, Fault> {
    let recipe = Recipe::read(&build.dockerfile_content)?;
    let base = of_image(engine, organization, &recipe.from)?;
    let is_bare = recipe.is_bare();
    let order = Order {
        organization: organization.to_owned(),
        recipe,
        substituted: base.snapshot.is_none(),
        base: base.origin,
        spec,
    };
    let planned = Planned::of(engine, order)?;
    let now = rfc3339(now_ms());
    let info = BuildInfo {
        dockerfile_content: Some(build.dockerfile_content.clone()),
        context_hashes: build.context_hashes.clone(),
        created_at: now.clone(),
        updated_at: now,
        snapshot_ref: planned.reference(),
    };
    let (origin, planned) = match planned.finished(engine) {
        Some(origin) => (origin, None),
        None => (planned.unfinished(), Some(planned)),
    };
    Ok(Made {
        origin,
        snapshot: base.snapshot.filter(|_| is_bare),
        size: base.size,
        planned,
        build: Some(info),
    })
}
