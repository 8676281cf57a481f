//! The HTML document around the site, painted by the server alone.

use crate::{App, Assets, app::chosen_theme};
use leptos::{nonce::use_nonce, prelude::*};
use leptos_meta::MetaTags;

/// Pitlane's icons, as symbols that pages refer to.
const ICONS: &str = include_str!("../../public/icons.svg");

/// The whole document.
pub fn shell(assets: &Assets) -> impl IntoView + use<> {
    let base = assets.base.clone();
    let theme = chosen_theme().word();
    let nonce = use_nonce();
    let start = start(&base);
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="dark light" />
                <meta name="asset-base" content=base.clone() />
                <link rel="icon" type="image/svg+xml" href=format!("{base}/favicon.svg") />
                <link rel="stylesheet" href=format!("{base}/css/app.css") />
                <link rel="modulepreload" href=format!("{base}/app.js") crossorigin="" />
                <link
                    rel="preload"
                    href=format!("{base}/app_bg.wasm")
                    r#as="fetch"
                    r#type="application/wasm"
                    crossorigin=""
                />
                <script type="module" nonce=nonce>{start}</script>
                <MetaTags />
            </head>
            <body>
                <App />
                <div hidden aria-hidden="true" inner_html=ICONS></div>
                <div role="alert" id="not-started" class="not-started" hidden>
                    <p>"This page did not start, so its buttons do nothing. Its program did not arrive, or failed. Reload the page."</p>
                    <a class="btn" href="">
                        "Reload"
                    </a>
                </div>
            </body>
        </html>
    }
}

/// The module script that brings the page to life. The document is marked with
/// `data-started` then, which says to whoever drives the page that its buttons
/// work; when anything fails on the way, the page says so.
fn start(base: &str) -> String {
    format!(
        "try{{const {{default:start,hydrate}}=await import('{base}/app.js');\
         await start({{module_or_path:'{base}/app_bg.wasm'}});hydrate();\
         document.documentElement.dataset.started=''}}\
         catch(error){{document.getElementById('not-started').hidden=false;throw error}}"
    )
}
