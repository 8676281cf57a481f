//! `Idempotency-Key`: the same key again is the same run, made once. The run's
//! id is made from the key, its person and its agent, so that nothing has to be
//! looked up first and two requests at the same moment are one as well.

use super::super::{Site, refusal::Refusal};
use http::HeaderMap;
use model::{AgentId, Invalid, RunId, UserId};
use sha2::{Digest as _, Sha256};

/// The longest key, in bytes.
const LONGEST: usize = 255;

/// The key of a request.
pub fn key(headers: &HeaderMap) -> Result<Option<&str>, Invalid> {
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let is_printable = |key: &&str| key.bytes().all(|byte| byte.is_ascii_graphic());
    let key = value
        .to_str()
        .ok()
        .filter(|key| !key.is_empty() && key.len() <= LONGEST)
        .filter(is_printable);
    key.map(Some).ok_or_else(|| {
        Invalid(format!(
            "Idempotency-Key has 1 to {LONGEST} characters, all of them printable ASCII and none a space. A new UUID for each request is a good one."
        ))
    })
}

/// The id of the run that this key stands for.
pub fn run_of(person: &UserId, agent: &AgentId, key: &str) -> Result<RunId, Invalid> {
    let hash = Sha256::digest(format!("{person} {agent} {key}"));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    RunId::parse(&uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string())
}

/// Refuses a key that was sent with something else before.
pub async fn check(site: &Site, run: &RunId, body: &[u8]) -> Result<(), Refusal> {
    let sha256 = hex::encode(Sha256::digest(body));
    if site.services.store.is_same_request(run, &sha256).await? {
        Ok(())
    } else {
        Err(Invalid(
            "This Idempotency-Key was sent with other options before. Use a new key for another run."
                .to_owned(),
        )
        .into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_one_run_of_one_person_and_agent() {
        let (person, agent) = (UserId::generate(), AgentId::generate());
        let run = |person: &UserId, agent: &AgentId, key| run_of(person, agent, key).expect("an id");
        assert_eq!(run(&person, &agent, "k"), run(&person, &agent, "k"));
        assert_ne!(run(&person, &agent, "k"), run(&person, &agent, "l"));
        assert_ne!(run(&person, &agent, "k"), run(&UserId::generate(), &agent, "k"));
        assert_ne!(run(&person, &agent, "k"), run(&person, &AgentId::generate(), "k"));
    }

    #[test]
    fn keys() {
        let read = |text: &[u8]| {
            let mut headers = HeaderMap::new();
            headers.insert(
                "idempotency-key",
                http::HeaderValue::from_bytes(text).expect("a header"),
            );
            key(&headers).map(|key| key.map(str::to_owned))
        };
        assert_eq!(read(b"abc"), Ok(Some("abc".to_owned())));
        assert_eq!(key(&HeaderMap::new()), Ok(None));
        for wrong in [&b""[..], b"\xff", &[b'x'; 256]] {
            assert!(read(wrong).is_err());
        }
    }
}
