//! The intervals after which something happens to a sandbox by itself. The
//! value is in the path; the answer is the sandbox.

use axum::Json as Answer;
use axum::extract::{Path, State};
use daytona::Sandbox;

use super::present::{Base, describe};
use crate::clock;
use crate::fault::Fault;
use crate::identity::{Caller, Can, permit};
use crate::registry::Record;
use crate::state::SharedEngine;

type Changed = Result<Answer<Sandbox>, Fault>;

fn set(
    engine: &SharedEngine,
    caller: &Caller,
    base: &Base,
    path: &(String, String),
    least: i64,
    change: impl FnOnce(&mut Record, i64) -> Result<(), Fault>,
) -> Changed {
    let entry = engine.registry.find(caller, &path.0)?;
    let minutes = path.1.parse().ok().filter(|minutes| *minutes >= least);
    let minutes = minutes.ok_or_else(|| {
        Fault::bad_request(format!(
            "The interval must be a number of minutes from {least}, not {:?}",
            path.1
        ))
    })?;
    let mut outcome = Ok(());
    entry.update(|record| outcome = change(record, minutes));
    outcome?;
    Ok(Answer(describe(&entry, base)))
}

pub(super) async fn auto_stop(
    State(engine): State<SharedEngine>,
    caller: Can<permit::WriteSandboxes>,
    base: Base,
    Path(path): Path<(String, String)>,
) -> Changed {
    set(&engine, &caller, &base, &path, 0, |record, minutes| {
        if minutes > 0 && record.auto_pause > 0 {
            return Err(Fault::bad_request(
                "autoStopInterval and autoPauseInterval cannot both be set: set the other one to 0 first",
            ));
        }
        record.auto_stop = minutes;
        Ok(())
    })
}

/// A sandbox that pauses by itself does not stop by itself: one of both.
pub(super) async fn auto_pause(
    State(engine): State<SharedEngine>,
    caller: Can<permit::WriteSandboxes>,
    base: Base,
    Path(path): Path<(String, String)>,
) -> Changed {
    set(&engine, &caller, &base, &path, 0, |record, minutes| {
        if minutes > 0 && record.auto_stop > 0 {
            return Err(Fault::bad_request(
                "autoStopInterval and autoPauseInterval cannot both be set: set the other one to 0 first",
            ));
        }
        record.auto_pause = minutes;
        Ok(())
    })
}

/// The minutes until a stopped sandbox is archived: 0 asks for the longest
/// there is, 30 days.
pub(super) fn archive_interval(minutes: i64) -> i64 {
    const LONGEST: i64 = 43_200;
    if minutes == 0 {
        LONGEST
    } else {
        minutes.min(LONGEST)
    }
}

pub(super) async fn auto_archive(
    State(engine): State<SharedEngine>,
    caller: Can<permit::WriteSandboxes>,
    base: Base,
    Path(path): Path<(String, String)>,
) -> Changed {
    set(&engine, &caller, &base, &path, 0, |record, minutes| {
        record.auto_archive = archive_interval(minutes);
        Ok(())
    })
}

pub(super) async fn auto_delete(
    State(engine): State<SharedEngine>,
    caller: Can<permit::WriteSandboxes>,
    base: Base,
    Path(path): Path<(String, String)>,
) -> Changed {
    set(&engine, &caller, &base, &path, -1, |record, minutes| {
        if !record.keep_home && minutes != 0 {
            return Err(Fault::bad_request(
                "This sandbox was created ephemeral and its files are not kept at a stop. Create another one.",
            ));
        }
        record.auto_delete = minutes;
        Ok(())
    })
}

pub(super) async fn time_to_live(
    State(engine): State<SharedEngine>,
    caller: Can<permit::WriteSandboxes>,
    base: Base,
    Path(path): Path<(String, String)>,
) -> Changed {
    let minute_ms = i64::try_from(engine.timings.minute.as_millis()).unwrap_or(i64::MAX);
    set(&engine, &caller, &base, &path, 0, |record, minutes| {
        let end = clock::now_ms().saturating_add(minutes.saturating_mul(minute_ms));
        record.destroy_at_ms = (minutes > 0).then_some(end);
        Ok(())
    })
}
