//! The events an address may be told of, to tick.

use leptos::prelude::*;
use model::WebhookEvent;

/// A box for each event.
#[component]
pub fn Events(
    /// The events that are ticked.
    chosen: RwSignal<Vec<WebhookEvent>>,
) -> impl IntoView {
    let boxes = WebhookEvent::ALL.map(|event| {
        let is_chosen = move || chosen.with(|chosen| chosen.contains(&event));
        let tick = move |ticked: bool| {
            chosen.update(|chosen| {
                chosen.retain(|other| *other != event);
                if ticked {
                    chosen.push(event);
                }
            });
        };
        view! {
            <label class="tick">
                <input
                    type="checkbox"
                    prop:checked=is_chosen
                    checked=is_chosen
                    on:change:target=move |change| tick(change.target().checked())
                />
                <code>{event.as_str()}</code>
                <span>{event.words()}</span>
            </label>
        }
    });
    view! { <div class="ticks" role="group" aria-label="Told of">{boxes.collect_view()}</div> }
}
