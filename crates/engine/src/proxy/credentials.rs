//! What opens this engine or one of its sandboxes, and is never passed on to a
//! program: it would open all of it to whoever wrote that program.

use axum::http::{HeaderMap, HeaderValue, header};
use percent_encoding::percent_decode_str;

/// The header that carries a preview's token.
pub(crate) const TOKEN_HEADER: &str = "x-daytona-preview-token";
/// The query that carries a key or a preview's token.
pub(crate) const KEY_QUERY: &str = "DAYTONA_SANDBOX_AUTH_KEY";
/// How the cookies begin that open previews; the rest is the sandbox's id.
pub(crate) const COOKIE: &str = "daytona-sandbox-auth-";
/// How the cookies of Pitlane's own site begin, which browsers send to every
/// port of its host.
const SITE_COOKIES: [&str; 2] = ["pitlane", "__Host-pitlane"];
/// How API keys begin.
const KEY_PREFIX: &str = "dtn_";
/// Headers that say something to this engine.
const TO_US: [&str; 4] = [
    TOKEN_HEADER,
    "x-daytona-skip-preview-warning",
    "x-daytona-skip-last-activity-update",
    "x-daytona-disable-cors",
];

/// Drops everything of ours from a request's headers. `opens` knows the tokens
/// that are; any other authorization is the program's own and stays.
pub(super) fn strip(headers: &mut HeaderMap, opens: impl Fn(&str) -> bool) {
    if headers
        .get_all(header::AUTHORIZATION)
        .iter()
        .any(|value| bearer(value).is_some_and(|token| token.starts_with(KEY_PREFIX) || opens(token)))
    {
        headers.remove(header::AUTHORIZATION);
    }
    for name in TO_US {
        headers.remove(name);
    }
    let kept: Vec<HeaderValue> = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(strip_cookies)
        .collect();
    headers.remove(header::COOKIE);
    for cookies in kept {
        headers.append(header::COOKIE, cookies);
    }
    let refers = headers.get(header::REFERER).map(HeaderValue::as_bytes);
    if refers.is_some_and(|referer| contains(referer, KEY_QUERY.as_bytes())) {
        headers.remove(header::REFERER);
    }
}

/// The token of a bearer authorization.
fn bearer(authorization: &HeaderValue) -> Option<&str> {
    let (scheme, token) = authorization.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// Whether a cookie, or a `Set-Cookie`, is one of ours by its name.
pub(super) fn is_ours(cookie: &[u8]) -> bool {
    let cookie = cookie.trim_ascii_start();
    let name = cookie.split(|byte| *byte == b'=').next().unwrap_or_default();
    let name = name.trim_ascii_end();
    name.starts_with(COOKIE.as_bytes()) || SITE_COOKIES.iter().any(|ours| name == ours.as_bytes())
}

fn strip_cookies(cookies: &HeaderValue) -> Option<HeaderValue> {
    let all = cookies.as_bytes().split(|byte| *byte == b';');
    let kept: Vec<&[u8]> = all
        .map(<[u8]>::trim_ascii)
        .filter(|cookie| !cookie.is_empty() && !is_ours(cookie))
        .collect();
    HeaderValue::from_bytes(&kept.join(&b"; "[..]))
        .ok()
        .filter(|cookies| !cookies.is_empty())
}

/// The query without what opens the sandbox; the rest byte for byte.
pub(crate) fn strip_query(query: Option<&str>) -> Option<String> {
    let kept: Vec<&str> = query?.split('&').filter(|pair| !is_key(pair)).collect();
    (!kept.is_empty()).then(|| kept.join("&"))
}

fn is_key(pair: &str) -> bool {
    let name = pair.split('=').next().unwrap_or_default().replace('+', " ");
    percent_decode_str(&name).decode_utf8_lossy() == KEY_QUERY
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderName;
    use proptest::prelude::*;

    fn stripped(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(
                HeaderName::from_static(name),
                HeaderValue::from_str(value).unwrap(),
            );
        }
        strip(&mut headers, |token| token == "ours");
        headers
    }

    #[test]
    fn what_opens_the_sandbox_is_not_passed_on() {
        for token in ["Bearer ours", "bearer ours", "Bearer  ours ", "Bearer dtn_other"] {
            assert!(stripped(&[("authorization", token)]).is_empty(), "{token}");
        }
        for token in ["Bearer theirs", "Basic ours", "ours"] {
            assert_eq!(stripped(&[("authorization", token)]).len(), 1, "{token}");
        }
        let all = stripped(&[
            ("x-daytona-preview-token", "t"),
            ("x-daytona-skip-preview-warning", "true"),
            ("cookie", "a=1; daytona-sandbox-auth-x=t;b=2; pitlane=s"),
            ("cookie", "__Host-pitlane=s"),
            ("referer", "http://3000-x.localhost/?DAYTONA_SANDBOX_AUTH_KEY=t"),
        ]);
        assert_eq!(all.len(), 1);
        assert_eq!(all[header::COOKIE], "a=1; b=2");
    }

    #[test]
    fn the_rest_of_a_query_stays_as_it_was() {
        for (query, expected) in [
            (None, None),
            (Some(""), Some("")),
            (Some("a=1&b=%20+"), Some("a=1&b=%20+")),
            (Some("DAYTONA_SANDBOX_AUTH_KEY=x"), None),
            (Some("a=1&DAYTONA%5FSANDBOX_AUTH_KEY=x&b"), Some("a=1&b")),
            (Some("DAYTONA_SANDBOX_AUTH_KEY"), None),
        ] {
            assert_eq!(strip_query(query).as_deref(), expected, "{query:?}");
        }
    }

    proptest! {
        /// Whatever else is in the cookies and the query, ours never pass.
        #[test]
        fn ours_never_pass(before in "[ -~]{0,40}", after in "[ -~]{0,40}") {
            let cookies = format!("{before}; daytona-sandbox-auth-x=SECRET; {after}");
            prop_assume!(!before.contains("SECRET") && !after.contains("SECRET"));
            for value in stripped(&[("cookie", &cookies)]).values() {
                prop_assert!(!value.to_str().unwrap().contains("SECRET"));
            }
            let query = format!("{before}&DAYTONA_SANDBOX_AUTH_KEY=SECRET&{after}");
            let query = strip_query(Some(&query)).unwrap_or_default();
            prop_assert!(!query.contains("SECRET"));
        }
    }
}
