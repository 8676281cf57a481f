//! The ledger under any split of its input, any rhythm of its writer, and
//! readers at any cursor: every byte once, in order, or said to be missing.

use super::*;
use model::log::{self, LogBody};
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

/// The byte at an offset: any mistake of place shows.
fn byte_at(offset: u64) -> u8 {
    match offset % 61 {
        0 => b'\n',
        rest => u8::try_from(rest).expect("small") ^ u8::try_from(offset / 61 % 251).expect("small"),
    }
}

fn bytes_of(range: std::ops::Range<u64>) -> Vec<u8> {
    range.map(byte_at).collect()
}

#[derive(Clone, Debug)]
enum Step {
    Append { length: u64, stderr: bool, pause: i64 },
    Store,
    Read { reader: usize, budget: u64 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let append = |length| {
        (length, any::<bool>(), 0..3_i64).prop_map(|(length, stderr, pause)| Step::Append {
            length,
            stderr,
            pause,
        })
    };
    let step = prop_oneof![
        6 => append(0..200_u64),
        4 => append(1..150_000_u64),
        2 => Just(Step::Store),
        4 => (0..3_usize, 1..300_000_u64).prop_map(|(reader, budget)| Step::Read { reader, budget }),
    ];
    proptest::collection::vec(step, 1..60)
}

/// A reader that checks as it goes.
#[derive(Default)]
struct Reader {
    offset: u64,
    missing: u64,
    gaps: usize,
}

struct Bench {
    ledger: Ledger,
    store: Vec<Chunk>,
    at: i64,
}

impl Bench {
    fn new(limits: Limits) -> Self {
        Self {
            ledger: Ledger::new(limits, 0, 0, None),
            store: Vec::new(),
            at: 0,
        }
    }

    fn append(&mut self, length: u64, stderr: bool, pause: i64) {
        if !locked(&self.ledger.ring).has_room() {
            self.save(true);
        }
        self.at += pause;
        let from = self.ledger.position().0;
        let stream = if stderr {
            LogStream::Stderr
        } else {
            LogStream::Stdout
        };
        self.ledger
            .append(stream, Millis(self.at), &bytes_of(from..from + length));
    }

    fn save(&mut self, all: bool) {
        loop {
            let batch = self.ledger.batch(all, 256 * 1024);
            let Some(last) = batch.last() else { return };
            let end = last.first_offset + last.length;
            self.store.extend(batch);
            self.ledger.stored(end);
        }
    }

    fn finish(&mut self) {
        self.save(true);
        let tail = self.ledger.tail();
        if let Some(last) = tail.last() {
            let end = last.first_offset + last.length;
            self.store.extend(tail);
            self.ledger.stored(end);
        }
    }

    /// One step of a reader; false when there is nothing.
    fn read(&self, reader: &mut Reader, budget: u64) -> bool {
        let (frames, until) = match self.ledger.read(reader.offset, budget) {
            View::Nothing => return false,
            View::Gap { until, .. } => {
                reader.gaps += 1;
                reader.missing += until - reader.offset;
                reader.offset = until;
                return true;
            }
            View::Chunks(chunks) => {
                let to = reader.offset + budget;
                (
                    frames_of(chunks.iter().map(|chunk| &**chunk), reader.offset, to),
                    to,
                )
            }
            View::Stored { until } => {
                let to = until.min(reader.offset + budget);
                (frames_of(self.store.iter(), reader.offset, to), to)
            }
        };
        assert!(!frames.is_empty(), "something is there at {}", reader.offset);
        for frame in frames {
            assert_eq!(frame.offset, reader.offset, "no hole, nothing twice");
            if let LogBody::Gap(missing) = frame.body {
                reader.gaps += 1;
                reader.missing += missing;
                reader.offset += missing;
                continue;
            }
            let bytes = frame.bytes();
            let end = reader.offset + bytes.len() as u64;
            assert!(bytes == bytes_of(reader.offset..end), "the program's own bytes");
            reader.offset = end;
        }
        assert!(reader.offset <= until);
        true
    }
}

fn frames_of<'a>(chunks: impl Iterator<Item = &'a Chunk>, from: u64, to: u64) -> Vec<model::LogFrame> {
    chunks
        .flat_map(|chunk| log::frames(chunk.first_offset, &chunk.frames, from, to).expect("records"))
        .collect()
}

