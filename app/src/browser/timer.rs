//! Timers and animation frames that are cancelled when they are dropped, so
//! that none outlives the page that asked for it. Browser only.

use wasm_bindgen::{JsCast, closure::Closure};

/// Calls once, some milliseconds from now.
pub struct Timeout {
    id: i32,
    _act: Closure<dyn FnMut()>,
}

impl Timeout {
    /// Starts the timer.
    #[must_use]
    pub fn after(milliseconds: u32, act: impl FnOnce() + 'static) -> Self {
        let act = Closure::once(act);
        let id = leptos::prelude::window()
            .set_timeout_with_callback_and_timeout_and_arguments_0(
                act.as_ref().unchecked_ref(),
                i32::try_from(milliseconds).unwrap_or(i32::MAX),
            )
            .unwrap_or_default();
        Self { id, _act: act }
    }
}

impl Drop for Timeout {
    fn drop(&mut self) {
        leptos::prelude::window().clear_timeout_with_handle(self.id);
    }
}

/// Calls once, before the browser paints next.
pub struct Frame {
    id: i32,
    _act: Closure<dyn FnMut(f64)>,
}

impl Frame {
    /// Asks for the frame.
    #[must_use]
    pub fn next(act: impl FnOnce() + 'static) -> Self {
        let act = Closure::once(move |_time: f64| act());
        let id = leptos::prelude::window()
            .request_animation_frame(act.as_ref().unchecked_ref())
            .unwrap_or_default();
        Self { id, _act: act }
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        let _ = leptos::prelude::window().cancel_animation_frame(self.id);
    }
}
