//! Masking as its rules say it, without a thought for speed, streams or
//! memory: the whole stream at once, each form looked for at each place. It
//! shares nothing with what it is compared with.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use std::collections::BTreeSet;

/// A symbol of a view, and the bytes of the stream that it stands for.
type Symbol = (u8, usize, usize);

/// The stream with every form of the secrets replaced.
pub(super) fn masked(secrets: &[Vec<u8>], stream: &[u8]) -> Vec<u8> {
    let marked = marked(secrets, stream);
    let mut out = Vec::new();
    for (index, byte) in stream.iter().enumerate() {
        if !marked[index] {
            out.push(*byte);
        } else if index == 0 || !marked[index - 1] {
            out.extend_from_slice(b"***");
        }
    }
    out
}

/// Which bytes are part of a form.
pub(super) fn marked(secrets: &[Vec<u8>], stream: &[u8]) -> Vec<bool> {
    let mut values = BTreeSet::new();
    for secret in secrets {
        let trim = |bytes: &[u8]| bytes.trim_ascii().to_vec();
        values.extend([secret.clone(), trim(secret)]);
        values.extend(secret.split(|byte| *byte == b'\n').map(trim));
    }
    values.retain(|value| value.len() >= 8);
    let mut marked = vec![false; stream.len()];
    let plain: Vec<Symbol> = stream
        .iter()
        .enumerate()
        .map(|(index, byte)| (*byte, index, index + 1))
        .collect();
    let texts: BTreeSet<Vec<u8>> = values.iter().flat_map(|value| texts(value)).collect();
    mark(&plain, &texts, &mut marked);
    for (escape, read) in [(b'%', percent as Escape), (b'&', markup), (b'\\', backslash)] {
        mark_unescaped(stream, escape, read, &texts, &mut marked);
    }
    let base64 = |byte: u8| match byte {
        b'-' => Some(b'+'),
        b'_' => Some(b'/'),
        b'+' | b'/' | b'=' => Some(byte),
        _ => byte.is_ascii_alphanumeric().then_some(byte),
    };
    let forms = values.iter().flat_map(|value| base64s(value)).collect();
    for row in rows(stream, base64) {
        mark(&row, &forms, &mut marked);
    }
    let hex = |byte: u8| byte.is_ascii_hexdigit().then(|| byte.to_ascii_lowercase());
    let forms = values
        .iter()
        .map(|value| {
            value
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
                .into_bytes()
        })
        .collect();
    for row in rows(stream, hex) {
        mark(&row, &forms, &mut marked);
    }
    marked
}

fn mark(view: &[Symbol], forms: &BTreeSet<Vec<u8>>, marked: &mut [bool]) {
    let symbols: Vec<u8> = view.iter().map(|symbol| symbol.0).collect();
    for form in forms {
        for (index, window) in symbols.windows(form.len()).enumerate() {
            if window == form {
                marked[view[index].1..view[index + form.len() - 1].2].fill(true);
            }
        }
    }
}

