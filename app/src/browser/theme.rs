//! Dark and light.

use leptos::prelude::*;
use wasm_bindgen::JsCast;

/// What the person chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// As the system has it.
    System,
    /// Light on dark.
    Dark,
    /// Dark on light.
    Light,
}

/// The name of the cookie by which the server knows the choice.
pub const COOKIE: &str = "pitlane_theme";

impl Theme {
    /// The word in the cookie and in `<html data-theme>`; none for the system's.
    #[must_use]
    pub const fn word(self) -> Option<&'static str> {
        match self {
            Self::System => None,
            Self::Dark => Some("dark"),
            Self::Light => Some("light"),
        }
    }

    /// Reads the word; anything else is the system's.
    #[must_use]
    pub fn parse(word: Option<&str>) -> Self {
        match word {
            Some("dark") => Self::Dark,
            Some("light") => Self::Light,
            _ => Self::System,
        }
    }
}

/// The choice as the page shows it now. Browser only.
#[must_use]
pub fn current() -> Theme {
    let root = document().document_element();
    Theme::parse(root.and_then(|root| root.get_attribute("data-theme")).as_deref())
}

/// Shows the page in `theme` and keeps the choice for a year, in a cookie so
/// that the server paints it from the first byte. Browser only.
pub fn choose(theme: Theme) {
    if let Some(root) = document().document_element() {
        let _ = match theme.word() {
            Some(word) => root.set_attribute("data-theme", word),
            None => root.remove_attribute("data-theme"),
        };
    }
    if let Ok(document) = document().dyn_into::<web_sys::HtmlDocument>() {
        let cookie = match theme.word() {
            Some(word) => format!("{COOKIE}={word}; path=/; max-age=31536000; samesite=lax"),
            None => format!("{COOKIE}=; path=/; max-age=0; samesite=lax"),
        };
        let _ = document.set_cookie(&cookie);
    }
}