#[test]
fn a_tail_waits_for_the_end_of_the_head_to_be_stored() {
    let limits = Limits {
        log: 365_390,
        ring: 150_000,
    };
    let mut bench = Bench::new(limits);
    // The head's last chunk begins one byte before its end, and is not stored when the tail grows.
    bench.append(215_389, false, 0);
    bench.save(true);
    for _ in 0..40 {
        bench.append(50_000, false, 0);
        assert!(locked(&bench.ledger.ring).held_bytes() < 1_000_000);
    }
    bench.finish();
    let mut reader = Reader::default();
    while bench.read(&mut reader, 100_000) {}
    assert_eq!((reader.offset, reader.gaps), (2_215_389, 1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_reader_has_every_byte_once(steps in steps(), limit in prop_oneof![Just(u64::MAX / 2), 100_000..900_000_u64]) {
        let mut bench = Bench::new(Limits { log: limit, ring: 150_000 });
        let mut readers = [Reader::default(), Reader::default(), Reader::default()];
        for step in steps {
            match step {
                Step::Append { length, stderr, pause } => bench.append(length, stderr, pause),
                Step::Store => bench.save(true),
                Step::Read { reader, budget } => {
                    bench.read(&mut readers[reader], budget);
                }
            }
            let ring = locked(&bench.ledger.ring);
            prop_assert!(ring.held_bytes() < 1_000_000, "memory is bounded: {}", ring.held_bytes());
        }
        bench.finish();
        let end = bench.ledger.end(true);
        let all = bytes_of(0..end.bytes);
        prop_assert_eq!(&end.sha256, &hex::encode(Sha256::digest(&all)));
        prop_assert_eq!(end.lines, all.iter().filter(|byte| **byte == b'\n').count() as u64);
        prop_assert!(end.exact);
        // Readers from before, and one that comes after the end and has the store alone.
        for reader in &mut readers {
            while bench.read(reader, 100_000) {}
            prop_assert_eq!(reader.offset, end.bytes);
        }
        let mut kept = 0;
        let mut gaps = 0;
        let (mut offset, mut lines) = (0, 0);
        for chunk in &bench.store {
            prop_assert_eq!((chunk.first_offset, chunk.first_line), (offset, lines));
            for frame in log::frames(chunk.first_offset, &chunk.frames, 0, u64::MAX).expect("records") {
                if let LogBody::Gap(missing) = frame.body {
                    gaps += 1;
                    let gap = bytes_of(frame.offset..frame.offset + missing);
                    lines += gap.iter().filter(|byte| **byte == b'\n').count() as u64;
                } else {
                    let bytes = frame.bytes();
                    kept += bytes.len() as u64;
                    lines += bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
                }
            }
            offset += chunk.length;
        }
        prop_assert_eq!(offset, end.bytes);
        prop_assert!(gaps <= 1);
        prop_assert!(kept <= limit + 2 * 64 * 1024, "{} kept of {}", kept, limit);
        if end.bytes < limit / 2 {
            prop_assert_eq!(gaps, 0, "nothing is left out within the limit");
        }
    }

    #[test]
    fn the_split_makes_no_difference(cuts in proptest::collection::vec(1..70_000_u64, 1..20)) {
        let total: u64 = cuts.iter().sum();
        let limits = Limits { log: u64::MAX / 2, ring: 4 << 20 };
        let (mut whole, mut split) = (Bench::new(limits), Bench::new(limits));
        whole.append(total, false, 0);
        for cut in cuts {
            split.append(cut, false, 0);
        }
        whole.finish();
        split.finish();
        prop_assert_eq!(whole.ledger.end(true), split.ledger.end(true));
        prop_assert!(whole.store == split.store, "also the stored bytes are the same");
    }
}

#[test]
fn many_small_writes_of_one_moment_are_one_record() {
    let mut bench = Bench::new(Limits {
        log: 1 << 20,
        ring: 1 << 20,
    });
    for _ in 0..1000 {
        bench.append(10, false, 0);
    }
    bench.finish();
    let frames = frames_of(bench.store.iter(), 0, u64::MAX);
    assert_eq!(frames.len(), 1);
    bench.append(1, true, 0);
    bench.append(1, false, 0);
    bench.append(1, false, 1);
    bench.finish();
    assert_eq!(frames_of(bench.store.iter(), 0, u64::MAX).len(), 4);
}

#[test]
fn what_the_provider_did_not_keep_makes_the_log_inexact() {
    let mut bench = Bench::new(Limits {
        log: 1 << 20,
        ring: 1 << 20,
    });
    bench.append(100, false, 0);
    bench.ledger.append_gap(Millis(1), 50);
    bench.append(10, false, 0);
    bench.finish();
    let end = bench.ledger.end(true);
    assert_eq!((end.bytes, end.exact), (160, false));
    let mut reader = Reader::default();
    while bench.read(&mut reader, 7) {}
    assert_eq!((reader.offset, reader.missing), (160, 50));
    assert!(reader.gaps >= 1);
}

#[tokio::test]
async fn a_database_that_is_behind_makes_the_ingest_wait() {
    let mut bench = Bench::new(Limits {
        log: u64::MAX / 2,
        ring: 200_000,
    });
    let room = |bench: &Bench| {
        let waited = futures::FutureExt::now_or_never(bench.ledger.room());
        waited.is_some()
    };
    assert!(room(&bench));
    let from = bench.ledger.position().0;
    bench
        .ledger
        .append(LogStream::Stdout, Millis(0), &bytes_of(from..from + 250_000));
    assert!(!room(&bench), "nothing is thrown away that is not stored");
    bench.save(true);
    assert!(room(&bench));
}
