//! What opens one sandbox, and nothing else of the engine: its preview token and
//! signatures with its signing key.
//!
//! The preview token is another one each time the sandbox starts, so that what
//! was handed around ends with it. The signing key outlives that, because
//! signed addresses may be meant to last for ever; it is changed by the caller.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::Entry;

/// How a signature begins; the rest is an HMAC-SHA256 in base64url.
const SIGNATURE: &str = "v1_";

/// A secret of 128 random bits, in letters that may stand in a host name. It
/// is compared in the same time whatever is offered, and not shown.
#[derive(Clone)]
pub(crate) struct Token(String);

impl Token {
    pub(crate) fn new() -> Self {
        let mut random = [0; 16];
        getrandom::fill(&mut random).expect("the kernel gives random bytes");
        Self(hex::encode(random))
    }

    /// To be handed out.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn is(&self, offered: &str) -> bool {
        let hash = |text: &str| Sha256::digest(text.as_bytes());
        hash(&self.0).ct_eq(&hash(offered)).into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Token")
    }
}

impl Entry {
    /// Whether this is its preview token.
    pub(crate) fn admits(&self, offered: &str) -> bool {
        self.preview_token().is(offered)
    }

    /// The key with which clients sign addresses of its files; made when it is
    /// first asked for.
    pub(crate) fn signing_key(&self) -> String {
        let known = self.record().signing_key.clone();
        known.unwrap_or_else(|| self.new_signing_key())
    }

    /// Makes another key, with which no earlier signature is valid.
    pub(crate) fn new_signing_key(&self) -> String {
        let key = Token::new().0;
        self.update(|record| record.signing_key = Some(key.clone()));
        key
    }

    /// Whether `signature` is what its signing key makes of `text`.
    pub(crate) fn has_signed(&self, text: &str, signature: &str) -> bool {
        let key = self.record().signing_key.clone();
        key.is_some_and(|key| is_signed(&key, text, signature))
    }
}

fn is_signed(key: &str, text: &str, signature: &str) -> bool {
    let bytes = signature
        .strip_prefix(SIGNATURE)
        .and_then(|encoded| URL_SAFE_NO_PAD.decode(encoded).ok());
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("a key may have any length");
    mac.update(text.as_bytes());
    bytes.is_some_and(|bytes| mac.verify_slice(&bytes).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sign(key: &str, text: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
        mac.update(text.as_bytes());
        format!("v1_{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    }

    #[test]
    fn a_signature_is_what_other_programs_make() {
        // Made with Python's hmac, hashlib and base64.
        let signature = "v1_zROOH6g5hZlANcpTH1GX--Tf32HYOKhaF6RxS_MAXd4";
        assert_eq!(sign("signing-key-1", "v1:files:GET:/d/a.txt:0"), signature);
        assert!(is_signed("signing-key-1", "v1:files:GET:/d/a.txt:0", signature));
    }

    #[test]
    fn a_token_is_itself_alone() {
        let token = Token::new();
        assert_eq!(token.as_str().len(), 32);
        assert!(token.is(token.as_str()));
        assert!(!token.is("") && !token.is(Token::new().as_str()));
        assert_eq!(format!("{token:?}"), "Token");
    }

    proptest! {
        #[test]
        fn any_signature_is_survived(text in any::<String>(), signature in any::<String>()) {
            prop_assert!(!is_signed("key", &text, &signature));
            let formed = format!("v1_{signature}");
            prop_assert!(!is_signed("key", &text, &formed));
        }

        #[test]
        fn another_key_text_or_letter_is_refused(
            key in "[a-z]{1,8}", other in "[a-z]{1,8}", text in ".{0,20}", change in 0usize..43
        ) {
            let signature = sign(&key, &text);
            prop_assert!(is_signed(&key, &text, &signature));
            prop_assert_eq!(is_signed(&other, &text, &signature), key == other);
            let longer = format!("{}x", text);
            prop_assert!(!is_signed(&key, &longer, &signature));
            let mut damaged = signature.clone().into_bytes();
            damaged[3 + change] = if damaged[3 + change] == b'A' { b'g' } else { b'A' };
            prop_assert!(!is_signed(&key, &text, &String::from_utf8(damaged).unwrap()));
        }
    }
}
