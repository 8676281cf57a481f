//! Small things this browser remembers: sizes of panels, unsaved drafts.
//! A browser may refuse (full, private mode); nothing depends on it.

#[cfg(target_family = "wasm")]
fn local() -> Option<web_sys::Storage> {
    leptos::prelude::window().local_storage().ok().flatten()
}

#[cfg(not(target_family = "wasm"))]
fn local() -> Option<web_sys::Storage> {
    None
}

/// Reads a value. None on the server, and when there is none.
#[must_use]
pub fn read(key: &str) -> Option<String> {
    local()?.get_item(key).ok().flatten()
}

/// Writes a value, and says whether the browser kept it.
pub fn write(key: &str, value: &str) -> bool {
    local().is_some_and(|storage| storage.set_item(key, value).is_ok())
}

/// Forgets a value.
pub fn remove(key: &str) {
    if let Some(storage) = local() {
        let _ = storage.remove_item(key);
    }
}
