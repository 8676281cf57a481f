//! `POST /sandbox`: what is asked for becomes a record, or a clear refusal.

use std::time::Instant;

use axum::Json as Answer;
use axum::extract::State;
use daytona::{CreateSandbox, PitlaneFacts, Sandbox, SandboxState};

use super::origin::{self, Made};
use super::present::{Base, describe};
use super::{REGION, attached};
use crate::body::Json;
use crate::builds::Start;
use crate::clock;
use crate::fault::Fault;
use crate::identity::{Caller, Can, permit};
use crate::lifecycle;
use crate::network::NetworkWish;
use crate::registry::Record;
use crate::sandbox::{SandboxSpec, USER};
use crate::snapshots::SIZES;
use crate::state::{Engine, SharedEngine};

/// The most processors of a sandbox.
pub(super) const MOST_CPU: u32 = 64;
/// The most GiB of memory of a sandbox.
pub(super) const MOST_MEMORY: u32 = 1024;
/// The most GiB of disk of a sandbox.
pub(super) const MOST_DISK: u32 = 4096;

/// The size that is asked for, in GiB.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    cpu: Option<u32>,
    memory: Option<u32>,
    disk: Option<u32>,
}

impl Size {
    /// Checked for itself.
    pub(super) fn asked(cpu: Option<u32>, memory: Option<u32>, disk: Option<u32>) -> Result<Self, Fault> {
        within("cpu", cpu, MOST_CPU)?;
        within("memory", memory, MOST_MEMORY)?;
        within("disk", disk, MOST_DISK)?;
        Ok(Self { cpu, memory, disk })
    }

    /// With another size for what is not asked for.
    pub(super) fn or(self, size: (u32, u32, u32)) -> (u32, u32, u32) {
        (
            self.cpu.unwrap_or(size.0),
            self.memory.unwrap_or(size.1),
            self.disk.unwrap_or(size.2),
        )
    }

    /// The limits of a sandbox for a build.
    pub(super) fn spec(self) -> SandboxSpec {
        const GIB: u64 = 1 << 30;
        let (_, cpu, memory, disk) = SIZES[0];
        let (cpu, memory, disk) = self.or((cpu, memory, disk));
        SandboxSpec {
            cpu,
            memory_bytes: u64::from(memory) * GIB,
            disk_bytes: u64::from(disk) * GIB,
            ..SandboxSpec::default()
        }
    }
}

pub(super) async fn create(
    State(engine): State<SharedEngine>,
    caller: Can<permit::WriteSandboxes>,
    base: Base,
    Json(request): Json<CreateSandbox>,
) -> Result<Answer<Sandbox>, Fault> {
    let asked = Instant::now();
    refuse_what_is_not_here(&request)?;
    let made = made(&engine, caller.organization(), &request)?;
    let mut record = record(&engine, &caller, request)?;
    let size = Size {
        cpu: Some(record.cpu).filter(|cpu| *cpu > 0),
        memory: Some(record.memory).filter(|memory| *memory > 0),
        disk: Some(record.disk).filter(|disk| *disk > 0),
    };
    (record.cpu, record.memory, record.disk) = size.or(made.size);
    record.build = made.build;
    record.image = made.origin.image;
    record.start = made.origin.start;
    if let Some((name, id)) = made.snapshot {
        engine.snapshots.used(&id);
        record.snapshot = name;
    }
    let Some(planned) = made.planned else {
        let entry = lifecycle::create(&engine, record, made.origin.seed, asked).await?;
        return Ok(Answer(describe(&entry, &base)));
    };
    lifecycle::create_built(&engine, record, planned, asked, |entry| {
        Answer(describe(entry, &base))
    })
}