fn texts(value: &[u8]) -> Vec<Vec<u8>> {
    let text = String::from_utf8(value.to_vec());
    let mut forms = vec![value.to_vec()];
    // Latin-1 can carry any bytes through the replacing of characters.
    let characters: String = value.iter().map(|byte| char::from(*byte)).collect();
    for form in [
        characters.replace('\'', r"'\''"),
        characters.replace('\'', r#"'"'"'"#),
        characters.replace(' ', "+"),
    ] {
        forms.push(form.chars().map(|character| character as u8).collect());
    }
    if let Ok(text) = text {
        let mut form = Vec::new();
        for character in text.chars() {
            if (character as u32) < 256 {
                form.push(character as u8);
            } else {
                form.extend(character.to_string().into_bytes());
            }
        }
        forms.push(form);
    }
    forms
}

fn base64s(value: &[u8]) -> BTreeSet<Vec<u8>> {
    let mut forms = BTreeSet::new();
    let mut add = |before: &[u8], after: &[u8]| {
        let whole = BASE64_STANDARD
            .encode([before, value, after].concat())
            .into_bytes();
        let own = (before.len() * 8).div_ceil(6)..(before.len() + value.len()) * 8 / 6;
        let padding = whole.iter().position(|byte| *byte == b'=').unwrap_or(whole.len());
        let mut begins = vec![own.start];
        if before.len() == 1 {
            begins.push(1);
        }
        for begin in begins {
            // The next character has bits of the value too, unless the value ends with one.
            let shared = usize::from(!(before.len() + value.len()).is_multiple_of(3));
            for end in [own.end, (own.end + shared).min(padding)] {
                forms.insert(whole[begin..end].to_vec());
            }
            if after.is_empty() {
                for end in padding..=whole.len() {
                    forms.insert(whole[begin..end].to_vec());
                }
            }
        }
    };
    for before in [vec![], vec![0], vec![1], vec![2], vec![3], vec![0, 0]] {
        add(&before, &[]);
        for after in (0..=255).step_by(16) {
            add(&before, &[after]);
        }
    }
    forms
}

/// The rows of symbols that nothing but inner line breaks interrupts.
fn rows(stream: &[u8], symbol: impl Fn(u8) -> Option<u8>) -> Vec<Vec<Symbol>> {
    let mut rows = vec![Vec::new()];
    for (index, byte) in stream.iter().enumerate() {
        if let Some(symbol) = symbol(*byte) {
            rows.last_mut()
                .expect("one at least")
                .push((symbol, index, index + 1));
            continue;
        }
        let mut line = &stream[..index];
        if *byte == b'\n' && line.ends_with(b"\r") {
            line = &line[..index - 1];
        }
        let before = line
            .iter()
            .rev()
            .take_while(|byte| symbol(**byte).is_some())
            .count();
        if !(matches!(byte, b'\r' | b'\n') && before >= 16) {
            rows.push(Vec::new());
        }
    }
    rows
}

/// Reads an escape at the beginning of some bytes: how long it is, and what it stands for.
type Escape = fn(&str) -> (usize, Vec<u8>);

/// Marks all bytes that are a form when they are read as a text by themselves:
/// from each byte to each other.
fn mark_unescaped(stream: &[u8], escape: u8, read: Escape, forms: &BTreeSet<Vec<u8>>, marked: &mut [bool]) {
    let longest = forms.iter().map(Vec::len).max().unwrap_or(0);
    for from in 0..stream.len() {
        let mut symbols = Vec::new();
        // How many of them the first unit stands for: a form may begin with its last.
        let mut first = 0;
        let mut at = from;
        while at < stream.len() && symbols.len() < longest + first {
            let (length, bytes) = one(&stream[at..], escape, read);
            for cut in 1..length {
                let (mut symbols, mut first) = (symbols.clone(), first);
                let mut rest = &stream[at..at + cut];
                while !rest.is_empty() {
                    let (length, bytes) = one(rest, escape, read);
                    let before = symbols.len();
                    if before == 0 {
                        first = bytes.len();
                    }
                    symbols.extend(bytes);
                    rest = &rest[length..];
                    // What follows it before the cut is no part of it.
                    if ends_with_a_form(&symbols, first, before, forms) {
                        marked[from..at + cut - rest.len()].fill(true);
                    }
                }
            }
            let before = symbols.len();
            if before == 0 {
                first = bytes.len();
            }
            symbols.extend(bytes);
            at += length;
            if ends_with_a_form(&symbols, first, before, forms) {
                marked[from..at].fill(true);
            }
        }
    }
}

/// Whether a form begins in the first unit's symbols and ends behind those
/// `before` the last.
fn ends_with_a_form(symbols: &[u8], first: usize, before: usize, forms: &BTreeSet<Vec<u8>>) -> bool {
    let mut ends = before + 1..=symbols.len();
    ends.any(|end| (0..first.min(end)).any(|begin| forms.contains(&symbols[begin..end])))
}

fn one(bytes: &[u8], escape: u8, read: Escape) -> (usize, Vec<u8>) {
    if bytes[0] != escape {
        return (1, vec![bytes[0]]);
    }
    // As text of which each character is a byte.
    let rest: String = bytes.iter().take(20).map(|byte| char::from(*byte)).collect();
    read(&rest)
}

/// The hexadecimal number of so many digits at a place.
fn number(text: &str, from: usize, count: usize) -> Option<u32> {
    let digits: String = text.chars().skip(from).take(count).collect();
    let whole = digits.len() == count && digits.chars().all(|digit| digit.is_ascii_hexdigit());
    whole.then(|| u32::from_str_radix(&digits, 16).ok()).flatten()
}

fn utf8(number: u32) -> Option<Vec<u8>> {
    Some(char::from_u32(number)?.to_string().into_bytes())
}

fn percent(text: &str) -> (usize, Vec<u8>) {
    match number(text, 1, 2) {
        Some(byte) => (3, vec![byte as u8]),
        None => (1, b"%".to_vec()),
    }
}

fn markup(text: &str) -> (usize, Vec<u8>) {
    let itself = (1, b"&".to_vec());
    let text: String = text.chars().take(12).collect();
    let Some((name, _)) = text[1..].split_once(';') else {
        return itself;
    };
    let of = |digits: &str, radix| {
        let plain = digits.chars().all(|digit| digit.is_digit(radix));
        plain.then(|| u32::from_str_radix(digits, radix).ok()).flatten()
    };
    let number = match name {
        "amp" => Some(38),
        "lt" => Some(60),
        "gt" => Some(62),
        "quot" => Some(34),
        "apos" => Some(39),
        "nbsp" => Some(160),
        _ => match name.strip_prefix('#') {
            Some(rest) => match rest.strip_prefix(['x', 'X']) {
                Some(digits) => of(digits, 16),
                None => of(rest, 10),
            },
            None => None,
        },
    };
    match number.and_then(utf8) {
        Some(bytes) => (name.len() + 2, bytes),
        None => itself,
    }
}

fn backslash(text: &str) -> (usize, Vec<u8>) {
    let Some(kind) = text.chars().nth(1) else {
        return (1, b"\\".to_vec());
    };
    let itself = (2, vec![kind as u8]);
    let simple = "nrtbfvaeE"
        .find(kind)
        .map(|index| b"\n\r\t\x08\x0c\x0b\x07\x1b\x1b"[index]);
    if let Some(byte) = simple {
        return (2, vec![byte]);
    }
    let octal: String = text
        .chars()
        .skip(1)
        .take(3)
        .take_while(|digit| digit.is_digit(8))
        .collect();
    if let Ok(number) = u32::from_str_radix(&octal, 8) {
        return (1 + octal.len(), vec![number as u8]);
    }
    let braces = text.strip_prefix("\\u{").and_then(|rest| rest.split_once('}'));
    let read = match kind {
        'x' => number(text, 2, 2).map(|byte| (4, vec![byte as u8])),
        'U' => number(text, 2, 8).and_then(utf8).map(|bytes| (10, bytes)),
        'u' if text.starts_with("\\u{") => braces
            .filter(|(digits, _)| (1..=6).contains(&digits.len()))
            .and_then(|(digits, _)| Some((digits.len() + 4, utf8(number(digits, 0, digits.len())?)?))),
        'u' => match (number(text, 2, 4), number(text, 8, 4)) {
            (Some(high), Some(low)) if text.chars().skip(6).take(2).eq("\\u".chars()) => {
                let units = [high as u16, low as u16];
                match String::from_utf16(&units) {
                    Ok(pair) if (0xd800..0xdc00).contains(&high) => Some((12, pair.into_bytes())),
                    _ => utf8(high).map(|bytes| (6, bytes)),
                }
            }
            (Some(high), _) => utf8(high).map(|bytes| (6, bytes)),
            _ => None,
        },
        _ => None,
    };
    read.unwrap_or(itself)
}
