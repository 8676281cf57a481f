//! An answer that holds something until it was sent to its end or given up.

use axum::{
    body::{Body, Bytes, HttpBody},
    response::Response,
};
use hyper::body::{Frame, SizeHint};
use std::{
    pin::Pin,
    task::{Context, Poll},
};

struct Held<T> {
    body: Body,
    _held: T,
}

/// Lets `response` hold this until its body is dropped.
pub fn hold_until_sent<T: Send + Unpin + 'static>(response: Response, held: T) -> Response {
    response.map(|body| Body::new(Held { body, _held: held }))
}

impl<T: Unpin> HttpBody for Held<T> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt as _;
    use std::sync::Arc;

    #[tokio::test]
    async fn it_is_held_until_the_end_and_changes_nothing() {
        let held = Arc::new(());
        let response = hold_until_sent(Response::new(Body::from("hello")), Arc::clone(&held));
        assert_eq!(response.body().size_hint().exact(), Some(5));
        assert_eq!(Arc::strong_count(&held), 2);
        let whole = response.into_body().collect().await.expect("readable").to_bytes();
        assert_eq!(whole, "hello");
        assert_eq!(Arc::strong_count(&held), 1);
    }
}
