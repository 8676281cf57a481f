//! Where the panels stand: their sizes, whether they are closed, and which one
//! a narrow window shows. This browser remembers the sizes.

use crate::browser::storage;
use leptos::prelude::*;

/// Where sizes are remembered.
const KEY: &str = "pitlane.layout";
/// The tree's width in pixels, at first, at least and at most.
pub const TREE: (f64, f64, f64) = (190.0, 120.0, 480.0);
/// The right panel's share of the width in percent, at first, at least and at most.
pub const SHARE: (f64, f64, f64) = (43.8, 20.0, 75.0);

/// The panels a narrow window shows one of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// The tree.
    Files,
    /// The editor.
    Code,
    /// The lane and the log.
    Logs,
}

impl Shown {
    /// All of them, in the order of their tabs.
    pub const ALL: [Self; 3] = [Self::Files, Self::Code, Self::Logs];

    /// The tab's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Files => "Files",
            Self::Code => "Code",
            Self::Logs => "Logs",
        }
    }

    /// The word the style sheet knows it by.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Code => "code",
            Self::Logs => "logs",
        }
    }
}

/// The layout of a studio.
#[derive(Clone, Copy)]
pub struct Layout {
    /// The tree's width in pixels.
    pub tree: RwSignal<f64>,
    /// The right panel's share of the width in percent.
    pub share: RwSignal<f64>,
    /// Whether the tree is open.
    pub tree_open: RwSignal<bool>,
    /// Whether the right panel is open.
    pub right_open: RwSignal<bool>,
    /// The panel a narrow window shows.
    pub shown: RwSignal<Shown>,
}

impl Layout {
    /// The layout at first. What this browser remembers is applied once the
    /// page is alive: the server cannot know it.
    #[must_use]
    pub fn new() -> Self {
        let layout = Self {
            tree: RwSignal::new(TREE.0),
            share: RwSignal::new(SHARE.0),
            tree_open: RwSignal::new(true),
            right_open: RwSignal::new(true),
            shown: RwSignal::new(Shown::Code),
        };
        Effect::new(move |restored: Option<bool>| {
            if restored.is_none() {
                if let Some((tree, share, tree_open, right_open)) =
                    storage::read(KEY).as_deref().and_then(read)
                {
                    layout.tree.set(tree);
                    layout.share.set(share);
                    layout.tree_open.set(tree_open);
                    layout.right_open.set(right_open);
                }
            } else {
                let state = (
                    layout.tree.get(),
                    layout.share.get(),
                    layout.tree_open.get(),
                    layout.right_open.get(),
                );
                storage::write(KEY, &write(state));
            }
            // Listens from the first time on.
            layout.tree.track();
            layout.share.track();
            layout.tree_open.track();
            layout.right_open.track();
            true
        });
        layout
    }

    /// Brings the code forward on a narrow window.
    pub fn show_code(self) {
        self.shown.set(Shown::Code);
    }

    /// Brings the log forward.
    pub fn show_logs(self) {
        self.right_open.set(true);
        self.shown.set(Shown::Logs);
    }
}

impl Default for Layout {
    fn default() -> Self {
        Self::new()
    }
}

type Sizes = (f64, f64, bool, bool);

fn write((tree, share, tree_open, right_open): Sizes) -> String {
    format!("{tree:.0} {share:.1} {tree_open} {right_open}")
}

fn read(text: &str) -> Option<Sizes> {
    let mut parts = text.split(' ');
    let tree: f64 = parts.next()?.parse().ok()?;
    let share: f64 = parts.next()?.parse().ok()?;
    let tree_open = parts.next()? == "true";
    let right_open = parts.next()? == "true";
    (tree.is_finite() && share.is_finite()).then(|| {
        (
            tree.clamp(TREE.1, TREE.2),
            share.clamp(SHARE.1, SHARE.2),
            tree_open,
            right_open,
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_read_and_kept_within_limits() {
        assert_eq!(
            read(&write((200.0, 40.5, true, false))),
            Some((200.0, 40.5, true, false))
        );
        assert_eq!(read("9999 1 false true"), Some((480.0, 20.0, false, true)));
        for bad in ["", "x", "1 2", "NaN 3 true true"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
