//! What holds for any secrets and any stream.

use super::{
    super::{Mark, Masker, Masks},
    material::{secrets_and_stream, split},
    reference,
};
use model::LogStream;
use proptest::{collection::vec, prelude::*};

const BOTH: [LogStream; 2] = [LogStream::Stdout, LogStream::Stderr];

/// A log as the masker gives it: every byte with its stream.
type Log = Vec<(bool, u8)>;

fn add(log: &mut Log, stream: LogStream, bytes: &[u8]) {
    log.extend(bytes.iter().map(|byte| (stream == LogStream::Stderr, *byte)));
}

fn of_stream(log: &[(bool, u8)], stderr: bool) -> Vec<u8> {
    log.iter()
        .filter(|(of, _)| *of == stderr)
        .map(|(_, byte)| *byte)
        .collect()
}

/// Two streams, and how pieces of them follow each other.
fn interleaved(streams: [&[u8]; 2], sizes: &[usize]) -> Vec<(LogStream, Vec<u8>)> {
    let mut rest = streams;
    let mut pieces = Vec::new();
    let mut turn = sizes.iter().cycle();
    while rest.iter().any(|rest| !rest.is_empty()) {
        for (index, stream) in BOTH.into_iter().enumerate() {
            let size = turn.next().copied().unwrap_or(1).min(rest[index].len());
            let (part, after) = rest[index].split_at(size);
            pieces.push((stream, part.to_vec()));
            rest[index] = after;
        }
    }
    pieces
}

fn finish(masker: &mut Masker, log: &mut Log) {
    for (stream, bytes) in masker.finish() {
        add(log, stream, &bytes);
    }
}

/// Feeds the pieces of a log from a place of it on, cut into others.
fn feed_from(
    masker: &mut Masker,
    pieces: &[(LogStream, Vec<u8>)],
    from: u64,
    sizes: &[usize],
    log: &mut Log,
) {
    let mut place = 0;
    let mut sizes = sizes.iter().cycle();
    for (stream, bytes) in pieces {
        let skip = usize::try_from(from.saturating_sub(place))
            .expect("small")
            .min(bytes.len());
        place += bytes.len() as u64;
        let mut rest = &bytes[skip..];
        while !rest.is_empty() {
            let size = sizes.next().copied().unwrap_or(1).clamp(1, rest.len());
            let (part, after) = rest.split_at(size);
            add(log, *stream, masker.feed(*stream, part, &mut Vec::new()));
            rest = after;
        }
    }
    assert_eq!(masker.place(), place);
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    vec(
        prop_oneof![3 => 1..4_usize, 2 => 1..40_usize, 1 => Just(1000_usize)],
        1..6,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn any_split_masks_as_the_rules_say((secrets, stream) in secrets_and_stream(), sizes in sizes()) {
        let expected = reference::masked(&secrets, &stream);
        let masks = Masks::new(&secrets);
        let mut masker = Masker::new(masks);
        let mut masked = Vec::new();
        for part in split(&stream, &sizes) {
            masked.extend_from_slice(masker.feed(LogStream::Stdout, part, &mut Vec::new()));
        }
        for (_, rest) in masker.finish() {
            masked.extend(rest);
        }
        prop_assert_eq!(
            String::from_utf8_lossy(&masked),
            String::from_utf8_lossy(&expected),
            "{:?}", String::from_utf8_lossy(&stream)
        );
        prop_assert_eq!(&masked, &expected);
        // What is left holds nothing. A secret that holds asterisks itself could be made by the replacing.
        if !secrets.iter().flatten().any(|byte| *byte == b'*') {
            prop_assert!(!reference::marked(&secrets, &masked).contains(&true));
        }
    }

    #[test]
    fn two_streams_and_any_crash(
        (secrets, stdout) in secrets_and_stream(),
        stderr in vec(any::<u8>(), 0..30),
        swap in any::<bool>(),
        order in sizes(),
        (first, second) in (sizes(), sizes()),
        crashes in vec((any::<proptest::sample::Index>(), any::<proptest::sample::Index>()), 0..4),
    ) {
        // Standard error has a secret too, cut into standard output's.
        let stderr = [stderr.as_slice(), &secrets[0], b"x", &secrets[0]].concat();
        let streams = if swap { [&stderr[..], &stdout] } else { [&stdout[..], &stderr] };
        let pieces = interleaved(streams, &order);
        let masks = Masks::new(&secrets);

        let mut whole = Log::new();
        let mut masker = Masker::new(masks.clone());
        feed_from(&mut masker, &pieces, 0, &first, &mut whole);
        finish(&mut masker, &mut whole);
        for (index, stream) in streams.iter().enumerate() {
            prop_assert_eq!(of_stream(&whole, index == 1), reference::masked(&secrets, stream));
        }

        // The same with crashes: each loses what was not stored, and goes on at the last mark before that.
        let mut stored = Log::new();
        let mut mark = Mark::default();
        for (at, lost) in crashes {
            let mut log = stored.clone();
            let mut masker = Masker::resume(masks.clone(), &mark);
            let mut discard = stored.len() - usize::try_from(mark.log).expect("small");
            let mut marks = vec![mark.clone()];
            let total: usize = pieces.iter().map(|(_, bytes)| bytes.len()).sum();
            let until = mark.from + at.index(total + 1) as u64;
            let mut place = 0_u64;
            for (stream, bytes) in &pieces {
                for byte in bytes {
                    if place >= mark.from && place < until {
                        let byte = [*byte];
                        let mut out = Vec::new();
                        let out = masker.feed(*stream, &byte, &mut out);
                        let known = discard.min(out.len());
                        discard -= known;
                        add(&mut log, *stream, &out[known..]);
                        if discard == 0 {
                            marks.extend(masker.mark(log.len() as u64));
                        }
                    }
                    place += 1;
                }
            }
            // The next process knows what was stored, and the newest mark in that.
            let kept = stored.len() + lost.index(log.len() - stored.len() + 1);
            log.truncate(kept);
            stored = log;
            prop_assert_eq!(&stored[..], &whole[..kept]);
            mark = marks.into_iter().rfind(|mark| mark.log <= kept as u64).expect("the first");
            let json = serde_json::to_string(&mark).expect("it is plain data");
            mark = serde_json::from_str(&json).expect("it was one");
        }
        let discard = stored.len() - usize::try_from(mark.log).expect("small");
        let mut masker = Masker::resume(masks, &mark);
        let mut rest = Log::new();
        feed_from(&mut masker, &pieces, mark.from, &second, &mut rest);
        finish(&mut masker, &mut rest);
        stored.extend(rest.drain(discard..));
        prop_assert_eq!(stored, whole);
    }

    #[test]
    fn without_secrets_every_byte_stays(stream in vec(any::<u8>(), 0..200), sizes in sizes()) {
        let mut masker = Masker::new(Masks::new(["short"; 1]));
        let mut masked = Vec::new();
        for part in split(&stream, &sizes) {
            masked.extend_from_slice(masker.feed(LogStream::Stderr, part, &mut Vec::new()));
        }
        prop_assert_eq!(masked, stream);
        prop_assert!(masker.finish().is_empty() && masker.mark(0).is_none());
    }
}
