//! The intervals after which something happens to a sandbox by itself. The
//! value is in the path; the answer is the sandbox.

use axum::Json as Answer;
use axum::extract::Path;
use daytona::Sandbox;

use super::asked::Asked;
use crate::clock;
use crate::fault::Fault;
use crate::identity::{Can, permit};
use crate::registry::Record;

/// A sandbox whose intervals the caller may change.
type Changed = Asked<Can<permit::WriteSandboxes>>;
type Shown = Result<Answer<Sandbox>, Fault>;
/// The sandbox's id or name, which is read before, and the minutes.
type Minutes = Path<(String, String)>;

const ONE_OF_BOTH: &str =
    "autoStopInterval and autoPauseInterval cannot both be set: set the other one to 0 first";

fn set(
    sandbox: &Changed,
    Path((_, minutes)): Minutes,
    least: i64,
    change: impl FnOnce(&mut Record, i64) -> Result<(), Fault>,
) -> Shown {
    let read = minutes.parse().ok().filter(|minutes| *minutes >= least);
    let read = read.ok_or_else(|| {
        Fault::bad_request(format!(
            "The interval must be a number of minutes from {least}, not {minutes:?}"
        ))
    })?;
    let mut outcome = Ok(());
    sandbox.update(|record| outcome = change(record, read));
    outcome?;
    Ok(sandbox.shown())
}

pub(super) async fn auto_stop(sandbox: Changed, minutes: Minutes) -> Shown {
    set(&sandbox, minutes, 0, |record, minutes| {
        if minutes > 0 && record.auto_pause > 0 {
            return Err(Fault::bad_request(ONE_OF_BOTH));
        }
        record.auto_stop = minutes;
        Ok(())
    })
}

/// A sandbox that pauses by itself does not stop by itself: one of both.
pub(super) async fn auto_pause(sandbox: Changed, minutes: Minutes) -> Shown {
    set(&sandbox, minutes, 0, |record, minutes| {
        if minutes > 0 && record.auto_stop > 0 {
            return Err(Fault::bad_request(ONE_OF_BOTH));
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

pub(super) async fn auto_archive(sandbox: Changed, minutes: Minutes) -> Shown {
    set(&sandbox, minutes, 0, |record, minutes| {
        record.auto_archive = archive_interval(minutes);
        Ok(())
    })
}

pub(super) async fn auto_delete(sandbox: Changed, minutes: Minutes) -> Shown {
    set(&sandbox, minutes, -1, |record, minutes| {
        if !record.keep_home && minutes != 0 {
            return Err(Fault::bad_request(
                "This sandbox was created ephemeral and its files are not kept at a stop. Create another one.",
            ));
        }
        record.auto_delete = minutes;
        Ok(())
    })
}

pub(super) async fn time_to_live(sandbox: Changed, minutes: Minutes) -> Shown {
    let minute_ms = i64::try_from(sandbox.engine.timings.minute.as_millis()).unwrap_or(i64::MAX);
    set(&sandbox, minutes, 0, |record, minutes| {
        let end = clock::now_ms().saturating_add(minutes.saturating_mul(minute_ms));
        record.destroy_at_ms = (minutes > 0).then_some(end);
        Ok(())
    })
}
