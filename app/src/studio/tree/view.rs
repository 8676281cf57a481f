//! The tree as it is seen: rows with their menus, the keys, and dropping.

use super::super::state::use_studio;
use super::name_field::NameField;
use super::rows::{Mark, Row, rows};
use crate::parts::{
    icon::{Icon, of_file},
    menu::Menu,
};
use leptos::{html, prelude::*};
use model::Permission;
use wasm_bindgen::JsCast;

/// What is being named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Naming {
    /// A new file in this folder (empty for the top).
    New(String),
    /// The file or folder of this path.
    Rename(String),
}

/// The type under which a row's path travels when it is dragged.
const PATH_TYPE: &str = "application/x-pitlane-path";

/// The tree of the agent's files.
#[component]
pub fn FileTree() -> impl IntoView {
    let studio = use_studio();
    let naming = RwSignal::new(None::<Naming>);
    let over = RwSignal::new(None::<String>);
    let chooser = NodeRef::<html::Input>::new();
    let shown = Memo::new(move |_| {
        let last = studio.last.get().map(|last| last.files);
        studio
            .closed_folders
            .with(|closed| studio.files.with(|files| rows(files, last.as_deref(), closed)))
    });
    let new_at_top = Memo::new(move |_| naming.get() == Some(Naming::New(String::new())));
    let drop_on = move |event: web_sys::DragEvent, folder: String| {
        event.prevent_default();
        event.stop_propagation();
        over.set(None);
        if studio.refuses(Permission::Edit) {
            return;
        }
        let Some(data) = event.data_transfer() else { return };
        let moved = data.get_data(PATH_TYPE).unwrap_or_default();
        if !moved.is_empty() {
            let name = moved.rsplit('/').next().unwrap_or(&moved).to_owned();
            let to = if folder.is_empty() {
                name
            } else {
                format!("{folder}/{name}")
            };
            leptos::task::spawn_local(async move {
                if let Err(error) = studio.rename(&moved, &to).await {
                    studio.notices.fail(&error);
                }
            });
        } else if let Some(files) = data.files().filter(|files| files.length() > 0) {
            studio.upload(&files, &folder);
        }
    };
    let choose = move |_| {
        if let Some(chooser) = chooser.get_untracked() {
            chooser.click();
        }
    };
    let chosen = move |_| {
        let Some(chooser) = chooser.get_untracked() else {
            return;
        };
        if let Some(files) = chooser.files() {
            studio.upload(&files, "");
        }
        chooser.set_value("");
    };
    view! {
        <section
            class="tree"
            aria-label="Files"
            class:dropping=move || over.get().is_some_and(|folder| folder.is_empty())
            on:dragover=move |event| {
                // Also where nothing may be dropped: the browser would leave for the file.
                event.prevent_default();
                if studio.may_edit() {
                    over.set(Some(String::new()));
                }
            }
            on:dragleave=move |_| over.set(None)
            on:drop=move |event| drop_on(event, String::new())
        >
            <div class="tree-head">
                <h2>"Files"</h2>
                {studio
                    .may_edit()
                    .then(|| {
                        view! {
                            <span>
                                <button class="icon-button" aria-label="Upload files" title="Upload files" on:click=choose>
                                    <Icon name="upload" />
                                </button>
                                <button
                                    class="icon-button"
                                    aria-label="New file"
                                    title="New file"
                                    on:click=move |_| naming.set(Some(Naming::New(String::new())))
                                >
                                    <Icon name="plus" />
                                </button>
                                <input
                                    type="file"
                                    multiple
                                    hidden
                                    node_ref=chooser
                                    aria-label="Files to upload"
                                    on:change=chosen
                                />
                            </span>
                        }
                    })}
            </div>
            <ul class="tree-rows" on:keydown=walk>
                <Show when=move || new_at_top.get()>
                    <NameField naming=naming start=String::new() depth=0 />
                </Show>
                <For
                    each=move || shown.get()
                    key=Clone::clone
                    children=move |row| {
                        let folder = row.path.clone();
                        let on_drop = Callback::new(move |event| drop_on(event, folder.clone()));
                        view! { <TreeRow row=row naming=naming over=over on_drop=on_drop /> }
                    }
                />
            </ul>
        </section>
    }
}

/// Arrow keys move the focus from row to row.
fn walk(event: web_sys::KeyboardEvent) {
    let step = match event.key().as_str() {
        "ArrowDown" => 1,
        "ArrowUp" => -1,
        _ => return,
    };
    let Some(list) = event
        .current_target()
        .and_then(|list| list.dyn_into::<web_sys::Element>().ok())
    else {
        return;
    };
    let Ok(items) = list.query_selector_all(".tree-item") else {
        return;
    };
    let active = document().active_element();
    let items: Vec<web_sys::HtmlElement> = (0..items.length())
        .filter_map(|i| items.item(i)?.dyn_into().ok())
        .collect();
    let Some(here) = items
        .iter()
        .position(|item| active.as_ref() == Some(item.as_ref()))
    else {
        return;
    };
    if let Some(item) = here.checked_add_signed(step).and_then(|there| items.get(there)) {
        let _ = item.focus();
        event.prevent_default();
    }
}

