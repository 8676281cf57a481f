//! The masks of runs: made once for the same secrets, however many runs there are.

use super::Masks;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use std::sync::{Arc, Mutex, PoisonError};

/// Makes masks, and has the newest.
pub(crate) struct MaskBook {
    /// Pitlane's own keys and tokens.
    own: Vec<SecretString>,
    of_own: Arc<Masks>,
    newest: Mutex<Option<([u8; 32], Arc<Masks>)>>,
}

impl MaskBook {
    pub(crate) fn new(own: Vec<SecretString>) -> Self {
        Self {
            of_own: Masks::new(own.iter().map(|secret| secret.expose_secret())),
            own,
            newest: Mutex::default(),
        }
    }

    /// For our own keys alone.
    pub(crate) fn own(&self) -> Arc<Masks> {
        Arc::clone(&self.of_own)
    }

    /// For our own keys and these.
    pub(crate) async fn with(&self, secrets: &[String]) -> Arc<Masks> {
        if secrets.is_empty() {
            return self.own();
        }
        let mut digest = Sha256::new();
        for secret in secrets {
            digest.update(secret.len().to_le_bytes());
            digest.update(secret);
        }
        let name: [u8; 32] = digest.finalize().into();
        let newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, masks)) = newest.filter(|(of, _)| *of == name) {
            return masks;
        }
        let own = self.own.iter().map(|secret| secret.expose_secret().to_owned());
        let all: Vec<String> = own.chain(secrets.iter().cloned()).collect();
        // Long secrets have hundreds of thousands of states: not on a thread that others wait for.
        let made = tokio::task::spawn_blocking(move || Masks::new(all)).await;
        let masks = made.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner) = Some((name, Arc::clone(&masks)));
        masks
    }
}
