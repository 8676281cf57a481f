//! The file of a backup.
//!
//! ```text
//! pitlane-backup 1\n          the form
//! {"schema":9,…}\n            the header: versions, when, of what
//! gzip of records             kind (1 byte), length (8), body:
//!                             T table and columns · R a row · E what the table holds · F a file · Z the end
//! SHA-256 of all before       32 bytes
//! ```
//! A file that was cut off, or changed in a bit, has another sum at its end,
//! which is looked at before anything of it is used.

use super::row::{Cell, Column, Contents, decode, encode};
use crate::{Result, StoreError};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};
use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, BufWriter, Read, Seek as _, SeekFrom, Write},
    path::Path,
};

/// The first line.
const FORM: &str = "pitlane-backup 1\n";
/// The length of the sum.
const SUM: u64 = 32;
/// The longest record that is believed, in bytes.
const LONGEST: u64 = 1 << 31;

/// What a backup says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the tables.
    pub schema: i64,
    /// The version of the Pitlane that made it.
    pub pitlane: String,
    /// When, in unix milliseconds.
    pub made_at: i64,
    /// `sqlite` or `postgres`.
    pub database: String,
    /// Whether the key of the secrets is in it.
    pub has_key: bool,
}

/// A piece of a backup.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// The rows that follow are of this table.
    Table {
        /// Its name.
        name: String,
        /// Its columns.
        columns: Vec<Column>,
    },
    /// A row.
    Row(Vec<Cell>),
    /// The table had this in it.
    End(Contents),
    /// A file of the data folder.
    File {
        /// Its name there.
        name: String,
        /// What is in it.
        bytes: Vec<u8>,
    },
}

#[derive(Serialize, Deserialize)]
struct TableRecord {
    name: String,
    columns: Vec<Column>,
}

#[derive(Serialize, Deserialize)]
struct FileRecord {
    name: String,
    bytes: Vec<u8>,
}

fn failed(error: &io::Error) -> StoreError {
    StoreError::unavailable(match error.kind() {
        io::ErrorKind::StorageFull => {
            "The backup cannot be written: the disk is full. Nothing of it is kept.".to_owned()
        }
        _ => format!("The backup cannot be written: {error}. Nothing of it is kept."),
    })
}

fn damaged(why: &str) -> StoreError {
    StoreError::unavailable(format!("The backup cannot be used: {why}"))
}

/// Counts into the sum what goes through.
struct Summed<W> {
    to: W,
    sum: Sha256,
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.sum.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// A backup that is being written.
pub struct Writing {
    to: GzEncoder<Summed<BufWriter<File>>>,
    row: Vec<u8>,
}

impl std::fmt::Debug for Writing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writing").finish_non_exhaustive()
    }
}

impl Writing {
    /// Begins one in this file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn begin(file: File, header: &Header) -> Result<Self> {
        let mut to = Summed {
            to: BufWriter::new(file),
            sum: Sha256::new(),
        };
        let line = format!("{FORM}{}\n", crate::stored::to_json(header));
        to.write_all(line.as_bytes()).map_err(|error| failed(&error))?;
        Ok(Self {
            to: GzEncoder::new(to, Compression::fast()),
            row: Vec::new(),
        })
    }

    fn record(&mut self, kind: u8, body: &[u8]) -> Result<()> {
        let length = (body.len() as u64).to_le_bytes();
        let written = self
            .to
            .write_all(&[kind])
            .and_then(|()| self.to.write_all(&length))
            .and_then(|()| self.to.write_all(body));
        written.map_err(|error| failed(&error))
    }

    /// The rows that follow are of this table.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn table(&mut self, name: &str, columns: &[Column]) -> Result<()> {
        let record = TableRecord {
            name: name.to_owned(),
            columns: columns.to_vec(),
        };
        self.record(b'T', crate::stored::to_json(&record).as_bytes())
    }

    /// A row.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn row(&mut self, cells: &[Cell]) -> Result<()> {
        let mut row = std::mem::take(&mut self.row);
        row.clear();
        encode(cells, &mut row);
        let written = self.record(b'R', &row);
        self.row = row;
        written
    }

    /// The table's end.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn end_table(&mut self, contents: &Contents) -> Result<()> {
        self.record(b'E', crate::stored::to_json(contents).as_bytes())
    }

    /// A file of the data folder.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn file(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        let record = FileRecord {
            name: name.to_owned(),
            bytes: bytes.to_vec(),
        };
        self.record(b'F', crate::stored::to_json(&record).as_bytes())
    }

    /// Ends it, and sees to it that it is on the disk.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(mut self) -> Result<()> {
        self.record(b'Z', &[])?;
        let finish = || -> io::Result<()> {
            let Summed { mut to, sum } = self.to.finish()?;
            to.write_all(&sum.finalize())?;
            to.flush()?;
            to.get_ref().sync_all()
        };
        finish().map_err(|error| failed(&error))
    }
}

