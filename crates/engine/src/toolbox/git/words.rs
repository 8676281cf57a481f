//! Checks of what a client names before it becomes an argument: none of it may
//! be taken for an option, or end where git would read on.

use crate::fault::Fault;

/// Bytes of a name, an address or a key.
const LONGEST: usize = 4096;
/// Files named in one call.
const MOST_FILES: usize = 100_000;

/// A branch, commit, remote or anything else that stands alone as an argument.
pub(super) fn word<'a>(what: &str, value: &'a str) -> Result<&'a str, Fault> {
    if value.is_empty() {
        return Err(Fault::bad_request(format!("{what} is required")));
    }
    if value.starts_with('-') || value.len() > LONGEST || value.chars().any(char::is_control) {
        return Err(Fault::bad_request(format!(
            "This {what} cannot be used: it begins with a dash, holds control characters, or is too long."
        )));
    }
    Ok(value)
}

/// The same for one that need not be given; an empty one is none.
pub(super) fn optional<'a>(what: &str, value: Option<&'a str>) -> Result<Option<&'a str>, Fault> {
    value
        .filter(|value| !value.is_empty())
        .map(|value| word(what, value))
        .transpose()
}

/// Text that may hold anything a line can: a person's name, a setting's value.
pub(super) fn line<'a>(what: &str, value: &'a str) -> Result<&'a str, Fault> {
    if value.is_empty() {
        return Err(Fault::bad_request(format!("{what} is required")));
    }
    if value.len() > LONGEST || value.contains(['\0', '\n', '\r']) {
        return Err(Fault::bad_request(format!(
            "This {what} cannot be used: it holds line breaks or NUL, or is too long."
        )));
    }
    Ok(value)
}

/// Files as git reads them from standard input: each ended by a NUL. They are
/// taken literally, and never as options, whatever they are called.
pub(super) fn files(files: &[String]) -> Result<Vec<u8>, Fault> {
    if files.is_empty() || files.len() > MOST_FILES {
        return Err(Fault::bad_request(format!(
            "files must name 1 to {MOST_FILES} files"
        )));
    }
    let mut input = Vec::new();
    for file in files {
        if file.is_empty() || file.len() > LONGEST || file.contains('\0') {
            return Err(Fault::bad_request(format!(
                "The file {file:?} cannot be used: it is empty, holds NUL, or is too long."
            )));
        }
        input.extend_from_slice(file.as_bytes());
        input.push(0);
    }
    Ok(input)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_plain_words_become_arguments() {
        for good in ["main", "feature/ü-1", "HEAD~2", "a b", "v1.0^{commit}"] {
            assert_eq!(word("branch", good).unwrap(), good);
        }
        let long = "x".repeat(LONGEST + 1);
        for bad in [
            "",
            "-f",
            "--upload-pack=x",
            "a\nb",
            "a\0",
            "\u{7f}",
            long.as_str(),
        ] {
            assert!(word("branch", bad).is_err(), "{bad:?}");
        }
        assert_eq!(optional("branch", Some("")).unwrap(), None);
        assert!(optional("branch", Some("-x")).is_err());
        assert_eq!(line("value", "-x = \"y\"").unwrap(), "-x = \"y\"");
        assert!(line("value", "a\nb").is_err());
    }

    proptest! {
        #[test]
        fn files_come_apart_again_as_they_were(names in proptest::collection::vec("[^\0]{1,20}", 1..20)) {
            let input = files(&names).unwrap();
            let apart: Vec<_> = input.split(|byte| *byte == 0).collect();
            prop_assert_eq!(apart.len(), names.len() + 1);
            for (name, part) in names.iter().zip(apart) {
                prop_assert_eq!(name.as_bytes(), part);
            }
        }
    }
}
