//! The names that people give to things, on one line.

use crate::Invalid;

/// The name without the blanks around it; `needed` is the sentence that asks for one.
///
/// # Errors
/// When nothing is left, a control character is anywhere in it (some of the blanks are such), or it has
/// more than `longest` characters.
pub(crate) fn one_line<'n>(name: &'n str, longest: usize, needed: &str) -> Result<&'n str, Invalid> {
    let shown = name.trim();
    if shown.is_empty() || name.chars().any(char::is_control) {
        return Err(Invalid(needed.to_owned()));
    }
    let characters = shown.chars().count();
    if characters > longest {
        return Err(Invalid(format!(
            "The name is {characters} characters long, and {longest} is the limit."
        )));
    }
    Ok(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_go_and_control_characters_are_refused_wherever_they_are() {
        let check = |name| one_line(name, 4, "A name, please.");
        assert_eq!(check(" a b\u{a0} "), Ok("a b"));
        assert_eq!(check("\u{e9}\u{e9}\u{e9}\u{e9}"), Ok("\u{e9}\u{e9}\u{e9}\u{e9}"));
        for bad in ["", "  ", "a\nb", "\u{b}a", "a\n", "\u{85}a", "\0"] {
            assert_eq!(check(bad), Err(Invalid("A name, please.".to_owned())), "{bad:?}");
        }
        let long = check("abcde").expect_err("too long");
        assert!(
            long.0.contains("5 characters long, and 4 is the limit"),
            "{long:?}"
        );
    }
}
