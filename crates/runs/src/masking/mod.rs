//! Masking: no secret reaches the store or a reader, in any of its common
//! encodings, however the frames of a log split it.
//!
//! ```text
//! provider ──raw bytes──▶ Masker ──masked bytes──▶ digest, ring ──▶ store, readers
//!                          │ per stream: six views, each with an automaton
//!                          └ Mark: where to read on after a restart
//! ```
//! Everything after the masker knows the masked stream alone: its hash, its
//! offsets and its lines. A byte is masked when it is part of a form of a
//! secret; each longest row of masked bytes becomes [`REPLACEMENT`]; every
//! other byte stays as it is. That is a matter of the bytes of a stream alone,
//! not of how they come.
//!
//! **Forms.** A stream is looked at in six views, and a secret is found when it
//! stands in one of them: as it is; with escapes after a backslash undone
//! (JSON, Python, JavaScript, shells); with `%XX` undone; with the references of
//! HTML and XML undone; as base64 in either alphabet, at each of its three
//! alignments; as hexadecimal. Base64 and hexadecimal may be wrapped in lines of
//! at least [`views::WRAPPED_AFTER`] characters. Of a secret of several lines,
//! each line that is long enough is a secret by itself. Of the one base64
//! character that carries only the two highest bits of a secret, nothing is
//! hidden: it would have to be held back at every word that ends in it. Escapes
//! are undone from any byte to any other ([`escaped`]), so that no bytes that
//! stay can be read as a form by themselves.
//!
//! **What is held back, and for how long.** The last bytes of a stream are held
//! exactly as long as they are the beginning of a form, or an escape that is
//! not finished, of twelve bytes at most: until the next byte that shows that
//! they are not, or until the command has ended. A secret that is complete is
//! replaced at once. No time releases held bytes: a program could print one
//! half, wait, and print the other. A prompt that ends in a space, a colon or
//! an angle bracket is therefore never held, unless a secret begins with those.
//!
//! **Restart.** Beside each stored piece of the masked log stands a [`Mark`]:
//! the offset of the provider's log to read on from, which is before all that
//! was held, and how much of what follows from there is known already. Held
//! bytes are never stored.

mod automaton;
mod book;
mod direct;
mod escaped;
mod forms;
mod mark;
mod masker;
mod stream;
mod units;
mod views;
mod wakes;

#[cfg(test)]
mod tests;

pub(crate) use book::MaskBook;
pub(crate) use mark::Mark;
pub(crate) use masker::Masker;

use automaton::Automaton;
use model::secret::SHORTEST_BYTES;
use std::{borrow::Cow, sync::Arc};
use views::Kind;
use wakes::Wakes;

/// What stands in the place of a secret.
pub(crate) const REPLACEMENT: &[u8] = b"***";

/// All forms of some secrets, ready to be looked for.
pub(crate) struct Masks {
    text: Automaton,
    base64: Automaton,
    hex: Automaton,
    /// In the order of [`Kind::ALL`].
    wakes: [Wakes; 6],
}

impl std::fmt::Debug for Masks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Masks")
    }
}

impl Masks {
    /// The forms of these secrets. Those of less than [`SHORTEST_BYTES`] bytes are left out: they
    /// stand in too many ordinary words.
    pub(crate) fn new<S: AsRef<[u8]>>(secrets: impl IntoIterator<Item = S>) -> Arc<Self> {
        let forms = forms::of(secrets, SHORTEST_BYTES);
        Arc::new(Self {
            text: Automaton::new(&forms.text),
            base64: Automaton::new(&forms.base64),
            hex: Automaton::new(&forms.hex),
            wakes: Kind::ALL.map(|kind| Wakes::new(kind, forms.of(kind))),
        })
    }

    /// Nothing to look for.
    pub(crate) fn none() -> Arc<Self> {
        Self::new([""; 0])
    }

    /// Whether there is nothing to look for.
    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// A sentence without secrets.
    pub(crate) fn mask<'a>(self: &Arc<Self>, text: &'a str) -> Cow<'a, str> {
        if self.is_empty() {
            return Cow::Borrowed(text);
        }
        let masked = self.mask_bytes(text.as_bytes());
        if masked == text.as_bytes() {
            Cow::Borrowed(text)
        } else {
            Cow::Owned(String::from_utf8_lossy(&masked).into_owned())
        }
    }

    /// A whole stream without secrets.
    pub(crate) fn mask_bytes(self: &Arc<Self>, bytes: &[u8]) -> Vec<u8> {
        let mut stream = stream::StreamMask::new(self);
        let mut masked = Vec::with_capacity(bytes.len());
        stream.feed(self, 0, bytes, &mut masked);
        stream.finish(self, &mut masked);
        masked
    }
}
