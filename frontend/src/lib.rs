//! The browser's half of the site as one WebAssembly module: `app.js` loads it
//! and calls [`hydrate`].
#![recursion_limit = "256"]

use wasm_bindgen::prelude::wasm_bindgen;

/// Brings the page that the server painted to life.
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_body(app::App);
}
