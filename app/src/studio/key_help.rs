//! The keys of the studio, shown by `?`.

use crate::{browser::keys::control_key_name, parts::dialog::Dialog};
use leptos::prelude::*;

/// What each key does; those with Ctrl first.
const WITH_CONTROL: [(&str, &str); 5] = [
    ("Run", "Enter"),
    ("Stop the run", "."),
    ("Save now", "S"),
    ("Open or close the right panel", "J"),
    ("Open or close the files", "B"),
];
const ALONE: [(&str, &str); 5] = [
    ("Rename the chosen file", "F2"),
    ("Delete the chosen file", "Delete"),
    ("Move a splitter that has the focus", "\u{2190} \u{2192}"),
    ("Leave the editor with Tab, on and off", "Ctrl M"),
    ("Show these keys", "?"),
];

/// The dialog with the keys.
#[component]
pub fn KeyHelp(
    /// Whether it is open.
    open: RwSignal<bool>,
) -> impl IntoView {
    let control = control_key_name();
    view! {
        <Dialog open=open id="keys-title" title="Keys">
            <dl class="keys">
                {WITH_CONTROL
                    .map(|(what, key)| {
                        view! {
                            <dt>{what}</dt>
                            <dd>
                                <kbd>{move || control.get()}</kbd>
                                " "
                                <kbd>{key}</kbd>
                            </dd>
                        }
                    })
                    .into_iter()
                    .collect_view()}
                {ALONE
                    .map(|(what, key)| view! { <dt>{what}</dt><dd><kbd>{key}</kbd></dd> })
                    .into_iter()
                    .collect_view()}
            </dl>
        </Dialog>
    }
}