/// What it is made from.
fn made(engine: &SharedEngine, organization: &str, request: &CreateSandbox) -> Result<Made, Fault> {
    match (&request.build_info, request.snapshot.as_deref()) {
        (Some(_), Some(_)) => Err(Fault::bad_request(
            "Cannot specify both a snapshot and build info",
        )),
        (Some(build), None) => {
            let size = Size::asked(request.cpu, request.memory, request.disk)?;
            let spec = SandboxSpec {
                network: wish(request)?,
                ..size.spec()
            };
            origin::of_build(engine, organization, build, spec)
        }
        (None, snapshot) => origin::of_snapshot(engine, organization, snapshot),
    }
}

/// The record of a request, but for what it is made from. A size that is not
/// asked for is 0.
fn record(engine: &Engine, caller: &Caller, request: CreateSandbox) -> Result<Record, Fault> {
    let organization = caller.organization();
    wish(&request)?;
    let id = uuid::Uuid::new_v4().to_string();
    let now = clock::now_ms();
    let auto_delete = request.auto_delete_interval.unwrap_or(-1).max(-1);
    let (auto_stop, auto_pause) = stop_and_pause(&request)?;
    let auto_archive = not_negative("autoArchiveInterval", request.auto_archive_interval, 10_080)?;
    let ttl = request.ttl_minutes.filter(|minutes| *minutes > 0);
    let minute_ms = i64::try_from(engine.timings.minute.as_millis()).unwrap_or(i64::MAX);
    let size = Size::asked(request.cpu, request.memory, request.disk)?.or((0, 0, 0));
    Ok(Record {
        organization: organization.to_owned(),
        name: match request.name.clone().filter(|name| !name.is_empty()) {
            Some(name) => checked_name(name)?,
            None => id.clone(),
        },
        network_block_all: request.network_block_all.unwrap_or(false),
        network_allow_list: request.network_allow_list.clone(),
        domain_allow_list: request.domain_allow_list.clone(),
        snapshot: String::new(),
        image: None,
        start: Start::default(),
        build: None,
        linked: attached::linked(&request, |linked| engine.registry.find(caller, linked))?,
        volumes: attached::volumes(engine, organization, request.volumes)?,
        secrets: attached::secrets(
            engine,
            organization,
            request.secrets.as_deref().unwrap_or_default(),
        )?,
        parent: None,
        env: request.env,
        labels: request.labels,
        public: request.public.unwrap_or(false),
        signing_key: None,
        target: request.target.unwrap_or_else(|| REGION.to_owned()),
        cpu: size.0,
        memory: size.1,
        disk: size.2,
        auto_stop,
        auto_pause,
        auto_archive: super::intervals::archive_interval(auto_archive),
        auto_delete,
        destroy_at_ms: ttl.map(|minutes| now.saturating_add(minutes.saturating_mul(minute_ms))),
        keep_home: auto_delete != 0,
        packages: Vec::new(),
        state: SandboxState::Creating,
        error_reason: None,
        to_destroy: false,
        created_ms: now,
        updated_ms: now,
        last_activity_ms: now,
        stopped_ms: None,
        unarchived_ms: None,
        backup_ms: None,
        warm_pool: None,
        facts: PitlaneFacts::default(),
        id,
    })
}

/// After how many minutes it stops, and pauses: one of both at most.
fn stop_and_pause(request: &CreateSandbox) -> Result<(i64, i64), Fault> {
    let pause = not_negative("autoPauseInterval", request.auto_pause_interval, 0)?;
    // Who asks for a pause does not want the stop that nobody asked for.
    let otherwise = if pause > 0 { 0 } else { 15 };
    let stop = not_negative("autoStopInterval", request.auto_stop_interval, otherwise)?;
    if pause > 0 && stop > 0 {
        return Err(Fault::bad_request(
            "autoStopInterval and autoPauseInterval cannot both be set: give 0 for one of them",
        ));
    }
    Ok((stop, pause))
}

