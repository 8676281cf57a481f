//! `GET /organizations/{id}/usage`: what an organization's sandboxes take, as
//! their records say it. Running ones take processors and memory, stopped and
//! paused ones their disk alone, as Daytona counts, though here the memory of a
//! paused one stays taken. An organization may take what the machine has: the totals
//! are the machine's.

use axum::Json as Answer;
use axum::extract::{Path, State};
use daytona::{OrganizationUsage, RegionUsage, SandboxState};

use super::create::{MOST_CPU, MOST_DISK, MOST_MEMORY};
use super::{REGION, snapshots, volumes};
use crate::fault::Fault;
use crate::identity::Caller;
use crate::registry::Record;
use crate::state::SharedEngine;

pub(super) async fn usage(
    State(engine): State<SharedEngine>,
    caller: Caller,
    Path(organization): Path<String>,
) -> Result<Answer<OrganizationUsage>, Fault> {
    let organization = engine.identity.organization(&caller, &organization)?;
    let mut taken = Taken::default();
    for entry in engine.registry.of(&organization.id) {
        taken.add(&entry.record());
    }
    let machine = Machine::look(&engine);
    Ok(Answer(OrganizationUsage {
        region_usage: vec![RegionUsage {
            region_id: REGION.to_owned(),
            sandbox_class: "container".to_owned(),
            total_cpu_quota: machine.cpu as f64,
            current_cpu_usage: taken.cpu as f64,
            total_memory_quota: machine.memory as f64,
            current_memory_usage: taken.memory as f64,
            total_disk_quota: machine.disk as f64,
            current_disk_usage: taken.disk as f64,
            max_cpu_per_sandbox: Some(MOST_CPU.into()),
            max_memory_per_sandbox: Some(MOST_MEMORY.into()),
            max_disk_per_sandbox: Some(MOST_DISK.into()),
            ..RegionUsage::default()
        }],
        total_snapshot_quota: snapshots::MOST as f64,
        current_snapshot_usage: engine.snapshots.made_by(&organization.id).len() as f64,
        total_volume_quota: volumes::MOST as f64,
        current_volume_usage: engine.volumes.of(&organization.id).len() as f64,
    }))
}

/// What sandboxes take; memory and disk in GiB.
#[derive(Debug, Default, PartialEq, Eq)]
struct Taken {
    cpu: u64,
    memory: u64,
    disk: u64,
}

impl Taken {
    fn add(&mut self, record: &Record) {
        let at_rest = matches!(
            record.state,
            SandboxState::Stopped
                | SandboxState::Paused
                | SandboxState::Archived
                | SandboxState::Error
                | SandboxState::Destroyed
        );
        if !at_rest {
            self.cpu += u64::from(record.cpu);
            self.memory += u64::from(record.memory);
        }
        // What is archived takes no disk at Daytona.
        if !matches!(record.state, SandboxState::Archived | SandboxState::Destroyed) {
            self.disk += u64::from(record.disk);
        }
    }
}

/// What the machine has; memory and disk in GiB.
#[derive(Debug)]
pub(super) struct Machine {
    pub cpu: u64,
    pub memory: u64,
    pub disk: u64,
}

impl Machine {
    /// Looks at it now: a disk can grow. What cannot be seen counts as none.
    pub(super) fn look(engine: &SharedEngine) -> Self {
        const GIB: u64 = 1 << 30;
        let system = rustix::system::sysinfo();
        let memory = system.totalram.saturating_mul(u64::from(system.mem_unit));
        let disk = rustix::fs::statvfs(&engine.config.data_dir)
            .map_or(0, |disk| disk.f_blocks.saturating_mul(disk.f_frsize));
        Self {
            cpu: std::thread::available_parallelism().map_or(0, |count| count.get() as u64),
            memory: memory.div_ceil(GIB),
            disk: disk / GIB,
        }
    }
}
