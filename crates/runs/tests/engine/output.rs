//! What programs print, byte for byte.

use crate::host::Host;
use model::RunState;
use sha2::{Digest, Sha256};

/// Also the order of the two streams, when each is written to once.
pub async fn every_byte_is_the_programs_own(host: &mut Host) {
    let told = host
        .run("import os\nos.write(1, bytes(range(256)) * 3)\nos.write(2, b'\\x01\\x01\\x01no newline \\xff\\x00')\n")
        .await;
    assert_eq!(told.run().state, RunState::Succeeded, "{told:?}");
    let mut expected: Vec<u8> = (0..=255).cycle().take(768).collect();
    expected.extend(b"\x01\x01\x01no newline \xff\x00");
    assert_eq!(told.bytes(), expected);
    assert!(told.end.unwrap().exact);
}

pub async fn a_million_lines_are_all_there(host: &mut Host) {
    let told = host
        .run("import sys\nsys.stdout.reconfigure(write_through=False)\nfor i in range(1000000): print('line', i)\n")
        .await;
    assert_eq!(told.run().state, RunState::Succeeded, "{:?}", told.run());
    let expected: String = (0..1_000_000).map(|i| format!("line {i}\n")).collect();
    let end = told.end.clone().unwrap();
    assert_eq!((end.bytes, end.lines), (expected.len() as u64, 1_000_000));
    assert_eq!(end.sha256, hex::encode(Sha256::digest(&expected)));
    assert!(told.bytes() == expected.into_bytes());
}
