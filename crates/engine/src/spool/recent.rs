//! The newest records of a spool in memory, for those who follow it.
//!
//! A follower that keeps up is served what was just read from the pipe, and
//! spares reading it back from the file. One that falls behind reads the file.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use daytona::wire::frames::HEADER_LENGTH;

/// The most bytes held of one log: twice what its pipe holds.
const MOST: usize = 2 << 20;
/// Records below this are put together, so that a program that prints line by
/// line does not cost a message for each; larger ones are not copied.
const SMALL: usize = 16 << 10;

/// Whole records, oldest first. Their offsets may have gaps between them, where
/// a record could not be written to the file. None while nobody follows.
#[derive(Debug, Default)]
pub(super) struct Recent {
    followers: usize,
    records: VecDeque<Held>,
    /// Bytes of all records, with what keeps each.
    held: usize,
}

#[derive(Debug)]
struct Held {
    /// Offset of the first byte of its content.
    start: u64,
    record: Bytes,
}

impl Held {
    fn end(&self) -> u64 {
        self.start + (self.record.len() - HEADER_LENGTH) as u64
    }

    fn size(&self) -> usize {
        self.record.len() + size_of::<Self>()
    }
}

impl Recent {
    /// Somebody follows from now on.
    pub(super) fn join(&mut self) {
        self.followers += 1;
    }

    /// Somebody who followed does no longer.
    pub(super) fn leave(&mut self) {
        self.followers -= 1;
        if self.followers == 0 {
            self.clear();
        }
    }

    /// A follower has taken everything: who is alone has no use for it any more.
    pub(super) fn taken(&mut self) {
        if self.followers == 1 {
            self.clear();
        }
    }

    /// Adds the record whose content starts at this offset.
    pub(super) fn push(&mut self, start: u64, record: Bytes) {
        if self.followers == 0 {
            return;
        }
        let newest = Held { start, record };
        self.held += newest.size();
        self.records.push_back(newest);
        while self.held > MOST
            && let Some(oldest) = self.records.pop_front()
        {
            self.held -= oldest.size();
        }
    }

    pub(super) fn clear(&mut self) {
        self.records = VecDeque::new();
        self.held = 0;
    }

    /// The records from the one that holds `offset` on, without a gap: at most
    /// `most` bytes, but one record at least, and none that starts at `limit`
    /// or later. With them the offset after the last. `None` when the offset is
    /// not held.
    pub(super) fn from(&self, offset: u64, limit: u64, most: usize) -> Option<(Vec<Bytes>, u64)> {
        let first = self.records.partition_point(|held| held.end() <= offset);
        if self.records.get(first)?.start > offset {
            return None;
        }
        let mut pieces = Vec::new();
        let mut joint = BytesMut::new();
        let mut expected = offset;
        let mut taken = 0;
        for held in self.records.iter().skip(first) {
            let length = held.record.len();
            if held.start > expected || held.start >= limit || (taken > 0 && taken + length > most) {
                break;
            }
            if length < SMALL {
                joint.extend_from_slice(&held.record);
            } else {
                if !joint.is_empty() {
                    pieces.push(joint.split().freeze());
                }
                pieces.push(held.record.clone());
            }
            taken += length;
            expected = held.end();
        }
        if !joint.is_empty() {
            pieces.push(joint.freeze());
        }
        (taken > 0).then_some((pieces, expected))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn record(length: usize) -> Bytes {
        vec![b'x'; HEADER_LENGTH + length].into()
    }

    fn followed() -> Recent {
        let mut recent = Recent::default();
        recent.join();
        recent
    }

    proptest! {
        /// Every record is given whole, once and in order; the gaps stay gaps.
        #[test]
        fn records_come_whole_and_in_order(
            lengths in prop::collection::vec((prop_oneof![1_usize..100, SMALL..2 * SMALL], any::<bool>()), 1..30),
            most in 1_usize..5 * SMALL,
            at in 0.0..1.0_f64,
        ) {
            let mut recent = followed();
            let mut ends = Vec::new();
            let mut offset = 0;
            for (length, lost) in lengths {
                let start = offset;
                offset += length as u64;
                if !lost {
                    recent.push(start, record(length));
                    ends.push((start, offset));
                }
            }
            let mut from = (offset as f64 * at) as u64;
            while from < offset {
                let holds = ends.iter().position(|(start, end)| (*start..*end).contains(&from));
                let given = recent.from(from, u64::MAX, most);
                prop_assert_eq!(holds.is_some(), given.is_some());
                let (Some(index), Some((pieces, end))) = (holds, given) else {
                    from += 1;
                    continue;
                };
                let bytes: usize = pieces.iter().map(Bytes::len).sum();
                let given = ends[index..].iter().take_while(|(_, last)| *last <= end);
                let expected: Vec<_> = given.map(|(start, end)| (end - start) as usize + HEADER_LENGTH).collect();
                prop_assert_eq!(bytes, expected.iter().sum::<usize>());
                prop_assert!(bytes <= most || expected.len() == 1);
                prop_assert!(ends[index..].windows(2).take(expected.len() - 1).all(|pair| pair[0].1 == pair[1].0));
                from = end;
            }
        }
    }

    #[test]
    fn no_more_is_held_than_the_bound_and_nothing_past_a_limit_is_given() {
        let mut recent = followed();
        let length = 100 << 10;
        for number in 0..40_u64 {
            recent.push(number * length, record(length as usize));
            assert!(recent.held <= MOST);
        }
        assert_eq!(recent.from(0, u64::MAX, MOST), None);
        let (pieces, end) = recent.from(30 * length + 5, 32 * length, MOST).unwrap();
        assert_eq!((pieces.len(), end), (2, 32 * length));
        assert_eq!(recent.from(40 * length, u64::MAX, MOST), None);
        recent.clear();
        assert_eq!(recent.from(39 * length, u64::MAX, MOST), None);
    }

    #[test]
    fn nothing_is_held_for_nobody() {
        let mut recent = Recent::default();
        recent.push(0, record(10));
        assert_eq!(recent.from(0, u64::MAX, MOST), None);
        recent.join();
        recent.join();
        recent.push(10, record(10));
        recent.taken();
        assert!(recent.from(10, u64::MAX, MOST).is_some());
        recent.leave();
        recent.taken();
        assert_eq!(recent.from(10, u64::MAX, MOST), None);
        recent.push(20, record(10));
        recent.leave();
        assert_eq!((recent.records.len(), recent.held), (0, 0));
    }
}
