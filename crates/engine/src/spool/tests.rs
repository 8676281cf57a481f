//! Spools against a plain vector of what was written.

use super::*;
use bytes::Bytes;
use daytona::wire::frames::{Record, next_record};
use proptest::prelude::*;

fn records(mut bytes: Bytes) -> Vec<Record> {
    std::iter::from_fn(|| next_record(&mut bytes).unwrap()).collect()
}

/// Everything from an offset on: the bytes (gaps as the length they miss).
fn read_all(spool: &Arc<Spool>, from: u64, most: usize) -> Vec<Record> {
    let mut reader = spool.read_from(from);
    let mut all = Vec::new();
    while let Some(bytes) = reader.take(most) {
        all.extend(records(bytes));
    }
    all
}

fn assert_continuous(all: &[Record], from: u64, total: u64) {
    let mut expected = from;
    for record in all {
        match record {
            Record::Output { offset, bytes, .. } => {
                assert_eq!(*offset, expected);
                assert!(!bytes.is_empty());
                expected += bytes.len() as u64;
            }
            Record::Gap { offset, missing, .. } => {
                assert_eq!(*offset, expected);
                expected += missing;
            }
        }
    }
    assert_eq!(expected, total.max(from));
}

proptest! {
    #[test]
    fn what_was_written_is_read_from_any_offset(
        writes in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 1..300)), 1..40),
        from in 0_u64..6000,
        most in 1_usize..2000,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::new(folder.path().to_owned(), "c", LIMIT);
        let mut merged = Vec::new();
        for (error, content) in &writes {
            let stream = if *error { Stream::Stderr } else { Stream::Stdout };
            spool.append(stream, content);
            merged.extend(content.iter().map(|byte| (stream, *byte)));
        }
        let all = read_all(&spool, from, most);
        assert_continuous(&all, from, merged.len() as u64);
        let read: Vec<_> = all.iter().flat_map(|record| match record {
            Record::Output { stream, bytes, .. } => bytes.iter().map(|byte| (*stream, *byte)).collect::<Vec<_>>(),
            Record::Gap { .. } => panic!("nothing was dropped"),
        }).collect();
        let start = (from as usize).min(merged.len());
        prop_assert_eq!(&read[..], &merged[start..]);
    }
}

#[test]
fn past_the_bound_the_middle_is_a_gap() {
    let folder = tempfile::tempdir().unwrap();
    let limit = 64 << 10;
    let spool = Spool::new(folder.path().to_owned(), "c", limit);
    let line = [b'x'; 1000];
    for _ in 0..1000 {
        spool.append(Stream::Stdout, &line);
    }
    let all = read_all(&spool, 0, 10_000);
    assert_continuous(&all, 0, 1_000_000);
    let gaps: Vec<_> = all
        .iter()
        .filter(|record| matches!(record, Record::Gap { .. }))
        .collect();
    assert_eq!(gaps.len(), 1);
    let Record::Gap { offset, missing, .. } = gaps[0] else {
        unreachable!()
    };
    assert!(
        (25_000..50_000).contains(offset),
        "the beginning is kept: {offset}"
    );
    let tail = 1_000_000 - offset - missing;
    assert!((20_000..40_000).contains(&tail), "the end is kept: {tail}");
    let on_disk: u64 = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|file| file.unwrap().metadata().unwrap().len())
        .sum();
    assert!(on_disk <= limit + (16 << 10), "{on_disk} bytes are kept");
    // A reader that starts inside the gap is told the rest of it.
    assert_continuous(&read_all(&spool, offset + 10, 10_000), offset + 10, 1_000_000);

    spool.remove();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_failing_disk_is_a_gap_and_not_a_stop() {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::new(folder.path().join("f"), "c", LIMIT);
    std::fs::write(folder.path().join("f"), "a file where the folder should be").unwrap();
    spool.append(Stream::Stdout, b"lost");
    std::fs::remove_file(folder.path().join("f")).unwrap();
    std::fs::create_dir(folder.path().join("f")).unwrap();
    spool.append(Stream::Stdout, b"kept");
    let all = read_all(&spool, 0, 1000);
    assert_continuous(&all, 0, 8);
    assert!(matches!(&all[0], Record::Gap { missing: 4, .. }));
    assert!(matches!(&all[1], Record::Output { bytes, .. } if &bytes[..] == b"kept"));
}

