//! Where a person answers the running program.

use leptos::{ev, html, prelude::*};
use model::{Run, RunState};

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

/// A row for input, there while the program of `run` goes.
#[component]
pub fn Prompt(run: Signal<Option<Run>>, on_input: Callback<ProgramInput>) -> impl IntoView {
    let field = NodeRef::<html::Input>::new();
    let running = Memo::new(move |_| {
        run.with(|run| {
            run.as_ref()
                .filter(|run| run.state == RunState::Running)
                .map(|run| run.id.clone())
        })
    });
    let ended = RwSignal::new(false);
    Effect::new(move || {
        running.track();
        ended.set(false);
    });
    let send = move |event: ev::SubmitEvent| {
        event.prevent_default();
        if let Some(field) = field.get_untracked() {
            on_input.run(ProgramInput::Line(field.value()));
            field.set_value("");
        }
    };
    let key = move |event: ev::KeyboardEvent| {
        if !event.ctrl_key() || event.shift_key() || event.alt_key() {
            return;
        }
        let Some(field) = field.get_untracked() else {
            return;
        };
        match event.key().as_str() {
            "d" => {
                event.prevent_default();
                if !field.value().is_empty() {
                    on_input.run(ProgramInput::Line(field.value()));
                    field.set_value("");
                }
                on_input.run(ProgramInput::End);
                ended.set(true);
            }
            // Something selected is copied, as everywhere.
            "c" if field.selection_start() == field.selection_end() => {
                event.prevent_default();
                on_input.run(ProgramInput::Interrupt);
            }
            _ => {}
        }
    };
    view! {
        <form class="log-prompt" hidden=move || running.get().is_none() on:submit=send>
            <label for="program-input">"Input"</label>
            <input
                id="program-input"
                node_ref=field
                type="text"
                autocomplete="off"
                autocapitalize="off"
                spellcheck="false"
                disabled=move || ended.get()
                placeholder=move || {
                    if ended.get() { "Input has ended" } else { "Enter sends, Ctrl+D ends input" }
                }
                on:keydown=key
            />
        </form>
    }
}
