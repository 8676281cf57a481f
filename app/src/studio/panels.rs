//! The three panels, and the splitters between them: moved by pointer or by
//! arrow keys, closed and opened by Enter or a double click.

use super::{
    conflict::ConflictBar,
    layout::{SHARE, Shown, TREE},
    right::RightPanel,
    state::use_studio,
    tabs::FileTabs,
    tree::view::FileTree,
};
use crate::browser::editor::CodeEditor;
use leptos::{html, prelude::*};
use model::Permission;

/// The tree, the code and the right panel.
#[component]
pub fn Work() -> impl IntoView {
    let studio = use_studio();
    let layout = studio.layout;
    let element = NodeRef::<html::Main>::new();
    let style = move || {
        format!(
            "--tree:{:.0}px;--share:{:.1}%",
            layout.tree.get(),
            layout.share.get()
        )
    };
    let closed = |open: bool| if open { "open" } else { "closed" };
    // Where the pointer is, as the size it stands for.
    let tree_at = move |x: f64| {
        let left = element
            .get_untracked()
            .map_or(0.0, |work| work.get_bounding_client_rect().left());
        layout.tree_open.set(true);
        layout.tree.set((x - left).clamp(TREE.1, TREE.2));
    };
    let share_at = move |x: f64| {
        let Some(work) = element.get_untracked() else {
            return;
        };
        let area = work.get_bounding_client_rect();
        layout.right_open.set(true);
        layout
            .share
            .set(((area.right() - x) / area.width().max(1.0) * 100.0).clamp(SHARE.1, SHARE.2));
    };
    let view_tab = move |shown: Shown| {
        view! {
            <button
                aria-pressed=move || if layout.shown.get() == shown { "true" } else { "false" }
                on:click=move |_| layout.shown.set(shown)
            >
                {shown.name()}
            </button>
        }
    };
    view! {
        <nav class="view-tabs" aria-label="Panels">
            {Shown::ALL.into_iter().map(view_tab).collect_view()}
        </nav>
        <main
            id="main"
            class="work"
            node_ref=element
            tabindex="-1"
            style=style
            data-tree=move || closed(layout.tree_open.get())
            data-right=move || closed(layout.right_open.get())
            data-view=move || layout.shown.get().word()
        >
            <FileTree />
            <Splitter
                label="Width of the files"
                value=layout.tree
                limits=TREE
                step=10.0
                open=layout.tree_open
                at=Callback::new(tree_at)
            />
            <section class="code-panel" aria-label="Code">
                <FileTabs />
                <ConflictBar />
                <Editor />
            </section>
            <Splitter
                label="Width of the right panel"
                value=layout.share
                limits=SHARE
                step=-2.0
                open=layout.right_open
                at=Callback::new(share_at)
            />
            <RightPanel />
        </main>
    }
}

#[component]
fn Editor() -> impl IntoView {
    let studio = use_studio();
    let has_file = Memo::new(move |_| studio.current.with(Option::is_some));
    view! {
        <div class="editor-box" hidden=move || !has_file.get()>
            <CodeEditor
                handle=studio.editor
                read_only=studio.rights.why_not(Permission::Edit)
                on_change=move |path: String| studio.typed(&path)
                on_save=move |()| studio.save_all_soon()
                on_run=move |()| studio.start(false)
                on_stop=move |()| studio.stop()
                on_blur=move |()| studio.save_all_soon()
                on_cursor=move |at| studio.cursor.set(at)
            />
        </div>
        <div class="no-file" hidden=move || has_file.get()>
            {move || {
                if studio.files.with(Vec::is_empty) && !studio.may_edit() {
                    "This agent has no files yet."
                } else if studio.files.with(Vec::is_empty) {
                    "This agent has no files. Add one with + in the tree, or drop files there."
                } else {
                    "No file is open. Choose one in the tree."
                }
            }}
        </div>
    }
}

/// A line between two panels. Moving to the right adds `step` when it is
/// positive and takes it away when it is negative.
#[component]
fn Splitter(
    label: &'static str,
    value: RwSignal<f64>,
    limits: (f64, f64, f64),
    step: f64,
    open: RwSignal<bool>,
    at: Callback<f64>,
) -> impl IntoView {
    let (first, least, most) = limits;
    let moving = RwSignal::new(false);
    let toggle = move || open.update(|open| *open = !*open);
    let keys = move |event: web_sys::KeyboardEvent| {
        let by = |step: f64| {
            open.set(true);
            value.update(|value| *value = (*value + step).clamp(least, most));
        };
        match event.key().as_str() {
            "ArrowRight" => by(step),
            "ArrowLeft" => by(-step),
            "Home" => value.set(least),
            "End" => value.set(most),
            "Enter" | " " => toggle(),
            _ => return,
        }
        event.prevent_default();
    };
    let down = move |event: web_sys::PointerEvent| {
        use wasm_bindgen::JsCast;
        event.prevent_default();
        if let Some(target) = event
            .current_target()
            .and_then(|t| t.dyn_into::<web_sys::HtmlElement>().ok())
        {
            let _ = target.set_pointer_capture(event.pointer_id());
            let _ = target.focus();
        }
        moving.set(true);
    };
    view! {
        <div
            class="splitter"
            role="separator"
            tabindex="0"
            aria-orientation="vertical"
            aria-label=label
            aria-valuemin=format!("{least:.0}")
            aria-valuemax=format!("{most:.0}")
            aria-valuenow=move || format!("{:.0}", value.get())
            data-moving=move || moving.get().then_some("")
            title="Drag to resize; double click to close or open"
            on:keydown=keys
            on:pointerdown=down
            on:pointermove=move |event| {
                if moving.get_untracked() {
                    at.run(f64::from(event.client_x()));
                }
            }
            on:pointerup=move |_| moving.set(false)
            on:pointercancel=move |_| moving.set(false)
            on:dblclick=move |_| {
                value.set(first);
                toggle();
            }
        ></div>
    }
}
