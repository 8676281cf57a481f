//! The studio's page.
use leptos::prelude::*;
/// The studio of an agent.
#[component]
pub fn StudioPage() -> impl IntoView {
    view! { <p>"Studio"</p> }
}
