//! The router, and what every page shares.

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};

/// The whole site.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! { <Title text="Pitlane" /> }
}
