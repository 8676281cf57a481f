//! The API, version 1: its document, and each resource through the router.

mod agents;
mod by_themselves;
mod document;
mod files;
mod running;
mod team;
mod tokens;

use super::*;
use serde_json::Value;

impl TestSite {
    /// Asks for something in the owner's session, with a JSON body or none; the answer and what is in it.
    async fn json(&self, cookie: &str, method: &str, path: &str, body: Option<Value>) -> (Answer, Value) {
        self.json_with(cookie, method, path, &[], body).await
    }

    /// The same with headers.
    async fn json_with(
        &self,
        cookie: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> (Answer, Value) {
        let mut request = request(method, path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let answer = self.ask_as(cookie, request.body(body).expect("a request")).await;
        let value = serde_json::from_str(&answer.body).unwrap_or_default();
        (answer, value)
    }
}