/// A backup that is read. It was looked at to its end before.
pub struct Archive {
    header: Header,
    from: GzDecoder<io::Take<BufReader<File>>>,
}

impl std::fmt::Debug for Archive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Archive")
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}

impl Archive {
    /// Opens one, and checks that it is whole.
    ///
    /// # Errors
    /// When it cannot be read, is no backup, or is not whole.
    pub fn open(path: &Path) -> Result<Self> {
        let unreadable = |error: io::Error| {
            StoreError::unavailable(format!("{} cannot be read: {error}.", path.display()))
        };
        let mut file = File::open(path).map_err(unreadable)?;
        let length = file.metadata().map_err(unreadable)?.len();
        let mut first = Vec::new();
        (&mut file)
            .take(FORM.len() as u64)
            .read_to_end(&mut first)
            .map_err(unreadable)?;
        if first != FORM.as_bytes() {
            let is_newer = first.len() == FORM.len() && first.starts_with(b"pitlane-backup ");
            return Err(damaged(if is_newer {
                "a newer Pitlane made it. Restore it with that."
            } else {
                "it is not a backup that Pitlane made."
            }));
        }
        let cut_off = "it is not whole. It was cut off or changed; take another copy of it.";
        let body = length.checked_sub(SUM).ok_or_else(|| damaged(cut_off))?;
        file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
        let mut reader = BufReader::new(file);
        let mut sum = Sha256::new();
        io::copy(&mut (&mut reader).take(body), &mut sum).map_err(unreadable)?;
        let mut stored = [0; SUM as usize];
        reader.read_exact(&mut stored).map_err(unreadable)?;
        if sum.finalize().as_slice() != stored {
            return Err(damaged(cut_off));
        }
        reader.seek(SeekFrom::Start(0)).map_err(unreadable)?;
        let mut reader = reader.take(body);
        let mut line = String::new();
        let read = reader
            .read_line(&mut line)
            .and_then(|_| {
                line.clear();
                reader.read_line(&mut line)
            })
            .map_err(unreadable)?;
        let header =
            serde_json::from_str(&line[..read]).map_err(|_| damaged("its header cannot be read."))?;
        Ok(Self {
            header,
            from: GzDecoder::new(reader),
        })
    }

    /// What it says of itself.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The next piece; none at the end.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn part(&mut self) -> Result<Option<Part>> {
        let mut head = [0; 9];
        self.read(&mut head)?;
        let (kind, length) = head.split_first().unwrap_or((&0, &[]));
        let length = length.try_into().map_or(u64::MAX, u64::from_le_bytes);
        if length > LONGEST {
            return Err(damaged("a part of it is of a size that none has."));
        }
        let mut body = Vec::new();
        (&mut self.from)
            .take(length)
            .read_to_end(&mut body)
            .map_err(|_| damaged("it cannot be unpacked."))?;
        if body.len() as u64 != length {
            return Err(damaged("it ends in the middle."));
        }
        Ok(Some(match kind {
            b'T' => {
                let TableRecord { name, columns } = json(&body)?;
                Part::Table { name, columns }
            }
            b'R' => Part::Row(decode(&body)?),
            b'E' => Part::End(json(&body)?),
            b'F' => {
                let FileRecord { name, bytes } = json(&body)?;
                Part::File { name, bytes }
            }
            b'Z' => return Ok(None),
            _ => return Err(damaged("it has a part that this version does not know.")),
        }))
    }

    fn read(&mut self, to: &mut [u8]) -> Result<()> {
        self.from
            .read_exact(to)
            .map_err(|_| damaged("it cannot be unpacked."))
    }
}

fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    serde_json::from_slice(body).map_err(|_| damaged("a part of it cannot be read."))
}
