//! The decoders against bytes of every kind: what a sandbox sends may be
//! anything.

use proptest::prelude::*;
use toolbox::protocol::{
    Call, FileEntry, FileFault, FileKind, FileStat, MAX_FRAME, Message, Outcome, ProtocolError, Request,
    decode, encode,
};

fn stat() -> impl Strategy<Value = FileStat> {
    let kind = prop_oneof![
        Just(FileKind::File),
        Just(FileKind::Folder),
        Just(FileKind::Link),
        Just(FileKind::Special)
    ];
    (kind, any::<(u64, u32, i64, u32, u32)>()).prop_map(|(kind, (size, mode, modified_ms, uid, gid))| {
        FileStat {
            kind,
            size,
            mode,
            modified_ms,
            uid,
            gid,
        }
    })
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let entry = (any::<String>(), stat()).prop_map(|(name, stat)| FileEntry { name, stat });
    prop_oneof![
        Just(Outcome::Done),
        any::<i32>().prop_map(|pid| Outcome::Started { pid }),
        any::<(i32, String)>().prop_map(|(pid, marker)| Outcome::Adopted { pid, marker }),
        any::<(u32, u32)>().prop_map(|(ended, left)| Outcome::Ended { ended, left }),
        stat().prop_map(Outcome::Opened),
        (prop::collection::vec(entry, 0..20), any::<bool>())
            .prop_map(|(entries, last)| Outcome::Entries { entries, last }),
        any::<i32>().prop_map(|number| Outcome::Fault(FileFault::Other(number))),
    ]
}

proptest! {
    /// Any bytes decode to a message or to an error, and never to a panic.
    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..4096)) {
        let _ = decode::<Message>(&bytes);
        let _ = decode::<Request>(&bytes);
    }

    /// A true message with a few bytes changed, cut off or added.
    #[test]
    fn damaged_messages_are_survived(
        id in any::<u32>(),
        outcome in outcome(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = encode(&Message::Answer { id, outcome }).expect("small");
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = decode::<Message>(&bytes);
        let _ = decode::<Message>(&bytes[..cut.index(bytes.len())]);
        bytes.push(0);
        let _ = decode::<Message>(&bytes);
    }

    #[test]
    fn what_is_encoded_is_decoded(id in any::<u32>(), outcome in outcome()) {
        let message = Message::Answer { id, outcome };
        let bytes = encode(&message).expect("small");
        prop_assert_eq!(decode::<Message>(&bytes).expect("own bytes"), message);
    }

    #[test]
    fn requests_survive_the_wire(
        id in any::<u32>(),
        argv in prop::collection::vec(any::<String>(), 0..8),
        env in prop::collection::vec(any::<(String, String)>(), 0..8),
        cwd in any::<String>(),
        stdin in any::<bool>(),
    ) {
        let call = Call::Spawn { argv, env, cwd, stdin, merge_stderr: !stdin, control: stdin };
        let request = Request { id, call };
        prop_assert_eq!(decode::<Request>(&encode(&request).expect("small")).expect("own bytes"), request);
    }
}

proptest! {
    #[test]
    fn terminals_and_connections_survive_the_wire(
        id in any::<u32>(),
        argv in prop::collection::vec(any::<String>(), 0..8),
        size in any::<(u16, u16)>(),
        port in any::<u16>(),
        ipv6 in any::<bool>(),
    ) {
        let terminal = Call::SpawnInTerminal {
            argv,
            env: Vec::new(),
            cwd: String::new(),
            columns: size.0,
            rows: size.1,
        };
        for call in [terminal, Call::Connect { port, ipv6 }] {
            let request = Request { id, call };
            let bytes = encode(&request).expect("small");
            prop_assert_eq!(decode::<Request>(&bytes).expect("own bytes"), request);
        }
    }
}

/// A listing that claims four thousand million entries in a few bytes: the
/// claim alone must not take memory.
#[test]
fn a_claimed_length_allocates_nothing() {
    let empty = Outcome::Entries {
        entries: Vec::new(),
        last: true,
    };
    let mut bytes = encode(&Message::Answer {
        id: 1,
        outcome: empty,
    })
    .expect("small");
    // The length of the list is the byte before the last.
    let at = bytes.len() - 2;
    assert_eq!(bytes[at], 0);
    bytes.splice(at..=at, [0xff, 0xff, 0xff, 0xff, 0x0f]);
    assert_eq!(decode::<Message>(&bytes), Err(ProtocolError::Malformed));
}

#[test]
fn too_much_is_refused_on_both_sides() {
    let call = Call::Stat {
        path: "x".repeat(MAX_FRAME),
        follow: true,
    };
    assert!(matches!(
        encode(&Request { id: 1, call }),
        Err(ProtocolError::TooLong(_))
    ));
    assert!(matches!(
        decode::<Request>(&vec![0; MAX_FRAME + 1]),
        Err(ProtocolError::TooLong(_))
    ));
}

#[test]
fn bytes_after_a_message_are_refused() {
    let mut bytes = encode(&Message::Ready).expect("small");
    bytes.push(0);
    assert_eq!(decode::<Message>(&bytes), Err(ProtocolError::Malformed));
}
