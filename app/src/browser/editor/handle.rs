//! The documents of an editor, wherever their texts are at the moment: here,
//! in the plain field, or in Monaco. Pages see one interface.

use super::{Marker, monaco::Monaco, plain::Plain};
use leptos::prelude::*;
use send_wrapper::SendWrapper;
use std::{collections::BTreeMap, rc::Rc};

/// The documents of the editor and the editor itself. `Copy`; made once per
/// page with [`EditorHandle::new`], given to one [`super::CodeEditor`].
///
/// Texts are kept outside of signals.
#[derive(Clone, Copy)]
pub struct EditorHandle {
    shown: RwSignal<Option<String>>,
    documents: StoredValue<BTreeMap<String, Document>>,
    /// Never there on the server.
    surface: StoredValue<Option<SendWrapper<Rc<Surface>>>>,
}

#[derive(Default)]
struct Document {
    /// The text; none while Monaco has it.
    text: Option<String>,
    markers: Vec<Marker>,
}

/// What the person types into.
pub(super) enum Surface {
    Plain(Plain),
    Monaco(Monaco),
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
            documents: StoredValue::new(BTreeMap::new()),
            surface: StoredValue::new(None),
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
        self.documents
            .try_with_value(|documents| documents.contains_key(path))
            .unwrap_or(false)
    }

    /// Adds a document, or replaces its text by edits when it is there (see [`Self::apply_remote`]).
    pub fn open(self, path: &str, text: &str) {
        if self.has(path) {
            self.apply_remote(path, text);
            return;
        }
        let surface = self.surface();
        let in_monaco = matches!(surface.as_deref(), Some(Surface::Monaco(_)));
        let document = Document {
            text: (!in_monaco).then(|| text.to_owned()),
            markers: Vec::new(),
        };
        let _ = self
            .documents
            .try_update_value(|documents| documents.insert(path.to_owned(), document));
        if let Some(Surface::Monaco(monaco)) = surface.as_deref() {
            monaco.open(path, text);
        }
    }

    /// Shows an opened document; its undo history, scroll place and selection come back.
    pub fn show(self, path: &str) {
        if !self.has(path) {
            return;
        }
        let _ = self.shown.try_maybe_update(|shown| {
            let changed = shown.as_deref() != Some(path);
            *shown = Some(path.to_owned());
            (changed, ())
        });
        match self.surface().as_deref() {
            Some(Surface::Monaco(monaco)) => monaco.show(path, &label(path)),
            Some(Surface::Plain(plain)) if !plain.is_showing(path) => {
                self.take_from_field(plain);
                let text = self.stored_text(path).unwrap_or_default();
                plain.show(path, &text, &label(path));
            }
            _ => {}
        }
    }

    /// The text of a document as it is now.
    #[must_use]
    pub fn text(self, path: &str) -> Option<String> {
        match self.surface().as_deref() {
            Some(Surface::Monaco(monaco)) => monaco.text(path),
            Some(Surface::Plain(plain)) if plain.is_showing(path) => plain.shown().map(|(_, text)| text),
            _ => self.stored_text(path),
        }
    }

    /// Takes a text that came from elsewhere, by edits, so that undo survives. Does not call `on_change`.
    pub fn apply_remote(self, path: &str, text: &str) {
        let surface = self.surface();
        if let Some(Surface::Monaco(monaco)) = surface.as_deref() {
            // The bridge turns the text of an open document into edits.
            monaco.open(path, text);
            return;
        }
        let _ = self.documents.try_update_value(|documents| {
            if let Some(document) = documents.get_mut(path) {
                document.text = Some(text.to_owned());
            }
        });
        if let Some(Surface::Plain(plain)) = surface.as_deref()
            && plain.is_showing(path)
        {
            plain.replace(text);
        }
    }

    /// Renames a document, history and all.
    pub fn rename(self, from: &str, to: &str) {
        if !self.has(from) || from == to {
            return;
        }
        self.close_if_other(to);
        let _ = self.documents.try_update_value(|documents| {
            if let Some(document) = documents.remove(from) {
                documents.insert(to.to_owned(), document);
            }
        });
        match self.surface().as_deref() {
            Some(Surface::Monaco(monaco)) => monaco.rename(from, to),
            Some(Surface::Plain(plain)) if plain.is_showing(from) => plain.renamed(to),
            _ => {}
        }
        if self.shown.try_get_untracked().flatten().as_deref() == Some(from) {
            let _ = self.shown.try_set(Some(to.to_owned()));
            self.show(to);
        }
    }

    fn close_if_other(self, path: &str) {
        if self.has(path) {
            self.close(path);
        }
    }

    /// Forgets a document.
    pub fn close(self, path: &str) {
        let _ = self
            .documents
            .try_update_value(|documents| documents.remove(path));
        let was_shown = self.shown.try_get_untracked().flatten().as_deref() == Some(path);
        if was_shown {
            let _ = self.shown.try_set(None);
        }
        match self.surface().as_deref() {
            Some(Surface::Monaco(monaco)) => monaco.close(path),
            Some(Surface::Plain(plain)) if plain.is_showing(path) => plain.show_nothing(),
            _ => {}
        }
    }

    /// Shows a document, puts the cursor at this line and column (from 1) and takes the focus.
    pub fn go_to(self, path: &str, line: u32, column: u32) {
        self.show(path);
        match self.surface().as_deref() {
            Some(Surface::Monaco(monaco)) => monaco.go_to(line, column),
            Some(Surface::Plain(plain)) => plain.go_to(line, column),
            None => {}
        }
    }

    /// Replaces the remarks on a document.
    pub fn set_markers(self, path: &str, markers: &[Marker]) {
        let _ = self.documents.try_update_value(|documents| {
            if let Some(document) = documents.get_mut(path) {
                document.markers = markers.to_vec();
            }
        });
        if let Some(Surface::Monaco(monaco)) = self.surface().as_deref() {
            monaco.set_markers(path, markers);
        }
    }

    /// The selected text, when there is a selection.
    #[must_use]
    pub fn selection(self) -> Option<String> {
        match self.surface().as_deref()? {
            Surface::Monaco(monaco) => monaco.selection(),
            Surface::Plain(plain) => plain.selection(),
        }
    }

    /// Takes the focus.
    pub fn focus(self) {
        match self.surface().as_deref() {
            Some(Surface::Monaco(monaco)) => monaco.focus(),
            Some(Surface::Plain(plain)) => plain.focus(),
            None => {}
        }
    }

    /// The surface, held on its own: what is called on it may call back here.
    fn surface(self) -> Option<Rc<Surface>> {
        self.surface
            .try_with_value(|surface| surface.as_deref().cloned())
            .flatten()
    }

    pub(super) fn is_plain(self) -> bool {
        matches!(self.surface().as_deref(), Some(Surface::Plain(_)))
    }

    /// The texts move into the plain field.
    pub(super) fn start_plain(self, plain: Plain) {
        let shown = self.shown.try_get_untracked().flatten();
        if let Some(path) = &shown {
            let text = self.stored_text(path).unwrap_or_default();
            plain.show(path, &text, &label(path));
        }
        self.set_surface(Some(Surface::Plain(plain)));
    }

    /// The texts move into Monaco, with the place the person is at.
    pub(super) fn start_monaco(self, monaco: Monaco) {
        let surface = self.surface();
        let plain = match surface.as_deref() {
            Some(Surface::Plain(plain)) => Some(plain),
            _ => None,
        };
        if let Some(plain) = plain {
            self.take_from_field(plain);
        }
        let documents = self.documents.try_update_value(|documents| {
            documents
                .iter_mut()
                .map(|(path, document)| (path.clone(), document.text.take(), document.markers.clone()))
                .collect::<Vec<_>>()
        });
        for (path, text, markers) in documents.unwrap_or_default() {
            monaco.open(&path, &text.unwrap_or_default());
            monaco.set_markers(&path, &markers);
        }
        if let Some(path) = self.shown.try_get_untracked().flatten() {
            monaco.show(&path, &label(&path));
            if let Some(plain) = plain {
                let (start, end) = plain.selected_units();
                monaco.take_over(start, end, plain.first_line(), plain.has_focus());
            }
        }
        self.set_surface(Some(Surface::Monaco(monaco)));
    }

    /// The texts come back here: the editor leaves the page.
    pub(super) fn leave(self) {
        match self.surface().as_deref() {
            Some(Surface::Plain(plain)) => self.take_from_field(plain),
            Some(Surface::Monaco(monaco)) => {
                let _ = self.documents.try_update_value(|documents| {
                    for (path, document) in documents {
                        document.text = monaco.text(path);
                    }
                });
            }
            None => {}
        }
        self.set_surface(None);
    }

    fn set_surface(self, surface: Option<Surface>) {
        let surface = surface.map(|surface| SendWrapper::new(Rc::new(surface)));
        // The one before is dropped outside of the value: that changes the page.
        let before = self
            .surface
            .try_update_value(|now| std::mem::replace(now, surface));
        drop(before);
    }

    fn stored_text(self, path: &str) -> Option<String> {
        self.documents
            .try_with_value(|documents| documents.get(path).and_then(|document| document.text.clone()))
            .flatten()
    }

    fn take_from_field(self, plain: &Plain) {
        if let Some((path, text)) = plain.shown() {
            let _ = self.documents.try_update_value(|documents| {
                if let Some(document) = documents.get_mut(&path) {
                    document.text = Some(text);
                }
            });
        }
    }
}

/// What a reader of the screen says of the editor.
fn label(path: &str) -> String {
    format!("{path}, code. Tab indents; Ctrl+M, on a Mac Ctrl+Shift+M, lets Tab move the focus.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_kept_without_a_browser() {
        let owner = Owner::new();
        owner.set();
        let handle = EditorHandle::new();
        handle.open("agent.py", "one");
        handle.show("agent.py");
        handle.show("gone.py");
        assert_eq!(handle.shown().as_deref(), Some("agent.py"));
        handle.open("agent.py", "two");
        handle.rename("agent.py", "main.py");
        assert_eq!(
            (handle.shown().as_deref(), handle.text("main.py").as_deref()),
            (Some("main.py"), Some("two"))
        );
        assert!(!handle.has("agent.py"));
        handle.close("main.py");
        assert_eq!((handle.shown(), handle.text("main.py")), (None, None));
    }
}
