//! `POST /sandbox`: what is asked for becomes a record, or a clear refusal.

use std::time::Instant;

use axum::Json as Answer;
use axum::extract::State;
use daytona::{CreateSandbox, PitlaneFacts, Sandbox, SandboxState};

use super::REGION;
use super::present::{Base, describe};
use crate::body::Json;
use crate::clock;
use crate::fault::Fault;
use crate::identity::{Can, permit};
use crate::lifecycle;
use crate::network::NetworkWish;
use crate::registry::Record;
use crate::sandbox::USER;
use crate::state::SharedEngine;

/// The snapshots there are: the host's own programs, in Daytona's three sizes
/// (name, processors, GiB of memory, GiB of disk). The first is the default.
pub(super) const SNAPSHOTS: [(&str, u32, u32, u32); 3] = [
    ("daytona-small", 1, 1, 3),
    ("daytona-medium", 2, 4, 8),
    ("daytona-large", 4, 8, 10),
];

/// The most processors of a sandbox.
pub(super) const MOST_CPU: u32 = 64;
/// The most GiB of memory of a sandbox.
pub(super) const MOST_MEMORY: u32 = 1024;
/// The most GiB of disk of a sandbox.
pub(super) const MOST_DISK: u32 = 4096;

pub(super) async fn create(
    State(engine): State<SharedEngine>,
    caller: Can<permit::WriteSandboxes>,
    base: Base,
    Json(request): Json<CreateSandbox>,
) -> Result<Answer<Sandbox>, Fault> {
    let asked = Instant::now();
    let record = record(caller.organization(), request, engine.timings.minute)?;
    let entry = lifecycle::create(&engine, record, asked).await?;
    Ok(Answer(describe(&entry, &base)))
}

fn record(organization: &str, request: CreateSandbox, minute: std::time::Duration) -> Result<Record, Fault> {
    refuse_what_is_not_here(&request)?;
    check_network(&request)?;
    let (snapshot, cpu, memory, disk) = snapshot(&request)?;
    let id = uuid::Uuid::new_v4().to_string();
    let now = clock::now_ms();
    let auto_delete = request.auto_delete_interval.unwrap_or(-1).max(-1);
    let auto_stop = not_negative("autoStopInterval", request.auto_stop_interval, 15)?;
    let auto_archive = not_negative("autoArchiveInterval", request.auto_archive_interval, 10_080)?;
    let ttl = request.ttl_minutes.filter(|minutes| *minutes > 0);
    let minute_ms = i64::try_from(minute.as_millis()).unwrap_or(i64::MAX);
    Ok(Record {
        organization: organization.to_owned(),
        name: name(request.name.clone(), &id)?,
        network_block_all: request.network_block_all.unwrap_or(false),
        network_allow_list: request.network_allow_list,
        domain_allow_list: request.domain_allow_list,
        snapshot: snapshot.to_owned(),
        env: request.env,
        labels: request.labels,
        public: request.public.unwrap_or(false),
        signing_key: None,
        target: request.target.unwrap_or_else(|| REGION.to_owned()),
        cpu: within("cpu", request.cpu, cpu, MOST_CPU)?,
        memory: within("memory", request.memory, memory, MOST_MEMORY)?,
        disk: within("disk", request.disk, disk, MOST_DISK)?,
        auto_stop,
        auto_archive,
        auto_delete,
        destroy_at_ms: ttl.map(|minutes| now.saturating_add(minutes.saturating_mul(minute_ms))),
        keep_home: auto_delete != 0,
        state: SandboxState::Creating,
        error_reason: None,
        to_destroy: false,
        created_ms: now,
        updated_ms: now,
        last_activity_ms: now,
        stopped_ms: None,
        facts: PitlaneFacts::default(),
        id,
    })
}

/// What Daytona's cloud has and this engine has not: refused by name, never
/// silently left out.
fn refuse_what_is_not_here(request: &CreateSandbox) -> Result<(), Fault> {
    let refusal = if request.gpu.unwrap_or(0) > 0 {
        "This engine has no GPUs."
    } else if request.kvm.unwrap_or(false) {
        "This engine gives sandboxes no /dev/kvm."
    } else if request.user.as_deref().is_some_and(|user| user != USER) {
        "The only user of a sandbox here is daytona."
    } else if request
        .volumes
        .as_ref()
        .is_some_and(|volumes| !volumes.is_empty())
    {
        "This engine has no volumes."
    } else if request
        .secrets
        .as_ref()
        .is_some_and(|secrets| !secrets.is_empty())
    {
        "This engine keeps no secrets. Give them to the command that needs them."
    } else {
        return Ok(());
    };
    Err(Fault::bad_request(refusal))
}

