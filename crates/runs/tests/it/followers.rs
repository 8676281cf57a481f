//! Readers: each has its own cursor, and each gets every byte once.

use crate::{studio::Studio, told::Told};
use daytona::wire::Stream;
use model::{Cursor, RunState, StreamMessage};
use std::time::{Duration, Instant};

#[tokio::test]
async fn messages_come_in_their_order_and_the_end_is_the_last() {
    let studio = Studio::open().await;
    studio.provider.world.programs_print("hello\n", 0);
    let run = studio.start().await;
    for _ in 0..2 {
        // Once while it goes on, once after its end.
        let mut follower = studio.follower(&run).await;
        let first = follower.next().await.unwrap();
        assert!(matches!(first[0], StreamMessage::Run { .. }), "{first:?}");
        let mut last = first;
        while let Some(messages) = follower.next().await {
            assert!(!messages.is_empty());
            last = messages;
        }
        assert!(matches!(last.last(), Some(StreamMessage::End { .. })), "{last:?}");
        assert_eq!(follower.next().await, None);
        assert_eq!(follower.cursor().offset, 6);
    }
}

#[tokio::test]
async fn readers_at_any_cursor_get_the_rest() {
    let studio = Studio::open().await;
    let text: String = (0..2000).map(|i| format!("line {i} \u{1f680}\n")).collect();
    let bytes = text.clone().into_bytes();
    studio
        .provider
        .world
        .programs(move |_| (vec![(Stream::Stdout, bytes.clone())], Some(0)));
    let run = studio.start().await;
    studio.told(&run).await;
    for offset in [0, 1, 7, 8, 9, 20_000, text.len() - 1, text.len(), text.len() + 5] {
        let cursor = Cursor {
            offset: offset as u64,
            seq: 2,
        };
        let told = Told::all(studio.runs.follow(&run, cursor).await.unwrap()).await;
        assert_eq!(
            told.bytes(),
            &text.as_bytes()[offset.min(text.len())..],
            "{offset}"
        );
        assert_eq!(told.events[0].seq, 3);
        assert!(told.end.is_some());
    }
}

#[tokio::test]
async fn a_log_longer_than_memory_reaches_slow_and_fast_readers() {
    let studio = Studio::with(|config| config.ring = 128 * 1024, |_| {}).await;
    let world = &studio.provider.world;
    let run = studio.start().await;
    studio.until(&run, RunState::Running).await;
    let fast = tokio::spawn(Told::all(studio.follower(&run).await));
    let mut slow = studio.follower(&run).await;
    let mut told = Told::default();
    let mut expected = Vec::new();
    for i in 0..40_u32 {
        let block = vec![b'a' + (i % 26) as u8; 50_000];
        world.print(
            if i % 3 == 0 {
                Stream::Stderr
            } else {
                Stream::Stdout
            },
            &block,
        );
        expected.extend(block);
        if i % 10 == 0 {
            for message in slow.next().await.unwrap() {
                told.take(message);
            }
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    world.exit(0);
    let fast = fast.await.unwrap();
    assert!(fast.bytes() == expected, "the fast reader has every byte");
    while let Some(messages) = slow.next().await {
        for message in messages {
            told.take(message);
        }
    }
    assert!(told.bytes() == expected, "so has the slow one");
    let (mut bytes, mut next) = (Vec::new(), Some(10));
    while let Some(from) = next {
        let (piece, then) = studio.runs.log_bytes(&run, from, u64::MAX).await.unwrap();
        assert!(piece.len() <= 256 << 10, "a piece is bounded");
        bytes.extend(piece);
        next = then;
    }
    assert!(bytes == expected[10..]);
    let frames = studio.runs.log_range(&run, 49_990, 50_010).await.unwrap();
    let range: Vec<u8> = frames.iter().flat_map(model::LogFrame::bytes).collect();
    assert_eq!(range, &expected[49_990..50_010]);
}

#[tokio::test]
async fn past_the_limit_the_middle_is_a_gap_of_its_size() {
    let studio = Studio::with(
        |config| {
            config.log_limit = 1_000_000;
            config.ring = 256 * 1024;
        },
        |_| {},
    )
    .await;
    let block: Vec<u8> = (0..3_000_000_u32).map(|i| b'0' + (i / 7 % 10) as u8).collect();
    let expected = block.clone();
    studio.provider.world.programs(move |_| {
        (
            block
                .chunks(100_000)
                .map(|part| (Stream::Stdout, part.to_vec()))
                .collect(),
            Some(0),
        )
    });
    let run = studio.start().await;
    studio.told(&run).await;
    let told = Told::all(studio.follower(&run).await).await;
    let end = told.end.clone().unwrap();
    assert_eq!(end.bytes, 3_000_000);
    assert_eq!(
        end.sha256,
        hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&expected)),
        "the hash is of all of it"
    );
    let mut offset = 0_u64;
    let mut gaps = Vec::new();
    for frame in &told.frames {
        assert_eq!(frame.offset, offset, "no hole that is not said");
        match frame.body {
            model::log::LogBody::Gap(missing) => {
                gaps.push(missing);
                offset += missing;
            }
            _ => {
                let bytes = frame.bytes();
                let from = usize::try_from(offset).unwrap();
                assert!(bytes == expected[from..from + bytes.len()]);
                offset += bytes.len() as u64;
            }
        }
    }
    assert_eq!(offset, 3_000_000);
    assert_eq!(gaps.len(), 1, "one gap: {gaps:?}");
    assert!(gaps[0] > 1_900_000 && gaps[0] < 2_200_000, "{gaps:?}");
    assert!(told.rows().contains("over its limit"), "{}", told.rows());
}

#[tokio::test]
async fn a_waiting_reader_hears_of_a_line_soon() {
    let studio = Studio::open().await;
    let run = studio.start().await;
    studio.until(&run, RunState::Running).await;
    let mut follower = studio.follower(&run).await;
    // What there is so far.
    while tokio::time::timeout(Duration::from_millis(200), follower.next())
        .await
        .is_ok()
    {}
    for i in 0..5 {
        let began = Instant::now();
        studio
            .provider
            .world
            .print(Stream::Stdout, format!("{i}\n").as_bytes());
        follower.next().await.unwrap();
        assert!(
            began.elapsed() < Duration::from_millis(100),
            "{:?}",
            began.elapsed()
        );
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
    studio.provider.world.exit(0);
    Told::all(follower).await;
}

#[tokio::test]
async fn a_dropped_wait_loses_nothing() {
    let studio = Studio::open().await;
    let run = studio.start().await;
    studio.until(&run, RunState::Running).await;
    let mut follower = studio.follower(&run).await;
    let mut told = Told::default();
    let mut expected = String::new();
    for i in 0..200 {
        let line = format!("{i}\n");
        studio.provider.world.print(Stream::Stdout, line.as_bytes());
        expected.push_str(&line);
        if let Ok(Some(messages)) = tokio::time::timeout(Duration::from_millis(i % 4), follower.next()).await
        {
            messages.into_iter().for_each(|message| told.take(message));
        }
    }
    studio.provider.world.exit(0);
    while let Some(messages) = follower.next().await {
        messages.into_iter().for_each(|message| told.take(message));
    }
    assert_eq!(told.text(), expected);
}
