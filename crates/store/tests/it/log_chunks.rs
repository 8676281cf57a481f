//! Logs: what is appended is read back byte by byte, from any place.

use crate::fresh::{on_both, run};
use model::{
    LogEnd, LogStream, Millis, RunId,
    log::{Record, encode, frames},
};
use store::{Chunk, Hold, Store, StoreError, StoredEnd};

/// A chunk of the log `text` from `start` to `end`.
fn chunk(text: &[u8], start: usize, end: usize) -> Chunk {
    let mut chunk = Chunk {
        first_offset: start as u64,
        length: (end - start) as u64,
        first_line: text[..start].iter().filter(|byte| **byte == b'\n').count() as u64,
        at: Millis(start as i64),
        frames: Vec::new(),
        mark: None,
    };
    let (stream, at) = (LogStream::Stdout, chunk.at);
    encode(
        Record::Output {
            stream,
            at,
            bytes: &text[start..end],
        },
        &mut chunk.frames,
    );
    chunk
}

async fn read(store: &Store, run: &RunId, from: u64, limit: u64) -> Vec<u8> {
    let mut read = Vec::new();
    let mut offset = from;
    loop {
        let chunks = store.chunks_from(run, offset, limit).await.expect("chunks");
        let Some(last) = chunks.last() else { return read };
        for chunk in &chunks {
            for frame in frames(chunk.first_offset, &chunk.frames, offset, u64::MAX).expect("records") {
                assert_eq!(frame.offset, from + read.len() as u64);
                read.extend(frame.bytes());
            }
        }
        offset = last.first_offset + last.length;
    }
}

/// Lines of many lengths, one of them longer than several chunks.
fn text() -> Vec<u8> {
    let mut text: Vec<u8> = (0..200)
        .flat_map(|n: usize| format!("line {n}{}\n", " x".repeat(n % 17)).into_bytes())
        .collect();
    text.extend([b'y'; 900]);
    text.extend(b"\nlast \xff without a break");
    text
}

