//! The element of a row.
//!
//! Text is only ever set as text: what a program prints is never HTML.

use crate::log::{
    filter::Filter,
    filter::FindPattern,
    segment::{Segment, segments},
    store::{Row, RowKind},
    timestamp::{self, TimeShown},
};
use leptos::prelude::document;
use model::Millis;
use wasm_bindgen::{JsCast, UnwrapThrowExt};
use web_sys::{Element, HtmlElement};

/// How rows are shown.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// Which time is shown.
    pub time: TimeShown,
    /// What the times since start count from.
    pub start: Millis,
    /// Minutes the person's clock is behind UTC.
    pub minutes_west: i64,
}

/// A new, empty element of a row.
#[must_use]
pub fn element() -> HtmlElement {
    let row: HtmlElement = create("div");
    let _ = row.append_child(&create("time"));
    let _ = row.append_child(&create("span"));
    row
}

fn create(name: &str) -> HtmlElement {
    document().create_element(name).unwrap_throw().unchecked_into()
}

/// Fills an element made by [`element`] with a row.
pub fn fill(
    element: &HtmlElement,
    row: &Row<'_>,
    look: &Look,
    filter: &Filter,
    find: FindPattern<'_>,
    current: bool,
) {
    let kind = match row.kind {
        RowKind::Stdout => "log-row",
        RowKind::Stderr => "log-row err",
        RowKind::System => "log-row sys",
        RowKind::Gap => "log-row gap",
    };
    element.set_class_name(&if current {
        format!("{kind} current")
    } else {
        kind.to_owned()
    });
    let Some(time) = element.first_element_child() else {
        return;
    };
    let Some(text) = time.next_element_sibling() else {
        return;
    };
    // Where a line goes on, its time stands once.
    let words = if row.continues {
        String::new()
    } else {
        timestamp::words(look.time, row.at, look.start, look.minutes_west)
    };
    time.set_text_content(Some(&words));
    while let Some(more) = text.next_element_sibling() {
        more.remove();
    }
    let pieces = segments(row.style, row.text, |plain| filter.found(plain, find));
    match pieces.as_slice() {
        [] => {
            text.set_text_content(None);
            // An empty line is copied as one.
            let _ = text.append_child(&create("br"));
        }
        [only] if is_plain(only) => text.set_text_content(Some(&only.text)),
        pieces => {
            text.set_text_content(None);
            for piece in pieces {
                add(&text, piece);
            }
        }
    }
}

fn is_plain(piece: &Segment) -> bool {
    piece.style == crate::log::ansi::Style::default()
        && piece.link.is_none()
        && piece.source.is_none()
        && !piece.found
}

fn add(text: &Element, piece: &Segment) {
    if is_plain(piece) {
        let _ = text.append_child(&document().create_text_node(&piece.text));
        return;
    }
    let part = if let Some((path, line)) = &piece.source {
        let button = create("button");
        let _ = button.set_attribute("type", "button");
        let _ = button.set_attribute("data-path", path);
        let _ = button.set_attribute("data-line", &line.to_string());
        let _ = button.set_attribute("title", &format!("Open {path} at line {line}"));
        button
    } else if let Some(address) = &piece.link {
        let link = create("a");
        let _ = link.set_attribute("href", address);
        let _ = link.set_attribute("target", "_blank");
        let _ = link.set_attribute("rel", "noopener noreferrer");
        link
    } else if piece.found {
        create("mark")
    } else {
        create("span")
    };
    let mut classes = piece.style.classes();
    if piece.source.is_some() {
        classes.push_str(" log-source");
    }
    if piece.found {
        classes.push_str(" found");
    }
    if !classes.is_empty() {
        part.set_class_name(classes.trim_start());
    }
    let (foreground, background) = piece.style.colours();
    for (property, value) in [("color", foreground), ("background-color", background)] {
        if let Some(value) = value {
            let _ = part.style().set_property(property, &value);
        }
    }
    part.set_text_content(Some(&piece.text));
    let _ = text.append_child(&part);
}
