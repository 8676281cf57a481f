//! Looks at what every running sandbox uses, again and again.

use std::time::Instant;

use futures::StreamExt;
use futures::stream;

use crate::clock;
use crate::state::SharedEngine;

/// How many are looked at at once.
const AT_ONCE: usize = 16;

/// Looks until the engine ends.
pub(crate) async fn run(engine: SharedEngine) {
    let mut tick = tokio::time::interval(engine.timings.sample);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let running = engine.registry.list().into_iter();
        let running = running.filter_map(|entry| Some((entry.live()?, entry)));
        stream::iter(running)
            .for_each_concurrent(AT_ONCE, async |(live, entry)| {
                let usage = live.sandbox.usage().await;
                // One that ended meanwhile answered with nothing.
                if live.sandbox.ended().borrow().is_none() {
                    entry
                        .samples
                        .add(clock::now_ms(), Instant::now(), usage, live.limits());
                }
            })
            .await;
    }
}
