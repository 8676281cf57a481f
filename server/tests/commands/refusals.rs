//! What cannot be done is told in one sentence, with an exit code, and without
//! a panic.

use super::{folder, pitlane, stderr};
use std::{net::TcpListener, path::Path};

/// The sentence of a refused call, and its exit code.
fn refusal(folder: &Path, arguments: &[&str]) -> (String, Option<i32>) {
    let output = pitlane(folder).args(arguments).output().expect("started");
    let said = stderr(&output);
    assert!(said.starts_with("pitlane: ") && said.ends_with('\n'), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(!said.contains("panicked"), "{said}");
    (
        said.trim_start_matches("pitlane: ").trim_end().to_owned(),
        output.status.code(),
    )
}

#[test]
fn an_unknown_key_of_the_file() {
    let folder = folder();
    std::fs::write(folder.path().join("pitlane.toml"), "port = 3000\n").expect("written");
    let (said, code) = refusal(folder.path(), &["serve"]);
    assert!(
        said.contains("sets \u{201c}port\u{201d}, which Pitlane does not know."),
        "{said}"
    );
    assert_eq!(code, Some(2));
}

#[test]
fn an_unusable_value() {
    let folder = folder();
    let (said, code) = refusal(folder.path(), &["serve", "--network", "on"]);
    assert_eq!(
        said,
        "--network is \u{201c}on\u{201d}, which cannot be used: off, open, or a list of domains, addresses \
         and ranges such as example.com,*.example.org,10.1.2.0/24 is needed."
    );
    assert_eq!(code, Some(2));
}

#[test]
fn a_port_that_is_taken() {
    let folder = folder();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = taken.local_addr().expect("an address").to_string();
    let (said, code) = refusal(folder.path(), &["serve", "--addr", &addr]);
    assert!(
        said.starts_with(&format!(
            "Pitlane cannot listen on {addr}: another program listens there"
        )),
        "{said}"
    );
    assert_eq!(code, Some(2));
    assert!(!folder.path().join("pitlane-data").exists(), "nothing was made");
}

#[test]
fn a_data_folder_that_cannot_be_written() {
    let folder = folder();
    std::fs::write(folder.path().join("file"), "").expect("written");
    let (said, code) = refusal(
        folder.path(),
        &["serve", "--addr", "127.0.0.1:0", "--data", "file/below"],
    );
    assert!(
        said.starts_with("The data folder ") && said.contains("cannot be written"),
        "{said}"
    );
    assert_eq!(code, Some(2));
}

#[test]
fn programs_that_cannot_be_run() {
    let folder = folder();
    std::fs::write(folder.path().join("notes.txt"), "x").expect("written");
    std::fs::write(folder.path().join("big.py"), vec![b'#'; 20_000_000]).expect("written");
    std::fs::write(folder.path().join("good.py"), "").expect("written");
    for (arguments, start) in [
        (
            vec!["run", "gone.py"],
            "gone.py cannot be read: it does not exist.",
        ),
        (
            vec!["run", "notes.txt"],
            "notes.txt is no program Pitlane can run",
        ),
        (
            vec!["run", "big.py"],
            "big.py is 20.0 MB, and a file may have 5.0 MB at most.",
        ),
        (
            vec!["run", "good.py", "--timeout", "0"],
            "A run may take 1 to 86400 seconds, not 0.",
        ),
    ] {
        let (said, code) = refusal(folder.path(), &arguments);
        assert!(said.starts_with(start), "{said}");
        assert_eq!(code, Some(125));
    }
}

#[test]
fn accounts_that_do_not_exist() {
    let folder = folder();
    std::fs::create_dir(folder.path().join("pitlane-data")).expect("made");
    let (said, code) = refusal(folder.path(), &["user", "set-password", "nobody"]);
    assert_eq!(
        (said.as_str(), code),
        ("There is no account \u{201c}nobody\u{201d}.", Some(2))
    );
}
