//! The question before a sandbox is deleted: what is lost, and what becomes of
//! a run in it.

use super::state::{SandboxesState, short_id, use_sandboxes};
use crate::parts::dialog::Dialog;
use leptos::prelude::*;
use model::{ComparedSandbox, SandboxState};

/// What is said before `sandbox` is deleted.
fn question(state: SandboxesState, sandbox: &ComparedSandbox) -> String {
    let of_agent = sandbox
        .agent()
        .and_then(|agent| state.agent(agent))
        .map_or_else(String::new, |agent| format!(" of {}", agent.name));
    if sandbox.run_goes_on {
        let run = sandbox.run().and_then(|run| state.run_number(run));
        let run = run.map_or_else(|| "A run".to_owned(), |number| format!("Run {number}"));
        return format!(
            "{run}{of_agent} goes on in it. The run is stopped first, and then the sandbox is deleted with every file in it. The run\u{2019}s log is kept."
        );
    }
    match sandbox.row.as_ref().map(|row| row.state) {
        Some(SandboxState::Idle) => format!(
            "It stands ready for the next run{of_agent}, which will make another. Every file in it that is not the agent\u{2019}s is lost."
        ),
        Some(SandboxState::Archiving | SandboxState::Archived | SandboxState::Restoring) => {
            format!("This archived sandbox{of_agent} can be restored until its time is over. Deleted, every file in it is lost.")
        }
        Some(_) => "Nothing wants it any more. The provider is asked to delete it now.".to_owned(),
        None => "The ledger does not know it, but its label says that it is of this installation. Every file in it is lost."
            .to_owned(),
    }
}

/// The dialog, open while there is a sandbox to delete.
#[component]
pub fn DeleteDialog() -> impl IntoView {
    let state = use_sandboxes();
    let open = RwSignal::new(false);
    Effect::new(move |_| {
        if state.to_delete.with(Option::is_some) {
            open.set(true);
        }
    });
    Effect::new(move |before: Option<bool>| {
        let now = open.get();
        if before == Some(true) && !now {
            state.to_delete.set(None);
        }
        now
    });
    let title = Signal::derive(move || {
        let short = state.to_delete.with(|sandbox| sandbox.as_ref().map(short_id));
        format!("Delete sandbox {}", short.unwrap_or_default())
    });
    let delete = move |_| {
        if let Some(sandbox) = state.to_delete.get_untracked() {
            state.delete(&sandbox);
        }
        open.set(false);
    };
    view! {
        <Dialog open=open id="delete-sandbox-title" title=title>
            <p>
                {move || state.to_delete.get().map(|sandbox| question(state, &sandbox))}
            </p>
            <div class="dialog-acts">
                <button class="btn danger" on:click=delete>
                    {move || {
                        let goes_on = state
                            .to_delete
                            .with(|sandbox| sandbox.as_ref().is_some_and(|sandbox| sandbox.run_goes_on));
                        if goes_on { "Stop the run and delete" } else { "Delete the sandbox" }
                    }}
                </button>
                <button class="btn quiet" on:click=move |_| open.set(false)>"Keep it"</button>
            </div>
        </Dialog>
    }
}
