//! What an address that leads nowhere shows.

use crate::{
    ErrorCode, UiError,
    parts::{
        errors::PageError,
        frame::{Frame, Section},
    },
};
use leptos::prelude::*;
use leptos_meta::Title;

/// The page of an unknown address.
#[component]
pub fn NotFound() -> impl IntoView {
    let error = UiError::new(
        ErrorCode::NotFound,
        "There is no page at this address. It may have been mistyped, or what it led to was deleted.",
    );
    #[cfg(feature = "ssr")]
    let error = error.with_status();
    view! {
        <Title text="Not found" />
        <Frame section=Section::Other>
            <PageError error=error />
        </Frame>
    }
    .into_any()
}
