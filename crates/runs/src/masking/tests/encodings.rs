//! How programs print a secret.

use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD, Engine as _};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// How many there are.
pub(super) const ENCODINGS: usize = 13;

/// A secret in one of the encodings; the seed chooses what that leaves open.
pub(super) fn encoded(secret: &[u8], encoding: usize, seed: u64) -> Vec<u8> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let all = random.random_bool(0.3);
    let upper = random.random_bool(0.5);
    match encoding {
        0 => secret.to_vec(),
        1 => in_base64(secret, &mut random),
        2 => wrapped(&in_base64(secret, &mut random), &mut random),
        3 => in_hex(secret, upper),
        4 => wrapped(&in_hex(secret, upper), &mut random),
        5 => each(secret, |byte| {
            if !all && byte.is_ascii_alphanumeric() {
                vec![byte]
            } else if byte == b' ' && upper {
                b"+".to_vec()
            } else if upper {
                format!("%{byte:02X}").into_bytes()
            } else {
                format!("%{byte:02x}").into_bytes()
            }
        }),
        6 => in_json(secret, all, &mut random),
        7 => serde_json::to_vec(&String::from_utf8_lossy(secret)).unwrap_or_default(),
        // Single quotes of a shell, in both ways.
        8 => each(secret, |byte| match byte {
            b'\'' if upper => br"'\''".to_vec(),
            b'\'' => br#"'"'"'"#.to_vec(),
            _ => vec![byte],
        }),
        // Backslashes of a shell, or of C and Python's bytes.
        9 if all => each(secret, |byte| match byte {
            b'\n' => b"\\n".to_vec(),
            _ if byte.is_ascii_alphanumeric() => vec![byte],
            _ if byte.is_ascii() => vec![b'\\', byte],
            _ => format!("\\{byte:03o}").into_bytes(),
        }),
        9 => each(secret, |byte| format!("\\x{byte:02x}").into_bytes()),
        10 => each(secret, |byte| match byte {
            b'&' => b"&amp;".to_vec(),
            b'<' => b"&lt;".to_vec(),
            b'>' => b"&gt;".to_vec(),
            b'"' => b"&quot;".to_vec(),
            b'\'' if upper => b"&#x27;".to_vec(),
            b'\'' => b"&#039;".to_vec(),
            _ if all && byte.is_ascii() => format!("&#{byte};").into_bytes(),
            _ => vec![byte],
        }),
        // Python's way of showing a text.
        11 => match std::str::from_utf8(secret) {
            Ok(text) => text
                .chars()
                .flat_map(|character| match u32::from(character) {
                    number @ 0x80..0x100 => format!("\\x{number:02x}").into_bytes(),
                    number if number >= 0x1_0000 => format!("\\U{number:08x}").into_bytes(),
                    number if number >= 0x100 => format!("\\u{number:04x}").into_bytes(),
                    _ => character.escape_default().to_string().into_bytes(),
                })
                .collect(),
            Err(_) => secret.to_vec(),
        },
        // JavaScript's and Rust's.
        _ => String::from_utf8_lossy(secret)
            .chars()
            .flat_map(|character| format!("\\u{{{:x}}}", u32::from(character)).into_bytes())
            .collect(),
    }
}

fn each(secret: &[u8], form: impl Fn(u8) -> Vec<u8>) -> Vec<u8> {
    secret.iter().flat_map(|byte| form(*byte)).collect()
}

fn in_base64(secret: &[u8], random: &mut ChaCha8Rng) -> Vec<u8> {
    let mut text = vec![0; random.random_range(0..40)];
    random.fill(text.as_mut_slice());
    text.extend_from_slice(secret);
    for _ in 0..random.random_range(0..4) {
        text.push(random.random());
    }
    match random.random_range(0..3) {
        0 => BASE64_STANDARD.encode(text),
        1 => BASE64_URL_SAFE.encode(text),
        _ => BASE64_URL_SAFE_NO_PAD.encode(text),
    }
    .into_bytes()
}

fn in_hex(secret: &[u8], upper: bool) -> Vec<u8> {
    each(secret, |byte| {
        if upper {
            format!("{byte:02X}").into_bytes()
        } else {
            format!("{byte:02x}").into_bytes()
        }
    })
}

/// In lines, as mail and certificates have them.
fn wrapped(text: &[u8], random: &mut ChaCha8Rng) -> Vec<u8> {
    let width = [16, 20, 60, 64, 76][random.random_range(0..5)];
    let end: &[u8] = if random.random_bool(0.5) { b"\n" } else { b"\r\n" };
    text.chunks(width).collect::<Vec<_>>().join(end)
}

fn in_json(secret: &[u8], all: bool, random: &mut ChaCha8Rng) -> Vec<u8> {
    let text = String::from_utf8_lossy(secret);
    let mut out = String::new();
    for character in text.chars() {
        if all || !character.is_ascii_alphanumeric() && random.random_bool(0.7) {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                if random.random_bool(0.5) {
                    out.push_str(&format!("\\u{unit:04x}"));
                } else {
                    out.push_str(&format!("\\u{unit:04X}"));
                }
            }
        } else {
            let quoted = serde_json::to_string(&character.to_string()).unwrap_or_default();
            out.push_str(quoted.trim_matches('"').strip_suffix('\\').map_or(
                quoted.trim_matches('"'),
                |_| {
                    if character == '"' { "\\\"" } else { "\\\\" }
                },
            ));
        }
    }
    out.into_bytes()
}
