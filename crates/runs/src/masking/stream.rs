//! The masking of one stream: six views read it, and what none of them still
//! waits for is let go.

use super::{
    Masks, REPLACEMENT,
    mark::StreamMark,
    views::{Kind, LOOK_BACK, Span, View, Window},
};
use std::collections::VecDeque;

/// One stream on its way. Offsets in it count from where it was taken up.
pub(super) struct StreamMask {
    views: Vec<View>,
    /// The bytes that are still needed, and where the first of them stands.
    bytes: Vec<u8>,
    begin: u64,
    /// What is before was let go, as it was or as a replacement.
    released: u64,
    /// Whether the last byte let go was a masked one.
    masked: bool,
    /// What is masked and was not let go, in order and apart.
    spans: Vec<Span>,
    /// Where pieces of the stream stand in the provider's log.
    places: VecDeque<(u64, u64)>,
    /// What comes before this place of the provider's log is not needed.
    wanted_from: u64,
}

impl StreamMask {
    pub(super) fn new(masks: &Masks) -> Self {
        Self::resume(masks, &StreamMark::default())
    }

    /// Goes on where a mark was made, once everything from its place on is fed again.
    pub(super) fn resume(masks: &Masks, mark: &StreamMark) -> Self {
        let kinds = if masks.is_empty() { &[][..] } else { &Kind::ALL };
        let views = kinds.iter().enumerate();
        Self {
            views: views
                .map(|(index, kind)| View::new(*kind, masks, mark.views.get(index).copied().unwrap_or(0)))
                .collect(),
            bytes: Vec::new(),
            begin: 0,
            released: mark.released,
            masked: mark.masked,
            spans: Vec::new(),
            places: VecDeque::new(),
            wanted_from: mark.from,
        }
    }

    fn end(&self) -> u64 {
        self.begin + self.bytes.len() as u64
    }

    /// Whether bytes go through as they are.
    pub(super) fn is_open(&self) -> bool {
        self.views.is_empty() && self.released <= self.end()
    }

    /// Takes bytes that stand at `place` in the provider's log, and adds what can be let go.
    pub(super) fn feed(&mut self, masks: &Masks, place: u64, bytes: &[u8], out: &mut Vec<u8>) {
        let known = self.wanted_from.saturating_sub(place);
        let bytes = match usize::try_from(known) {
            Ok(known) if known < bytes.len() => &bytes[known..],
            _ => return,
        };
        self.places.push_back((self.end(), place + known));
        self.bytes.extend_from_slice(bytes);
        let window = Window {
            bytes: &self.bytes,
            begin: self.begin,
        };
        let mut found = std::mem::take(&mut self.spans);
        let mut held = self.end();
        for view in &mut self.views {
            view.read(masks, window, false, &mut found);
            held = held.min(view.held_from(masks));
        }
        self.spans = joined(found, self.released);
        self.release(held, out);
        self.forget(masks);
    }

    /// The stream has ended, or its next bytes are missing: lets go of everything.
    pub(super) fn finish(&mut self, masks: &Masks, out: &mut Vec<u8>) {
        let mut found = std::mem::take(&mut self.spans);
        let end = self.end();
        let window = Window {
            bytes: &self.bytes,
            begin: self.begin,
        };
        for view in &mut self.views {
            view.read(masks, window, true, &mut found);
            view.restart(masks, end);
        }
        self.spans = joined(found, self.released);
        self.release(end, out);
        self.released = end;
        self.masked = false;
        self.forget(masks);
    }

    /// Lets go of what is before `until`; and of masked bytes there and after it, as they stay masked.
    fn release(&mut self, until: u64, out: &mut Vec<u8>) {
        let covering = self.spans.iter().find(|(from, to)| *from <= until && until < *to);
        let until = covering.map_or(until, |(_, to)| *to);
        let mut used = 0;
        while self.released < until {
            match self.spans.get(used).copied() {
                Some((from, to)) if from <= self.released => {
                    if !self.masked {
                        out.extend_from_slice(REPLACEMENT);
                    }
                    self.masked = true;
                    self.released = to;
                    used += 1;
                }
                next => {
                    let to = next.map_or(until, |(from, _)| from.min(until));
                    out.extend_from_slice(&self.bytes[self.index(self.released)..self.index(to)]);
                    self.masked = false;
                    self.released = to;
                }
            }
        }
        self.spans.drain(..used);
    }

    fn index(&self, offset: u64) -> usize {
        usize::try_from(offset - self.begin).unwrap_or(usize::MAX)
    }

    fn forget(&mut self, masks: &Masks) {
        // A line break that comes next is judged by what stands before it.
        let keep = self
            .released
            .min(self.end().saturating_sub(LOOK_BACK))
            .max(self.begin);
        let count = self.index(keep);
        self.bytes.drain(..count.min(self.bytes.len()));
        self.begin = keep.min(self.begin + count as u64);
        let needed = self.read_from(masks);
        while self.places.get(1).is_some_and(|(from, _)| *from <= needed) {
            self.places.pop_front();
        }
    }

    /// From where on the stream has to be read again to come to the place where it is.
    fn read_from(&self, masks: &Masks) -> u64 {
        let views = self.views.iter().map(|view| view.read_from(masks));
        views.min().unwrap_or(u64::MAX).min(self.end())
    }

    /// Where it is; `now` is the end of the provider's log so far.
    pub(super) fn mark(&self, masks: &Masks, now: u64) -> StreamMark {
        let from = self.read_from(masks);
        let place = self.places.iter().rev().find(|(start, _)| *start <= from);
        let place = match place {
            Some((start, place)) if from < self.end() => place + (from - start),
            // Nothing of it is needed again.
            _ => now.max(self.wanted_from),
        };
        StreamMark {
            from: place,
            released: self.released.saturating_sub(from),
            masked: self.masked,
            views: self
                .views
                .iter()
                .map(|view| view.read_from(masks).saturating_sub(from))
                .collect(),
        }
    }

    /// Where in the provider's log the first byte stands that is held back.
    pub(super) fn held_place(&self) -> Option<u64> {
        if self.released >= self.end() {
            return None;
        }
        let place = self
            .places
            .iter()
            .rev()
            .find(|(start, _)| *start <= self.released);
        place.map(|(start, place)| place + (self.released - start))
    }
}

/// The spans in order, each longest row of masked bytes as one, without what was let go.
fn joined(mut spans: Vec<Span>, released: u64) -> Vec<Span> {
    if spans.len() > 1 {
        spans.sort_unstable();
    }
    let mut joined: Vec<Span> = Vec::with_capacity(spans.len());
    for (from, to) in spans {
        if to <= released {
            continue;
        }
        match joined.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => joined.push((from.max(released), to)),
        }
    }
    joined
}
