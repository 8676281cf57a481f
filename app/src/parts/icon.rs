//! Icons, from the one sprite the document carries (`public/icons.svg`).

use leptos::prelude::*;

/// An icon of the sprite. It says nothing to screen readers: the control
/// around it has a name of its own.
#[component]
pub fn Icon(
    /// The symbol's name.
    name: &'static str,
    /// More classes.
    #[prop(optional)]
    class: &'static str,
) -> impl IntoView {
    view! {
        <svg class=format!("icon {class}") aria-hidden="true" focusable="false">
            <use href=format!("#icon-{name}")></use>
        </svg>
    }
}

/// Pitlane's mark.
#[component]
pub fn Mark() -> impl IntoView {
    view! {
        <svg width="20" height="20" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
            <path class="mark-1" d="M2 4l6 6-6 6h4l6-6-6-6z"></path>
            <path class="mark-2" d="M9 4l6 6-6 6h3.4l6-6-6-6z"></path>
        </svg>
    }
}

/// The icon and its colour's class for a file of this name.
#[must_use]
pub fn of_file(path: &str) -> (&'static str, &'static str) {
    match path.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "py" => ("code", "python"),
        "ts" | "mts" | "cts" | "tsx" => ("code", "typescript"),
        "js" | "mjs" | "cjs" | "jsx" => ("code", "javascript"),
        "json" | "csv" | "toml" | "yaml" | "yml" | "ini" => ("data", "data"),
        "md" | "txt" => ("text", ""),
        "png" | "jpg" | "jpeg" | "gif" | "svg" | "webp" => ("picture", ""),
        _ => ("file", ""),
    }
}