fn snapshot(request: &CreateSandbox) -> Result<(&'static str, u32, u32, u32), Fault> {
    let wanted = match (&request.build_info, &request.snapshot) {
        (Some(_), Some(_)) => {
            return Err(Fault::bad_request(
                "Cannot specify both a snapshot and build info",
            ));
        }
        (Some(build), None) => image(&build.dockerfile_content)?,
        (None, Some(snapshot)) => snapshot.as_str(),
        (None, None) => return Ok(SNAPSHOTS[0]),
    };
    let found = SNAPSHOTS.into_iter().find(|(name, ..)| *name == wanted);
    found.ok_or_else(|| match request.build_info {
        Some(_) => Fault::bad_request(format!(
            "The image {wanted} cannot be used: this engine's sandboxes run the host's own programs. \
             Leave the image out, or use FROM {}.",
            SNAPSHOTS[0].0
        )),
        None => Fault::bad_request(format!(
            "Snapshot {wanted} not found. Did you add it through the Daytona Dashboard?"
        )),
    })
}

/// The image of a Dockerfile that is nothing but `FROM image`.
fn image(dockerfile: &str) -> Result<&str, Fault> {
    let mut lines = dockerfile
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    let words: Vec<&str> = lines.next().unwrap_or("").split_whitespace().collect();
    match (words.as_slice(), lines.next()) {
        ([from, image], None) if from.eq_ignore_ascii_case("from") => Ok(image),
        ([from, _], Some(line)) if from.eq_ignore_ascii_case("from") => Err(Fault::bad_request(format!(
            "The Dockerfile line {line:?} cannot be done: this engine builds no images. Run it in the sandbox."
        ))),
        _ => Err(Fault::bad_request(
            "The Dockerfile does not begin with FROM and an image.",
        )),
    }
}

fn check_network(request: &CreateSandbox) -> Result<(), Fault> {
    let read = NetworkWish::parse(
        request.network_block_all.unwrap_or(false),
        request.network_allow_list.as_deref(),
        request.domain_allow_list.as_deref(),
    );
    read.map(drop)
        .map_err(|why| Fault::bad_request(format!("{why}.")))
}

fn name(asked: Option<String>, id: &str) -> Result<String, Fault> {
    let Some(name) = asked.filter(|name| !name.is_empty()) else {
        return Ok(id.to_owned());
    };
    if name.len() > 255 || name.chars().any(|letter| letter == '/' || letter.is_control()) {
        return Err(Fault::bad_request(
            "A sandbox's name has up to 255 letters and no slash.",
        ));
    }
    Ok(name)
}

fn within(what: &str, asked: Option<u32>, default: u32, most: u32) -> Result<u32, Fault> {
    match asked {
        None => Ok(default),
        Some(number) if (1..=most).contains(&number) => Ok(number),
        Some(number) => Err(Fault::bad_request(format!(
            "{what} must be between 1 and {most}, not {number}"
        ))),
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
    use daytona::CreateBuildInfo;
    use std::time::Duration;

    fn made(request: CreateSandbox) -> Result<Record, Fault> {
        record("pitlane", request, Duration::from_secs(60))
    }

    fn from(dockerfile: &str) -> CreateSandbox {
        CreateSandbox {
            build_info: Some(CreateBuildInfo {
                dockerfile_content: dockerfile.to_owned(),
                context_hashes: None,
            }),
            ..CreateSandbox::default()
        }
    }

    #[test]
    fn nothing_asked_for_gives_daytonas_defaults() {
        let record = made(CreateSandbox::default()).unwrap();
        assert_eq!((record.cpu, record.memory, record.disk), (1, 1, 3));
        assert_eq!(
            (record.auto_stop, record.auto_archive, record.auto_delete),
            (15, 10_080, -1)
        );
        assert_eq!(record.name, record.id);
        assert!(record.keep_home);
    }

    #[test]
    fn images_are_refused_in_words() {
        assert_eq!(made(from("FROM daytona-medium\n")).unwrap().memory, 4);
        for dockerfile in [
            "FROM debian:12.9\n",
            "FROM daytona-small\nRUN true\n",
            "",
            "RUN x",
        ] {
            assert!(made(from(dockerfile)).is_err(), "{dockerfile:?}");
        }
    }

    #[test]
    fn network_lists_are_kept_as_given_and_bad_ones_refused() {
        let asked = |ranges: &str, domains: &str| CreateSandbox {
            network_allow_list: Some(ranges.to_owned()),
            domain_allow_list: Some(domains.to_owned()),
            ..CreateSandbox::default()
        };
        let record = made(asked("192.0.2.0/24", "*.example.com")).unwrap();
        assert_eq!(record.network_allow_list.as_deref(), Some("192.0.2.0/24"));
        assert_eq!(
            record.network(),
            NetworkWish::parse(false, Some("192.0.2.0/24"), Some("*.example.com")).unwrap()
        );
        assert!(made(asked("", "")).unwrap().network().is_nothing());
        for (ranges, domains) in [("192.0.2.1", ""), ("", "http://example.com")] {
            assert!(made(asked(ranges, domains)).is_err());
        }
    }

    #[test]
    fn an_ephemeral_sandbox_keeps_no_home() {
        let request = CreateSandbox {
            auto_delete_interval: Some(0),
            ..CreateSandbox::default()
        };
        let record = made(request).unwrap();
        assert!(record.ephemeral() && !record.keep_home);
    }
}
