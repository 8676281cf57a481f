//! A listener that is taken off its target when it is dropped. Browser only.

use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{AddEventListenerOptions, Event, EventTarget};

/// A listener on a target.
pub struct Listener {
    target: EventTarget,
    event: &'static str,
    capture: bool,
    heard: Closure<dyn FnMut(Event)>,
}

impl Listener {
    /// Hears `event` after the elements inside the target did.
    #[must_use]
    pub fn on(target: &EventTarget, event: &'static str, heard: impl FnMut(Event) + 'static) -> Self {
        Self::add(target, event, false, true, heard)
    }

    /// Hears `event` before any element inside the target does, and may prevent it.
    #[must_use]
    pub fn before(target: &EventTarget, event: &'static str, heard: impl FnMut(Event) + 'static) -> Self {
        Self::add(target, event, true, false, heard)
    }

    fn add(
        target: &EventTarget,
        event: &'static str,
        capture: bool,
        passive: bool,
        heard: impl FnMut(Event) + 'static,
    ) -> Self {
        let heard = Closure::<dyn FnMut(Event)>::new(heard);
        let options = AddEventListenerOptions::new();
        options.set_capture(capture);
        options.set_passive(passive);
        let _ = target.add_event_listener_with_callback_and_add_event_listener_options(
            event,
            heard.as_ref().unchecked_ref(),
            &options,
        );
        Self {
            target: target.clone(),
            event,
            capture,
            heard,
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.target.remove_event_listener_with_callback_and_bool(
            self.event,
            self.heard.as_ref().unchecked_ref(),
            self.capture,
        );
    }
}
