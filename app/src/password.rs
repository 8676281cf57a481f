//! Passwords: hashed with argon2id, on a thread that may take its time.

use crate::{ErrorCode, UiError};
use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use tokio::sync::Semaphore;

/// The shortest password, in characters.
pub const MIN_CHARACTERS: usize = 10;
/// The longest, in bytes: hashing must not be a way to keep the server busy.
const MAX_BYTES: usize = 1024;

/// How many are hashed at once: each takes 19 MiB while it is.
static AT_ONCE: Semaphore = Semaphore::const_new(4);

/// The hash to store of a new password.
///
/// # Errors
/// When it is too short or too long, or there is no randomness.
pub async fn hash(password: String) -> Result<String, UiError> {
    let characters = password.chars().count();
    if characters < MIN_CHARACTERS || password.len() > MAX_BYTES {
        return Err(UiError::new(
            ErrorCode::Invalid,
            format!(
                "The password has {characters} characters, and {MIN_CHARACTERS} to {MAX_BYTES} are needed. Choose another."
            ),
        )
        .with_status());
    }
    let _turn = AT_ONCE.acquire().await;
    let hashed = tokio::task::spawn_blocking(move || {
        Argon2::default()
            .hash_password(password.as_bytes())
            .map(|hash| hash.to_string())
    })
    .await;
    match hashed {
        Ok(Ok(hash)) => Ok(hash),
        _ => Err(UiError::new(
            ErrorCode::Internal,
            "The password could not be stored. Try again.",
        )
        .with_status()),
    }
}

/// Whether `password` is the one `hash` was made of. Takes as long when there
/// is no hash, so that an answer's time does not tell which names exist.
pub async fn verify(password: String, hash: Option<String>) -> bool {
    if password.len() > MAX_BYTES {
        return false;
    }
    let _turn = AT_ONCE.acquire().await;
    tokio::task::spawn_blocking(move || match hash {
        Some(hash) => PasswordHash::new(&hash).is_ok_and(|hash| {
            Argon2::default()
                .verify_password(password.as_bytes(), &hash)
                .is_ok()
        }),
        None => {
            let _ = Argon2::default().hash_password(password.as_bytes());
            false
        }
    })
    .await
    .unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_is_right() {
        let hashed = hash("correct horse".to_owned()).await.expect("long enough");
        assert!(hashed.starts_with("$argon2id$"));
        assert!(verify("correct horse".to_owned(), Some(hashed.clone())).await);
        assert!(!verify("correct horsf".to_owned(), Some(hashed)).await);
        assert!(!verify("correct horse".to_owned(), None).await);
        assert!(!verify("correct horse".to_owned(), Some("nonsense".to_owned())).await);
    }

    #[tokio::test]
    async fn short_and_endless_passwords_are_refused() {
        assert!(hash("short".to_owned()).await.is_err());
        assert!(hash("x".repeat(2000)).await.is_err());
    }
}
