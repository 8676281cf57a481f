//! Errors as pages show them.

use crate::{ErrorCode, UiError};
use leptos::prelude::*;

/// Leaves for another page of this site: by a redirect when the server paints,
/// by loading it when the browser does, so that nothing of the old page stays.
pub fn leave_for(path: &str) {
    #[cfg(feature = "ssr")]
    leptos_axum::redirect(path);
    #[cfg(all(feature = "hydrate", not(feature = "ssr")))]
    let _ = window().location().assign(path);
    let _ = path;
}

/// The address of the sign-in page that comes back to `here`.
#[must_use]
pub fn sign_in_path(here: &str) -> String {
    format!("/sign-in?next={}", in_query(here))
}

/// A path as the value of a query.
#[must_use]
pub fn in_query(here: &str) -> String {
    let mut path = String::with_capacity(here.len());
    for byte in here.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => {
                path.push(char::from(byte))
            }
            _ => {
                const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
                path.push('%');
                path.push(char::from(DIGITS[usize::from(byte >> 4)]));
                path.push(char::from(DIGITS[usize::from(byte & 15)]));
            }
        }
    }
    path
}

/// An error in the place of a page's content.
#[component]
pub fn PageError(
    /// What went wrong.
    error: UiError,
) -> impl IntoView {
    let title = match error.code {
        ErrorCode::NotFound => "Not found",
        ErrorCode::SignedOut => "Signed out",
        ErrorCode::Forbidden => "Not allowed",
        ErrorCode::Offline | ErrorCode::Unavailable => "Not reachable",
        _ => "Something went wrong",
    };
    view! {
        <div class="page slim">
            <h1>{title}</h1>
            <p role="alert" style="margin:12px 0 20px">{error.text}</p>
            <a class="btn quiet" href="/" style="width:max-content">"Go to the agents"</a>
        </div>
    }
}

/// The error of a form's last try, above its button.
#[component]
pub fn FormError(
    /// What it answered.
    #[prop(into)]
    error: Signal<Option<UiError>>,
) -> impl IntoView {
    view! {
        <div role="alert">
            {move || error.get().map(|error| view! { <p class="error-text">{error.text}</p> })}
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::sign_in_path;

    #[test]
    fn the_way_back_survives() {
        assert_eq!(
            sign_in_path("/agents/x?file=a b.py"),
            "/sign-in?next=/agents/x%3Ffile%3Da%20b.py"
        );
    }
}
