//! Random secrets, and streams that are full of them.

use super::encodings::{ENCODINGS, encoded};
use proptest::{collection::vec, prelude::*};

/// A secret of any kind that makes trouble.
pub(super) fn secret() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        // Few letters: it overlaps with itself and with others.
        3 => "[ab]{8,14}".prop_map(String::into_bytes),
        1 => Just(b"aaaaaaaa".to_vec()),
        2 => "[a-z0-9_]{8,24}".prop_map(String::into_bytes),
        // Everything that some encoding escapes.
        3 => r#"[a'"\\&<>% +/\n;#xu{}é€😀]{8,16}"#.prop_map(String::into_bytes),
        2 => vec(any::<u8>(), 8..20),
        1 => "[a-z]{3,12}(\r?\n[ a-z]{6,12}){1,3}\n?".prop_map(String::into_bytes),
        // Too short to be looked for.
        1 => "[ab]{1,7}".prop_map(String::into_bytes),
    ]
}

/// Some secrets; some of them begin with another.
pub(super) fn secrets() -> impl Strategy<Value = Vec<Vec<u8>>> {
    (vec(secret(), 1..4), any::<bool>()).prop_map(|(mut secrets, longer)| {
        if longer {
            secrets.push([secrets[0].as_slice(), b"-more"].concat());
        }
        secrets
    })
}

/// A piece of a stream.
#[derive(Clone, Debug)]
enum Piece {
    Any(Vec<u8>),
    /// A secret in an encoding, from and to a part of it, with something between its halves.
    Secret {
        which: usize,
        encoding: usize,
        seed: u64,
        cut: Option<(usize, usize)>,
    },
}

fn piece() -> impl Strategy<Value = Piece> {
    let cut = prop_oneof![3 => Just(None), 1 => (0..6_usize, 0..6_usize).prop_map(Some)];
    prop_oneof![
        2 => vec(any::<u8>(), 0..12).prop_map(Piece::Any),
        3 => r#"[ab'"\\&%;#x+= \r\nu0-9a-f]{0,12}"#.prop_map(|text| Piece::Any(text.into_bytes())),
        6 => (any::<usize>(), 0..ENCODINGS, any::<u64>(), cut).prop_map(|(which, encoding, seed, cut)| Piece::Secret {
            which,
            encoding,
            seed,
            cut,
        }),
    ]
}

/// Secrets, and a stream that holds them.
pub(super) fn secrets_and_stream() -> impl Strategy<Value = (Vec<Vec<u8>>, Vec<u8>)> {
    (secrets(), vec(piece(), 0..8)).prop_map(|(secrets, pieces)| {
        let stream = pieces.iter().flat_map(|piece| content(&secrets, piece)).collect();
        (secrets, stream)
    })
}

fn content(secrets: &[Vec<u8>], piece: &Piece) -> Vec<u8> {
    match piece {
        Piece::Any(bytes) => bytes.clone(),
        Piece::Secret {
            which,
            encoding,
            seed,
            cut,
        } => {
            let mut bytes = encoded(&secrets[which % secrets.len()], *encoding, *seed);
            if let Some((front, back)) = cut {
                bytes.drain(..(*front).min(bytes.len()));
                bytes.truncate(bytes.len().saturating_sub(*back));
            }
            bytes
        }
    }
}

/// A stream in pieces.
pub(super) fn split<'a>(stream: &'a [u8], sizes: &'a [usize]) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = stream;
    let mut sizes = sizes.iter().cycle();
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let size = sizes.next().copied().unwrap_or(1).clamp(1, rest.len());
        let (part, after) = rest.split_at(size);
        rest = after;
        Some(part)
    })
}
