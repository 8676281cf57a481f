//! Logs, in chunks of up to 64 KiB; never a row per line.
//!
//! The chunks of a run follow each other without a hole and without overlap:
//! an append that would break this is refused, so that a batch that is sent
//! twice after a lost answer can neither double nor skip a byte.

use crate::{Hold, Result, Store, StoreError, runs::missing, stored, value::values};
use model::{
    LogEnd, Millis, RunId,
    log::{Record, decode},
};

/// A piece of a log as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Offset of its first byte.
    pub first_offset: u64,
    /// How many bytes of the log it stands for, gaps included.
    pub length: u64,
    /// Line breaks before it.
    pub first_line: u64,
    /// When its first byte arrived.
    pub at: Millis,
    /// Its records, as [`model::log::encode`] writes them.
    pub frames: Vec<u8>,
    /// Where whoever writes the log can take it up again, in words of their own. It is about an offset
    /// in the chunk or at its end; most chunks have one, and only [`Store::stored_end`] reads it.
    pub mark: Option<String>,
}

/// How far a log is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredEnd {
    /// The next byte's offset.
    pub offset: u64,
    /// Line breaks before it; those in a gap of the last chunk are not known.
    pub lines: u64,
    /// The newest mark of its chunks.
    pub mark: Option<String>,
}

#[derive(sqlx::FromRow)]
struct ChunkRow {
    first_offset: i64,
    last_offset: i64,
    first_line: i64,
    at: i64,
    body: Vec<u8>,
}

/// How many chunks are looked at to find how many of them fit a limit of bytes.
const MAX_CHUNKS: u32 = 1024;

impl Store {
    /// Appends chunks in one transaction. The first continues the log where it ends, each other the one
    /// before it.
    ///
    /// # Errors
    /// `Conflict` when they do not continue the log, `NotFound` when there is no such run, `Fenced` when
    /// another server drives it.
    pub async fn append_chunks(&self, hold: &Hold, chunks: &[Chunk]) -> Result<()> {
        let run = &hold.run;
        let mut session = self.writer().await?;
        session.check(hold).await?;
        let end: Option<(i64,)> = session
            .optional(
                "select last_offset from log_chunks where run_id = $1 order by first_offset desc limit 1",
                values![run],
            )
            .await?;
        let mut end = end.map_or(0, |(end,)| stored::size(end));
        for chunk in chunks {
            if chunk.first_offset != end || chunk.length == 0 {
                return Err(StoreError::Conflict(format!(
                    "The log of run {run} is stored up to byte {end}, and a piece of {} bytes that starts at byte {} does not continue it.",
                    chunk.length, chunk.first_offset
                )));
            }
            end += chunk.length;
            session
                .execute(
                    "insert into log_chunks (run_id, first_offset, last_offset, first_line, at, body, mark)
                     values ($1, $2, $3, $4, $5, $6, $7)",
                    values![
                        run,
                        chunk.first_offset,
                        end,
                        chunk.first_line,
                        chunk.at,
                        chunk.frames.as_slice(),
                        chunk.mark.as_deref()
                    ],
                )
                .await
                .map_err(|error| error.or_if_missing(|| missing(run)))?;
        }
        session.commit().await
    }

