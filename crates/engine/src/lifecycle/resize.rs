//! Other limits for a sandbox: more processors and memory while it runs,
//! anything while it is stopped, and a disk that only grows.

use std::sync::Arc;

use daytona::{ResizeSandbox, SandboxState};

use super::change::{begin, to_the_end};
use crate::fault::Fault;
use crate::registry::{Entry, Limits, Record};
use crate::state::SharedEngine;

/// Resizes a sandbox to limits that were checked for themselves.
pub(crate) async fn resize(
    engine: &SharedEngine,
    entry: &Arc<Entry>,
    wanted: ResizeSandbox,
) -> Result<(), Fault> {
    let change = begin(entry).await?;
    let before = entry.record().clone();
    check(&before, wanted)?;
    let after = Record {
        cpu: wanted.cpu.unwrap_or(before.cpu),
        memory: wanted.memory.unwrap_or(before.memory),
        disk: wanted.disk.unwrap_or(before.disk),
        ..before.clone()
    };
    let (engine, entry) = (Arc::clone(engine), Arc::clone(entry));
    to_the_end(async move {
        let _change = change;
        entry.update(|record| record.state = SandboxState::Resizing);
        let resized = apply(&engine, &entry, &before, &after).await;
        entry.update(|record| {
            record.state = before.state;
            if resized.is_ok() {
                (record.cpu, record.memory, record.disk) = (after.cpu, after.memory, after.disk);
            }
        });
        resized
    })
    .await
}

fn check(record: &Record, wanted: ResizeSandbox) -> Result<(), Fault> {
    if wanted.disk.is_some_and(|disk| disk < record.disk) {
        return Err(Fault::bad_request("Sandbox disk size cannot be decreased"));
    }
    match record.state {
        SandboxState::Started => {
            if wanted.disk.is_some_and(|disk| disk > record.disk) {
                return Err(Fault::bad_request(
                    "Sandbox must be stopped before its disk can be resized",
                ));
            }
            let fewer = wanted.cpu.is_some_and(|cpu| cpu < record.cpu)
                || wanted.memory.is_some_and(|memory| memory < record.memory);
            if fewer {
                return Err(Fault::bad_request(
                    "CPU and memory can only be increased while the sandbox is started. Stop it first.",
                ));
            }
            Ok(())
        }
        SandboxState::Stopped => Ok(()),
        other => Err(Fault::bad_request(format!(
            "Sandbox is {} and cannot be resized: it must be started or stopped",
            other.as_str()
        ))),
    }
}

async fn apply(engine: &SharedEngine, entry: &Entry, before: &Record, after: &Record) -> Result<(), Fault> {
    let spec = after.spec();
    if let Some(live) = entry.live() {
        if !live.sandbox.resize(spec.cpu, spec.memory_bytes).await {
            return Err(Fault::bad_request(
                "The limits of a running sandbox cannot be changed on this host. Stop it first.",
            ));
        }
        live.set_limits(Limits::of(&spec));
        return Ok(());
    }
    if after.disk > before.disk {
        engine.host.grow_home(&entry.id, spec.disk_bytes).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(state: &str) -> Record {
        let text = format!(
            r#"{{"id":"a","name":"a","snapshot":"s","env":{{}},"labels":{{}},"public":false,"network":"off",
            "target":"local","cpu":2,"memory":2,"disk":3,"auto_stop":15,"auto_archive":10080,"auto_delete":-1,
            "destroy_at_ms":null,"keep_home":true,"state":"{state}","error_reason":null,"created_ms":0,
            "updated_ms":0,"last_activity_ms":0,"stopped_ms":null,"facts":{{}}}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn only_what_is_safe_can_be_asked() {
        let wanted = |cpu, memory, disk| ResizeSandbox { cpu, memory, disk };
        for (state, cpu, memory, disk, fine) in [
            ("started", Some(4), Some(2), Some(3), true),
            ("started", Some(1), None, None, false),
            ("started", None, Some(1), None, false),
            ("started", None, None, Some(4), false),
            ("stopped", Some(1), Some(1), Some(4), true),
            ("stopped", None, None, Some(2), false),
            ("archived", Some(4), None, None, false),
            ("paused", Some(4), None, None, false),
        ] {
            let checked = check(&record(state), wanted(cpu, memory, disk));
            assert_eq!(checked.is_ok(), fine, "{state} {cpu:?} {memory:?} {disk:?}");
        }
    }
}