on_both! {
    async fn what_is_appended_is_read_from_any_place(store: Store) {
        let (run, text) = (run(&store).await, text());
        assert!(store.chunks_from(&run, 0, 1000).await.expect("none").is_empty());
        let bounds: Vec<usize> = (0..text.len()).step_by(190).chain([text.len()]).collect();
        let chunks: Vec<_> = bounds.windows(2).map(|pair| chunk(&text, pair[0], pair[1])).collect();
        let (first, rest) = chunks.split_at(5);
        store.append_chunks(&Hold::first(&run), first).await.expect("appended");
        store.append_chunks(&Hold::first(&run), rest).await.expect("appended");
        for from in [0, 1, 189, 190, 191, 1000, text.len() - 1, text.len()] {
            for limit in [0, 1, 500, u64::MAX] {
                assert_eq!(read(&store, &run, from as u64, limit).await, text[from..], "{from} {limit}");
            }
        }
        assert_eq!(store.chunks_from(&run, 0, u64::MAX).await.expect("all"), chunks);
        assert_eq!(store.chunks_from(&run, 200, 570).await.expect("three"), chunks[1..4]);
        assert!(store.chunks_from(&RunId::generate(), 0, 10).await.expect("none").is_empty());
    }

    async fn lines_are_found(store: Store) {
        let (run, text) = (run(&store).await, text());
        assert_eq!(store.chunk_of_line(&run, 0).await.expect("an answer"), None);
        let bounds: Vec<usize> = (0..text.len()).step_by(190).chain([text.len()]).collect();
        let chunks: Vec<_> = bounds.windows(2).map(|pair| chunk(&text, pair[0], pair[1])).collect();
        store.append_chunks(&Hold::first(&run), &chunks).await.expect("appended");
        let mut start = 0;
        for (line, content) in text.split(|byte| *byte == b'\n').enumerate() {
            let found = store.chunk_of_line(&run, line as u64).await.expect("an answer").expect("a chunk");
            let rest = read(&store, &run, found.first_offset, u64::MAX).await;
            let skip = line as u64 - found.first_line;
            let place = if skip == 0 { 0 } else {
                1 + rest.iter().enumerate().filter(|(_, byte)| **byte == b'\n').nth(skip as usize - 1).expect("the break before it").0
            };
            assert_eq!(found.first_offset as usize + place, start, "line {line}");
            assert!(place <= 190, "line {line} starts in that chunk or right after it");
            start += content.len() + 1;
        }
    }

    async fn only_what_continues_the_log_is_appended(store: Store) {
        let (run, text) = (run(&store).await, text());
        assert_eq!(store.stored_end(&run).await.expect("an end"), StoredEnd::default());
        store.append_chunks(&Hold::first(&run), &[chunk(&text, 0, 100)]).await.expect("appended");
        for wrong in [
            vec![chunk(&text, 0, 100)],
            vec![chunk(&text, 99, 200)],
            vec![chunk(&text, 101, 200)],
            vec![chunk(&text, 100, 200), chunk(&text, 201, 300)],
            vec![chunk(&text, 100, 100)],
        ] {
            let error = store.append_chunks(&Hold::first(&run), &wrong).await.expect_err("it does not continue");
            assert!(matches!(error, StoreError::Conflict(_)), "{error:?}");
        }
        assert_eq!(read(&store, &run, 0, 9).await, text[..100], "nothing of a wrong batch is kept");
        let error = store.append_chunks(&Hold::first(&RunId::generate()), &[chunk(&text, 0, 1)]).await.expect_err("no run");
        assert!(matches!(error, StoreError::NotFound(_)), "{error:?}");
        store.append_chunks(&Hold::first(&run), &[]).await.expect("nothing");
        store.append_chunks(&Hold::first(&run), &[chunk(&text, 100, 333)]).await.expect("appended");
        let lines = text[..333].iter().filter(|byte| **byte == b'\n').count() as u64;
        let end = StoredEnd { offset: 333, lines, mark: None };
        assert_eq!(store.stored_end(&run).await.expect("an end"), end);
    }

    async fn gaps_take_their_place(store: Store) {
        let run = run(&store).await;
        let mut frames = Vec::new();
        encode(Record::Output { stream: LogStream::Stderr, at: Millis(1), bytes: b"a\n" }, &mut frames);
        encode(Record::Gap { at: Millis(2), length: 1 << 33 }, &mut frames);
        let length = 2 + (1 << 33);
        let gap = Chunk { first_offset: 0, length, first_line: 0, at: Millis(1), frames, mark: None };
        let after = Chunk { first_offset: length, length: 1, first_line: 70, at: Millis(3), frames: vec![], mark: None };
        store.append_chunks(&Hold::first(&run), &[gap.clone(), after.clone()]).await.expect("appended");
        assert_eq!(store.chunks_from(&run, 1 << 32, 10).await.expect("the gap"), [gap]);
        assert_eq!(store.chunks_from(&run, length, 10).await.expect("after it"), [after]);
        let end = StoredEnd { offset: length + 1, lines: 70, mark: None };
        assert_eq!(store.stored_end(&run).await.expect("an end"), end);
    }

    async fn the_newest_mark_is_found(store: Store) {
        let (run, text) = (run(&store).await, text());
        let marked = |start, end, mark: Option<&str>| Chunk {
            mark: mark.map(str::to_owned),
            ..chunk(&text, start, end)
        };
        let pieces = [marked(0, 10, None), marked(10, 20, Some("first")), marked(20, 30, Some("second"))];
        store.append_chunks(&Hold::first(&run), &pieces).await.expect("appended");
        store.append_chunks(&Hold::first(&run), &[marked(30, 40, None)]).await.expect("appended");
        let end = store.stored_end(&run).await.expect("an end");
        assert_eq!((end.offset, end.mark.as_deref()), (40, Some("second")));
        assert_eq!(store.stored_end(&self::run(&store).await).await.expect("another").mark, None);
    }

    async fn the_end_record(store: Store) {
        let run = run(&store).await;
        assert_eq!(store.log_end(&run).await.expect("an answer"), None);
        let end = LogEnd { bytes: 5, lines: 1, sha256: "x".into(), exact: true };
        store.save_log_end(&Hold::first(&run), &end).await.expect("saved");
        assert_eq!(store.log_end(&run).await.expect("an answer"), Some(end.clone()));
        let nothing = RunId::generate();
        assert!(matches!(store.save_log_end(&Hold::first(&nothing), &end).await, Err(StoreError::NotFound(_))));
        assert!(matches!(store.log_end(&nothing).await, Err(StoreError::NotFound(_))));
    }
}