    /// The chunk that holds byte `offset` and those after it, up to about `limit_bytes` of the log; at
    /// least one while there is more.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn chunks_from(&self, run: &RunId, offset: u64, limit_bytes: u64) -> Result<Vec<Chunk>> {
        let mut session = self.reader().await?;
        // The bounds first, without the bodies, to know how many to read.
        let bounds: Vec<(i64, i64)> = session
            .all(
                "select first_offset, last_offset from log_chunks where run_id = $1
                 and first_offset >= (select coalesce(max(first_offset), 0) from log_chunks
                                      where run_id = $1 and first_offset <= $2)
                 and last_offset > $2 order by first_offset limit $3",
                values![run, offset, MAX_CHUNKS],
            )
            .await?;
        let Some((first, _)) = bounds.first() else {
            return Ok(Vec::new());
        };
        let limit = first.saturating_add(i64::try_from(limit_bytes).unwrap_or(i64::MAX));
        let last = bounds
            .iter()
            .take_while(|(_, end)| *end <= limit)
            .last()
            .map_or(*first, |(start, _)| *start);
        let rows: Vec<ChunkRow> = session
            .all(
                "select first_offset, last_offset, first_line, at, body from log_chunks
                 where run_id = $1 and first_offset >= $2 and first_offset <= $3 order by first_offset",
                values![run, *first, last],
            )
            .await?;
        Ok(rows.into_iter().map(ChunkRow::read).collect())
    }

    /// The chunk to read from to find line `line`, counted from 0: the line begins after
    /// `line - first_line` line breaks from the chunk's start on, which may be at the start of the next
    /// chunk. None while the log is empty.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub async fn chunk_of_line(&self, run: &RunId, line: u64) -> Result<Option<Chunk>> {
        // Line 0 begins the log; any other begins after a line break, and the
        // last chunk that starts before that line break holds it.
        let mut session = self.reader().await?;
        let row: Option<ChunkRow> = if line == 0 {
            session
                .optional(
                    "select first_offset, last_offset, first_line, at, body from log_chunks
                     where run_id = $1 order by first_offset limit 1",
                    values![run],
                )
                .await?
        } else {
            session
                .optional(
                    "select first_offset, last_offset, first_line, at, body from log_chunks
                     where run_id = $1 and first_line < $2
                     order by first_line desc, first_offset desc limit 1",
                    values![run, line],
                )
                .await?
        };
        Ok(row.map(ChunkRow::read))
    }

    /// How far the log is stored, to go on from there.
    ///
    /// # Errors
    /// `Unavailable` when the database cannot be used, `Invalid` when the last chunk is damaged.
    pub async fn stored_end(&self, run: &RunId) -> Result<StoredEnd> {
        let mut session = self.reader().await?;
        let row: Option<ChunkRow> = session
            .optional(
                "select first_offset, last_offset, first_line, at, body from log_chunks
                 where run_id = $1 order by first_offset desc limit 1",
                values![run],
            )
            .await?;
        let Some(chunk) = row.map(ChunkRow::read) else {
            return Ok(StoredEnd::default());
        };
        let mut lines = chunk.first_line;
        for record in decode(&chunk.frames) {
            if let Record::Output { bytes, .. } = record? {
                lines += bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
            }
        }
        let mark: Option<(String,)> = session
            .optional(
                "select mark from log_chunks where run_id = $1 and mark is not null
                 order by first_offset desc limit 1",
                values![run],
            )
            .await?;
        Ok(StoredEnd {
            offset: chunk.first_offset + chunk.length,
            lines,
            mark: mark.map(|(mark,)| mark),
        })
    }

    /// Writes the end record of a log.
    ///
    /// # Errors
    /// `NotFound` when there is no such run, `Fenced` when another server drives it.
    pub async fn save_log_end(&self, hold: &Hold, end: &LogEnd) -> Result<()> {
        let mut session = self.writer().await?;
        let saved = session
            .execute(
                "update runs set log_end = $2 where id = $1 and fence = $3",
                values![&hold.run, &stored::to_json(end), hold.fence],
            )
            .await?;
        if saved == 0 {
            session.check(hold).await?;
        }
        session.commit().await
    }

    /// The end record of a log, once it is written.
    ///
    /// # Errors
    /// `NotFound` when there is no such run.
    pub async fn log_end(&self, run: &RunId) -> Result<Option<LogEnd>> {
        let row: Option<(Option<String>,)> = self
            .reader()
            .await?
            .optional("select log_end from runs where id = $1", values![run])
            .await?;
        let (end,) = row.ok_or_else(|| missing(run))?;
        end.map(|end| stored::json("the end of a log", &end)).transpose()
    }
}

impl ChunkRow {
    fn read(self) -> Chunk {
        Chunk {
            first_offset: stored::size(self.first_offset),
            length: stored::size(self.last_offset.saturating_sub(self.first_offset)),
            first_line: stored::size(self.first_line),
            at: Millis(self.at),
            frames: self.body,
            mark: None,
        }
    }
}
