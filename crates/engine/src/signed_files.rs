//! Signed addresses of a sandbox's files: one file may be read, or written, by
//! whoever has the address, without a key.
//!
//! The client makes them itself with the sandbox's signing key, as the official
//! SDKs do.

use axum::extract::Query;
use axum::http::{Method, StatusCode, Uri};

use crate::clock;
use crate::fault::Fault;
use crate::registry::Entry;

/// What is signed, and by what method it is asked for.
fn signed(method: &Method, path: &str) -> Option<&'static str> {
    match (method, path) {
        (&Method::GET | &Method::HEAD, "/files/download") => Some("GET"),
        (&Method::POST, "/files/upload-v2") => Some("POST"),
        _ => None,
    }
}

/// Whether a request to the toolbox is signed. `uri` is the part after the
/// sandbox.
///
/// # Errors
/// When it has a signature that is not, or no longer, valid.
pub(crate) fn admits(entry: &Entry, method: &Method, uri: &Uri) -> Result<bool, Fault> {
    let Some(method) = signed(method, uri.path()) else {
        return Ok(false);
    };
    let Some(Claim {
        path,
        expires,
        signature,
    }) = Claim::read(uri)
    else {
        return Ok(false);
    };
    let refused = |sentence| Fault::new(StatusCode::UNAUTHORIZED, sentence).by_proxy();
    let until: u64 = match expires.parse() {
        Ok(until) if entry.has_signed(&format!("v1:files:{method}:{path}:{expires}"), &signature) => until,
        _ => {
            return Err(refused(
                "The signature of this address is not valid. Sign it anew with the sandbox's current signing key.",
            ));
        }
    };
    let now = u64::try_from(clock::now_ms() / 1000).unwrap_or(0);
    if until != 0 && until <= now {
        return Err(refused("The time of this signed address is over. Sign it anew."));
    }
    Ok(true)
}

/// What a signed address says.
#[derive(Debug, PartialEq, Eq)]
struct Claim {
    path: String,
    expires: String,
    signature: String,
}

impl Claim {
    /// Reads a query that has each part exactly once: what is signed must be
    /// what is served.
    fn read(uri: &Uri) -> Option<Self> {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri).ok()?;
        let only = |name: &str| {
            let mut found = pairs.iter().filter(|(other, _)| other == name);
            let (_, value) = found.next()?;
            found.next().is_none().then(|| value.clone())
        };
        Some(Self {
            path: only("path")?,
            expires: only("expires")?,
            signature: only("signature")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(query: &str) -> Option<Claim> {
        Claim::read(&format!("/files/download?{query}").parse().ok()?)
    }

    #[test]
    fn each_part_is_there_once() {
        let claim = read("path=%2Fd%2Fa%20b.txt&expires=0&signature=v1_x").unwrap();
        assert_eq!(claim.path, "/d/a b.txt");
        for query in [
            "path=/a&expires=0",
            "path=/a&signature=v1_x",
            "expires=0&signature=v1_x",
            "path=/a&path=/b&expires=0&signature=v1_x",
            "path=/a&expires=0&expires=1&signature=v1_x",
            "path=/a&expires=0&signature=v1_x&signature=v1_y",
        ] {
            assert_eq!(read(query), None, "{query}");
        }
    }

    #[test]
    fn only_two_calls_are_signed() {
        assert_eq!(signed(&Method::HEAD, "/files/download"), Some("GET"));
        assert_eq!(signed(&Method::POST, "/files/upload-v2"), Some("POST"));
        for (method, path) in [
            (Method::POST, "/files/download"),
            (Method::GET, "/files/upload-v2"),
            (Method::POST, "/files/upload"),
            (Method::GET, "/files/info"),
            (Method::GET, "/files/download/"),
        ] {
            assert_eq!(signed(&method, path), None, "{method} {path}");
        }
    }

    proptest! {
        #[test]
        fn any_query_is_survived(query in "[ -~]{0,200}") {
            let _ = read(&query);
        }
    }
}
