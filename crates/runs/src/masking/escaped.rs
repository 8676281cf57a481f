//! A view that undoes escapes, from any byte of the stream to any other.
//!
//! Where an escape begins depends on what is before it: in `\\x41` none does at
//! the second backslash. But what is before may be masked by another view, and
//! then the rest is read as it stands. So a form counts that is made of any
//! bytes of the stream, read as a text by themselves: what stays has none,
//! whatever was cut out around it. Readings that begin at different bytes meet
//! again soon; those that have not, or that wait for other forms, are the
//! [`Reading`]s here, and there is hardly ever more than one.

use super::{
    Masks,
    automaton::{Automaton, State},
    units::{self, Unit},
    views::{Kind, Span, Window, add},
};
use model::secret::SHORTEST_BYTES;
use std::collections::VecDeque;

/// A symbol, and where its escape begins in the stream.
type Symbol = (u8, u64);

/// The stream as it is read from some byte on, while that may become a form.
struct Reading {
    /// Where its next unit begins.
    at: u64,
    state: State,
    /// The last symbols, as many as are the beginning of a form.
    symbols: VecDeque<Symbol>,
}

impl Reading {
    fn new(automaton: &Automaton, at: u64) -> Self {
        Self {
            at,
            state: automaton.start(),
            symbols: VecDeque::new(),
        }
    }

    /// Takes a unit's symbols and adds the forms that end with it. Gives whether
    /// it only grew.
    fn step(&mut self, automaton: &Automaton, unit: &[u8], (from, to): Span, found: &mut Vec<Span>) -> bool {
        let mut grew = true;
        for symbol in unit {
            self.symbols.push_back((*symbol, from));
            self.state = automaton.next(self.state, *symbol);
            if let Some(length) = automaton.found(self.state)
                && let Some((_, begin)) = self.symbols.len().checked_sub(length).map(|at| self.symbols[at])
            {
                add(found, (begin, to));
            }
            let depth = automaton.depth(self.state);
            while self.symbols.len() > depth {
                self.symbols.pop_front();
                grew = false;
            }
        }
        self.at = to;
        grew
    }

    /// Takes another reading in whose symbols are the last ones here, so that
    /// whatever it would find is found here, from the earlier byte on.
    fn take_in(&mut self, other: &Self) -> bool {
        let Some(before) = self.symbols.len().checked_sub(other.symbols.len()) else {
            return false;
        };
        let same = self.symbols.iter().skip(before).map(|(symbol, _)| symbol);
        if self.at != other.at || !same.eq(other.symbols.iter().map(|(symbol, _)| symbol)) {
            return false;
        }
        for (own, theirs) in self.symbols.iter_mut().skip(before).zip(&other.symbols) {
            own.1 = own.1.min(theirs.1);
        }
        true
    }
}

/// One such view of one stream.
pub(super) struct Escaped {
    kind: Kind,
    readings: Vec<Reading>,
    /// Where the next byte stands.
    offset: u64,
}

impl Escaped {
    /// One that begins at `offset`.
    pub(super) fn new(kind: Kind, offset: u64) -> Self {
        Self {
            kind,
            readings: Vec::new(),
            offset,
        }
    }

    /// Forgets what it has seen: what follows at `offset` is another text.
    pub(super) fn restart(&mut self, offset: u64) {
        self.readings.clear();
        self.offset = offset;
    }

    /// Reads the bytes of the window that it has not read; with `last`, those
    /// of an escape that is not finished too.
    pub(super) fn read(&mut self, masks: &Masks, window: Window<'_>, last: bool, found: &mut Vec<Span>) {
        while self.offset < window.end() {
            let rest = &window.bytes[window.index(self.offset)..];
            if self.readings.is_empty() {
                let asleep = masks.wakes[self.kind as usize].asleep(rest);
                if asleep > 0 {
                    self.offset += asleep as u64;
                    continue;
                }
            }
            let rest = &rest[..rest.len().min(units::LONGEST)];
            let Unit::Whole { used, bytes } = self.kind.unit(rest, last) else {
                return;
            };
            self.take_unit(&masks.text, &rest[..used], bytes.as_slice(), found);
            self.offset += 1;
        }
    }

    /// Goes on with every reading that is at this byte, or begins one here.
    fn take_unit(&mut self, automaton: &Automaton, unit: &[u8], bytes: &[u8], found: &mut Vec<Span>) {
        let (at, end) = (self.offset, self.offset + unit.len() as u64);
        let mut here: Vec<Reading> = Vec::new();
        if self.readings.iter().all(|reading| reading.at != at) {
            here.push(Reading::new(automaton, at));
        }
        here.extend(self.readings.extract_if(.., |reading| reading.at == at));
        for mut reading in here {
            self.cut_short(automaton, &reading, unit, found);
            let joins = self.readings.iter().any(|other| other.at == end);
            let grew = reading.step(automaton, bytes, (at, end), found);
            if reading.symbols.is_empty() {
                continue;
            }
            if joins || !grew {
                self.join(reading);
            } else {
                self.readings.push(reading);
            }
        }
    }

    /// Adds a reading, unless it says nothing that another does not.
    fn join(&mut self, mut reading: Reading) {
        if self.readings.iter_mut().any(|other| other.take_in(&reading)) {
            return;
        }
        self.readings.retain(|other| !reading.take_in(other));
        self.readings.push(reading);
    }

    /// Adds the forms that end in the middle of a unit, which stands for
    /// something else when it is cut there.
    fn cut_short(&self, automaton: &Automaton, reading: &Reading, unit: &[u8], found: &mut Vec<Span>) {
        for length in 1..unit.len() {
            if reading.symbols.len() + length < SHORTEST_BYTES {
                continue;
            }
            let mut state = reading.state;
            // Where the symbols of the cut unit stand.
            let mut places = Vec::with_capacity(length);
            let (mut at, mut rest) = (reading.at, &unit[..length]);
            while !rest.is_empty()
                && let Unit::Whole { used, bytes } = self.kind.unit(rest, true)
            {
                for symbol in bytes.as_slice() {
                    places.push(at);
                    state = automaton.next(state, *symbol);
                    let Some(form) = automaton.found(state) else {
                        continue;
                    };
                    let begin = match places.len().checked_sub(form) {
                        Some(index) => places[index],
                        None => reading.symbols[reading.symbols.len() + places.len() - form].1,
                    };
                    add(found, (begin, at + used as u64));
                }
                at += used as u64;
                rest = &rest[used..];
            }
        }
    }

    /// From where on the bytes before may still become part of a form.
    pub(super) fn held_from(&self) -> u64 {
        // A reading that took in another may have a later symbol that begins before its first.
        let begins = self.readings.iter().flat_map(|reading| &reading.symbols);
        begins
            .map(|(_, begin)| *begin)
            .min()
            .unwrap_or(self.offset)
            .min(self.offset)
    }
}
