//! A menu under a button: opened by click, Enter, Space or arrow down; walked
//! by arrows, Home and End; closed by Escape, Tab, a choice or a click elsewhere.

use leptos::{ev, html, prelude::*};
use wasm_bindgen::JsCast;

/// A button with a list of things to do under it.
#[component]
pub fn Menu(
    /// What the button is called; for a button that shows only an icon.
    #[prop(into)]
    label: Signal<String>,
    /// The button's classes.
    #[prop(into)]
    button_class: String,
    /// What the button shows.
    #[prop(into)]
    face: ViewFn,
    /// Whether the list hangs from the button's right edge.
    #[prop(optional)]
    right: bool,
    /// Whether it holds fields instead of things to do.
    #[prop(optional)]
    fields: bool,
    /// Its items: buttons of the class `menu-item` with the role `menuitem`.
    children: ChildrenFn,
) -> impl IntoView {
    let open = RwSignal::new(false);
    let root = NodeRef::<html::Div>::new();
    let button = NodeRef::<html::Button>::new();
    let focus_item = move |step: Step| {
        let Some(root) = root.get_untracked() else { return };
        let Ok(items) = root.query_selector_all(".menu-list .menu-item:not(:disabled)") else {
            return;
        };
        let items: Vec<web_sys::HtmlElement> = (0..items.length())
            .filter_map(|i| items.item(i)?.dyn_into().ok())
            .collect();
        let active = document().active_element();
        let here = items
            .iter()
            .position(|item| active.as_ref() == Some(item.as_ref()));
        if let Some(item) = next_item(items.len(), here, step).and_then(|i| items.get(i)) {
            let _ = item.focus();
        }
    };
    let close = move |back: bool| {
        open.set(false);
        if back && let Some(button) = button.get_untracked() {
            let _ = button.focus();
        }
    };
    // A click or the focus going elsewhere closes it.
    let leave = move |event: web_sys::FocusEvent| {
        let to = event
            .related_target()
            .and_then(|target| target.dyn_into::<web_sys::Node>().ok());
        let inside = root
            .get_untracked()
            .is_some_and(|root| root.contains(to.as_ref()));
        if !inside && to.is_some() {
            open.set(false);
        }
    };
    Effect::new(move |_| {
        if !open.get() {
            return;
        }
        if !fields {
            request_animation_frame(move || focus_item(Step::First));
        }
        let handle = window_event_listener(ev::pointerdown, move |event| {
            let target = event
                .target()
                .and_then(|target| target.dyn_into::<web_sys::Node>().ok());
            if !root
                .get_untracked()
                .is_some_and(|root| root.contains(target.as_ref()))
            {
                let _ = open.try_set(false);
            }
        });
        on_cleanup(move || handle.remove());
    });
    let keys = move |event: web_sys::KeyboardEvent| {
        let key = event.key();
        match key.as_str() {
            "Escape" if open.get_untracked() => {
                event.stop_propagation();
                close(true);
            }
            "ArrowDown" if !open.get_untracked() => open.set(true),
            "ArrowDown" if !fields => focus_item(Step::Next),
            "ArrowUp" if !fields && open.get_untracked() => focus_item(Step::Previous),
            "Home" if !fields && open.get_untracked() => focus_item(Step::First),
            "End" if !fields && open.get_untracked() => focus_item(Step::Last),
            _ => return,
        }
        event.prevent_default();
    };
    view! {
        <div
            class="menu"
            class:right=right
            class:open=move || open.get()
            node_ref=root
            on:keydown=keys
            on:focusout=leave
        >
            <button
                type="button"
                class=format!("{button_class} menu-button")
                node_ref=button
                aria-haspopup=if fields { "dialog" } else { "menu" }
                aria-expanded=move || if open.get() { "true" } else { "false" }
                aria-label=move || Some(label.get()).filter(|label| !label.is_empty())
                on:click=move |_| open.update(|open| *open = !*open)
            >
                {move || face.run()}
            </button>
            <Show when=move || open.get()>
                <div
                    class="menu-list"
                    class:menu-fields=fields
                    role=if fields { "group" } else { "menu" }
                    on:click=move |_| {
                        if !fields {
                            close(true);
                        }
                    }
                >
                    {children()}
                </div>
            </Show>
        </div>
    }
}

/// Where the focus goes in a menu.
#[derive(Clone, Copy, Debug)]
enum Step {
    First,
    Last,
    Next,
    Previous,
}

/// The item that gets the focus, of `count` with the focus on `here`.
const fn next_item(count: usize, here: Option<usize>, step: Step) -> Option<usize> {
    if count == 0 {
        return None;
    }
    Some(match (step, here) {
        (Step::First, _) | (Step::Next, None) => 0,
        (Step::Last, _) | (Step::Previous, None | Some(0)) => count - 1,
        (Step::Next, Some(here)) => (here + 1) % count,
        (Step::Previous, Some(here)) => here - 1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrows_go_round() {
        assert_eq!(next_item(3, Some(2), Step::Next), Some(0));
        assert_eq!(next_item(3, Some(0), Step::Previous), Some(2));
        assert_eq!(next_item(3, None, Step::Next), Some(0));
        assert_eq!(next_item(0, None, Step::First), None);
    }
}
