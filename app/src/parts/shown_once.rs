//! A secret that was just made: shown until the page is left, and nowhere again.

use crate::browser::clipboard;
use leptos::{prelude::*, task::spawn_local};

/// The secret, with a button that copies it.
#[component]
pub fn ShownOnce(
    /// What it is, as the name of its field: `The new secret`.
    label: &'static str,
    /// The secret.
    text: String,
) -> impl IntoView {
    let copied = RwSignal::new(None);
    let text = StoredValue::new(text);
    let copy = move |_| {
        spawn_local(async move {
            let done = clipboard::copy(&text.get_value()).await;
            let _ = copied.try_set(Some(done));
        });
    };
    view! {
        <p class="done-text">"Copy it now: it is not shown again."</p>
        <div class="row">
            <input class="field mono" readonly aria-label=label value=text.get_value() />
            <button type="button" class="btn quiet" on:click=copy>
                {move || match copied.get() {
                    None => "Copy",
                    Some(true) => "Copied",
                    Some(false) => "Select it and copy",
                }}
            </button>
        </div>
    }
}
