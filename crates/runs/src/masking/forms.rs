//! The strings a secret is looked for as, in each kind of view.

use super::views::Kind;
use std::collections::BTreeSet;

/// What is looked for: in the views of text, of base64 and of hexadecimal.
pub(super) struct Forms {
    pub(super) text: Vec<Vec<u8>>,
    pub(super) base64: Vec<Vec<u8>>,
    pub(super) hex: Vec<Vec<u8>>,
}

impl Forms {
    /// What a view looks for.
    pub(super) fn of(&self, kind: Kind) -> &[Vec<u8>] {
        match kind {
            Kind::Plain | Kind::Backslash | Kind::Percent | Kind::Markup => &self.text,
            Kind::Base64 => &self.base64,
            Kind::Hex => &self.hex,
        }
    }
}

/// The alphabet of base64; the views read the other one as this.
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// All forms of the secrets, each once.
pub(super) fn of<S: AsRef<[u8]>>(secrets: impl IntoIterator<Item = S>, shortest: usize) -> Forms {
    let mut values = BTreeSet::new();
    for secret in secrets {
        let secret = secret.as_ref();
        values.insert(secret.to_vec());
        values.insert(secret.trim_ascii().to_vec());
        for line in secret.split(|byte| *byte == b'\n') {
            values.insert(line.trim_ascii().to_vec());
        }
    }
    values.retain(|value| value.len() >= shortest);
    let (mut text, mut base64, mut hex) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for value in &values {
        text.extend(texts(value));
        base64.extend(base64s(value));
        hex.insert(hex::encode(value).into_bytes());
    }
    Forms {
        text: text.into_iter().collect(),
        base64: base64.into_iter().collect(),
        hex: hex.into_iter().collect(),
    }
}

/// What is left once a view has undone its escapes.
fn texts(value: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = vec![value.to_vec()];
    if value.contains(&b'\'') {
        // A single quote inside single quotes, as shells and Python write it for them.
        forms.push(replaced(value, b'\'', br"'\''"));
        forms.push(replaced(value, b'\'', br#"'"'"'"#));
    }
    if value.contains(&b' ') {
        // A space in the body of a form.
        forms.push(replaced(value, b' ', b"+"));
    }
    forms.extend(latin(value));
    forms
}

fn replaced(value: &[u8], of: u8, by: &[u8]) -> Vec<u8> {
    let mut form = Vec::with_capacity(value.len() + by.len());
    for byte in value {
        if *byte == of {
            form.extend_from_slice(by);
        } else {
            form.push(*byte);
        }
    }
    form
}

/// What Python's `\xe9` for an é is once it is undone: one byte, the number of the character.
fn latin(value: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(value).ok().filter(|text| !text.is_ascii())?;
    let mut form = Vec::with_capacity(value.len());
    for character in text.chars() {
        match u8::try_from(u32::from(character)) {
            Ok(byte) => form.push(byte),
            Err(_) => form.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Some(form)
}

/// Base64 of anything that holds the value, after any number of bytes before it.
fn base64s(value: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = Vec::new();
    let bits = value.len() * 8;
    // The value's own bits in the character it shares with the byte before it.
    for shared in [0, 4, 2] {
        let core: Vec<u8> = (shared..=bits - 6)
            .step_by(6)
            .map(|bit| character(value, bit))
            .collect();
        if shared == 4 {
            for before in 0..4_u8 {
                let lead = BASE64[usize::from(before << 4 | value[0] >> 4)];
                forms.push([&[lead], core.as_slice()].concat());
            }
        }
        // And in the one it shares with the byte after it.
        let left = (bits - shared) % 6;
        if left > 0 {
            let begin = value[value.len() - 1] << (8 - left) >> 2;
            for after in 0..1_u8 << (6 - left) {
                forms.push([core.as_slice(), &[BASE64[usize::from(begin | after)]]].concat());
            }
            for padding in 1..=(6 - left) / 2 {
                let last = [BASE64[usize::from(begin)]];
                forms.push([core.as_slice(), &last, &b"=="[..padding]].concat());
            }
        }
        forms.push(core);
    }
    forms
}

/// The base64 character of the six bits that begin at `bit`.
fn character(value: &[u8], bit: usize) -> u8 {
    let high = u16::from(value[bit / 8]) << 8;
    let low = value.get(bit / 8 + 1).map_or(0, |byte| u16::from(*byte));
    let six = (high | low) >> (10 - bit % 8) & 63;
    BASE64[usize::from(six)]
}
