//! Signatures of addresses of files, which then need no key: made here from a
//! sandbox's signing key, without a call, and checked by the server.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// What a signature begins with.
const VERSION: &str = "v1_";

/// What an address is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SignedUse {
    /// `GET /files/download`.
    Download,
    /// `POST /files/upload-v2`.
    Upload,
}

impl SignedUse {
    /// The HTTP method.
    const fn method(self) -> &'static str {
        match self {
            Self::Download => "GET",
            Self::Upload => "POST",
        }
    }

    /// The path below the toolbox's base.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Download => "/files/download",
            Self::Upload => "/files/upload-v2",
        }
    }
}

/// The signature of an address for the file at `path`, which ends at `expires`
/// (seconds since 1970; 0 never).
pub(super) fn sign(key: &str, wanted: SignedUse, path: &str, expires: u64) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("HMAC takes keys of every length");
    mac.update(format!("v1:files:{}:{path}:{expires}", wanted.method()).as_bytes());
    format!("{VERSION}{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_of_one_key_use_path_and_time() {
        let signature = sign("signing-key-1", SignedUse::Download, "/d/a.txt", 0);
        // Computed apart, by Python's own library, from the rule the SDKs follow.
        assert_eq!(signature, "v1_zROOH6g5hZlANcpTH1GX--Tf32HYOKhaF6RxS_MAXd4");
        for other in [
            sign("signing-key-2", SignedUse::Download, "/d/a.txt", 0),
            sign("signing-key-1", SignedUse::Upload, "/d/a.txt", 0),
            sign("signing-key-1", SignedUse::Download, "/d/b.txt", 0),
            sign("signing-key-1", SignedUse::Download, "/d/a.txt", 1),
        ] {
            assert_ne!(other, signature);
        }
    }
}
