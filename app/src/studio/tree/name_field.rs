//! The field for a new or another name, in the place of a row.

use super::super::state::use_studio;
use super::view::Naming;
use leptos::{html, prelude::*, task::spawn_local};

/// A field for the name of a file.
#[component]
pub fn NameField(
    /// What is named.
    naming: RwSignal<Option<Naming>>,
    /// What it is called now; the folder with its slash for a new file.
    start: String,
    /// How deep the row is.
    depth: usize,
) -> impl IntoView {
    let studio = use_studio();
    let field = NodeRef::<html::Input>::new();
    let trouble = RwSignal::new(None::<String>);
    let busy = RwSignal::new(false);
    let is_new = matches!(naming.get_untracked(), Some(Naming::New(_)));
    let length = start
        .rsplit('/')
        .next()
        .map_or(0, |name| name.rfind('.').unwrap_or(name.len()));
    let before = start.chars().count() - start.rsplit('/').next().map_or(0, |name| name.chars().count());
    Effect::new(move |_| {
        if let Some(field) = field.get() {
            let _ = field.focus();
            let from = u32::try_from(before).unwrap_or(0);
            let to = u32::try_from(before + length).unwrap_or(0);
            let _ = field.set_selection_range(from, to);
        }
    });
    let start = StoredValue::new(start);
    let submit = move || {
        let Some(field) = field.get_untracked() else {
            return;
        };
        let name = field.value();
        if busy.get_untracked() {
            return;
        }
        if name.trim().is_empty() || name == start.get_value() {
            naming.set(None);
            return;
        }
        let Some(what) = naming.get_untracked() else {
            return;
        };
        busy.set(true);
        spawn_local(async move {
            let result = match what {
                Naming::New(_) => studio.create_file(&name).await,
                Naming::Rename(path) => studio.rename(&path, &name).await,
            };
            let _ = busy.try_set(false);
            match result {
                Ok(()) => {
                    let _ = naming.try_set(None);
                }
                Err(error) => {
                    let _ = trouble.try_set(Some(error.text));
                }
            }
        });
    };
    view! {
        <li>
            <div class="tree-row" style=format!("--depth:{depth}")>
                <input
                    class="tree-name"
                    node_ref=field
                    value=start.get_value()
                    aria-label=if is_new { "Name of the new file" } else { "New name" }
                    aria-describedby="tree-name-hint"
                    aria-invalid=move || trouble.with(Option::is_some).then_some("true")
                    autocomplete="off"
                    spellcheck="false"
                    on:keydown=move |event| {
                        match event.key().as_str() {
                            "Enter" => submit(),
                            "Escape" => naming.set(None),
                            _ => return,
                        }
                        event.prevent_default();
                        event.stop_propagation();
                    }
                    on:blur=move |_| match trouble.try_with_untracked(Option::is_some) {
                        Some(true) => naming.set(None),
                        Some(false) => submit(),
                        // The field loses the focus by being taken away.
                        None => {}
                    }
                />
            </div>
            <p id="tree-name-hint" class="tree-hint" class:bad=move || trouble.with(Option::is_some) role="status">
                {move || {
                    trouble
                        .get()
                        .unwrap_or_else(|| "A slash makes a folder: tools/search.py. Enter saves, Escape cancels.".to_owned())
                }}
            </p>
        </li>
    }
}
