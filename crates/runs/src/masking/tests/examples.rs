//! What a person would try first, and what is held back.

use super::{
    super::{Masker, Masks},
    encodings::{ENCODINGS, encoded},
    reference,
};
use model::LogStream;

const SECRET: &str = "sk-live_51H'x&y \"z\" é\\€";

fn fed(masker: &mut Masker, text: &str) -> String {
    String::from_utf8_lossy(masker.feed(LogStream::Stdout, text.as_bytes(), &mut Vec::new())).into_owned()
}

#[test]
fn nothing_is_left_of_a_secret_in_any_encoding() {
    let masks = Masks::new([SECRET]);
    for encoding in 0..ENCODINGS {
        for seed in 0..200 {
            let form = encoded(SECRET.as_bytes(), encoding, seed);
            let line = [b"key: ", form.as_slice(), b" end"].concat();
            let masked = masks.mask_bytes(&line);
            let text = String::from_utf8_lossy(&masked);
            assert!(
                text.contains("***"),
                "{encoding} {seed}: {}",
                String::from_utf8_lossy(&line)
            );
            assert!(text.starts_with("key: ") && text.ends_with(" end"), "{text}");
            // Base64 of other bytes around it stays.
            if !matches!(encoding, 1 | 2) {
                assert!(text.trim_matches('"').len() <= 16, "{encoding} {seed}: {text}");
            }
        }
    }
}

#[test]
fn a_prompt_is_not_held_back_and_a_beginning_is() {
    let mut masker = Masker::new(Masks::new(["swordfish-77"]));
    assert_eq!(fed(&mut masker, "Your name: "), "Your name: ");
    assert_eq!(fed(&mut masker, "Go on? [y/n] "), "Go on? [y/n] ");
    assert_eq!(fed(&mut masker, "> sword"), "> ");
    assert_eq!(fed(&mut masker, "\n"), "sword\n");
    assert_eq!(fed(&mut masker, "a line\n"), "a line\n");
    // Complete: nothing has to be waited for.
    assert_eq!(fed(&mut masker, "token=swordfish-77"), "token=***");
    assert_eq!(fed(&mut masker, "swordfish-77"), "");
    assert_eq!(fed(&mut masker, "."), ".");
    assert_eq!(fed(&mut masker, "100 %"), "100 ");
    assert_eq!(fed(&mut masker, "73wordfish"), "");
    assert_eq!(fed(&mut masker, "-77 & s"), "*** & ");
    let rest = masker.finish();
    assert_eq!(rest, [(LogStream::Stdout, b"s".to_vec())]);
}

/// Two readings of it meet, and the one that began later goes on for both.
#[test]
fn the_first_byte_is_held_when_readings_meet() {
    let mut masker = Masker::new(Masks::new(["330a____"]));
    let pieces = "%33%33%30%61%5f%5f%5f%5f".split_inclusive(|_| true);
    let given: String = pieces.map(|piece| fed(&mut masker, piece)).collect();
    assert_eq!(given, "***");
}

/// Read up to its middle, the escape of the last letter but one ends the secret.
#[test]
fn a_cut_escape_hides_what_it_makes_and_no_more() {
    let secret = " a%%\u{1f600};u{";
    let stream = br"\u{20}\u{61}\u{25}\u{25}\u{1f600}\u{3b}\u{75}\u{7b";
    let masked = br"***75}\u{7b";
    assert_eq!(Masks::new([secret]).mask_bytes(stream), masked);
    assert_eq!(reference::masked(&[secret.into()], stream), masked);
}

#[test]
fn each_long_line_of_a_secret_is_one() {
    let key = "-----BEGIN KEY-----\r\nMIIEvQIBADANBgkq\r\nshort\r\n-----END KEY-----\r\n";
    let masks = Masks::new([key]);
    assert_eq!(masks.mask("x MIIEvQIBADANBgkq y"), "x *** y");
    assert_eq!(masks.mask("short words stay"), "short words stay");
    assert_eq!(masks.mask(&format!("<{key}>")), "<***>");
    let json = serde_json::to_string(key).expect("a text");
    assert_eq!(masks.mask(&json), "\"***\"");
}

#[test]
fn held_bytes_never_stand_in_a_mark() {
    let mut masker = Masker::new(Masks::new(["swordfish-77"]));
    fed(&mut masker, "a swordfish-");
    let mark = masker.mark(2).expect("something is looked for");
    let json = serde_json::to_string(&mark).expect("plain data");
    assert!(!json.contains("sword"));
    assert!(mark.from <= 2);
}

#[test]
fn two_encodings_side_by_side_leave_nothing_to_read() {
    // The first ends in a backslash, which would make a pair with the second's.
    let masks = Masks::new([r"<%/ //{\"]);
    let both = r"a &lt;%/ //{\\x3c\x25\x2f\x20\x2f\x2f\x7b\x5c z";
    assert_eq!(masks.mask(both), "a *** z");
    // The last unit of the one is longer with what follows it.
    let masks = Masks::new(["abcdefg%", "41zzzzzz"]);
    assert_eq!(masks.mask("- %61bcdefg%41zzzzzz -"), "- *** -");
    // A backslash before an escape does not hide it.
    let masks = Masks::new(["swordfish"]);
    assert_eq!(masks.mask(r"a\\x73wordfish"), r"a\***");
}
