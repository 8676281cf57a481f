//! Tests of the store: what rows come of which frames, however they are cut.

use super::*;
use proptest::prelude::*;

const OUT: LogStream = LogStream::Stdout;
const ERR: LogStream = LogStream::Stderr;

/// All rows as words: kind, text, `+` where a line goes on.
fn rows(store: &LogStore) -> Vec<String> {
    (store.first()..store.end())
        .map(|id| {
            let row = store.row(id).expect("a row of every id");
            let kind = match row.kind {
                RowKind::Stdout => "out",
                RowKind::Stderr => "err",
                RowKind::System => "sys",
                RowKind::Gap => "gap",
            };
            let more = if row.continues { "+" } else { "" };
            format!("{kind}{more} {}", String::from_utf8_lossy(row.text))
        })
        .collect()
}

fn fed(pieces: &[(LogStream, &str)]) -> LogStore {
    let mut store = LogStore::default();
    for (stream, text) in pieces {
        store.push(store.offset(), Millis(0), *stream, text.as_bytes());
    }
    store
}

fn end(bytes: u64, lines: u64) -> LogEnd {
    LogEnd {
        bytes,
        lines,
        sha256: String::new(),
        exact: true,
    }
}

/// SHA-256 of `one\ntwo\n`.
const ONE_TWO: &str = "c3f9c8c283a2b1f2f1896f27a01cbe3cddc0c9d93f752e4639035a0f5b36f6e8";

#[test]
fn streams_do_not_mix_within_a_row() {
    let store = fed(&[
        (OUT, "one\ntw"),
        (ERR, "warn"),
        (OUT, "o\n"),
        (ERR, "ing\n\n"),
        (OUT, "> "),
    ]);
    assert_eq!(
        rows(&store),
        ["out one", "out two", "err warning", "err ", "out > "]
    );
    assert_eq!(store.finished(), 4);
    assert_eq!(store.stderr_rows(), 2);
}

#[test]
fn carriage_returns_start_the_row_again() {
    assert_eq!(rows(&fed(&[(OUT, "10%\r20%\r")])), ["out 20%"]);
    assert_eq!(
        rows(&fed(&[
            (OUT, "10%\r"),
            (OUT, "done\n"),
            (OUT, "dos\r"),
            (OUT, "\n")
        ])),
        ["out done", "out dos"]
    );
    assert_eq!(rows(&fed(&[(OUT, "\r\n\rx\n")])), ["out ", "out x"]);
}

#[test]
fn split_characters_are_put_together() {
    let mut store = LogStore::default();
    for (offset, byte) in "h\u{e9}\u{1f680}\n".bytes().enumerate() {
        store.push(offset as u64, Millis(0), OUT, &[byte]);
    }
    assert_eq!(rows(&store), ["out h\u{e9}\u{1f680}"]);
}

#[test]
fn what_was_seen_is_left_out() {
    let mut store = fed(&[(OUT, "abc\n")]);
    store.push(0, Millis(0), OUT, b"abc\n");
    store.push(2, Millis(0), OUT, b"c\nd\n");
    assert_eq!(rows(&store), ["out abc", "out d"]);
    assert_eq!(store.offset(), 6);
}

#[test]
fn long_lines_are_broken_and_characters_are_not() {
    let line = "\u{20ac}".repeat(5000);
    let store = fed(&[(OUT, &line), (OUT, "\n")]);
    let rows: Vec<Row<'_>> = (store.first()..store.end())
        .filter_map(|id| store.row(id))
        .collect();
    assert_eq!(rows.len(), 4);
    assert!(!rows[0].continues && rows[1..].iter().all(|row| row.continues));
    assert!(rows.iter().all(|row| std::str::from_utf8(row.text).is_ok()));
    let joined: Vec<u8> = rows.iter().flat_map(|row| row.text).copied().collect();
    assert_eq!(joined, line.as_bytes());
}

#[test]
fn colours_reach_over_lines_of_their_stream() {
    let store = fed(&[
        (OUT, "\x1b[31mred\n"),
        (ERR, "plain\n"),
        (OUT, "still\x1b[0m\nover\n"),
    ]);
    let classes: Vec<String> = (0..4)
        .filter_map(|id| store.row(id))
        .map(|row| row.style.classes())
        .collect();
    assert_eq!(classes, ["", "", "fg1", ""]);
}

#[test]
fn gaps_and_the_end_are_seen() {
    let mut store = fed(&[(OUT, "half")]);
    store.push_gap(4, Millis(0), 5_000_000);
    store.push(5_000_004, Millis(0), OUT, b"rest\n");
    assert_eq!(
        rows(&store),
        ["out half", "gap 5.0 MB of output were not kept", "out rest"]
    );
    store.push_end(Millis(0), &end(5_000_009, 77));
    assert_eq!(store.end(), 3, "the lines of a gap cannot be counted");

    let mut whole = fed(&[(OUT, "a\nb")]);
    whole.push_end(Millis(0), &end(3, 1));
    assert_eq!(rows(&whole), ["out a", "out b"]);
    let mut short = fed(&[(OUT, "a\n")]);
    short.push_end(Millis(0), &end(9, 3));
    assert!(
        rows(&short)[1]
            .starts_with("gap This log is not complete here: 2 bytes and 1 lines arrived of 9 and 3.")
    );
}

