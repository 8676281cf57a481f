//! Signatures as Standard Webhooks has them: HMAC-SHA-256 over the id, the
//! time and the body of a message, with a secret that is written as `whsec_` and
//! base64. <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>

use base64::{Engine as _, engine::general_purpose::STANDARD};
use model::Invalid;
use ring::hmac;

const PREFIX: &str = "whsec_";
const VERSION: &str = "v1,";

/// Makes a secret of 256 random bits.
pub fn new_secret() -> Result<String, Invalid> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| Invalid(format!("The system gives no random numbers: {error}.")))?;
    Ok(format!("{PREFIX}{}", STANDARD.encode(bytes)))
}

fn key(secret: &str) -> Option<hmac::Key> {
    let bytes = STANDARD.decode(secret.strip_prefix(PREFIX)?).ok()?;
    Some(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
}

fn signed(id: &str, timestamp: i64, body: &[u8]) -> Vec<u8> {
    [format!("{id}.{timestamp}.").as_bytes(), body].concat()
}

/// The signature of a message, as it is sent: `v1,` and base64. None when the secret is none.
#[must_use]
pub fn sign(secret: &str, id: &str, timestamp: i64, body: &[u8]) -> Option<String> {
    let tag = hmac::sign(&key(secret)?, &signed(id, timestamp, body));
    Some(format!("{VERSION}{}", STANDARD.encode(tag)))
}

/// Whether one of the signatures is that of one of the secrets. Takes as long for one that is almost
/// right as for any other.
#[must_use]
pub fn is_signed(secrets: &[String], signatures: &str, id: &str, timestamp: i64, body: &[u8]) -> bool {
    let message = signed(id, timestamp, body);
    let keys: Vec<_> = secrets.iter().filter_map(|secret| key(secret)).collect();
    signatures
        .split(' ')
        // Nobody rotates through more than a few.
        .take(10)
        .filter_map(|signature| STANDARD.decode(signature.strip_prefix(VERSION)?).ok())
        .any(|tag| keys.iter().any(|key| hmac::verify(key, &message, &tag).is_ok()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_example_of_the_specification() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let body = br#"{"test": 2432232314}"#;
        assert_eq!(
            sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body).as_deref(),
            Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
        );
    }

    #[test]
    fn secrets_are_unlike_each_other_and_can_be_used() {
        let (one, two) = (new_secret().expect("one"), new_secret().expect("two"));
        assert!(one != two && one.starts_with("whsec_"));
        let signature = sign(&one, "id", 1, b"").expect("a signature");
        assert!(is_signed(
            &[two.clone(), one.clone()],
            &format!("v1,AAAA {signature}"),
            "id",
            1,
            b""
        ));
        assert!(!is_signed(&[two], &signature, "id", 1, b""));
        assert!(!is_signed(&[], &signature, "id", 1, b""));
        assert!(!is_signed(&[one], "", "id", 1, b""));
        assert_eq!(sign("secret", "id", 1, b""), None);
    }

    proptest! {
        #[test]
        fn another_message_has_another_signature(
            id in "[a-z0-9_-]{1,20}", at in 0_i64..i64::MAX, body: Vec<u8>, place: usize, bit in 0_u8..8,
        ) {
            let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned();
            let signature = sign(&secret, &id, at, &body).expect("a signature");
            let secrets = [secret];
            prop_assert!(is_signed(&secrets, &signature, &id, at, &body));
            prop_assert!(!is_signed(&secrets, &signature, &id, at - 1, &body));
            let longer = format!("{id}x");
            prop_assert!(!is_signed(&secrets, &signature, &longer, at, &body));
            if !body.is_empty() {
                let mut other = body.clone();
                let place = place % other.len();
                other[place] ^= 1 << bit;
                prop_assert!(!is_signed(&secrets, &signature, &id, at, &other));
            }
        }

        #[test]
        fn nothing_odd_is_a_signature(odd in "\\PC{0,80}") {
            let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned();
            prop_assert!(!is_signed(&[secret], &odd, "id", 1, b"body"));
        }
    }
}
