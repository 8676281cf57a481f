//! What an unfinished run waits for, as one sentence below its phases: its
//! place in the line, or a provider that does not answer a stop yet.

use leptos::prelude::*;
use model::Run;

/// The sentence, while there is one.
fn words(run: Option<&Run>) -> Option<String> {
    run.filter(|run| !run.state.is_end())
        .and_then(|run| run.reason.clone())
}

/// The line of it. It stays in the page when it is empty, so that readers of the screen hear the next.
#[component]
pub fn Waits(
    /// The run shown.
    #[prop(into)]
    run: Signal<Option<Run>>,
) -> impl IntoView {
    let words = Memo::new(move |_| run.with(|run| words(run.as_ref())));
    view! {
        <p class="waits" role="status">
            {move || words.get()}
        </p>
    }
}
