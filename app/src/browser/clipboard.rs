//! Copying text.

use leptos::prelude::{document, window};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{HtmlDocument, HtmlTextAreaElement};

/// Puts `text` on the clipboard in answer to what a person did, and says
/// whether the browser let us. Browser only.
pub async fn copy(text: &str) -> bool {
    let window = window();
    if window.is_secure_context() {
        let written = window.navigator().clipboard().write_text(text);
        return JsFuture::from(written).await.is_ok();
    }
    copy_from_field(text).unwrap_or(false)
}

/// The old way, which browsers still allow over plain HTTP, where a studio in
/// a local network often is.
fn copy_from_field(text: &str) -> Option<bool> {
    let document = document();
    let body = document.body()?;
    let focused = document.active_element();
    let field: HtmlTextAreaElement = document.create_element("textarea").ok()?.dyn_into().ok()?;
    field.set_value(text);
    field.set_attribute("class", "visually-hidden").ok()?;
    body.append_child(&field).ok()?;
    field.select();
    let copied = document
        .clone()
        .dyn_into::<HtmlDocument>()
        .ok()?
        .exec_command("copy")
        .unwrap_or(false);
    field.remove();
    if let Some(focused) = focused.and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok()) {
        let _ = focused.focus();
    }
    Some(copied)
}
