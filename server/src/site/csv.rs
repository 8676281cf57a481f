//! Lines of CSV (RFC 4180), and answers that are sent page by page, however many
//! there are.

use super::refusal::Refusal;
use axum::{
    body::{Body, Bytes},
    response::{IntoResponse, Response},
};
use futures::{Stream, stream};
use http::{HeaderValue, header};

/// One line. A text that a spreadsheet would take for a formula begins with an apostrophe.
pub fn line<'a>(fields: impl IntoIterator<Item = &'a str>) -> String {
    let mut line = String::new();
    for (number, field) in fields.into_iter().enumerate() {
        if number > 0 {
            line.push(',');
        }
        let is_formula = field.starts_with(['=', '+', '-', '@', '\t', '\r']);
        if !is_formula && !field.contains(['"', ',', '\n', '\r']) {
            line.push_str(field);
            continue;
        }
        line.push('"');
        if is_formula {
            line.push('\'');
        }
        line.push_str(&field.replace('"', "\"\""));
        line.push('"');
    }
    line.push_str("\r\n");
    line
}

/// A file to keep, in pieces: the first, and those that `next` gives until it gives none. What fails in
/// the middle breaks the answer off, so that nobody takes a part for the whole.
pub fn file<S, F>(
    name: &str,
    kind: &'static str,
    first: String,
    state: S,
    next: impl FnMut(S) -> F + Send + 'static,
) -> Response
where
    S: Send + 'static,
    F: Future<Output = Result<Option<(String, S)>, store::StoreError>> + Send + 'static,
{
    let pieces = pieces(first, state, next);
    let mut response = Body::from_stream(pieces).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(name) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    response
}

fn pieces<S, F>(
    first: String,
    state: S,
    mut next: impl FnMut(S) -> F + Send + 'static,
) -> impl Stream<Item = Result<Bytes, std::io::Error>> + Send + 'static
where
    S: Send + 'static,
    F: Future<Output = Result<Option<(String, S)>, store::StoreError>> + Send + 'static,
{
    use futures::StreamExt as _;
    let rest = stream::try_unfold(state, move |state| {
        let page = next(state);
        async move {
            page.await
                .map(|page| page.map(|(text, state)| (Bytes::from(text), state)))
                .map_err(|error| {
                    tracing::error!(%error, "a file could not be sent to its end");
                    std::io::Error::other(error)
                })
        }
    });
    stream::once(async move { Ok(Bytes::from(first)) }).chain(rest)
}

/// Refuses what is no month.
pub fn month(text: Option<&str>) -> Result<model::Month, Refusal> {
    match text {
        Some(text) => Ok(model::Month::parse(text)?),
        None => Ok(model::Month::of(model::Millis::now())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_quoted_where_they_have_to_be() {
        assert_eq!(line(["a", "", "1.5"]), "a,,1.5\r\n");
        assert_eq!(
            line(["a,b", "say \"hi\"", "two\nlines"]),
            "\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\"\r\n"
        );
        assert_eq!(line(["=1+1", "-2", "@x"]), "\"'=1+1\",\"'-2\",\"'@x\"\r\n");
    }
}
