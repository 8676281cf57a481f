//! Daytona's own stream may lose bytes when it breaks. When the command has
//! ended, its whole log is read once more and compared, each stream for
//! itself, and what is missing at the end is appended. Masked is compared with
//! masked.
//!
//! What readers have seen is never rewritten: a difference in the middle is
//! said, not mended.

use crate::ingest::{Ingest, Notice};
use daytona::Error;
use model::{LogStream, Millis};
use model::{log::LogBody, time::byte_words};

/// Compares what was streamed with the provider's record, and appends what is missing.
pub(crate) async fn complete(ingest: &Ingest) -> Result<(), Error> {
    let logs = ingest
        .toolbox
        .session_logs(&ingest.session, &ingest.command)
        .await?;
    let mut differs = 0_u64;
    let masks = ingest.ledger.masks();
    for (stream, whole) in [(LogStream::Stdout, logs.stdout), (LogStream::Stderr, logs.stderr)] {
        let whole = match masks.is_empty() {
            true => whole.into_bytes(),
            false => masks.mask_bytes(whole.as_bytes()),
        };
        match rest(ingest, stream, &whole).await {
            Rest::Missing(bytes) => ingest.ledger.append_masked(stream, Millis::now(), bytes),
            Rest::Differs(bytes) => differs += bytes,
            Rest::Nothing => {}
        }
    }
    if differs > 0 {
        let words = format!(
            "The provider's record of the output differs from what it streamed, by {} at least.",
            byte_words(differs)
        );
        let _ = ingest.notices.send(Notice::Row(words));
    }
    Ok(())
}

enum Rest<'a> {
    Nothing,
    Missing(&'a [u8]),
    Differs(u64),
}

/// What of a stream's whole content is not in the ledger yet.
async fn rest<'a>(ingest: &Ingest, stream: LogStream, whole: &'a [u8]) -> Rest<'a> {
    let mut have = Compared {
        left: whole,
        differs: 0,
    };
    let mut offset = ingest.base;
    // Read as any other reader does; a gap ends the comparison, as what follows cannot be placed.
    while let Ok(Some(piece)) = ingest.reader.read(offset, 1 << 20).await {
        for frame in &piece.frames {
            if matches!(frame.body, LogBody::Gap(_)) {
                return Rest::Nothing;
            }
            if frame.stream == Some(stream) {
                have.next(&frame.bytes());
            }
        }
        offset = piece.next;
    }
    match have {
        Compared { differs: 1.., .. } => Rest::Differs(have.differs),
        Compared { left: [], .. } => Rest::Nothing,
        Compared { left, .. } => Rest::Missing(left),
    }
}

struct Compared<'a> {
    left: &'a [u8],
    differs: u64,
}

impl Compared<'_> {
    fn next(&mut self, streamed: &[u8]) {
        let (begin, rest) = self.left.split_at(streamed.len().min(self.left.len()));
        let equal = begin.iter().zip(streamed).filter(|(a, b)| a == b).count();
        self.differs += u64::try_from(streamed.len() - equal).unwrap_or(u64::MAX);
        self.left = rest;
    }
}
