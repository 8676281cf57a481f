//! Brings the rows to life: the view with everything that hears the page.

use super::{panel::Panel, view::LogView};
use crate::browser::{clipboard, listener::Listener};
use leptos::{prelude::*, task::spawn_local};
use std::{cell::RefCell, rc::Rc};
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{Element, HtmlElement, ResizeObserver};

/// A view on the page. Dropping it takes everything back.
pub(super) struct Mounted {
    pub view: Rc<RefCell<LogView>>,
    rows: HtmlElement,
    _listeners: Vec<Listener>,
    _size: Size,
}

struct Size {
    observer: Option<ResizeObserver>,
    _changed: Closure<dyn FnMut()>,
}

impl Drop for Size {
    fn drop(&mut self) {
        if let Some(observer) = &self.observer {
            observer.disconnect();
        }
    }
}

pub(super) fn mount(
    panel: Panel,
    window: HtmlElement,
    canvas: HtmlElement,
    rows: HtmlElement,
    probe: HtmlElement,
    on_open_source: Callback<(String, u32)>,
) -> Mounted {
    let view = Rc::new(RefCell::new(LogView::new(
        panel.feed,
        window.clone(),
        canvas,
        rows.clone(),
    )));
    let copy_line = copy_line_button();
    let hovered = copy_line.clone();
    let listeners = vec![
        Listener::on(&window, "scroll", move |_| {
            panel.act(LogView::scrolled);
        }),
        Listener::on(&rows, "pointerover", move |event| {
            let Some(row) = element_of(&event).and_then(|element| element.closest(".log-row").ok().flatten())
            else {
                return;
            };
            if hovered.parent_element().as_ref() != Some(&row) {
                let _ = row.append_child(&hovered);
            }
        }),
        Listener::on(&rows, "click", move |event| {
            let Some(element) = element_of(&event) else { return };
            if element.is_same_node(Some(&copy_line)) {
                copy_row(panel, &element);
            } else if let Some(source) = element.closest(".log-source").ok().flatten() {
                let path = source.get_attribute("data-path");
                let line = source
                    .get_attribute("data-line")
                    .and_then(|line| line.parse().ok());
                if let (Some(path), Some(line)) = (path, line) {
                    on_open_source.run((path, line));
                }
            }
        }),
    ];
    let measured = window.clone();
    let changed = Closure::<dyn FnMut()>::new(move || {
        let character = probe.get_bounding_client_rect().width() / 10.0;
        let beside = if panel.time.try_get_untracked() == Some(super::timestamp::TimeShown::Off) {
            24.0
        } else {
            100.0
        };
        let columns = (f64::from(measured.client_width()) - beside) / character.max(1.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a few hundred at most"
        )]
        panel.act(|view| view.resized(columns.max(1.0) as usize));
    });
    let observer = ResizeObserver::new(changed.as_ref().unchecked_ref()).ok();
    if let Some(observer) = &observer {
        observer.observe(&window);
    }
    Mounted {
        view,
        rows,
        _listeners: listeners,
        _size: Size {
            observer,
            _changed: changed,
        },
    }
}

impl Panel {
    /// The selected text, when the selection is within the rows.
    pub(super) fn selected_text(self) -> Option<String> {
        let rows = self
            .mounted
            .try_with_value(|mounted| mounted.as_ref().map(|mounted| mounted.rows.clone()))??;
        let selection = document().get_selection().ok()??;
        let inside = !selection.is_collapsed() && rows.contains(selection.anchor_node().as_ref());
        inside.then(|| String::from(selection.to_string()))
    }
}

fn element_of(event: &web_sys::Event) -> Option<Element> {
    event.target()?.dyn_into().ok()
}

/// The one button that moves to whichever row the pointer is on.
fn copy_line_button() -> Element {
    let button = document()
        .create_element("button")
        .expect("the document makes elements of known names");
    for (name, value) in [
        ("type", "button"),
        ("class", "log-copy-line"),
        ("tabindex", "-1"),
        ("aria-label", "Copy this line"),
        ("title", "Copy this line"),
    ] {
        let _ = button.set_attribute(name, value);
    }
    button
}

fn copy_row(panel: Panel, element: &Element) {
    if let Some(text) = panel.act(|view| view.text_of(element)).flatten() {
        spawn_local(async move {
            clipboard::copy(&text).await;
        });
    }
}
