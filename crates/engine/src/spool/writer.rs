//! Appending to a spool, and dropping its middle past the bound.

use std::collections::VecDeque;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::BytesMut;
use daytona::wire::Stream;
use daytona::wire::frames::HEADER_LENGTH;

use super::recent::Recent;
use super::segment::Segment;
use crate::clock;

/// The least size of a segment; a bound below this is for tests.
const SEGMENT: u64 = 16 << 20;

#[derive(Debug)]
pub(super) struct Writer {
    folder: PathBuf,
    name: String,
    /// Half of the bound: what is kept of the beginning, and of the end.
    half: u64,
    segment_size: u64,
    /// Oldest first. The ones of the beginning stay; of the others the oldest go.
    segments: VecDeque<Segment>,
    /// How many of the oldest segments belong to the beginning.
    beginning: usize,
    file: Option<Arc<File>>,
    offset: u64,
    /// What followers that keep up are served.
    recent: Recent,
    /// A write failed: said once, until one works again.
    failing: bool,
}

impl Writer {
    pub(super) fn new(folder: PathBuf, name: String, limit: u64) -> Self {
        let half = limit / 2;
        Self {
            folder,
            name,
            half,
            segment_size: SEGMENT.min(half / 4).max(1),
            segments: VecDeque::new(),
            beginning: 0,
            file: None,
            offset: 0,
            recent: Recent::default(),
            failing: false,
        }
    }

    /// What is there already of a log, to be read.
    pub(super) fn found(folder: PathBuf, name: String) -> Self {
        let segments = super::found::segments(&folder, &name);
        Self {
            offset: segments.last().map_or(0, |last| last.end),
            segments: segments.into(),
            ..Self::new(folder, name, super::LIMIT)
        }
    }

    /// The offset after the last byte.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Writes the note beside the log.
    pub(super) fn note(&self, text: &[u8]) {
        if let Err(error) = crate::lock::replace(&self.note_path(), text) {
            self.complain(&error, "what a log is of could not be noted");
        }
    }

    fn note_path(&self) -> PathBuf {
        self.folder.join(format!("{}.json", self.name))
    }

    /// Appends a record whose header space is at the front of `buffer`; gives
    /// the offset after it. What cannot be written is counted all the same:
    /// readers see the missing offsets as a gap. What can is held for followers.
    pub(super) fn append(&mut self, stream: Stream, mut buffer: BytesMut) -> u64 {
        let content = buffer.len() - HEADER_LENGTH;
        let length = u32::try_from(content).expect("a read is bounded by a message's length");
        buffer[0] = stream.number();
        buffer[1..9].copy_from_slice(&clock::now_ms().to_le_bytes());
        buffer[9..17].copy_from_slice(&self.offset.to_le_bytes());
        buffer[17..21].copy_from_slice(&length.to_le_bytes());

        let offset = self.offset;
        self.offset += u64::from(length);
        match self.write(&buffer) {
            Ok(()) => {
                self.failing = false;
                if let Some(segment) = self.segments.back_mut() {
                    segment.count(offset, buffer.len() as u64, u64::from(length));
                }
                self.drop_middle();
                self.recent.push(offset, buffer.freeze());
            }
            Err(error) if !self.failing => {
                self.failing = true;
                self.complain(&error, "a log could not be written; a gap is marked");
            }
            Err(_) => {}
        }
        self.offset
    }

    fn write(&mut self, record: &[u8]) -> std::io::Result<()> {
        let full = self
            .segments
            .back()
            .is_none_or(|last| last.length >= self.segment_size);
        if full {
            let number = self.segments.back().map_or(0, |last| last.number + 1);
            let start = self.offset - (record.len() - HEADER_LENGTH) as u64;
            self.file = None;
            self.segments.push_back(Segment::new(number, start));
        }
        let segment = self.segments.back().expect("one was pushed when there was none");
        let file = match &self.file {
            Some(file) => file,
            None => self.file.insert(segment.open(&self.folder, &self.name)?),
        };
        file.write_all_at(record, segment.length)
    }

    /// Says that something could not be written. The folder is gone when the
    /// sandbox is: what its programs had printed then interests nobody.
    fn complain(&self, error: &std::io::Error, what: &str) {
        let folder = self.folder.display();
        if error.kind() == std::io::ErrorKind::NotFound {
            tracing::debug!(%error, %folder, "{what}");
        } else {
            tracing::warn!(%error, %folder, "{what}");
        }
    }

    fn drop_middle(&mut self) {
        let kept = |segments: &VecDeque<Segment>, from: usize| -> u64 {
            segments.iter().skip(from).map(|segment| segment.length).sum()
        };
        // The beginning grows until it holds its half, then it stands.
        while self.beginning + 1 < self.segments.len()
            && kept(&self.segments, 0) - kept(&self.segments, self.beginning) < self.half
        {
            self.beginning += 1;
        }
        while self.beginning + 1 < self.segments.len() && kept(&self.segments, self.beginning) > self.half {
            if let Some(oldest) = self.segments.remove(self.beginning) {
                self.unlink(&oldest);
            }
        }
    }

    fn unlink(&self, segment: &Segment) {
        if let Err(error) = std::fs::remove_file(segment.path(&self.folder, &self.name)) {
            tracing::debug!(%error, "a segment of a log could not be removed");
        }
    }

    /// The segment that holds the offset, or the first one after it.
    pub(super) fn segment_at(&self, offset: u64) -> Option<&Segment> {
        self.segments.iter().find(|segment| segment.end > offset)
    }

    /// A segment that is still there.
    pub(super) fn segment(&self, number: u64) -> Option<&Segment> {
        self.segments.iter().find(|segment| segment.number == number)
    }

    pub(super) fn path(&self, segment: &Segment) -> PathBuf {
        segment.path(&self.folder, &self.name)
    }

    /// Bytes of it on disk.
    pub(super) fn kept(&self) -> u64 {
        self.segments.iter().map(|segment| segment.length).sum()
    }

    /// What is held for followers that keep up.
    pub(super) fn recent(&mut self) -> &mut Recent {
        &mut self.recent
    }

    /// Closes the file: nothing more is expected. It is opened again if it must.
    pub(super) fn rest(&mut self) {
        self.file = None;
    }

    pub(super) fn remove(&mut self) {
        self.file = None;
        self.recent.clear();
        for segment in std::mem::take(&mut self.segments) {
            self.unlink(&segment);
        }
        // Most logs have none.
        let _ = std::fs::remove_file(self.note_path());
        self.beginning = 0;
    }
}