#[test]
fn the_oldest_rows_go_when_the_room_is_used_up() {
    let mut store = LogStore::with_limit(1 << 20);
    let line = format!("{}\n", "x".repeat(99));
    for _ in 0..40_000 {
        store.push(store.offset(), Millis(0), OUT, line.as_bytes());
    }
    assert!(store.taken <= (1 << 20) + (1 << 20), "{}", store.taken);
    assert_eq!(store.finished(), 40_000);
    let first = store.row(store.first()).expect("the notice");
    assert_eq!(first.kind, RowKind::Gap);
    assert!(String::from_utf8_lossy(first.text).contains("lines are no longer held in this tab"));
    assert!(store.row(store.first() - 1).is_none() && store.row(0).is_none());
    assert_eq!(store.row(39_999).expect("the last").text.len(), 99);
    assert_eq!(store.rows_from(39_990).count(), 10);
}

#[test]
fn a_million_lines_are_taken_in_a_second() {
    let mut text = String::new();
    for number in 0..1_000_000 {
        text.push_str(&number.to_string());
        text.push('\n');
    }
    let start = std::time::Instant::now();
    let mut store = LogStore::default();
    for piece in text.as_bytes().chunks(32 << 10) {
        store.push(store.offset(), Millis(0), OUT, piece);
    }
    // An unoptimised build takes longer than the browser's.
    assert!(start.elapsed().as_secs_f32() < 3.0, "{:?}", start.elapsed());
    assert_eq!(store.end(), 1_000_000);
    assert_eq!(store.row(777_777).expect("a row").text, b"777777");
    assert!(store.taken < 40 << 20, "{}", store.taken);
}

fn pieces() -> impl Strategy<Value = Vec<(bool, Vec<u8>)>> {
    let bytes = prop_oneof![
        5 => any::<u8>(),
        3 => Just(b'\n'),
        2 => Just(b'\r'),
        2 => Just(0x1b),
        3 => b'a'..=b'z',
    ];
    proptest::collection::vec((any::<bool>(), proptest::collection::vec(bytes, 0..60)), 0..20)
}

proptest! {
    /// The same bytes make the same rows, however the frames are cut and
    /// whether our own rows come before their bytes or after them.
    #[test]
    fn cuts_and_late_rows_change_nothing(
        pieces in pieces(),
        long in proptest::option::of(4000usize..9000),
        places in proptest::collection::vec(0u64..400, 0..5),
    ) {
        let mut pieces = pieces;
        if let Some(long) = long {
            pieces.push((true, "x\u{e9}\x1b[1m".bytes().cycle().take(long).collect()));
        }
        let total: u64 = pieces.iter().map(|(_, bytes)| bytes.len() as u64).sum();
        let mut places: Vec<u64> = places.into_iter().map(|place| place.min(total)).collect();
        places.sort_unstable();

        let stream = |out| if out { OUT } else { ERR };
        let mut whole = LogStore::default();
        for place in &places {
            whole.push_system(*place, Millis(1), &format!("at {place}"));
        }
        for (out, bytes) in &pieces {
            whole.push(whole.offset(), Millis(1), stream(*out), bytes);
        }
        let mut cut = LogStore::default();
        for (out, bytes) in &pieces {
            for byte in bytes {
                cut.push(cut.offset(), Millis(1), stream(*out), &[*byte]);
            }
        }
        for place in &places {
            cut.push_system(*place, Millis(1), &format!("at {place}"));
        }
        prop_assert_eq!(rows(&whole), rows(&cut));
        prop_assert_eq!(whole.offset(), total);
        let mut with_end = whole;
        with_end.push_end(Millis(2), &end(total, with_end.lines));
        let all: Vec<_> = with_end.rows_from(with_end.first()).map(|(id, _)| id).collect();
        prop_assert_eq!(all, (0..with_end.end()).collect::<Vec<_>>());
    }
}

#[test]
fn the_hash_of_the_end_record_is_compared() {
    let after = |text: &[u8], sha256: &str| {
        let mut store = LogStore::default();
        let (begin, rest) = text.split_at(2);
        store.push(0, Millis(0), OUT, begin);
        // Again, as after a reconnection: hashed once.
        store.push(0, Millis(0), OUT, begin);
        store.push(2, Millis(0), ERR, rest);
        let sha256 = sha256.to_owned();
        store.push_end(Millis(0), &LogEnd { sha256, ..end(8, 2) });
        rows(&store).last().cloned()
    };
    let said = |row: Option<String>| row.is_some_and(|row| row.contains("not what was stored"));
    assert!(!said(after(b"one\ntwo\n", ONE_TWO)));
    assert!(!said(after(b"one\ntwo\n", "")), "one of an old log");
    assert!(said(after(b"one\nTwo\n", ONE_TWO)));
    // What was not kept cannot be compared, and is said in its own row.
    let mut store = LogStore::default();
    store.push(0, Millis(0), OUT, b"one\n");
    store.push_gap(4, Millis(0), 4);
    let sha256 = ONE_TWO.to_owned();
    store.push_end(Millis(0), &LogEnd { sha256, ..end(8, 2) });
    assert!(
        rows(&store)
            .iter()
            .all(|row| !row.contains("not what was stored"))
    );
}
