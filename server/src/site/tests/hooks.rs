//! Messages to the webhook of an agent: who may start a run with one, and how often.

use super::*;
use model::{AgentHook, TriggerKind, webhook::MOST_BODY};
use runs::webhooks::sign;

struct Sender {
    site: TestSite,
    hook: AgentHook,
    secret: String,
}

fn now() -> i64 {
    model::Millis::now().0 / 1000
}

impl Sender {
    async fn new() -> Self {
        let site = site().await;
        let agent = site.agent().await;
        let runs = &site.site.services.runs;
        let (hook, secret) = runs
            .create_hook(&agent.id, &site.owner.id)
            .await
            .expect("a webhook");
        Self { site, hook, secret }
    }

    /// A message as its sender signs it.
    fn message(&self, id: &str, at: i64, body: &str) -> Request<Body> {
        let signature = sign(&self.secret, id, at, body.as_bytes()).expect("a signature");
        self.signed(id, at, &signature, body)
    }

    fn signed(&self, id: &str, at: i64, signature: &str, body: &str) -> Request<Body> {
        request("POST", &format!("/api/hooks/{}", self.hook.id))
            .header("webhook-id", id)
            .header("webhook-timestamp", at.to_string())
            .header("webhook-signature", signature)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_owned()))
            .expect("a request")
    }

    async fn status(&self, request: Request<Body>) -> u16 {
        let answer = self.site.ask(request).await;
        if !answer.status.is_success() {
            assert_eq!(
                answer.header(header::CONTENT_TYPE),
                "application/problem+json",
                "{}",
                answer.body
            );
        }
        answer.status.as_u16()
    }

    async fn runs(&self) -> Vec<model::Run> {
        let store = &self.site.site.services.store;
        store
            .list_runs(&model::TeamId::first(), None, None, 500)
            .await
            .expect("runs")
    }
}

#[tokio::test]
async fn a_signed_message_starts_one_run_however_often_it_comes() {
    let sender = Sender::new().await;
    let answer = sender.site.ask(sender.message("msg_1", now(), "{\"a\":1}")).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.body);
    let runs = sender.runs().await;
    assert_eq!(runs.len(), 1);
    let address = format!("/api/runs/{}", runs[0].id);
    assert_eq!(answer.header(header::LOCATION), address);
    assert!(answer.body.contains(&address), "{}", answer.body);
    let trigger = &runs[0].trigger;
    assert_eq!(
        (trigger.kind, trigger.id.as_deref()),
        (TriggerKind::Webhook, Some("msg_1"))
    );
    // Its sender heard no answer; or somebody who saw it sends it again.
    for at in [now(), now() - 200] {
        let again = sender.site.ask(sender.message("msg_1", at, "{\"a\":1}")).await;
        assert_eq!(again.status, StatusCode::ACCEPTED);
        assert_eq!(again.header(header::LOCATION), address);
    }
    assert_eq!(
        sender.status(sender.message("msg_1", now(), "{\"a\":2}")).await,
        409
    );
    assert_eq!(sender.runs().await.len(), 1);
}

#[tokio::test]
async fn what_is_not_signed_as_it_should_be_starts_nothing() {
    let sender = Sender::new().await;
    let (body, at) = ("{}", now());
    let good = sign(&sender.secret, "msg_1", at, body.as_bytes()).expect("a signature");
    let other = sign("whsec_AAAA", "msg_1", at, body.as_bytes()).expect("a signature");
    for (request, status) in [
        (sender.signed("msg_1", at, &other, body), 403),
        (sender.signed("msg_2", at, &good, body), 403),
        (sender.signed("msg_1", at - 1, &good, body), 403),
        (sender.signed("msg_1", at, &good, "{ }"), 403),
        (sender.signed("msg_1", at, "", body), 403),
        (
            sender.signed("msg_1", at, &good.replace("v1,", "v1a,"), body),
            403,
        ),
        (sender.message("msg_1", at - 301, body), 403),
        (sender.message("msg_1", at + 310, body), 403),
        (sender.message("a.b", at, body), 422),
        (sender.signed("", at, &good, body), 422),
    ] {
        assert_eq!(sender.status(request).await, status);
    }
    for missing in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        let mut request = sender.message("msg_1", at, body);
        request.headers_mut().remove(missing);
        assert_eq!(sender.status(request).await, 422, "{missing}");
    }
    for path in ["/api/hooks/x", "/api/hooks/0199f3b2-6c1e-7d4a-8f00-0123456789ab"] {
        let mut request = sender.message("msg_1", at, body);
        *request.uri_mut() = path.parse().expect("a path");
        assert_eq!(sender.status(request).await, 404);
    }
    let huge = "x".repeat(MOST_BODY + 1);
    assert_eq!(sender.status(sender.message("msg_1", at, &huge)).await, 413);
    let mut from_a_page = sender.message("msg_1", at, body);
    from_a_page
        .headers_mut()
        .insert(header::ORIGIN, "https://evil.example".parse().expect("a value"));
    assert_eq!(sender.status(from_a_page).await, 403);
    let get = request("GET", &format!("/api/hooks/{}", sender.hook.id));
    assert_eq!(
        sender.status(get.body(Body::empty()).expect("a request")).await,
        405
    );
    assert!(sender.runs().await.is_empty());
}

#[tokio::test]
async fn a_secret_is_rotated_and_a_webhook_switched_off() {
    let mut sender = Sender::new().await;
    let runs = sender.site.site.services.runs.clone();
    let store = sender.site.site.services.store.clone();
    let old = sender.secret.clone();
    sender.secret = runs.rotate_hook(&sender.hook.agent).await.expect("another");
    assert_ne!(old, sender.secret);
    assert_eq!(sender.status(sender.message("msg_1", now(), "1")).await, 202);
    let both = sign(&old, "msg_1", now(), b"1").expect("a signature");
    assert_eq!(
        sender.status(sender.signed("msg_1", now(), &both, "1")).await,
        202,
        "the one before counts for a day"
    );
    sender.secret = runs.rotate_hook(&sender.hook.agent).await.expect("another");
    let older = sign(&old, "msg_1", now(), b"1").expect("a signature");
    assert_eq!(
        sender.status(sender.signed("msg_1", now(), &older, "1")).await,
        403
    );
    let agent = &sender.hook.agent;
    store
        .update_hook(agent, false, model::HookBody::File)
        .await
        .expect("off");
    assert_eq!(sender.status(sender.message("msg_1", now(), "1")).await, 404);
    store.delete_hook(agent).await.expect("gone");
    assert_eq!(sender.status(sender.message("msg_1", now(), "1")).await, 404);
    assert!(store.hook_of(agent).await.expect("looked").is_none());
}
