//! Packets with descriptors between two ends of a socket.

use std::io::{ErrorKind, Write};
use std::os::fd::AsFd;

use rustix::fs::fstat;
use toolbox::frame::{pair, receive, send};
use toolbox::protocol::MAX_DESCRIPTORS;

#[test]
fn packets_keep_their_bounds_and_descriptors() {
    let (one, two) = pair().expect("a socket");
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(b"contents").expect("space");
    send(&one, b"first", &[file.as_fd()]).expect("sent");
    send(&one, b"second", &[]).expect("sent");
    let mut buffer = [0u8; 64];
    let first = receive(&two, &mut buffer).expect("received");
    assert_eq!(&buffer[..first.length], b"first");
    assert_eq!(
        fstat(&first.descriptors[0]).expect("open").st_ino,
        fstat(&file).expect("open").st_ino
    );
    let flags = rustix::io::fcntl_getfd(&first.descriptors[0]).expect("open");
    assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
    let second = receive(&two, &mut buffer).expect("received");
    assert_eq!(
        (&buffer[..second.length], second.descriptors.len()),
        (&b"second"[..], 0)
    );
    drop(one);
    assert_eq!(receive(&two, &mut buffer).expect("the end").length, 0);
}

#[test]
fn a_packet_that_does_not_fit_is_an_error() {
    let (one, two) = pair().expect("a socket");
    send(&one, &[1; 100], &[]).expect("sent");
    let error = receive(&two, &mut [0u8; 99]).expect_err("cut off");
    assert_eq!(error.kind(), ErrorKind::InvalidData);
}

#[test]
fn more_descriptors_than_allowed_are_not_sent() {
    let (one, _two) = pair().expect("a socket");
    let file = tempfile::tempfile().expect("a file");
    let many = vec![file.as_fd(); MAX_DESCRIPTORS + 1];
    assert!(send(&one, b"x", &many).is_err());
}
