//! What a request brings: a JSON object of a known form, and the key by which
//! the request may be sent again. Whatever the content type says is read as
//! JSON, as `curl -d` says another.

use super::super::{
    super::{Site, refusal::Refusal},
    idempotency,
};
use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
};
use http::Method;
use model::Invalid;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};

/// What was sent.
pub struct Given<T> {
    /// The body.
    pub body: T,
    /// Which request it is.
    pub asked: Asked,
}

/// Which request it is, if it carries an `Idempotency-Key`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The key.
    pub key: Option<String>,
    /// SHA-256 of method, address and body, in hexadecimal.
    pub sha256: String,
}

impl<T: DeserializeOwned> FromRequest<Site> for Given<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, site: &Site) -> Result<Self, Refusal> {
        let key = idempotency::key(request.headers())?.map(str::to_owned);
        let changes = request.method() == Method::PATCH;
        let mut hash = Sha256::new();
        hash.update(format!("{} {}\n", request.method(), request.uri()));
        let bytes = Bytes::from_request(request, site)
            .await
            .map_err(|_| Invalid("The request was not sent to its end. Send it again.".to_owned()))?;
        if changes && bytes.trim_ascii().is_empty() {
            return Err(Invalid(
                "Nothing was sent. Send a JSON object with what is to change; /api/docs says which."
                    .to_owned(),
            )
            .into());
        }
        hash.update(&bytes);
        Ok(Self {
            body: read(&bytes)?,
            asked: Asked {
                key,
                sha256: hex::encode(hash.finalize()),
            },
        })
    }
}

/// Reads a body; none at all is an empty object.
fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Invalid> {
    let text = bytes.trim_ascii();
    let refused = |why: String| {
        Invalid(format!(
            "What was sent cannot be read: {why}. It has to be a JSON object; /api/docs says which."
        ))
    };
    match text.first() {
        None => serde_json::from_slice(b"{}"),
        // A list would be taken for the fields in their order.
        Some(b'{') => serde_json::from_slice(text),
        Some(_) => return Err(refused("it is no object".to_owned())),
    }
    .map_err(|error| refused(error.to_string()))
}

/// Reads a field that may be left out, or be there and `null`: for `#[serde(default, deserialize_with = …)]`.
pub fn there<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Body {
        a: u32,
        #[serde(deserialize_with = "there")]
        b: Option<Option<u32>>,
    }

    #[test]
    fn only_an_object_of_the_form_is_taken() {
        let body = |text: &[u8]| read::<Body>(text);
        assert_eq!(body(b" "), Ok(Body::default()));
        assert_eq!(body(b"{\"a\":1,\"b\":null}"), Ok(Body { a: 1, b: Some(None) }));
        assert_eq!(body(b"{\"b\":2}").map(|body| body.b), Ok(Some(Some(2))));
        for wrong in [&b"[1]"[..], b"null", b"{", b"{\"c\":1}", b"\xff", b"{} {}"] {
            assert!(body(wrong).is_err(), "{wrong:?}");
        }
    }
}