/// What Daytona's cloud has and this engine has not: refused by name, never
/// silently left out.
fn refuse_what_is_not_here(request: &CreateSandbox) -> Result<(), Fault> {
    let refusal = if request.gpu.unwrap_or(0) > 0 {
        "This engine has no GPUs."
    } else if request.kvm.unwrap_or(false) {
        "This engine gives sandboxes no /dev/kvm."
    } else if request
        .outbound_proxy_url
        .as_deref()
        .is_some_and(|url| !url.is_empty())
    {
        "This engine sends no traffic through a proxy of the sandbox's own. Leave outboundProxyUrl out."
    } else if request.user.as_deref().is_some_and(|user| user != USER) {
        "The only user of a sandbox here is daytona."
    } else {
        return Ok(());
    };
    Err(Fault::bad_request(refusal))
}

/// What it asks to reach.
fn wish(request: &CreateSandbox) -> Result<NetworkWish, Fault> {
    let read = NetworkWish::parse(
        request.network_block_all.unwrap_or(false),
        request.network_allow_list.as_deref(),
        request.domain_allow_list.as_deref(),
    );
    read.map_err(|why| Fault::bad_request(format!("{why}.")))
}

/// A sandbox's name, checked.
pub(super) fn checked_name(name: String) -> Result<String, Fault> {
    let odd = |letter: char| letter == '/' || letter.is_control();
    if name.is_empty() || name.len() > 255 || name.chars().any(odd) {
        return Err(Fault::bad_request(
            "A sandbox's name has up to 255 letters and no slash.",
        ));
    }
    Ok(name)
}

fn within(what: &str, asked: Option<u32>, most: u32) -> Result<(), Fault> {
    match asked {
        Some(number) if !(1..=most).contains(&number) => Err(Fault::bad_request(format!(
            "{what} must be between 1 and {most}, not {number}"
        ))),
        _ => Ok(()),
    }
}

fn not_negative(what: &str, asked: Option<i64>, default: i64) -> Result<i64, Fault> {
    match asked.unwrap_or(default) {
        minutes if minutes >= 0 => Ok(minutes),
        minutes => Err(Fault::bad_request(format!(
            "{what} must not be negative, but is {minutes}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_asked_for_gives_daytonas_defaults() {
        assert_eq!(stop_and_pause(&CreateSandbox::default()).unwrap(), (15, 0));
        let size = Size::asked(None, None, None).unwrap();
        assert_eq!(size.or((1, 1, 3)), (1, 1, 3));
        assert_eq!((size.spec().cpu, size.spec().disk_bytes), (1, 3 << 30));
    }

    #[test]
    fn a_sandbox_stops_or_pauses_by_itself_and_not_both() {
        let asked = |stop, pause| {
            stop_and_pause(&CreateSandbox {
                auto_stop_interval: stop,
                auto_pause_interval: pause,
                ..CreateSandbox::default()
            })
        };
        assert_eq!(asked(None, Some(60)).unwrap(), (0, 60));
        assert_eq!(asked(Some(5), Some(0)).unwrap(), (5, 0));
        assert!(asked(Some(5), Some(60)).is_err() && asked(Some(-1), None).is_err());
    }

    #[test]
    fn sizes_have_bounds() {
        assert!(Size::asked(Some(0), None, None).is_err());
        assert!(Size::asked(None, Some(MOST_MEMORY + 1), None).is_err());
        assert!(Size::asked(Some(1), Some(1), Some(MOST_DISK)).is_ok());
    }

    #[test]
    fn what_a_sandbox_asks_to_reach_is_read_or_refused() {
        let asked = |ranges: &str, domains: &str| {
            wish(&CreateSandbox {
                network_allow_list: Some(ranges.to_owned()),
                domain_allow_list: Some(domains.to_owned()),
                ..CreateSandbox::default()
            })
        };
        assert!(!asked("192.0.2.0/24", "*.example.com").unwrap().is_nothing());
        assert!(asked("", "").unwrap().is_nothing());
        for (ranges, domains) in [("192.0.2.1", ""), ("", "http://example.com")] {
            assert!(asked(ranges, domains).is_err());
        }
    }
}
