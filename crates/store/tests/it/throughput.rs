//! How fast logs are stored: a million lines must not wait for the database.
//! The figures are printed; the bounds are loose enough for a busy machine and
//! tight enough to notice a row per line or a sync per chunk.
#![expect(clippy::print_stderr, reason = "the figures are what one runs these for")]

use crate::fresh::{Fresh, agent, on_both, path, run};
use model::{
    LogStream, Millis,
    log::{Record, encode},
};
use std::time::{Duration, Instant};
use store::Chunk;

/// A million lines of ten bytes, in chunks of 64 KiB.
fn million_lines() -> Vec<Chunk> {
    let text: Vec<u8> = (0..1_000_000)
        .flat_map(|n| format!("{n:09}\n").into_bytes())
        .collect();
    let mut offset = 0;
    text.chunks(65_536)
        .map(|bytes| {
            let mut frames = Vec::new();
            encode(
                Record::Output {
                    stream: LogStream::Stdout,
                    at: Millis(1),
                    bytes,
                },
                &mut frames,
            );
            let length = bytes.len() as u64;
            let chunk = Chunk {
                first_offset: offset,
                length,
                first_line: offset / 10,
                at: Millis(1),
                frames,
                mark: None,
            };
            offset += length;
            chunk
        })
        .collect()
}

/// What else goes on meanwhile is counted too, so the best of a few attempts
/// has to keep within the bound.
async fn within(bound: Duration, attempt: impl AsyncFn() -> Duration) {
    let mut best = Duration::MAX;
    for _ in 0..5 {
        best = best.min(attempt().await);
        if best < bound {
            return;
        }
    }
    assert!(best < bound, "at best {best:?}");
}

on_both! {
    async fn a_million_lines(store: Store) {
        let chunks = million_lines();
        within(Duration::from_secs(2), async || {
            let run = run(&store).await;
            let start = Instant::now();
            for batch in chunks.chunks(16) {
                store.append_chunks(&store::Hold::first(&run), batch).await.expect("appended");
            }
            let wrote = start.elapsed();
            let start = Instant::now();
            let (mut offset, mut read) = (0, 0);
            while offset < 10_000_000 {
                for chunk in store.chunks_from(&run, offset, 262_144).await.expect("chunks") {
                    read += chunk.frames.len();
                    offset = chunk.first_offset + chunk.length;
                }
            }
            let was_read = start.elapsed();
            eprintln!(
                "1,000,000 lines (10 MB, {} chunks in batches of 16): stored in {wrote:?}, read in {was_read:?}",
                chunks.len()
            );
            assert_eq!(read, chunks.iter().map(|chunk| chunk.frames.len()).sum::<usize>());
            wrote
        })
        .await;
    }

    async fn one_chunk_at_a_time(store: Store) {
        let chunks = million_lines();
        within(Duration::from_secs(3), async || {
            let run = run(&store).await;
            let start = Instant::now();
            let mut slowest = Duration::ZERO;
            for chunk in &chunks {
                let start = Instant::now();
                store.append_chunks(&store::Hold::first(&run), std::slice::from_ref(chunk)).await.expect("appended");
                slowest = slowest.max(start.elapsed());
            }
            let took = start.elapsed();
            eprintln!("{} chunks one by one: {took:?}, the slowest {slowest:?}", chunks.len());
            took
        })
        .await;
    }
}

/// Readers must not wait for a writer, nor the writer for readers.
#[tokio::test(flavor = "multi_thread")]
async fn editing_goes_on_while_logs_pour_in() {
    let fresh = Fresh::sqlite().await;
    let store = fresh.store.clone();
    within(Duration::from_secs(1), async || {
        let (run, scout) = (run(&store).await, agent(&store, "Editor").await.id);
        let pouring = tokio::spawn({
            let store = store.clone();
            async move {
                for batch in million_lines().chunks(4) {
                    store
                        .append_chunks(&store::Hold::first(&run), batch)
                        .await
                        .expect("appended");
                }
            }
        });
        let mut times = Vec::new();
        let mut version = 1;
        while !pouring.is_finished() {
            let start = Instant::now();
            store
                .list_agents(&model::TeamId::first(), Millis::now())
                .await
                .expect("a list");
            store
                .read_file(&scout, &path("agent.py"))
                .await
                .expect("the file");
            let text = format!("{version}");
            store
                .save_file(&scout, &path("agent.py"), text.as_bytes(), Some(version))
                .await
                .expect("saved");
            version += 1;
            times.push(start.elapsed());
        }
        pouring.await.expect("no panic");
        times.sort_unstable();
        eprintln!(
            "{version} times listed, read and saved meanwhile, the slowest in {:?}",
            times.last()
        );
        // One of them may have waited for something else than the other side.
        match times.get(times.len() * 9 / 10) {
            Some(ninetieth) if version > 2 => *ninetieth,
            _ => Duration::MAX,
        }
    })
    .await;
}
