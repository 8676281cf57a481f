//! The code editor: a plain text field first, Monaco once it is loaded.

use leptos::prelude::*;

/// A remark on a line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    /// Line, from 1.
    pub line: u32,
    /// What is wrong.
    pub message: String,
    /// An error; else a warning.
    pub error: bool,
}

/// The documents of the editor and the editor itself. `Copy`; made once per
/// page with [`EditorHandle::new`], given to one [`CodeEditor`].
#[derive(Clone, Copy)]
pub struct EditorHandle {
    shown: RwSignal<Option<String>>,
}

impl Default for EditorHandle {
    fn default() -> Self {
        Self::new()
    }
}

impl EditorHandle {
    /// No documents yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            shown: RwSignal::new(None),
        }
    }
    /// The path of the document shown.
    #[must_use]
    pub fn shown(self) -> Option<String> {
        self.shown.get()
    }
    /// Whether there is a document of this path.
    #[must_use]
    pub fn has(self, path: &str) -> bool {
        let _ = path;
        false
    }
    /// Adds a document, or replaces its text by edits when it is there (see [`Self::apply_remote`]).
    pub fn open(self, path: &str, text: &str) {
        let _ = (path, text);
    }
    /// Shows an opened document; its undo history, scroll place and selection come back.
    pub fn show(self, path: &str) {
        self.shown.set(Some(path.to_owned()));
    }
    /// The text of a document as it is now.
    #[must_use]
    pub fn text(self, path: &str) -> Option<String> {
        let _ = path;
        None
    }
    /// Takes a text that came from elsewhere, by edits, so that undo survives. Does not call `on_change`.
    pub fn apply_remote(self, path: &str, text: &str) {
        let _ = (path, text);
    }
    /// Renames a document, history and all.
    pub fn rename(self, from: &str, to: &str) {
        let _ = (from, to);
    }
    /// Forgets a document.
    pub fn close(self, path: &str) {
        let _ = path;
    }
    /// Shows a document, puts the cursor at this line and column (from 1) and takes the focus.
    pub fn go_to(self, path: &str, line: u32, column: u32) {
        let _ = (path, line, column);
    }
    /// Replaces the remarks on a document.
    pub fn set_markers(self, path: &str, markers: &[Marker]) {
        let _ = (path, markers);
    }
    /// The selected text, when there is a selection.
    #[must_use]
    pub fn selection(self) -> Option<String> {
        None
    }
    /// Takes the focus.
    pub fn focus(self) {}
}

/// The editor of `handle`'s documents.
#[component]
pub fn CodeEditor(
    /// Its documents. Open and show the first one before rendering, so that
    /// the server's page has its text.
    handle: EditorHandle,
    /// Called with the path after the person changed a document; read it with [`EditorHandle::text`].
    #[prop(into)]
    on_change: Callback<String>,
    /// Ctrl/Cmd+S.
    #[prop(into)]
    on_save: Callback<()>,
    /// Ctrl/Cmd+Enter.
    #[prop(into)]
    on_run: Callback<()>,
    /// Ctrl/Cmd+.
    #[prop(into)]
    on_stop: Callback<()>,
    /// The editor lost the focus.
    #[prop(into)]
    on_blur: Callback<()>,
    /// The cursor moved: line and column, from 1.
    #[prop(into)]
    on_cursor: Callback<(u32, u32)>,
) -> impl IntoView {
    let _ = (handle, on_change, on_save, on_run, on_stop, on_blur, on_cursor);
    view! { <div class="editor"></div> }
}
