//! From the text of a Dockerfile to its logical lines.

use super::Wrong;

/// More lines are no Dockerfile.
const MOST: usize = 2000;

/// Each logical line with the number of its first line, in one piece and
/// without comments.
pub(super) fn logical(text: &str) -> Result<Vec<(usize, String)>, Wrong> {
    let escape = escape(text);
    let mut all = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (index, line) in text.lines().enumerate() {
        let trimmed = line.trim_start();
        // Comments and empty lines are left out of what goes on, too.
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let (part, goes_on) = match line.trim_end().strip_suffix(escape) {
            Some(part) => (part, true),
            None => (line.trim_end(), false),
        };
        let (number, whole) = match open.take() {
            Some((number, mut whole)) => {
                whole.push_str(part);
                (number, whole)
            }
            None => (index + 1, part.trim_start().to_owned()),
        };
        if goes_on {
            open = Some((number, whole));
        } else {
            all.push((number, whole));
        }
        if all.len() > MOST {
            return Err(Wrong::at(index + 1, format!("is one of more than {MOST}")));
        }
    }
    all.extend(open);
    all.retain(|(_, line)| !line.trim().is_empty());
    Ok(all)
}

/// The letter that carries a line on: a directive before everything else can
/// choose the backtick.
fn escape(text: &str) -> char {
    for line in text.lines() {
        let Some((name, value)) = line
            .trim()
            .strip_prefix('#')
            .and_then(|line| line.split_once('='))
        else {
            break;
        };
        if name.trim().eq_ignore_ascii_case("escape") {
            return if value.trim() == "`" { '`' } else { '\\' };
        }
    }
    '\\'
}
