//! Daytona's log: each line has three bytes before it that name its stream.
//!
//! The markers may straddle the frames they arrive in, so one or two bytes
//! that may be the start of one are held back until the next frame decides.

use super::Stream;
use bytes::Bytes;

/// Before a line of standard output.
pub const STDOUT_MARKER: [u8; 3] = [1; 3];
/// Before a line of standard error.
pub const STDERR_MARKER: [u8; 3] = [2; 3];

/// Takes a marked log apart, however it is cut into chunks.
///
/// ```
/// use bytes::Bytes;
/// use daytona::wire::{Markers, Stream};
///
/// let mut markers = Markers::new();
/// let mut pieces = Vec::new();
/// for chunk in [&b"\x01\x01\x01o1\n\x02\x02"[..], b"\x02e1\n"] {
///     markers.push(Bytes::copy_from_slice(chunk), |stream, bytes| pieces.push((stream, bytes)));
/// }
/// markers.finish(|stream, bytes| pieces.push((stream, bytes)));
/// assert_eq!(pieces, [(Stream::Stdout, Bytes::from("o1\n")), (Stream::Stderr, Bytes::from("e1\n"))]);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Markers {
    /// None before the first marker; what comes there is dropped, as the SDKs do.
    stream: Option<Stream>,
    /// A byte that starts a marker, and how many of it were held back: 0 to 2.
    held: (u8, usize),
}

impl Markers {
    /// At the start of a log.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a chunk apart; `piece` gets what lies between the markers, in
    /// order, sharing the chunk's memory.
    pub fn push(&mut self, chunk: Bytes, mut piece: impl FnMut(Stream, Bytes)) {
        let mut start = self.resolve_held(&chunk, &mut piece);
        let mut search = start;
        while let Some(found) = memchr::memchr2(1, 2, &chunk[search..]) {
            let at = search + found;
            let byte = chunk[at];
            let run = run_length(&chunk[at..], byte);
            if run == 3 {
                self.emit(chunk.slice(start..at), &mut piece);
                self.switch(byte);
                start = at + 3;
                search = start;
            } else if at + run == chunk.len() {
                self.emit(chunk.slice(start..at), &mut piece);
                self.held = (byte, run);
                return;
            } else {
                search = at + run;
            }
        }
        self.emit(chunk.slice(start..), &mut piece);
    }

    /// The log has ended: bytes still held back were no marker.
    pub fn finish(&mut self, mut piece: impl FnMut(Stream, Bytes)) {
        self.release_held(&mut piece);
    }

    /// Decides what the bytes held back are, now that `chunk` follows; answers
    /// where the chunk's own content starts.
    fn resolve_held(&mut self, chunk: &Bytes, piece: &mut impl FnMut(Stream, Bytes)) -> usize {
        let (byte, held) = self.held;
        if held == 0 {
            return 0;
        }
        let missing = 3 - held;
        let more = run_length(&chunk[..chunk.len().min(missing)], byte);
        if more == missing {
            self.held = (0, 0);
            self.switch(byte);
            return more;
        }
        if more == chunk.len() {
            self.held = (byte, held + more);
            return more;
        }
        self.release_held(piece);
        0
    }

    fn release_held(&mut self, piece: &mut impl FnMut(Stream, Bytes)) {
        let (byte, held) = std::mem::take(&mut self.held);
        let marker: &'static [u8] = if byte == 1 { &STDOUT_MARKER } else { &STDERR_MARKER };
        self.emit(Bytes::from_static(&marker[..held]), piece);
    }

    fn switch(&mut self, byte: u8) {
        self.stream = Some(if byte == 1 { Stream::Stdout } else { Stream::Stderr });
    }

    fn emit(&self, bytes: Bytes, piece: &mut impl FnMut(Stream, Bytes)) {
        if let (Some(stream), false) = (self.stream, bytes.is_empty()) {
            piece(stream, bytes);
        }
    }
}

/// How many times `byte` stands at the start, up to 3.
fn run_length(bytes: &[u8], byte: u8) -> usize {
    bytes.iter().take(3).take_while(|&&other| other == byte).count()
}
