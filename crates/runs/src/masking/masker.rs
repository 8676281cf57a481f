//! The masking of a command's log: both its streams, as they come.

use super::{Mark, Masks, stream::StreamMask};
use model::LogStream;
use std::sync::Arc;

/// Turns the provider's bytes into those that may be kept and shown.
pub(crate) struct Masker {
    masks: Arc<Masks>,
    streams: [StreamMask; 2],
    /// The offset in the command's own log that follows what was fed.
    place: u64,
}

const fn index(stream: LogStream) -> usize {
    match stream {
        LogStream::Stdout => 0,
        LogStream::Stderr => 1,
    }
}

impl Masker {
    /// At the beginning of a command's log.
    pub(crate) fn new(masks: Arc<Masks>) -> Self {
        Self::resume(masks, &Mark::default())
    }

    /// Where a mark was made. To be fed from [`Mark::from`] on: it gives what follows [`Mark::log`].
    pub(crate) fn resume(masks: Arc<Masks>, mark: &Mark) -> Self {
        Self {
            streams: [&mark.streams[0], &mark.streams[1]].map(|mark| StreamMask::resume(&masks, mark)),
            place: mark.from,
            masks,
        }
    }

    /// The offset in the command's own log of the byte that is wanted next.
    pub(crate) fn place(&self) -> u64 {
        self.place
    }

    /// Takes the next bytes of the log, and gives what can be let go of the stream; `out` is where that
    /// is put together when it is something else.
    pub(crate) fn feed<'a>(&mut self, stream: LogStream, bytes: &'a [u8], out: &'a mut Vec<u8>) -> &'a [u8] {
        let place = self.place;
        self.place += bytes.len() as u64;
        let stream = &mut self.streams[index(stream)];
        if self.masks.is_empty() && stream.is_open() {
            return bytes;
        }
        out.clear();
        stream.feed(&self.masks, place, bytes, out);
        out
    }

    /// Passes over bytes of the log that are missing. What was held back is no part of a form then: it
    /// is to be let go with [`Masker::finish`] before.
    pub(crate) fn skip(&mut self, missing: u64) {
        self.place += missing;
    }

    /// Lets go of everything: what each stream held back, in the order of its first byte.
    pub(crate) fn finish(&mut self) -> Vec<(LogStream, Vec<u8>)> {
        let mut held: Vec<_> = [LogStream::Stdout, LogStream::Stderr]
            .into_iter()
            .filter_map(|stream| Some((self.streams[index(stream)].held_place()?, stream)))
            .collect();
        held.sort_unstable_by_key(|(place, _)| *place);
        let masks = &self.masks;
        let mut let_go = Vec::with_capacity(held.len());
        for (_, stream) in held {
            let mut out = Vec::new();
            self.streams[index(stream)].finish(masks, &mut out);
            let_go.push((stream, out));
        }
        // One that held nothing may still be in the middle of a secret that was replaced.
        for stream in &mut self.streams {
            stream.finish(masks, &mut Vec::new());
        }
        let_go
    }

    /// Drops what one stream holds back: its rest comes from elsewhere.
    pub(crate) fn drop_held(&mut self, stream: LogStream) {
        self.streams[index(stream)].finish(&self.masks, &mut Vec::new());
    }

    /// Where it is, at the offset `log` of the masked log; nothing when there is nothing to mask, as
    /// both logs are one then.
    pub(crate) fn mark(&self, log: u64) -> Option<Mark> {
        if self.masks.is_empty() {
            return None;
        }
        let streams = [&self.streams[0], &self.streams[1]].map(|stream| stream.mark(&self.masks, self.place));
        let from = streams[0].from.min(streams[1].from);
        Some(Mark { log, from, streams })
    }

    /// What is looked for.
    pub(crate) fn masks(&self) -> &Arc<Masks> {
        &self.masks
    }
}
