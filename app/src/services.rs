//! What the server hands to pages and server functions, through Leptos' context.

use model::Provider;
use runs::Runs;
use store::Store;

/// Everything the site needs of the server. Cheap to clone.
#[derive(Clone)]
pub struct Services {
    /// The database.
    pub store: Store,
    /// The runs.
    pub runs: Runs,
    /// Where sandboxes live.
    pub provider: Provider,
    /// The provider's base URL.
    pub provider_url: String,
    /// In a few words, how sandboxes are kept apart: the level of the embedded
    /// engine, or what the cloud says.
    pub isolation: String,
    /// What enforces each limit, one sentence each; shown in the settings.
    pub isolation_facts: Vec<String>,
    /// How people sign in.
    pub sign_in: crate::api::SignInOptions,
    /// The address people open (`https://pitlane.example`), when the operator named one.
    pub origin: Option<String>,
}

/// Where the built files of the site are served.
#[derive(Clone, Debug)]
pub struct Assets {
    /// The path before each file's name, without a slash at its end:
    /// `/assets/3f9a0c1177e0b2d4`. Below it are `app.js`, `app_bg.wasm`,
    /// `css/app.css`, `js/`, `favicon.svg` and `icons.svg`.
    pub base: String,
}

/// The services of this request.
///
/// # Errors
/// When the server did not provide them, which is a fault of ours.
pub fn services() -> Result<Services, crate::UiError> {
    leptos::prelude::use_context::<Services>().ok_or_else(|| {
        crate::UiError::new(
            crate::ErrorCode::Internal,
            "The server is not ready yet. Try again.",
        )
        .with_status()
    })
}
