//! Places: which row stands where among those the filter shows, and at which
//! pixel. Places count from 0; ids are the store's.

use super::{BEYOND, LogView, ROW_HEIGHT};
use crate::log::store::LogStore;

impl LogView {
    /// How many rows the filter shows.
    pub(super) fn count(&self) -> usize {
        self.feed
            .read(|store, _| self.count_in(store))
            .unwrap_or_default()
    }

    pub(super) fn count_in(&self, store: &LogStore) -> usize {
        match &self.matches {
            Some(matches) => matches.ids().len() + self.open.len(),
            None => usize::try_from(store.end() - store.first()).unwrap_or_default(),
        }
    }

    pub(super) fn id_at(&self, place: usize) -> i64 {
        self.feed
            .read(|store, _| self.id_in(store, place))
            .unwrap_or_default()
    }

    pub(super) fn id_in(&self, store: &LogStore, place: usize) -> i64 {
        match &self.matches {
            Some(matches) => {
                let ids = matches.ids();
                let found = ids.get(place).or_else(|| self.open.get(place - ids.len()));
                found.copied().unwrap_or_default()
            }
            None => store.first() + i64::try_from(place).unwrap_or_default(),
        }
    }

    pub(super) fn place_of(&self, id: i64) -> usize {
        self.feed
            .read(|store, _| self.place_in(store, id))
            .unwrap_or_default()
    }

    /// The place of a row, or of the next one the filter shows.
    pub(super) fn place_in(&self, store: &LogStore, id: i64) -> usize {
        match &self.matches {
            Some(matches) => {
                let place = matches.ids().partition_point(|found| *found < id);
                place + self.open.iter().filter(|open| **open < id).count()
            }
            None => usize::try_from(id - store.first()).unwrap_or_default(),
        }
    }

    /// The row at the top of the window.
    pub(super) fn top_id(&self) -> Option<i64> {
        let count = self.count();
        (count > 0).then(|| self.id_at(self.place_at(self.scroll.top()).min(count - 1)))
    }

    /// Puts a row into the middle of the window.
    pub(super) fn reveal(&mut self, id: i64) {
        let pixel = self.pixel_of(self.place_of(id));
        let middle = f64::from(self.window.client_height()) / 2.0 - ROW_HEIGHT;
        self.scroll.go_to(pixel - middle.max(0.0));
        let feed = self.feed;
        feed.read(|store, _| self.draw(store));
    }

    /// Takes the size of the window and of everything in it.
    pub(super) fn measure(&mut self, store: &LogStore) {
        let count = self.count_in(store);
        let mut total = count as f64 * ROW_HEIGHT;
        if let Some(mut heights) = self.heights.take() {
            // Unfinished rows may have grown, and so has what was the last row.
            heights.truncate(count.saturating_sub(3).min(heights.count()));
            for place in heights.count()..count {
                if let Some(row) = store.row(self.id_in(store, place)) {
                    heights.add(&row);
                }
            }
            total = f64::from(heights.before(count)) * ROW_HEIGHT;
            self.heights = Some(heights);
        }
        self.scroll.resize(total, f64::from(self.window.client_height()));
    }

    /// The pixel of the log at which a row begins.
    pub(super) fn pixel_of(&self, place: usize) -> f64 {
        match &self.heights {
            Some(heights) => f64::from(heights.before(place)) * ROW_HEIGHT,
            None => place as f64 * ROW_HEIGHT,
        }
    }

    /// The row at a pixel of the log.
    fn place_at(&self, pixel: f64) -> usize {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "pixels are never negative here"
        )]
        let line = (pixel.max(0.0) / ROW_HEIGHT) as u32;
        match &self.heights {
            Some(heights) => heights.place_of(line),
            None => line as usize,
        }
    }

    /// The places drawn: those in the window, and some beyond.
    pub(super) fn places_in_view(&self, count: usize) -> (usize, usize) {
        let top = self.scroll.top();
        let from = self.place_at(top).saturating_sub(BEYOND);
        let to = self.place_at(top + f64::from(self.window.client_height())) + 1 + BEYOND;
        (from.min(count), to.min(count))
    }

    /// Puts the drawn rows where they belong, and the window onto them.
    pub(super) fn place_rows(&mut self, from: usize, to: usize, count: usize) {
        let rows = self.shown.container();
        let offset = self.scroll.on_canvas(self.pixel_of(from));
        let _ = rows
            .style()
            .set_property("transform", &format!("translateY({offset}px)"));
        let mut height = self.scroll.canvas();
        if self.heights.is_some() && to == count {
            // Wrapped rows are as high as the browser makes them: the end of
            // the canvas is where the last one ends.
            height = offset + f64::from(rows.offset_height());
            self.scroll.ends_at(height);
        }
        let _ = self.canvas.style().set_property("height", &format!("{height}px"));
        let mut place = self.scroll.place();
        if self.standing.following {
            place = place.max(height - f64::from(self.window.client_height()));
            self.scroll.moved_to(place);
        }
        #[expect(clippy::cast_possible_truncation, reason = "below the canvas's height")]
        let whole = place.round() as i32;
        if self.window.scroll_top() != whole {
            self.window.set_scroll_top(whole);
        }
    }
}
