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

on_both! {
    async fn a_million_lines(store: Store) {
        let run = run(&store).await;
        let chunks = million_lines();
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
        assert!(wrote < Duration::from_secs(2), "{wrote:?}");
    }

    async fn one_chunk_at_a_time(store: Store) {
        let run = run(&store).await;
        let chunks = million_lines();
        let start = Instant::now();
        let mut slowest = Duration::ZERO;
        for chunk in &chunks {
            let start = Instant::now();
            store.append_chunks(&store::Hold::first(&run), std::slice::from_ref(chunk)).await.expect("appended");
            slowest = slowest.max(start.elapsed());
        }
        let took = start.elapsed();
        eprintln!("{} chunks one by one: {took:?}, the slowest {slowest:?}", chunks.len());
        assert!(took < Duration::from_secs(3), "{took:?}");
    }
}

/// Readers must not wait for a writer, nor the writer for readers.
#[tokio::test(flavor = "multi_thread")]
async fn editing_goes_on_while_logs_pour_in() {
    let fresh = Fresh::sqlite().await;
    let store = fresh.store.clone();
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
    let mut slowest = Duration::ZERO;
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
        slowest = slowest.max(start.elapsed());
    }
    pouring.await.expect("no panic");
    eprintln!("{version} times listed, read and saved meanwhile, the slowest in {slowest:?}");
    assert!(
        version > 2 && slowest < Duration::from_secs(1),
        "{version} {slowest:?}"
    );
}
