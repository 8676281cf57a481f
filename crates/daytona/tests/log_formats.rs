//! Both formats of a followed log, with any bytes cut in any way.

use bytes::{Bytes, BytesMut};
use daytona::wire::frames::{FrameError, Record, encode_gap, encode_output, next_record};
use daytona::wire::{Markers, Stream};
use proptest::prelude::*;

/// What the official SDKs do, on the whole log at once.
fn reference(log: &[u8]) -> Vec<(Stream, u8)> {
    let mut stream = None;
    let mut bytes = Vec::new();
    let mut rest = log;
    while let Some(&byte) = rest.first() {
        if rest.starts_with(&[1; 3]) || rest.starts_with(&[2; 3]) {
            stream = Some(if byte == 1 { Stream::Stdout } else { Stream::Stderr });
            rest = &rest[3..];
        } else {
            bytes.extend(stream.map(|stream| (stream, byte)));
            rest = &rest[1..];
        }
    }
    bytes
}

fn taken_apart<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<(Stream, u8)> {
    let mut markers = Markers::new();
    let mut bytes = Vec::new();
    let mut take = |stream, piece: Bytes| {
        assert!(!piece.is_empty(), "no empty pieces");
        bytes.extend(piece.iter().map(|byte| (stream, *byte)));
    };
    for chunk in chunks {
        markers.push(Bytes::copy_from_slice(chunk), &mut take);
    }
    markers.finish(&mut take);
    bytes
}

/// Logs dense in the bytes that markers are made of.
fn marked_log() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![3 => Just(1_u8), 3 => Just(2_u8), 1 => Just(b'\n'), 1 => any::<u8>()];
    prop::collection::vec(byte, 0..200)
}

fn chunks<'a>(log: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut % (log.len() + 1)).collect();
    places.push(log.len());
    places.sort_unstable();
    let mut start = 0;
    places
        .iter()
        .map(|&end| &log[std::mem::replace(&mut start, end)..end])
        .collect()
}

proptest! {
    #[test]
    fn any_cut_of_a_marked_log_gives_the_same(log in marked_log(), cuts in prop::collection::vec(any::<usize>(), 0..20)) {
        let whole = reference(&log);
        prop_assert_eq!(&taken_apart([&log[..]]), &whole);
        prop_assert_eq!(&taken_apart(chunks(&log, &cuts)), &whole);
        prop_assert_eq!(&taken_apart(log.chunks(1)), &whole);
    }

    #[test]
    fn hostile_messages_are_refused_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut message = Bytes::from(bytes);
        let mut content = 0;
        let whole = message.len();
        while let Ok(Some(record)) = next_record(&mut message) {
            if let Record::Output { bytes, .. } = record {
                content += bytes.len();
            }
        }
        prop_assert!(content <= whole);
    }

    #[test]
    fn records_come_back_as_they_were_sent(
        records in prop::collection::vec((0..3_u8, any::<i64>(), any::<u64>(), prop::collection::vec(any::<u8>(), 0..50)), 0..20)
    ) {
        let mut message = BytesMut::new();
        for (kind, at_ms, offset, content) in &records {
            match kind {
                1 => encode_output(&mut message, Stream::Stdout, *at_ms, *offset, content),
                2 => encode_output(&mut message, Stream::Stderr, *at_ms, *offset, content),
                _ => encode_gap(&mut message, *at_ms, *offset, content.len() as u64),
            }
        }
        let whole = message.freeze();
        let mut message = whole.clone();
        for (kind, at_ms, offset, content) in &records {
            let expected = match kind {
                0 => Record::Gap { at_ms: *at_ms, offset: *offset, missing: content.len() as u64 },
                kind => Record::Output {
                    stream: if *kind == 1 { Stream::Stdout } else { Stream::Stderr },
                    at_ms: *at_ms,
                    offset: *offset,
                    bytes: Bytes::from(content.clone()),
                },
            };
            prop_assert_eq!(next_record(&mut message), Ok(Some(expected)));
        }
        prop_assert_eq!(next_record(&mut message), Ok(None));
        // Cut anywhere inside a record, the end is noticed.
        if !records.is_empty() {
            let mut cut = whole.slice(..whole.len() - 1);
            let end = loop {
                match next_record(&mut cut) {
                    Ok(Some(_)) => {}
                    other => break other,
                }
            };
            prop_assert_eq!(end, Err(FrameError::Truncated));
        }
    }
}

#[test]
fn a_recorded_frame_is_taken_apart() {
    let frame = [1, 1, 1, b'o', b'1', b'\n', 2, 2, 2, b'e', b'1', b'\n'];
    let mut pieces = Vec::new();
    Markers::new().push(Bytes::copy_from_slice(&frame), |stream, bytes| {
        pieces.push((stream, bytes))
    });
    assert_eq!(
        pieces,
        [
            (Stream::Stdout, Bytes::from("o1\n")),
            (Stream::Stderr, Bytes::from("e1\n"))
        ]
    );
}

#[test]
fn a_record_has_the_documented_bytes() {
    let mut message = BytesMut::new();
    encode_output(&mut message, Stream::Stderr, 0x0102, 0x0304, b"hi");
    encode_gap(&mut message, 1, 2, 3);
    let expected: &[u8] = &[
        2, 2, 1, 0, 0, 0, 0, 0, 0, 4, 3, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, b'h', b'i', //
        0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0,
    ];
    assert_eq!(&message[..], expected);
}
