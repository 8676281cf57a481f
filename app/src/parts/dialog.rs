//! A dialog over the page: the browser's own, which keeps the focus inside,
//! closes on Escape, and gives the focus back.

use super::icon::Icon;
use leptos::{html::Dialog as DialogElement, prelude::*};

/// A dialog that is open while `open` says so.
#[component]
pub fn Dialog(
    /// Whether it is open; set to false when the person closes it.
    open: RwSignal<bool>,
    /// Its title.
    #[prop(into)]
    title: Signal<String>,
    /// The id of its title, unlike all others of the page.
    id: &'static str,
    /// Whether it takes much of the width.
    #[prop(optional)]
    wide: bool,
    /// What it shows; made anew when it opens.
    children: ChildrenFn,
) -> impl IntoView {
    let element = NodeRef::<DialogElement>::new();
    Effect::new(move |_| {
        let Some(dialog) = element.get() else { return };
        if open.get() {
            if !dialog.open() {
                let _ = dialog.show_modal();
            }
        } else if dialog.open() {
            dialog.close();
        }
    });
    view! {
        <dialog
            class="dialog"
            class:wide=wide
            node_ref=element
            aria-labelledby=id
            on:close=move |_| open.set(false)
        >
            <div class="dialog-head">
                <h2 id=id>{move || title.get()}</h2>
                <span class="grow"></span>
                <button class="icon-button" aria-label="Close" on:click=move |_| open.set(false)>
                    <Icon name="close" />
                </button>
            </div>
            <div class="dialog-body">
                <Show when=move || open.get()>{children()}</Show>
            </div>
        </dialog>
    }
}