#[test]
fn a_file_that_was_spoiled_is_a_gap() {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::new(folder.path().to_owned(), "c", LIMIT);
    spool.append(Stream::Stdout, b"good");
    spool.append(Stream::Stdout, b"spoiled");
    let file = std::fs::OpenOptions::new()
        .write(true)
        .open(folder.path().join("c-0.log"))
        .unwrap();
    let at = (HEADER_LENGTH + 4 + 17) as u64;
    std::os::unix::fs::FileExt::write_all_at(&file, &[0xFF; 4], at).unwrap();
    let all = read_all(&spool, 0, 1000);
    assert_continuous(&all, 0, 11);
    assert!(matches!(&all[1], Record::Gap { missing: 7, .. }));
}

#[tokio::test]
async fn a_follower_gets_bytes_as_they_come_and_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::new(folder.path().to_owned(), "c", LIMIT);
    let mut reader = spool.read_from(0);
    let writer = Arc::clone(&spool);
    let task = tokio::spawn(async move {
        for number in 0..100_u8 {
            writer.append(Stream::Stdout, &[number]);
            tokio::task::yield_now().await;
        }
        writer.complete();
    });
    let mut seen = Vec::new();
    while let Some(pieces) = reader.next(1 << 16).await {
        for record in pieces.into_iter().flat_map(records) {
            let Record::Output { bytes, .. } = record else {
                panic!()
            };
            seen.extend_from_slice(&bytes);
        }
    }
    task.await.unwrap();
    assert_eq!(seen, (0..100).collect::<Vec<u8>>());
}

/// What is in memory and what is only in the file any more are one log to
/// whoever follows, whenever it comes and however far it falls behind.
#[tokio::test]
async fn followers_that_keep_up_and_those_that_do_not_read_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::new(folder.path().to_owned(), "c", LIMIT);
    let mut merged = Vec::new();
    let mut followers: Vec<(Reader, Vec<u8>, usize)> = Vec::new();
    let chance = |seed: usize| seed.wrapping_mul(2_654_435_761) >> 7;
    for round in 0..400_usize {
        if round % 100 == 0 {
            let from = merged.len() - merged.len() / 3;
            followers.push((
                spool.read_from(from as u64),
                merged[..from].to_vec(),
                1 + round / 100 * 90,
            ));
        }
        let length = if chance(round) % 3 == 0 {
            40_000
        } else {
            1 + chance(round) % 200
        };
        let content: Vec<u8> = (0..length).map(|index| (index + round) as u8).collect();
        let stream = if chance(round) % 5 == 0 {
            Stream::Stderr
        } else {
            Stream::Stdout
        };
        spool.append(stream, &content);
        merged.extend(content);
        for (reader, seen, every) in &mut followers {
            // The later it came, the more seldom it reads.
            while round % *every == 0 && seen.len() < merged.len() {
                read_on(reader, seen).await;
            }
        }
    }
    spool.complete();
    for (mut reader, mut seen, _) in followers {
        while read_on(&mut reader, &mut seen).await {}
        assert!(seen == merged);
    }
}

/// Adds the next records' bytes; gives whether there were some.
async fn read_on(reader: &mut Reader, seen: &mut Vec<u8>) -> bool {
    let Some(pieces) = reader.next(100_000).await else {
        return false;
    };
    for record in pieces.into_iter().flat_map(records) {
        match record {
            Record::Output { offset, bytes, .. } => {
                assert_eq!(offset, seen.len() as u64);
                seen.extend_from_slice(&bytes);
            }
            Record::Gap { .. } => panic!("nothing was dropped"),
        }
    }
    true
}

proptest! {
    #[test]
    fn text_in_pieces_is_the_text_at_once(bytes in prop::collection::vec(any::<u8>(), 0..60), cut in 0_usize..60) {
        let cut = cut.min(bytes.len());
        let mut lossy = Lossy::default();
        let mut text = lossy.push(&bytes[..cut]);
        text += &lossy.push(&bytes[cut..]);
        text += lossy.finish();
        prop_assert_eq!(text, String::from_utf8_lossy(&bytes));
    }
}
