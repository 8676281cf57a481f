//! A row of any table, in one form for both databases: what a backup holds, and
//! what tells whether two tables hold the same.

use crate::{Result, StoreError};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Text.
    Text,
    /// A whole number.
    Number,
    /// A number.
    Real,
    /// True or false.
    Flag,
    /// Bytes.
    Bytes,
}

impl Kind {
    /// Reads the type of a column as either database names it.
    pub(super) fn parse(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "text" | "character varying" => Self::Text,
            "bigint" | "integer" => Self::Number,
            "real" | "double precision" => Self::Real,
            "boolean" => Self::Flag,
            "blob" | "bytea" => Self::Bytes,
            _ => return None,
        })
    }
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// None.
    Null,
    /// Text.
    Text(String),
    /// A whole number.
    Number(i64),
    /// A number.
    Real(f64),
    /// True or false.
    Flag(bool),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// Appends cells: a letter for what each is, then eight bytes, or a length and as many.
pub(super) fn encode(cells: &[Cell], to: &mut Vec<u8>) {
    for cell in cells {
        let (letter, bytes): (u8, &[u8]) = match cell {
            Cell::Null => (b'0', &[]),
            Cell::Flag(false) => (b'n', &[]),
            Cell::Flag(true) => (b'y', &[]),
            Cell::Number(number) => (b'i', &number.to_le_bytes()),
            Cell::Real(number) => (b'r', &number.to_bits().to_le_bytes()),
            Cell::Text(text) => (b't', text.as_bytes()),
            Cell::Bytes(bytes) => (b'b', bytes),
        };
        to.push(letter);
        if matches!(letter, b't' | b'b') {
            to.extend((bytes.len() as u64).to_le_bytes());
        }
        to.extend(bytes);
    }
}

/// Reads what [`encode`] wrote.
///
/// # Errors
/// When it is something else.
pub(super) fn decode(mut from: &[u8]) -> Result<Vec<Cell>> {
    let damaged = || StoreError::unavailable("The backup is damaged: a row in it cannot be read.");
    let mut cells = Vec::new();
    while let Some((letter, rest)) = from.split_first() {
        let length = match letter {
            b'0' | b'n' | b'y' => {
                cells.push(match letter {
                    b'0' => Cell::Null,
                    letter => Cell::Flag(*letter == b'y'),
                });
                from = rest;
                continue;
            }
            b'i' | b'r' | b't' | b'b' => {
                let (number, rest) = rest.split_first_chunk().ok_or_else(damaged)?;
                from = rest;
                u64::from_le_bytes(*number)
            }
            _ => return Err(damaged()),
        };
        cells.push(match letter {
            b'i' => Cell::Number(i64::from_le_bytes(length.to_le_bytes())),
            b'r' => Cell::Real(f64::from_bits(length)),
            letter => {
                let length = usize::try_from(length).map_err(|_| damaged())?;
                let bytes = from.get(..length).ok_or_else(damaged)?.to_vec();
                from = &from[length..];
                if *letter == b't' {
                    Cell::Text(String::from_utf8(bytes).map_err(|_| damaged())?)
                } else {
                    Cell::Bytes(bytes)
                }
            }
        });
    }
    Ok(cells)
}

/// What a table holds, whatever the order of its rows: how many, and the sum of their hashes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// How many rows.
    pub rows: u64,
    /// The SHA-256 of each row as a number, added up.
    sum: [u64; 4],
}

impl Contents {
    /// Adds a row, as [`encode`] writes it.
    pub(super) fn add(&mut self, row: &[u8]) {
        self.rows += 1;
        let digest = Sha256::digest(row);
        for (sum, part) in self.sum.iter_mut().zip(digest.chunks_exact(8)) {
            let part = part.try_into().map_or(0, u64::from_le_bytes);
            *sum = sum.wrapping_add(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cell() -> impl Strategy<Value = Cell> {
        prop_oneof![
            Just(Cell::Null),
            any::<bool>().prop_map(Cell::Flag),
            any::<i64>().prop_map(Cell::Number),
            (-1e300..1e300).prop_map(Cell::Real),
            "\\PC{0,20}".prop_map(Cell::Text),
            proptest::collection::vec(any::<u8>(), 0..40).prop_map(Cell::Bytes),
        ]
    }

    proptest! {
        #[test]
        fn every_row_comes_back(cells in proptest::collection::vec(cell(), 0..8)) {
            let mut row = Vec::new();
            encode(&cells, &mut row);
            prop_assert_eq!(decode(&row).expect("read"), cells);
        }

        #[test]
        fn nothing_odd_is_more_than_refused(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = decode(&bytes);
        }

        #[test]
        fn contents_are_the_same_in_any_order(mut rows in proptest::collection::vec("[ab]{0,3}", 0..9), other in "[cd]{1,3}") {
            let of = |rows: &[String]| {
                let mut contents = Contents::default();
                rows.iter().for_each(|row| contents.add(row.as_bytes()));
                contents
            };
            let contents = of(&rows);
            rows.reverse();
            prop_assert_eq!(&of(&rows), &contents);
            rows.push(other);
            prop_assert_ne!(of(&rows), contents);
        }
    }
}
