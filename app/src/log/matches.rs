//! The rows a filter shows, found a slice at a time: a million rows must not
//! hold up the next frame.

use super::{
    filter::{Filter, FindPattern},
    store::LogStore,
};

/// How many rows are looked at between two looks at the clock.
const SLICE: usize = 2000;

/// The ids of the finished rows a filter shows.
#[derive(Clone, Debug, Default)]
pub struct Matches {
    filter: Filter,
    ids: Vec<i64>,
    /// The id of the next row to look at.
    next: i64,
    insertions: u64,
}

impl Matches {
    /// What `filter` shows, nothing found yet.
    #[must_use]
    pub fn of(filter: Filter) -> Self {
        Self {
            filter,
            ids: Vec::new(),
            next: i64::MIN,
            insertions: 0,
        }
    }

    /// The filter.
    #[must_use]
    pub const fn filter(&self) -> &Filter {
        &self.filter
    }

    /// The ids found so far, in order.
    #[must_use]
    pub fn ids(&self) -> &[i64] {
        &self.ids
    }

    /// Looks at rows until all were looked at or `time_is_up`, and says
    /// whether all were.
    pub fn look(
        &mut self,
        store: &LogStore,
        find_pattern: FindPattern<'_>,
        time_is_up: impl Fn() -> bool,
    ) -> bool {
        if self.insertions != store.insertions() {
            self.insertions = store.insertions();
            self.ids.clear();
            self.next = i64::MIN;
        }
        let gone = self.ids.partition_point(|id| *id < store.first());
        self.ids.drain(..gone);
        let mut rows = store.rows_from(self.next.max(store.first()));
        loop {
            for _ in 0..SLICE {
                let Some((id, row)) = rows.next() else {
                    self.next = store.finished();
                    return true;
                };
                if self.filter.admits(&row, find_pattern) {
                    self.ids.push(id);
                }
                self.next = id + 1;
            }
            if time_is_up() {
                return false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{LogStream, Millis};

    fn none(_: &str) -> Vec<std::ops::Range<usize>> {
        Vec::new()
    }

    #[test]
    fn finds_as_rows_come_and_go() {
        let mut store = LogStore::with_limit(1 << 20);
        let mut matches = Matches::of(Filter::parse("7"));
        let add = |store: &mut LogStore, numbers: std::ops::Range<u32>| {
            for number in numbers {
                let line = format!("{number}{}\n", " ".repeat(60));
                store.push(store.offset(), Millis(0), LogStream::Stdout, line.as_bytes());
            }
        };
        add(&mut store, 0..30);
        assert!(matches.look(&store, &none, || false));
        assert_eq!(matches.ids(), [7, 17, 27]);
        add(&mut store, 30..40);
        assert!(matches.look(&store, &none, || false));
        assert_eq!(matches.ids(), [7, 17, 27, 37]);
        store.push_system(0, Millis(0), "7 first");
        assert!(matches.look(&store, &none, || false));
        assert_eq!(matches.ids(), [0, 8, 18, 28, 38]);

        add(&mut store, 40..60_000);
        while !matches.look(&store, &none, || true) {}
        let all = store
            .rows_from(store.first())
            .filter(|(_, row)| row.text.contains(&b'7'))
            .count();
        assert!(store.first() > 0 && matches.ids().len() == all && all > 0);
    }
}
