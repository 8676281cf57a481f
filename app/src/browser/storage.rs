//! Small things this browser remembers: sizes of panels, unsaved drafts.

/// Reads a value. None on the server, and when there is none.
#[must_use]
pub fn read(key: &str) -> Option<String> {
    let _ = key;
    None
}

/// Writes a value, and says whether the browser kept it.
pub fn write(key: &str, value: &str) -> bool {
    let _ = (key, value);
    false
}

/// Forgets a value.
pub fn remove(key: &str) {
    let _ = key;
}
