//! What was sent: each message with its attempts, and a button that sends it again.

use super::Around;
use leptos::{form::ActionForm, prelude::*};
use model::{
    Attempt, Delivery, DeliveryState, Millis, WebhookTarget,
    time::{ago_words, countdown_words, duration_words},
};

/// The newest messages of all addresses.
#[component]
pub fn Deliveries(
    /// The addresses.
    targets: Vec<WebhookTarget>,
    /// The messages, newest first.
    deliveries: Vec<Delivery>,
    /// The server's clock.
    now: Millis,
    /// What happens around it.
    around: Around,
) -> impl IntoView {
    let shown = if deliveries.is_empty() {
        view! { <p class="hint">"Nothing was sent yet."</p> }.into_any()
    } else {
        let rows = deliveries.into_iter().map(|delivery| {
            let target = targets.iter().find(|target| target.id == delivery.target);
            let url = target.map_or_else(String::new, |target| target.said.url.clone());
            view! { <Row delivery=delivery url=url now=now around=around /> }
        });
        view! {
            <table class="table">
                <thead>
                    <tr>
                        <th>"Event"</th>
                        <th class="wide-only">"Address"</th>
                        <th>"State"</th>
                        <th><span class="visually-hidden">"Details"</span></th>
                    </tr>
                </thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        }
        .into_any()
    };
    view! {
        <section aria-labelledby="sent">
            <div class="head" style="margin-top:30px">
                <h2 id="sent" style="margin:0">"Sent"</h2>
                <span class="grow"></span>
                <button class="btn quiet" on:click=move |_| around.changed.update(|changed| *changed += 1)>
                    "Look again"
                </button>
            </div>
            {shown}
        </section>
    }
}

#[component]
fn Row(delivery: Delivery, url: String, now: Millis, around: Around) -> impl IntoView {
    let open = RwSignal::new(false);
    let (dot, words) = match delivery.state {
        DeliveryState::Delivered => ("dot ok", "delivered".to_owned()),
        DeliveryState::Failed => ("dot bad", "given up".to_owned()),
        DeliveryState::Cancelled => ("dot hollow", "not sent: the address was off".to_owned()),
        DeliveryState::Waiting => {
            let wait = delivery.next_at.map_or(0, |at| at.since(now));
            let words = match (delivery.attempts.is_empty(), wait) {
                (true, _) => "is being sent".to_owned(),
                (false, 0) => "is being sent again".to_owned(),
                (false, wait) => format!("sent again in {}", countdown_words(wait)),
            };
            ("dot run", words)
        }
    };
    let label = format!("Details of {}", delivery.message);
    let (id, message, attempts) = (delivery.id, delivery.message, delivery.attempts);
    let kept = StoredValue::new((id, message, attempts));
    view! {
        <tr>
            <td>
                <code>{delivery.event.as_str()}</code>
                <span class="hint" style="display:block">{ago_words(now.since(delivery.created_at))}</span>
            </td>
            <td class="wide-only mono break">{url}</td>
            <td class="wide-nowrap"><span class="state"><span class=dot></span>{words}</span></td>
            <td>
                <button
                    class="btn quiet"
                    aria-expanded=move || open.get().to_string()
                    aria-label=label
                    on:click=move |_| open.update(|open| *open = !*open)
                >
                    "Details"
                </button>
            </td>
        </tr>
        <Show when=move || open.get()>
            <tr>
                <td colspan="4">
                    {move || kept.with_value(|(id, message, attempts)| {
                        let attempts = attempts.iter().cloned().map(|attempt| view! { <One attempt=attempt now=now /> });
                        let attempts = attempts.collect_view();
                        let (id, message) = (id.clone(), message.clone());
                        view! {
                            <p class="hint">"Message "<code>{message}</code></p>
                            <ol class="attempts">{attempts}</ol>
                            <ActionForm action=around.replay>
                                <input type="hidden" name="delivery" value=id />
                                <button class="btn quiet" disabled=move || around.replay.pending().get()>
                                    "Send it again"
                                </button>
                            </ActionForm>
                        }
                    })}
                </td>
            </tr>
        </Show>
    }
}

#[component]
fn One(attempt: Attempt, now: Millis) -> impl IntoView {
    let status = attempt
        .status
        .map_or_else(|| "no answer".to_owned(), |status| format!("status {status}"));
    view! {
        <li>
            <b>{status}</b>
            " after "
            {duration_words(attempt.took)}
            ", "
            {ago_words(now.since(attempt.at))}
            {(!attempt.words.is_empty()).then(|| view! { <pre class="answer">{attempt.words}</pre> })}
        </li>
    }
}
