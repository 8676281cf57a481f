//! What is seen of a log: the rows in the window, out of however many there
//! are. Everything here is the browser's; one view belongs to one panel.

pub mod heights;
pub mod pattern;
mod place;
pub mod row;
mod shown;

use super::{
    LogFeed,
    filter::{Filter, Search},
    matches::Matches,
    scroll::Scroll,
    store::LogStore,
};
use heights::Heights;
use leptos::prelude::document;
use pattern::Pattern;
use row::Look;
use shown::Shown;
use web_sys::HtmlElement;

/// The height of a row that is not wrapped, in pixels; that of the style sheet.
pub const ROW_HEIGHT: f64 = 20.0;
/// Rows drawn beyond the window, so that a quick scroll has something to show.
const BEYOND: usize = 12;
/// The most rows kept for the sake of a selection.
const MOST_SELECTED: usize = 3000;
/// How long a search may hold up a frame, in milliseconds.
const SEARCH_MILLISECONDS: f64 = 10.0;

/// How the view stands, for the tools around it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whether the newest row is kept in view.
    pub following: bool,
    /// How many rows came since it was not.
    pub below: u64,
    /// How many rows the filter shows; none without a filter.
    pub found: Option<usize>,
    /// Which of them is the current one, from 1.
    pub current: Option<usize>,
    /// Whether the search goes on.
    pub searching: bool,
    /// Whether the pattern cannot be read.
    pub unreadable: bool,
    /// Whether there is nothing to show.
    pub empty: bool,
}

/// The view of a feed.
pub struct LogView {
    feed: LogFeed,
    /// The element that scrolls.
    window: HtmlElement,
    /// Its content, as high as all rows together.
    canvas: HtmlElement,
    shown: Shown,
    scroll: Scroll,
    look: Look,
    filter: Filter,
    pattern: Option<Pattern>,
    matches: Option<Matches>,
    /// Unfinished rows the filter shows.
    open: Vec<i64>,
    heights: Option<Heights>,
    wrap: bool,
    /// How many characters fit side by side when lines are wrapped.
    columns: usize,
    standing: Standing,
    /// The end of the log when following stopped.
    left_at: i64,
    current: Option<i64>,
    /// Which log is shown, and what moved its rows' ids.
    log: u64,
    insertions: u64,
    first: i64,
    /// Rows from here on may have changed since they were drawn.
    unfinished: i64,
    /// All rows look different from when they were drawn.
    stale: bool,
}

impl LogView {
    /// A view in `window`, which scrolls `canvas`, which holds `rows`.
    #[must_use]
    pub fn new(feed: LogFeed, window: HtmlElement, canvas: HtmlElement, rows: HtmlElement) -> Self {
        Self {
            feed,
            window,
            canvas,
            shown: Shown::new(rows),
            scroll: Scroll::default(),
            look: Look::default(),
            filter: Filter::default(),
            pattern: None,
            matches: None,
            open: Vec::new(),
            heights: None,
            wrap: false,
            columns: 80,
            standing: Standing {
                following: true,
                empty: true,
                ..Standing::default()
            },
            left_at: 0,
            current: None,
            log: 0,
            insertions: 0,
            first: 0,
            unfinished: i64::MIN,
            stale: false,
        }
    }

    /// How it stands.
    #[must_use]
    pub const fn standing(&self) -> &Standing {
        &self.standing
    }

    /// Shows what the log has become. Says whether a search goes on, which
    /// needs another call in the next frame.
    pub fn refresh(&mut self) -> bool {
        let feed = self.feed;
        feed.read(|store, number| {
            if number != self.log {
                self.log = number;
                self.begin_again();
            }
            if store.insertions() != self.insertions || store.first() != self.first {
                self.stale |= store.insertions() != self.insertions;
                self.insertions = store.insertions();
                self.first = store.first();
                self.heights = self.heights.take().map(|_| Heights::new(self.columns));
            }
            let searching = self.search(store);
            self.measure(store);
            if self.standing.following {
                self.scroll.go_to(f64::INFINITY);
            }
            self.draw(store);
            searching
        })
        .unwrap_or(false)
    }

    /// Takes how rows are shown from now on.
    pub fn set_look(&mut self, look: Look, wrap: bool) {
        if wrap != self.wrap {
            self.wrap = wrap;
            self.heights = wrap.then(|| Heights::new(self.columns));
        }
        self.look = look;
        self.stale = true;
        self.refresh();
    }

    /// Takes another filter. A row that was found or is at the top stays in view.
    pub fn set_filter(&mut self, filter: Filter) {
        if filter == self.filter {
            return;
        }
        let kept = self.current.or_else(|| self.top_id());
        self.pattern = match &filter.search {
            Search::Pattern(source) => Pattern::new(source),
            _ => None,
        };
        self.standing.unreadable = matches!(filter.search, Search::Pattern(_)) && self.pattern.is_none();
        self.matches = (!filter.shows_everything()).then(|| Matches::of(filter.clone()));
        self.filter = filter;
        self.current = None;
        self.standing.current = None;
        self.stale = true;
        self.heights = self.wrap.then(|| Heights::new(self.columns));
        self.refresh();
        if let (false, Some(id)) = (self.standing.following, kept) {
            self.reveal(id);
        }
    }

    /// The window has another size.
    pub fn resized(&mut self, columns: usize) {
        if columns != self.columns {
            self.columns = columns;
            self.heights = self.wrap.then(|| Heights::new(columns));
        }
        self.refresh();
    }

