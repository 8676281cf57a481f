//! Keys that work anywhere on a page.

use super::listener::Listener;
use leptos::prelude::*;
use send_wrapper::SendWrapper;
use wasm_bindgen::JsCast;
use web_sys::KeyboardEvent;

/// A combination of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chord {
    /// Ctrl, or Cmd on a Mac.
    pub control: bool,
    /// Shift.
    pub shift: bool,
    /// `KeyboardEvent.key`, lower case: `enter`, `.`, `s`, `?`.
    pub key: &'static str,
}

impl Chord {
    /// Ctrl, or Cmd on a Mac, with `key`.
    #[must_use]
    pub const fn control(key: &'static str) -> Self {
        Self {
            control: true,
            shift: false,
            key,
        }
    }
}

/// Calls `act` whenever the keys are pressed while the component that calls
/// this lives. Heard before anything on the page, Monaco included, and then
/// kept from it and from the browser. Keys without Ctrl are left to whoever
/// is being typed into.
pub fn on_keys(chord: Chord, act: impl Fn() + 'static) {
    let act = std::rc::Rc::new(act);
    Effect::new(move || {
        let act = act.clone();
        let listener = Listener::before(&window(), "keydown", move |event| {
            let Some(event) = event.dyn_ref::<KeyboardEvent>() else {
                return;
            };
            if is(chord, event) && (chord.control || !is_typed_into(event)) {
                event.prevent_default();
                event.stop_propagation();
                act();
            }
        });
        let listener = SendWrapper::new(listener);
        on_cleanup(move || drop(listener));
    });
}

fn is(chord: Chord, event: &KeyboardEvent) -> bool {
    // `?` and the like need Shift on most keyboards: it is part of the key then.
    let symbol = chord.key.chars().count() == 1 && !chord.key.chars().all(char::is_alphanumeric);
    event.key().to_lowercase() == chord.key
        && (event.ctrl_key() || event.meta_key()) == chord.control
        && (symbol || event.shift_key() == chord.shift)
        && !event.alt_key()
        && !event.is_composing()
}

fn is_typed_into(event: &KeyboardEvent) -> bool {
    event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
        .is_some_and(|element| {
            element
                .closest("input, textarea, select, [contenteditable], .monaco-editor")
                .ok()
                .flatten()
                .is_some()
        })
}

/// `Ctrl` or, on a Mac, `⌘`: known after hydration, `Ctrl` before.
#[must_use]
pub fn control_key_name() -> Signal<&'static str> {
    let name = RwSignal::new("Ctrl");
    Effect::new(move || {
        let agent = window().navigator().user_agent().unwrap_or_default();
        if agent.contains("Mac OS X") {
            name.set("\u{2318}");
        }
    });
    name.into()
}
