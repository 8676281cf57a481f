//! Time as a page shows it: the server's, ticking in the browser.

use leptos::prelude::*;
use model::Millis;
use std::time::Duration;

/// This machine's clock.
#[must_use]
pub fn here() -> Millis {
    #[cfg(target_family = "wasm")]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "milliseconds fit far beyond any date"
    )]
    return Millis(js_sys::Date::now() as i64);
    #[cfg(not(target_family = "wasm"))]
    Millis::now()
}

/// The server's clock: what it said when the page was made, and from then on
/// that time plus what has passed here. It moves while `running` says so, ten
/// times a second, and otherwise every half minute.
///
/// What the server said is old by the time the page lives. `seen` is the
/// newest time it told since: the clock is never behind that.
#[must_use]
pub fn clock(server: Millis, running: Signal<bool>, seen: Signal<Option<Millis>>) -> Signal<Millis> {
    let period = Signal::derive(move || if running.get() { 100 } else { 30_000 });
    clock_every(server, period, seen)
}

/// The same, moving every `period` milliseconds.
#[must_use]
pub fn clock_every(server: Millis, period: Signal<u64>, seen: Signal<Option<Millis>>) -> Signal<Millis> {
    let now = RwSignal::new(server);
    let ahead = StoredValue::new(None::<i64>);
    let tick = move || {
        let here = here();
        // The page may be gone when a timer fires.
        let known = ahead.try_with_value(|ahead| *ahead).flatten().unwrap_or(0);
        let told = seen
            .try_get_untracked()
            .flatten()
            .map_or(known, |seen| seen.0 - here.0);
        if told > known {
            ahead.try_set_value(Some(told));
        }
        let _ = now.try_set(Millis(here.0 + known.max(told)));
    };
    Effect::new(move |_| {
        if ahead.get_value().is_none() {
            ahead.set_value(Some(server.0 - here().0));
        }
        let period = period.get();
        tick();
        if let Ok(timer) = set_interval_with_handle(tick, Duration::from_millis(period)) {
            on_cleanup(move || timer.clear());
        }
    });
    now.into()
}

/// Waits, in the browser.
pub async fn pause(milliseconds: i32) {
    let promise = js_sys::Promise::new(&mut |resolve, _| {
        // A window always has timers; without one the wait would never end.
        let set = window().set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, milliseconds);
        drop(set);
    });
    let _ = wasm_bindgen_futures::JsFuture::from(promise).await;
}
