//! The elements of the rows in view. Rows that stay in view keep theirs, so
//! that a selection, a focus and the reader of a screen are not disturbed;
//! those that left are used again.

use super::row;
use std::collections::VecDeque;
use web_sys::{HtmlElement, Node};

/// Elements kept for later.
const SPARE: usize = 200;

/// The rows in view, in order.
pub struct Shown {
    container: HtmlElement,
    rows: VecDeque<(i64, HtmlElement)>,
    spare: Vec<HtmlElement>,
}

impl Shown {
    /// None yet; they will be children of `container`.
    #[must_use]
    pub const fn new(container: HtmlElement) -> Self {
        Self {
            container,
            rows: VecDeque::new(),
            spare: Vec::new(),
        }
    }

    /// What holds the rows.
    #[must_use]
    pub const fn container(&self) -> &HtmlElement {
        &self.container
    }

    /// Takes all rows away.
    pub fn clear(&mut self) {
        self.container.set_text_content(None);
        self.rows.clear();
    }

    /// Shows the rows of these ids, which ascend. `fill` is called for those
    /// that were not there, and for those that `is_stale`.
    pub fn show(
        &mut self,
        ids: &[i64],
        is_stale: impl Fn(i64) -> bool,
        mut fill: impl FnMut(i64, &HtmlElement),
    ) {
        let mut before = std::mem::take(&mut self.rows);
        for id in ids {
            // What stands before this row has left.
            while before.front().is_some_and(|(shown, _)| shown < id) {
                if let Some((_, element)) = before.pop_front() {
                    self.put_away(element);
                }
            }
            if before.front().is_some_and(|(shown, _)| shown == id) {
                if let Some((_, element)) = before.pop_front() {
                    if is_stale(*id) {
                        fill(*id, &element);
                    }
                    self.rows.push_back((*id, element));
                }
                continue;
            }
            let element = self.spare.pop().unwrap_or_else(row::element);
            fill(*id, &element);
            let next = before.front().map(|(_, element)| AsRef::<Node>::as_ref(element));
            let _ = self.container.insert_before(&element, next);
            self.rows.push_back((*id, element));
        }
        for (_, element) in before {
            self.put_away(element);
        }
    }

    /// The id of the row that holds this node.
    #[must_use]
    pub fn id_of(&self, node: &Node) -> Option<i64> {
        if !self.container.contains(Some(node)) {
            return None;
        }
        let holds = |element: &HtmlElement| element.contains(Some(node));
        self.rows
            .iter()
            .find(|(_, element)| holds(element))
            .map(|(id, _)| *id)
    }

    fn put_away(&mut self, element: HtmlElement) {
        element.remove();
        if self.spare.len() < SPARE {
            self.spare.push(element);
        }
    }
}
