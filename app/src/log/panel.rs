//! The Logs panel: its tools, its rows and the prompt for the program's input.

use super::LogFeed;
use leptos::prelude::*;
use model::Run;

/// What a person sends to the running program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProgramInput {
    /// A line, without its line break.
    Line(String),
    /// The end of input (Ctrl+D).
    End,
    /// An interrupt (Ctrl+C).
    Interrupt,
}

/// The log of `run`, as `feed` has it.
#[component]
pub fn LogPanel(
    /// Its lines.
    feed: LogFeed,
    /// The run shown; none before the first.
    #[prop(into)]
    run: Signal<Option<Run>>,
    /// Asked to open a file at a line: the path as the program printed it, the line from 1.
    #[prop(into)]
    on_open_source: Callback<(String, u32)>,
    /// Asked to send input to the program.
    #[prop(into)]
    on_input: Callback<ProgramInput>,
) -> impl IntoView {
    let _ = (feed, run, on_open_source, on_input);
    view! { <div class="log-panel"></div> }
}
