//! The text of tokens: `plt_`, 256 random bits and a checksum, in the letters
//! and digits that a double click selects. Whoever scans files for lost secrets
//! can tell a token from what only looks like one without asking us.

use crate::RunsError;
use model::{Invalid, NewToken, TeamId, Token, UserId, token::PREFIX};
use sha2::{Digest as _, Sha256};
use store::Store;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// How many digits hold 128 bits.
const HALF: usize = 22;
/// How many digits hold the checksum.
const CHECK: usize = 6;

/// Makes a token with which this account acts in this team. Its text is given here and nowhere else again.
///
/// # Errors
/// When it breaks a rule, there is no randomness, or the database refuses.
pub async fn create(
    store: &Store,
    team: &TeamId,
    user: &UserId,
    new: NewToken,
) -> Result<(Token, String), RunsError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| Invalid(format!("The system gives no random numbers: {error}.")))?;
    let text = text_of(bytes);
    let token = store.create_token(team, user, new, &hash(&text)).await?;
    Ok((token, text))
}

/// What the store knows a token by; none for a text that is no token of ours.
#[must_use]
pub fn hash_of(text: &str) -> Option<String> {
    let (body, check) = text
        .strip_prefix(PREFIX)
        .filter(|rest| rest.len() == 2 * HALF + CHECK && rest.is_ascii())?
        .split_at(2 * HALF);
    (checksum(body) == check).then(|| hash(text))
}

fn hash(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

fn text_of(bytes: [u8; 32]) -> String {
    let mut body = String::with_capacity(2 * HALF);
    for half in bytes.as_chunks::<16>().0 {
        body.push_str(&in_digits(u128::from_le_bytes(*half), HALF));
    }
    let check = checksum(&body);
    format!("{PREFIX}{body}{check}")
}

/// CRC-32 of the random part, as GitHub's tokens have it.
fn checksum(body: &str) -> String {
    in_digits(u128::from(crc32fast::hash(body.as_bytes())), CHECK)
}

fn in_digits(mut number: u128, length: usize) -> String {
    let mut digits = vec![b'0'; length];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[usize::try_from(number % 62).unwrap_or(0)];
        number /= 62;
    }
    digits.into_iter().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_least_and_the_most() {
        assert_eq!(&text_of([0; 32])[..48], format!("plt_{}", "0".repeat(44)));
        assert_eq!(in_digits(u128::MAX, HALF).len(), HALF);
        assert_ne!(in_digits(u128::MAX, HALF), in_digits(u128::MAX - 1, HALF));
        // The check value of CRC-32, 0xcbf43926.
        assert_eq!(checksum("123456789"), in_digits(0xcbf4_3926, CHECK));
    }

    proptest! {
        #[test]
        fn a_token_is_known_and_one_with_another_letter_is_not(
            bytes: [u8; 32], place in 0..54_usize, letter in "[0-9A-Za-z_ ]",
        ) {
            let text = text_of(bytes);
            prop_assert_eq!(text.len(), 54);
            prop_assert!(hash_of(&text).is_some());
            let mut other = text.clone();
            other.replace_range(place..=place, &letter);
            prop_assert_eq!(hash_of(&other).is_some(), other == text);
        }

        #[test]
        fn anything_else_is_no_token(text in "\\PC*") {
            prop_assert_eq!(hash_of(&text), None);
        }
    }
}
