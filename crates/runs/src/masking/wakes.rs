//! Which bytes can begin a form, so that a view passes over all others without
//! a look at its automaton: most of what programs print begins none.

use super::views::Kind;

/// The beginnings of a view's forms.
pub(super) struct Wakes {
    first: Box<[bool; 256]>,
    /// A bit for each pair of bytes.
    pairs: Box<[u64; 1024]>,
}

impl Wakes {
    /// Of a view that looks for these strings.
    pub(super) fn new(kind: Kind, strings: &[Vec<u8>]) -> Self {
        let mut wakes = Self {
            first: Box::new([false; 256]),
            pairs: Box::new([0; 1024]),
        };
        if strings.is_empty() {
            return wakes;
        }
        let mut bytes_of: [Vec<u8>; 256] = std::array::from_fn(|_| Vec::new());
        for byte in 0..=255 {
            if let Some(symbol) = kind.symbol(byte) {
                bytes_of[usize::from(symbol)].push(byte);
            }
        }
        let mut known = std::collections::HashSet::new();
        for string in strings {
            let [one, two, ..] = string[..] else { continue };
            if !known.insert((one, two)) {
                continue;
            }
            for first in &bytes_of[usize::from(one)] {
                for second in &bytes_of[usize::from(two)] {
                    wakes.add(*first, *second);
                }
                // The second may come as an escape, or after a line break.
                for second in kind.escape().into_iter().chain(*b"\r\n") {
                    wakes.add(*first, second);
                }
            }
        }
        if let Some(escape) = kind.escape() {
            for second in 0..=255 {
                wakes.add(escape, second);
            }
        }
        wakes
    }

    fn add(&mut self, first: u8, second: u8) {
        self.first[usize::from(first)] = true;
        let pair = usize::from(first) << 8 | usize::from(second);
        self.pairs[pair / 64] |= 1 << (pair % 64);
    }

    fn begins_with(&self, first: u8, second: u8) -> bool {
        let pair = usize::from(first) << 8 | usize::from(second);
        self.pairs[pair / 64] >> (pair % 64) & 1 == 1
    }

    /// How many of the bytes can be passed over.
    #[inline]
    pub(super) fn asleep(&self, bytes: &[u8]) -> usize {
        let mut from = 0;
        while let Some(next) = bytes[from..]
            .iter()
            .position(|byte| self.first[usize::from(*byte)])
        {
            let at = from + next;
            match bytes.get(at + 1) {
                Some(second) if !self.begins_with(bytes[at], *second) => from = at + 1,
                // What comes after the last byte decides.
                _ => return at,
            }
        }
        bytes.len()
    }
}
