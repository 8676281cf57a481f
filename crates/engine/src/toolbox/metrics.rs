//! `GET /system/metrics`: what the sandbox uses of what it may.

use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Json as Answer};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::clock;
use crate::registry::Live;

/// The time between the two looks at the processor's counter.
const WINDOW: Duration = Duration::from_millis(100);

pub(super) async fn now(Extension(live): Extension<Arc<Live>>) -> Answer<Value> {
    let before = live.sandbox.usage().await;
    let start = Instant::now();
    tokio::time::sleep(WINDOW).await;
    let usage = live.sandbox.usage().await;
    let spent = usage.cpu_micros.saturating_sub(before.cpu_micros) as f64;
    let share = spent / (start.elapsed().as_micros() as f64 * f64::from(live.limits().cpu.max(1)));
    let now = clock::now_ms();
    Answer(json!({
        "cpuCount": live.limits().cpu,
        "cpuUsedPct": (share * 100.0).clamp(0.0, 100.0),
        "memTotal": live.limits().memory_bytes,
        "memUsed": usage.memory_bytes,
        "memCache": usage.cache_bytes,
        "diskTotal": live.limits().disk_bytes,
        "diskUsed": usage.disk_bytes,
        "diskFree": live.limits().disk_bytes.saturating_sub(usage.disk_bytes),
        "timestamp": clock::rfc3339(now),
        "timestampUnix": now / 1000,
    }))
}