#[component]
fn TreeRow(
    row: Row,
    naming: RwSignal<Option<Naming>>,
    over: RwSignal<Option<String>>,
    on_drop: Callback<web_sys::DragEvent>,
) -> impl IntoView {
    let studio = use_studio();
    let Row {
        path,
        name,
        depth,
        folder,
        mark,
    } = row;
    let is_folder = folder.is_some();
    let may_edit = studio.may_edit();
    let path = StoredValue::new(path);
    let on = Memo::new(move |_| {
        !is_folder
            && studio
                .current
                .with(|current| path.with_value(|path| current.as_ref() == Some(path)))
    });
    let renaming = Memo::new(move |_| naming.get() == Some(Naming::Rename(path.get_value())));
    let new_inside = Memo::new(move |_| is_folder && naming.get() == Some(Naming::New(path.get_value())));
    let dropping = Memo::new(move |_| is_folder && over.get() == Some(path.get_value()));
    let (icon, colour) = match folder {
        Some(true) => ("down", ""),
        Some(false) => ("right", ""),
        None => of_file(&name),
    };
    let press = move || {
        if is_folder {
            studio.closed_folders.update(|closed| {
                path.with_value(|path| {
                    if !closed.remove(path) {
                        closed.insert(path.clone());
                    }
                });
            });
        } else {
            studio.open(path.get_value(), None);
        }
    };
    let rename = move || naming.set(Some(Naming::Rename(path.get_value())));
    let keys = move |event: web_sys::KeyboardEvent| {
        match event.key().as_str() {
            "F2" | "Delete" if studio.refuses(Permission::Edit) => {}
            "F2" => rename(),
            "Delete" => studio.delete(path.get_value()),
            "ArrowRight" if folder == Some(false) => press(),
            "ArrowLeft" if folder == Some(true) => press(),
            _ => return,
        }
        event.prevent_default();
    };
    let drag = move |event: web_sys::DragEvent| {
        if let Some(data) = event.data_transfer() {
            let _ = data.set_data(PATH_TYPE, &path.get_value());
        }
    };
    let shown_name = if is_folder {
        format!("{name}/")
    } else {
        name.clone()
    };
    let (letter, words) = match mark {
        Mark::None => ("", ""),
        Mark::Modified => ("M", "changed since the last run"),
        Mark::Added => ("A", "new since the last run"),
    };
    let menu_label = format!("More for {name}");
    let row_view = move || {
        let (shown_name, menu_label) = (shown_name.clone(), menu_label.clone());
        view! {
            <li>
                <div
                    class="tree-row"
                    class:on=move || on.get()
                    class:dropping=move || dropping.get()
                    style=format!("--depth:{depth}")
                    on:dragover=move |event| {
                        if is_folder && may_edit {
                            event.prevent_default();
                            event.stop_propagation();
                            over.set(Some(path.get_value()));
                        }
                    }
                    on:drop=move |event| {
                        if is_folder {
                            on_drop.run(event);
                        }
                    }
                >
                    <button
                        class="tree-item"
                        draggable=if may_edit { "true" } else { "false" }
                        aria-expanded=folder.map(|open| if open { "true" } else { "false" })
                        aria-current=move || on.get().then_some("true")
                        title=path.get_value()
                        on:click=move |_| press()
                        on:keydown=keys
                        on:dragstart=drag
                    >
                        <Icon name=icon class=colour />
                        <span class="name">{shown_name}</span>
                    </button>
                    {(mark != Mark::None)
                        .then(|| {
                            view! {
                                <span class="tree-mark" title=words aria-hidden="true">{letter}</span>
                                <span class="visually-hidden">{words}</span>
                            }
                        })}
                    {(may_edit || !is_folder).then(|| view! { <RowMenu label=menu_label path=path is_folder=is_folder naming=naming /> })}
                </div>
            </li>
        }
    };
    view! {
        <Show
            when=move || renaming.get()
            fallback=row_view
        >
            <NameField naming=naming start=path.get_value() depth=depth />
        </Show>
        <Show when=move || new_inside.get()>
            <NameField naming=naming start=format!("{}/", path.get_value()) depth=depth + 1 />
        </Show>
    }
}

/// What can be done to a file or a folder, by whoever looks.
#[component]
fn RowMenu(
    label: String,
    path: StoredValue<String>,
    is_folder: bool,
    naming: RwSignal<Option<Naming>>,
) -> impl IntoView {
    let studio = use_studio();
    let may_edit = studio.may_edit();
    view! {
        <Menu label=label button_class="icon-button" right=true face=|| view! { <Icon name="more" /> }>
            <Show when=move || is_folder && may_edit>
                <button
                    class="menu-item"
                    role="menuitem"
                    on:click=move |_| naming.set(Some(Naming::New(path.get_value())))
                >
                    "New file here"
                </button>
            </Show>
            <Show when=move || may_edit>
                <button
                    class="menu-item"
                    role="menuitem"
                    on:click=move |_| naming.set(Some(Naming::Rename(path.get_value())))
                >
                    "Rename"
                    <span class="hint">"F2"</span>
                </button>
            </Show>
            <Show when=move || !is_folder>
                <button class="menu-item" role="menuitem" on:click=move |_| studio.download(path.get_value())>
                    "Download"
                </button>
            </Show>
            <Show when=move || may_edit>
                <button class="menu-item" role="menuitem" on:click=move |_| studio.delete(path.get_value())>
                    "Delete"
                    <span class="hint">"Delete"</span>
                </button>
            </Show>
        </Menu>
    }
}
