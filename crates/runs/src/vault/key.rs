//! The master key, and what it does to one value.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use model::Invalid;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use secrecy::{ExposeSecret, SecretSlice};
use sha2::{Digest as _, Sha256};

/// The length of the key, in bytes.
const LENGTH: usize = 32;
/// The first of the three parts of what is sealed: how it is.
const FORMAT: &str = "1";

/// A key of 32 bytes.
#[derive(Clone)]
pub struct MasterKey {
    bytes: SecretSlice<u8>,
    /// Tells keys apart, and nothing about them.
    name: String,
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MasterKey({})", self.name)
    }
}

impl MasterKey {
    /// A new one.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn generate() -> Result<Self, Invalid> {
        let mut bytes = [0; LENGTH];
        fill(&mut bytes)?;
        Ok(Self::from_bytes(bytes.to_vec()))
    }

    /// Reads it as hexadecimal or base64.
    ///
    /// # Errors
    /// When it is neither, or not 32 bytes.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        let bytes = hex::decode(text)
            .ok()
            .or_else(|| BASE64_STANDARD.decode(text).ok());
        match bytes {
            Some(bytes) if bytes.len() == LENGTH => Ok(Self::from_bytes(bytes)),
            _ => Err(Invalid(format!(
                "A master key is {LENGTH} random bytes as hexadecimal or base64; `openssl rand -hex {LENGTH}` makes one."
            ))),
        }
    }

    fn from_bytes(bytes: Vec<u8>) -> Self {
        let digest = Sha256::digest([b"pitlane master key ".as_slice(), &bytes].concat());
        Self {
            bytes: bytes.into(),
            name: hex::encode(&digest[..4]),
        }
    }

    /// As [`MasterKey::parse`] reads it: for the file it is kept in.
    #[must_use]
    pub fn to_text(&self) -> String {
        hex::encode(self.bytes.expose_secret())
    }

    /// Both ways to write it that [`MasterKey::parse`] reads, to mask them.
    #[must_use]
    pub fn to_texts(&self) -> [String; 2] {
        [self.to_text(), BASE64_STANDARD.encode(self.bytes.expose_secret())]
    }

    /// Whether it sealed this.
    pub(super) fn sealed(&self, sealed: &str) -> bool {
        sealed.split('.').nth(1) == Some(&self.name)
    }

    fn cipher(&self) -> Result<LessSafeKey, Invalid> {
        UnboundKey::new(&AES_256_GCM, self.bytes.expose_secret())
            .map(LessSafeKey::new)
            .map_err(|_| Invalid("The master key has another length than it should.".to_owned()))
    }

    pub(super) fn seal(&self, id: &str, value: &str) -> Result<String, Invalid> {
        let mut nonce = [0; NONCE_LEN];
        fill(&mut nonce)?;
        let mut sealed = value.as_bytes().to_vec();
        self.cipher()?
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(id.as_bytes()),
                &mut sealed,
            )
            .map_err(|_| Invalid("A value could not be encrypted.".to_owned()))?;
        let body = BASE64_STANDARD.encode([nonce.as_slice(), &sealed].concat());
        Ok(format!("{FORMAT}.{}.{body}", self.name))
    }

    pub(super) fn open(&self, id: &str, sealed: &str) -> Result<String, Invalid> {
        let changed = || {
            Invalid("A secret cannot be decrypted: what the database has of it was changed. Save its value again.".to_owned())
        };
        let mut parts = sealed.split('.');
        let (Some(FORMAT), Some(name), Some(body), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(changed());
        };
        if name != self.name {
            return Err(Invalid(
                "A secret cannot be decrypted: it was saved with another master key. Give that key back (PITLANE_MASTER_KEY, or the file master.key of the data folder), or save the value again.".to_owned(),
            ));
        }
        let mut nonce = BASE64_STANDARD.decode(body).map_err(|_| changed())?;
        if nonce.len() < NONCE_LEN {
            return Err(changed());
        }
        let mut rest = nonce.split_off(NONCE_LEN);
        let nonce = Nonce::try_assume_unique_for_key(&nonce).map_err(|_| changed())?;
        let plain = self
            .cipher()?
            .open_in_place(nonce, Aad::from(id.as_bytes()), &mut rest)
            .map_err(|_| changed())?;
        String::from_utf8(plain.to_vec()).map_err(|_| changed())
    }
}

fn fill(bytes: &mut [u8]) -> Result<(), Invalid> {
    getrandom::fill(bytes).map_err(|error| Invalid(format!("The system gives no random numbers: {error}.")))
}
