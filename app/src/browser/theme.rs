//! Dark and light.

use leptos::prelude::*;

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

/// The choice, in the context of the whole app.
#[derive(Clone, Copy)]
pub struct ThemeChoice(pub RwSignal<Theme>);

/// Makes the choice known to all pages and keeps `<html data-theme>` and the
/// cookie in step with it. Called once, in `App`, with what the cookie says.
pub fn provide_theme(from_cookie: Theme) {
    provide_context(ThemeChoice(RwSignal::new(from_cookie)));
}
