//! Logs that a killed engine left: their segments, found again by walking the
//! records. What was being written when it died is cut off.

use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::Path;

use daytona::wire::frames::HEADER_LENGTH;

use super::READ_LENGTH;
use super::segment::Segment;

/// The segments of a log, oldest first; empty when there is none.
pub(super) fn segments(folder: &Path, name: &str) -> Vec<Segment> {
    let number = |entry: &std::fs::DirEntry| -> Option<u64> {
        let file = entry.file_name();
        let rest = file.to_str()?.strip_prefix(name)?.strip_prefix('-')?;
        rest.strip_suffix(".log")?.parse().ok()
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut numbers: Vec<u64> = entries.filter_map(|entry| number(&entry)).collect();
    numbers.sort_unstable();
    let mut found: Vec<Segment> = Vec::new();
    for number in numbers {
        let end = found.last().map_or(0, |last| last.end);
        let path = Segment::new(number, end).path(folder, name);
        match File::open(&path).map(|file| walk(file, number, end)) {
            Ok(Some(segment)) => found.push(segment),
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, path = %path.display(), "a log could not be opened"),
        }
    }
    found
}

/// The whole records of a file that goes on at `least` or later.
fn walk(file: impl Read + Seek, number: u64, least: u64) -> Option<Segment> {
    let mut file = BufReader::with_capacity(64 << 10, file);
    let mut segment: Option<Segment> = None;
    let mut header = [0; HEADER_LENGTH];
    while file.read_exact(&mut header).is_ok() {
        let offset = u64::from_le_bytes(header[9..17].try_into().ok()?);
        let length = u32::from_le_bytes(header[17..21].try_into().ok()?);
        let expected = segment.as_ref().map_or(least, |segment| segment.end);
        let is_record = matches!(header[0], 1 | 2)
            && (1..=READ_LENGTH).contains(&(length as usize))
            && if segment.is_some() {
                offset == expected
            } else {
                offset >= expected
            }
            && offset.checked_add(u64::from(length)).is_some();
        // A seek goes past the end without a word; reading the last byte does not.
        if !is_record
            || file.seek_relative(i64::from(length) - 1).is_err()
            || file.read_exact(&mut [0]).is_err()
        {
            break;
        }
        segment.get_or_insert_with(|| Segment::new(number, offset)).count(
            offset,
            (HEADER_LENGTH + length as usize) as u64,
            u64::from(length),
        );
    }
    segment
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Cursor;

    fn record(offset: u64, content: &[u8]) -> Vec<u8> {
        let mut bytes = bytes::BytesMut::new();
        daytona::wire::frames::encode_output(&mut bytes, daytona::wire::Stream::Stdout, 1, offset, content);
        bytes.to_vec()
    }

    #[test]
    fn what_was_half_written_is_cut_off() {
        let whole = [record(5, b"first"), record(10, b"second")].concat();
        for cut in 0..=whole.len() {
            let found = walk(Cursor::new(&whole[..cut]), 3, 0);
            let ends = found.map(|segment| (segment.end, segment.length));
            let expected = match cut {
                0..26 => None,
                26..53 => Some((10, 26)),
                _ => Some((16, 53)),
            };
            assert_eq!(ends, expected, "cut at {cut}");
        }
        assert!(walk(Cursor::new(&whole), 3, 6).is_none(), "before what is known");
    }

    proptest! {
        #[test]
        fn no_bytes_mislead(bytes in prop::collection::vec(any::<u8>(), 0..200), least in any::<u64>()) {
            if let Some(segment) = walk(Cursor::new(&bytes), 0, least) {
                prop_assert!(segment.length <= bytes.len() as u64 && segment.end >= least);
            }
        }
    }
}
