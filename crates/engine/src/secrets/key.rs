//! The key of all secrets' values: in a file only the engine's user reads.

use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use crate::fault::Fault;

const LENGTH: usize = 32;

/// AES-256-GCM; each value is bound to the id of its secret.
pub(super) struct Key(LessSafeKey);

impl std::fmt::Debug for Key {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Key")
    }
}

impl Key {
    /// Reads the key, or makes one at the first start.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut bytes = [0; LENGTH];
        match std::fs::File::open(path) {
            Ok(mut file) => {
                let mode = file.metadata()?.mode();
                if mode & 0o077 != 0 {
                    return Err(io::Error::other(format!(
                        "{} can be read by others; run chmod 600 {0}",
                        path.display()
                    )));
                }
                file.read_exact(&mut bytes)?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                getrandom::fill(&mut bytes).map_err(io::Error::other)?;
                // Never a part of a key, whenever the engine is killed.
                let next = path.with_extension("next");
                let mut file = std::fs::OpenOptions::new()
                    .create(true)
                    .truncate(true)
                    .write(true)
                    .mode(0o600)
                    .open(&next)?;
                file.write_all(&bytes)?;
                file.sync_all()?;
                std::fs::rename(&next, path)?;
            }
            Err(error) => return Err(error),
        }
        let key = UnboundKey::new(&AES_256_GCM, &bytes)
            .map_err(|_| io::Error::other("the key has another length"))?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// Encrypts a value for the secret with this id.
    pub(super) fn seal(&self, id: &str, value: &str) -> Result<String, Fault> {
        let failed = || Fault::internal("The secret could not be encrypted.");
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).map_err(|_| failed())?;
        let mut sealed = value.as_bytes().to_vec();
        let aad = Aad::from(id.as_bytes());
        self.0
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed)
            .map_err(|_| failed())?;
        Ok(BASE64_STANDARD.encode([nonce.as_slice(), &sealed].concat()))
    }

    /// Decrypts it again.
    pub(super) fn open_sealed(&self, id: &str, sealed: &str) -> Result<String, Fault> {
        let failed = || {
            Fault::internal(
                "A secret cannot be decrypted: its record or the file secrets.key was changed. Set its value again.",
            )
        };
        let mut bytes = BASE64_STANDARD.decode(sealed).map_err(|_| failed())?;
        if bytes.len() < NONCE_LEN {
            return Err(failed());
        }
        let mut rest = bytes.split_off(NONCE_LEN);
        let nonce = Nonce::try_assume_unique_for_key(&bytes).map_err(|_| failed())?;
        let plain = self
            .0
            .open_in_place(nonce, Aad::from(id.as_bytes()), &mut rest)
            .map_err(|_| failed())?;
        String::from_utf8(plain.to_vec()).map_err(|_| failed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_key_others_can_read_is_refused_and_a_changed_value_too() {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join("secrets.key");
        let key = Key::open(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        let sealed = key.seal("a", "value").unwrap();
        assert_ne!(sealed, key.seal("a", "value").unwrap());
        let again = Key::open(&path).unwrap();
        assert_eq!(again.open_sealed("a", &sealed).unwrap(), "value");
        assert!(again.open_sealed("b", &sealed).is_err());
        for odd in ["", "AAAA", "%", &sealed[4..]] {
            assert!(again.open_sealed("a", odd).is_err());
        }
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(Key::open(&path).is_err());
    }

    proptest! {
        #[test]
        fn every_value_comes_back(value in "\\PC{0,200}") {
            let data = tempfile::tempdir().unwrap();
            let key = Key::open(&data.path().join("k")).unwrap();
            prop_assert_eq!(key.open_sealed("i", &key.seal("i", &value).unwrap()).unwrap(), value);
        }
    }
}