    /// The person scrolled.
    pub fn scrolled(&mut self) {
        let place = f64::from(self.window.scroll_top());
        // What this view did itself comes back as an event too.
        if (place - self.scroll.place()).abs() < 1.5 {
            return;
        }
        // And a window that became higher, at the end, is moved by the browser.
        let farthest = self.window.scroll_height() - self.window.client_height();
        if self.standing.following && place > f64::from(farthest) - 4.0 {
            self.refresh();
            return;
        }
        self.scroll.scrolled(place);
        self.set_following(self.scroll.at_end());
        let feed = self.feed;
        feed.read(|store, _| self.draw(store));
    }

    /// Keeps the newest row in view, or stops that.
    pub fn follow(&mut self, following: bool) {
        self.set_following(following);
        self.refresh();
    }

    /// Goes to the next row the filter shows, or the one before.
    pub fn step(&mut self, forward: bool) {
        let count = self.count();
        if self.matches.is_none() || count == 0 {
            return;
        }
        let at = self.current.map(|id| self.place_of(id));
        let next = match (at, forward) {
            (Some(at), true) => (at + 1) % count,
            (Some(at), false) => (at + count - 1) % count,
            (None, true) => 0,
            (None, false) => count - 1,
        };
        let id = self.id_at(next);
        self.set_following(false);
        self.current = Some(id);
        self.standing.current = Some(next + 1);
        self.stale = true;
        self.reveal(id);
    }

    /// The text of all rows the filter shows.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        self.feed.read(|store, _| {
            for place in 0..self.count() {
                let Some(row) = store.row(self.id_at(place)) else {
                    continue;
                };
                if place > 0 && !row.continues {
                    text.push('\n');
                }
                text.push_str(&super::ansi::plain(row.text));
            }
        });
        text
    }

    /// The text of the row that holds this node.
    #[must_use]
    pub fn text_of(&self, node: &web_sys::Node) -> Option<String> {
        let id = self.shown.id_of(node)?;
        self.feed
            .read(|store, _| store.row(id).map(|row| super::ansi::plain(row.text).into_owned()))
            .flatten()
    }

    fn begin_again(&mut self) {
        self.shown.clear();
        self.scroll = Scroll::default();
        self.matches = (!self.filter.shows_everything()).then(|| Matches::of(self.filter.clone()));
        self.heights = self.wrap.then(|| Heights::new(self.columns));
        self.current = None;
        self.unfinished = i64::MIN;
        self.standing = Standing {
            following: true,
            unreadable: self.standing.unreadable,
            ..Standing::default()
        };
    }

    fn set_following(&mut self, following: bool) {
        if self.standing.following && !following {
            self.left_at = self.feed.read(|store, _| store.end()).unwrap_or_default();
        }
        self.standing.following = following;
    }

    /// Goes on searching, and says whether there is more to do.
    fn search(&mut self, store: &LogStore) -> bool {
        let pattern = self.pattern.clone();
        let find = |text: &str| {
            pattern
                .as_ref()
                .map_or_else(Vec::new, |pattern| pattern.find(text))
        };
        let mut searching = false;
        self.open.clear();
        if let Some(matches) = &mut self.matches {
            let until = js_sys::Date::now() + SEARCH_MILLISECONDS;
            searching = !matches.look(store, &find, || js_sys::Date::now() > until);
            let filter = matches.filter();
            let open = (store.finished()..store.end())
                .filter(|id| store.row(*id).is_some_and(|row| filter.admits(&row, &find)));
            self.open.extend(open);
        }
        self.standing.searching = searching;
        self.standing.found = self
            .matches
            .as_ref()
            .map(|matches| matches.ids().len() + self.open.len());
        searching
    }

    fn draw(&mut self, store: &LogStore) {
        let count = self.count_in(store);
        self.standing.empty = store.end() == store.first();
        self.standing.below = u64::try_from(store.end() - self.left_at).unwrap_or_default();
        if self.standing.following {
            self.standing.below = 0;
        }
        let (from, to) = self.places_in_view(count);
        let (from, to) = self.with_selection(store, from, to, count);
        let ids: Vec<i64> = (from..to).map(|place| self.id_in(store, place)).collect();

        let pattern = self.pattern.clone();
        let find = |text: &str| {
            pattern
                .as_ref()
                .map_or_else(Vec::new, |pattern| pattern.find(text))
        };
        let (look, filter, current) = (&self.look, &self.filter, self.current);
        let (stale, unfinished) = (self.stale, self.unfinished);
        self.shown.show(
            &ids,
            |id| stale || id >= unfinished || id < store.first() + 1,
            |id, element| {
                if let Some(row) = store.row(id) {
                    row::fill(element, &row, look, filter, &find, current == Some(id));
                }
            },
        );
        self.stale = false;
        self.unfinished = store.finished();
        self.place_rows(from, to, count);
    }

    /// The rows a selection reaches over stay, so that it does not fall apart
    /// when the person scrolls on with it.
    fn with_selection(&self, store: &LogStore, from: usize, to: usize, count: usize) -> (usize, usize) {
        let selection = document()
            .get_selection()
            .ok()
            .flatten()
            .filter(|selection| !selection.is_collapsed());
        let Some(selection) = selection else {
            return (from, to);
        };
        let ends = [selection.anchor_node(), selection.focus_node()];
        let places: Vec<usize> = ends
            .iter()
            .flatten()
            .filter_map(|node| self.shown.id_of(node))
            .map(|id| self.place_in(store, id))
            .collect();
        let first = places.iter().copied().min().unwrap_or(from).min(from);
        let last = places
            .iter()
            .copied()
            .max()
            .map_or(to, |last| last + 1)
            .max(to)
            .min(count);
        if last - first > MOST_SELECTED {
            (from, to)
        } else {
            (first, last)
        }
    }
}
