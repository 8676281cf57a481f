//! The plain text field: until Monaco is there, on narrow windows, and where
//! Monaco cannot be loaded. It does the same, without colours.

use super::{Heard, text_place};
use crate::browser::listener::Listener;
use leptos::prelude::*;
use std::{cell::RefCell, rc::Rc};
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, HtmlTextAreaElement, KeyboardEvent};

/// The field on the page. Dropping it takes it away.
pub(super) struct Plain {
    field: HtmlTextAreaElement,
    shown: Rc<RefCell<Option<String>>>,
    _listeners: Vec<Listener>,
}

impl Plain {
    pub(super) fn new(surface: &HtmlElement, heard: Heard) -> Option<Self> {
        let field: HtmlTextAreaElement = document().create_element("textarea").ok()?.dyn_into().ok()?;
        field.set_class_name("editor-plain");
        field.set_wrap("off");
        for (name, value) in [
            ("spellcheck", "false"),
            ("autocomplete", "off"),
            ("autocapitalize", "off"),
            ("autocorrect", "off"),
        ] {
            field.set_attribute(name, value).ok()?;
        }
        field.set_disabled(true);
        field.set_read_only(heard.read_only.is_some());
        surface.append_child(&field).ok()?;
        let shown: Rc<RefCell<Option<String>>> = Rc::default();
        let listeners = listeners(&field, &shown, heard);
        Some(Self {
            field,
            shown,
            _listeners: listeners,
        })
    }

    /// The path of the document in the field, and its text.
    pub(super) fn shown(&self) -> Option<(String, String)> {
        let path = self.shown.borrow().clone()?;
        Some((path, self.field.value()))
    }

    pub(super) fn is_showing(&self, path: &str) -> bool {
        self.shown.borrow().as_deref() == Some(path)
    }

    pub(super) fn show(&self, path: &str, text: &str, label: &str) {
        self.shown.replace(Some(path.to_owned()));
        self.field.set_disabled(false);
        self.field.set_value(text);
        let _ = self.field.set_attribute("aria-label", label);
        let _ = self.field.set_selection_range(0, 0);
        self.field.set_scroll_top(0);
    }

    pub(super) fn show_nothing(&self) {
        self.shown.replace(None);
        self.field.set_value("");
        self.field.set_disabled(true);
    }

    pub(super) fn renamed(&self, to: &str) {
        self.shown.replace(Some(to.to_owned()));
    }

    /// Takes another text for the document shown; the cursor stays.
    pub(super) fn replace(&self, text: &str) {
        let (start, end) = self.selected_units();
        let scroll = self.field.scroll_top();
        self.field.set_value(text);
        let _ = self.field.set_selection_range(start, end);
        self.field.set_scroll_top(scroll);
    }

    pub(super) fn go_to(&self, line: u32, column: u32) {
        let unit = text_place::unit_of(&self.field.value(), line, column);
        self.focus();
        let _ = self.field.set_selection_range(unit, unit);
        let above = i32::try_from(line).unwrap_or(1).saturating_sub(5).max(0);
        self.field
            .set_scroll_top(above.saturating_mul(self.line_height()));
    }

    pub(super) fn focus(&self) {
        let _ = self.field.focus();
    }

    pub(super) fn has_focus(&self) -> bool {
        document()
            .active_element()
            .is_some_and(|active| active.is_same_node(Some(&self.field)))
    }

    /// The selection in UTF-16 units.
    pub(super) fn selected_units(&self) -> (u32, u32) {
        let start = self.field.selection_start().ok().flatten().unwrap_or(0);
        (start, self.field.selection_end().ok().flatten().unwrap_or(start))
    }

    pub(super) fn selection(&self) -> Option<String> {
        let (start, end) = self.selected_units();
        let units: Vec<u16> = self.field.value().encode_utf16().collect();
        let selected = units
            .get(start as usize..end as usize)
            .filter(|units| !units.is_empty())?;
        Some(String::from_utf16_lossy(selected))
    }

    /// The height of a line, in pixels: another on narrow windows.
    fn line_height(&self) -> i32 {
        let style = window().get_computed_style(&self.field).ok().flatten();
        style
            .and_then(|style| style.get_property_value("line-height").ok())
            .and_then(|height| height.trim_end_matches("px").parse().ok())
            .filter(|height| *height > 0)
            .unwrap_or(20)
    }

    /// The first line in view, from 1.
    pub(super) fn first_line(&self) -> u32 {
        u32::try_from(self.field.scroll_top() / self.line_height() + 1).unwrap_or(1)
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        self.field.remove();
    }
}

fn listeners(
    field: &HtmlTextAreaElement,
    shown: &Rc<RefCell<Option<String>>>,
    heard: Heard,
) -> Vec<Listener> {
    let changed = shown.clone();
    let cursor_moved = {
        let field = field.clone();
        move |_: web_sys::Event| {
            let unit = field.selection_start().ok().flatten().unwrap_or(0);
            heard.cursor.try_run(text_place::place_of(&field.value(), unit));
        }
    };
    vec![
        Listener::on(field, "input", move |_| {
            let path = changed.borrow().clone();
            if let Some(path) = path {
                heard.change.try_run(path);
            }
        }),
        Listener::on(field, "blur", move |_| {
            heard.blur.try_run(());
        }),
        Listener::on(field, "keyup", cursor_moved.clone()),
        Listener::on(field, "click", cursor_moved),
        Listener::before(field, "keydown", move |event| {
            let Some(event) = event.dyn_ref::<KeyboardEvent>() else {
                return;
            };
            if !(event.ctrl_key() || event.meta_key()) {
                return;
            }
            let act = match event.key().as_str() {
                "Enter" => heard.run,
                "." => heard.stop,
                "s" => heard.save,
                _ => return,
            };
            event.prevent_default();
            act.try_run(());
        }),
    ]
}
