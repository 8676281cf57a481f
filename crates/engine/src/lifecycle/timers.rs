//! What happens to sandboxes by themselves: auto-stop, auto-pause,
//! auto-archive, auto-delete, time to live; and to snapshots that nobody uses.

use std::sync::Arc;
use std::time::Duration;

use daytona::SandboxState;

use super::{archive, destroy, pause, stop};
use crate::clock;
use crate::registry::{Entry, Record};
use crate::state::SharedEngine;

/// After how many minutes without use a snapshot is put away: 14 days.
const UNUSED_SNAPSHOT: i64 = 14 * 24 * 60;

/// What is due for a sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    Stop,
    Pause,
    Archive,
    Delete,
}

/// What is due at a moment, for a record and its last use.
fn due(record: &Record, last_activity_ms: i64, now_ms: i64, minute: Duration) -> Option<Due> {
    let minute_ms = i64::try_from(minute.as_millis()).unwrap_or(i64::MAX);
    let passed = |since_ms: i64, minutes: i64| now_ms - since_ms >= minutes.saturating_mul(minute_ms);
    if record.destroy_at_ms.is_some_and(|at| now_ms >= at) {
        return Some(Due::Delete);
    }
    match record.state {
        SandboxState::Started if record.auto_stop > 0 && passed(last_activity_ms, record.auto_stop) => {
            Some(Due::Stop)
        }
        SandboxState::Started if record.auto_pause > 0 && passed(last_activity_ms, record.auto_pause) => {
            Some(Due::Pause)
        }
        SandboxState::Stopped => {
            let since = record.stopped_ms.unwrap_or(record.updated_ms);
            let tried = record.unarchived_ms.map_or(since, |tried| tried.max(since));
            if record.auto_delete >= 0 && passed(since, record.auto_delete) {
                Some(Due::Delete)
            } else {
                let due = !record.ephemeral() && passed(tried, record.auto_archive);
                due.then_some(Due::Archive)
            }
        }
        _ => None,
    }
}

async fn act(engine: SharedEngine, entry: Arc<Entry>, due: Due) {
    tracing::info!(sandbox = entry.id, ?due, "a sandbox's time is up");
    let done = match due {
        Due::Stop => stop(&engine, &entry).await,
        Due::Pause => pause(&engine, &entry).await,
        Due::Archive => archive(&engine, &entry).await,
        Due::Delete => destroy(&engine, &entry).await,
    };
    if let Err(fault) = done {
        tracing::warn!(
            sandbox = entry.id,
            reason = fault.message(),
            "a timer's change was refused"
        );
    }
}

/// Looks at every sandbox, again and again.
pub(crate) async fn run(engine: SharedEngine) {
    let mut tick = tokio::time::interval(engine.timings.tick);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let now = clock::now_ms();
        put_snapshots_away(&engine, now);
        for entry in engine.registry.list() {
            if entry.change.try_lock().is_err() {
                continue;
            }
            let due = due(
                &entry.record(),
                entry.activity.last_ms(),
                now,
                engine.timings.minute,
            );
            if let Some(due) = due {
                tokio::spawn(act(Arc::clone(&engine), entry, due));
            }
        }
    }
}

/// Snapshots that nobody used for two weeks become inactive, but for those of
/// which sandboxes are kept ready.
fn put_snapshots_away(engine: &SharedEngine, now_ms: i64) {
    let minute_ms = i64::try_from(engine.timings.minute.as_millis()).unwrap_or(i64::MAX);
    let limit_ms = minute_ms.saturating_mul(UNUSED_SNAPSHOT);
    engine.snapshots.put_away(now_ms, limit_ms, |record| {
        !engine
            .warm_pools
            .serving(&record.organization, &record.name)
            .is_empty()
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn record(change: impl FnOnce(&mut Record)) -> Record {
        let text = r#"{"id":"a","name":"a","snapshot":"s","env":{},"labels":{},"public":false,
            "target":"local","cpu":1,"memory":1,"disk":3,"auto_stop":15,"auto_archive":10080,"auto_delete":-1,
            "destroy_at_ms":null,"keep_home":true,"state":"started","error_reason":null,"created_ms":0,
            "updated_ms":0,"last_activity_ms":0,"stopped_ms":null,"facts":{}}"#;
        let mut record = serde_json::from_str(text).unwrap();
        change(&mut record);
        record
    }

    #[test]
    fn a_sandbox_stops_when_nobody_used_it() {
        let record = record(|_| {});
        assert_eq!(due(&record, 1000, 1000 + 15 * 60_000 - 1, MINUTE), None);
        assert_eq!(due(&record, 1000, 1000 + 15 * 60_000, MINUTE), Some(Due::Stop));
        let never = self::record(|record| record.auto_stop = 0);
        assert_eq!(due(&never, 0, i64::MAX, MINUTE), None);
    }

    #[test]
    fn a_stopped_sandbox_is_deleted_after_its_interval() {
        let stopped = |auto_delete| {
            record(|record| {
                record.state = SandboxState::Stopped;
                record.stopped_ms = Some(5000);
                record.auto_delete = auto_delete;
            })
        };
        assert_eq!(due(&stopped(-1), 0, 5000 + 120_000, MINUTE), None);
        assert_eq!(due(&stopped(2), 0, 5000 + 119_999, MINUTE), None);
        assert_eq!(due(&stopped(2), 0, 5000 + 120_000, MINUTE), Some(Due::Delete));
        assert_eq!(due(&stopped(0), 0, 5000, MINUTE), Some(Due::Delete));
    }

    #[test]
    fn a_stopped_sandbox_is_archived_and_a_failure_waits_for_the_next_interval() {
        let stopped = |unarchived_ms| {
            record(|record| {
                record.state = SandboxState::Stopped;
                record.stopped_ms = Some(5000);
                record.auto_archive = 2;
                record.unarchived_ms = unarchived_ms;
            })
        };
        assert_eq!(due(&stopped(None), 0, 5000 + 119_999, MINUTE), None);
        assert_eq!(due(&stopped(None), 0, 5000 + 120_000, MINUTE), Some(Due::Archive));
        assert_eq!(due(&stopped(Some(100_000)), 0, 200_000, MINUTE), None);
        assert_eq!(
            due(&stopped(Some(100_000)), 0, 220_000, MINUTE),
            Some(Due::Archive)
        );
        // What was archived before and is stopped again counts from the stop.
        assert_eq!(
            due(&stopped(Some(1)), 0, 5000 + 120_000, MINUTE),
            Some(Due::Archive)
        );
    }

    #[test]
    fn a_sandbox_pauses_when_nobody_used_it() {
        let record = record(|record| (record.auto_stop, record.auto_pause) = (0, 3));
        assert_eq!(due(&record, 1000, 1000 + 179_999, MINUTE), None);
        assert_eq!(due(&record, 1000, 1000 + 180_000, MINUTE), Some(Due::Pause));
    }

    #[test]
    fn a_time_to_live_ends_in_any_state() {
        let record = record(|record| {
            record.destroy_at_ms = Some(100);
            record.state = SandboxState::Error;
        });
        assert_eq!(due(&record, 0, 99, MINUTE), None);
        assert_eq!(due(&record, 0, 100, MINUTE), Some(Due::Delete));
    }
}
