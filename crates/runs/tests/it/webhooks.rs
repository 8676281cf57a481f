//! Webhooks to a server that really listens: one that takes messages, fails,
//! hangs, sends elsewhere, answers without end, or wants to be left alone.

use crate::studio::Studio;
use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use model::{Delivery, DeliveryState, Millis, NewTarget, RunState, WebhookEvent, WebhookTarget};
use runs::{Runs, RunsConfig, Vault, webhooks::sign};
use serde_json::json;
use sqlx::Executor as _;
use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};
use store::{Pools, Store};

/// How the receiver behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    Takes,
    FailsOnce,
    Hangs,
    SendsElsewhere,
    AnswersWithoutEnd,
    IsGone,
    WantsTime,
}

/// A message as it came.
#[derive(Clone, Debug)]
struct Came {
    headers: HeaderMap,
    body: Bytes,
}

impl Came {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Whether this secret signed it, as its receiver finds out.
    fn is_signed(&self, secret: &str) -> bool {
        let at = self.header("webhook-timestamp").parse().unwrap();
        let expected = sign(secret, self.header("webhook-id"), at, &self.body).unwrap();
        self.header("webhook-signature")
            .split(' ')
            .any(|one| one == expected)
    }
}

#[derive(Clone)]
struct Receiver {
    url: String,
    manner: Arc<Mutex<Manner>>,
    came: Arc<Mutex<Vec<Came>>>,
}

impl Receiver {
    async fn start(manner: Manner) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Self {
            url: format!("http://{}/hook", listener.local_addr().unwrap()),
            manner: Arc::new(Mutex::new(manner)),
            came: Arc::default(),
        };
        let router = Router::new()
            .route("/hook", post(answer))
            .route("/elsewhere", post(answer).get(answer))
            .with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        receiver
    }

    fn came(&self) -> Vec<Came> {
        self.came.lock().unwrap().clone()
    }
}

async fn answer(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> Response {
    let came = {
        let mut came = receiver.came.lock().unwrap();
        came.push(Came { headers, body });
        came.len()
    };
    let manner = *receiver.manner.lock().unwrap();
    match manner {
        Manner::Takes => (StatusCode::OK, "thank you").into_response(),
        Manner::FailsOnce if came > 1 => StatusCode::NO_CONTENT.into_response(),
        Manner::FailsOnce => (StatusCode::INTERNAL_SERVER_ERROR, "oh no").into_response(),
        Manner::Hangs => std::future::pending().await,
        Manner::SendsElsewhere => {
            let mut response = StatusCode::TEMPORARY_REDIRECT.into_response();
            let place = HeaderValue::from_static("/elsewhere");
            response.headers_mut().insert("location", place);
            response
        }
        Manner::AnswersWithoutEnd => {
            let piece = || Ok::<_, Infallible>(Bytes::from(vec![b'x'; 64 * 1024]));
            let body = futures::stream::repeat_with(piece);
            Response::new(Body::from_stream(body))
        }
        Manner::IsGone => StatusCode::GONE.into_response(),
        Manner::WantsTime => {
            let mut response = StatusCode::TOO_MANY_REQUESTS.into_response();
            let wish = HeaderValue::from_static("3600");
            response.headers_mut().insert("retry-after", wish);
            response
        }
    }
}

/// Looks often, and may connect to this machine.
fn near(config: &mut RunsConfig) {
    config.webhooks_every = Duration::from_millis(20);
    config.webhook_reach = "127.0.0.1".parse().unwrap();
    config.webhook_patience = Duration::from_secs(30);
    // The same after a restart, and of every server.
    config.vault = Some(Vault::temporary().unwrap());
}

async fn execute(store: &Store, sql: &str) {
    match store.pools() {
        Pools::Sqlite(pool) => pool.execute(sql).await.map(|_| ()),
        Pools::Postgres(pool) => pool.execute(sql).await.map(|_| ()),
    }
    .unwrap();
}

impl Studio {
    async fn team(&self) -> model::TeamId {
        self.store.agent(&self.agent).await.unwrap().team
    }

    async fn tells(&self, receiver: &Receiver) -> (WebhookTarget, String) {
        let said = NewTarget {
            url: receiver.url.clone(),
            events: WebhookEvent::ALL.to_vec(),
        };
        self.runs.create_target(&self.team().await, said).await.unwrap()
    }

    async fn happens(&self, what: &str) {
        let (team, event) = (self.team().await, WebhookEvent::BudgetWarning);
        let told = self.store.announce(&team, event, what, &json!({})).await;
        told.unwrap();
    }

    async fn delivery(&self) -> Delivery {
        let team = self.team().await;
        let all = self.store.list_deliveries(&team, None, None, 10).await.unwrap();
        all.into_iter().next().unwrap()
    }

    async fn until_tried(&self, times: usize) -> Delivery {
        self.until_true(&format!("it was tried {times} times"), || async {
            self.delivery().await.attempts.len() >= times
        })
        .await;
        self.delivery().await
    }
}

#[tokio::test]
async fn the_end_of_a_run_arrives_signed() {
    let studio = Studio::with(near, |_| {}).await;
    studio.provider.world.programs_print("x", 3);
    let receiver = Receiver::start(Manner::Takes).await;
    let (target, secret) = studio.tells(&receiver).await;
    let told = studio.run_to_end().await;
    assert_eq!(told.run().state, RunState::Failed);
    let delivery = studio.until_tried(1).await;
    assert_eq!(
        (delivery.state, delivery.event),
        (DeliveryState::Delivered, WebhookEvent::RunFailed)
    );
    let attempt = &delivery.attempts[0];
    assert_eq!((attempt.status, attempt.words.as_str()), (Some(200), "thank you"));
    let came = receiver.came();
    assert_eq!(came.len(), 1);
    assert!(came[0].is_signed(&secret));
    assert_eq!(came[0].header("webhook-id"), delivery.message);
    assert_eq!(came[0].header("content-type"), "application/json");
    let body: serde_json::Value = serde_json::from_slice(&came[0].body).unwrap();
    assert_eq!(body["type"], "run.failed");
    assert_eq!(body["data"]["run_id"], told.run().id.as_str());
    assert_eq!(body["data"]["exit_code"], 3);

    // For a day after a rotation it is signed with both.
    let other = studio
        .runs
        .rotate_target(&studio.team().await, &target.id)
        .await
        .unwrap();
    studio
        .store
        .replay_delivery(&studio.team().await, &delivery.id)
        .await
        .unwrap();
    studio.until_tried(2).await;
    let again = &receiver.came()[1];
    assert_eq!(
        again.header("webhook-id"),
        delivery.message,
        "replayed, it is the same message"
    );
    assert!(again.is_signed(&secret) && again.is_signed(&other));
}

#[tokio::test]
async fn what_is_not_taken_is_sent_again_with_the_same_id() {
    let studio = Studio::with(near, |_| {}).await;
    let receiver = Receiver::start(Manner::FailsOnce).await;
    studio.tells(&receiver).await;
    studio.happens("x").await;
    let first = studio.until_tried(1).await;
    assert_eq!(first.state, DeliveryState::Waiting);
    assert_eq!(
        (first.attempts[0].status, first.attempts[0].words.as_str()),
        (Some(500), "oh no")
    );
    let pause = first.next_at.unwrap().since(first.attempts[0].at);
    assert!((4000..=6000).contains(&pause), "{pause}");
    execute(&studio.store, "update webhook_deliveries set next_at = 0").await;
    let second = studio.until_tried(2).await;
    assert_eq!(
        (second.state, second.attempts[0].status),
        (DeliveryState::Delivered, Some(204))
    );
    let ids: Vec<_> = receiver
        .came()
        .iter()
        .map(|came| came.header("webhook-id").to_owned())
        .collect();
    assert_eq!(ids, [first.message.clone(), first.message]);
}

#[tokio::test]
async fn in_the_end_it_is_given_up() {
    let studio = Studio::with(near, |_| {}).await;
    let receiver = Receiver::start(Manner::SendsElsewhere).await;
    studio.tells(&receiver).await;
    studio.happens("x").await;
    for times in 1..=10 {
        studio.until_tried(times).await;
        execute(
            &studio.store,
            "update webhook_deliveries set next_at = 0 where state = 'waiting'",
        )
        .await;
    }
    let delivery = studio.delivery().await;
    assert_eq!(
        (delivery.state, delivery.attempts.len()),
        (DeliveryState::Failed, 10)
    );
    assert!(
        delivery
            .attempts
            .iter()
            .all(|attempt| attempt.status == Some(307))
    );
    assert_eq!(receiver.came().len(), 10, "no redirect was followed");
}

#[tokio::test]
async fn who_hangs_or_answers_without_end_is_left_alone_after_a_while() {
    let mut studio = Studio::with(near, |_| {}).await;
    // One that hangs does so for any time; the usual one is for answers that do come.
    let usual = studio.config.webhook_patience;
    studio.config.webhook_patience = Duration::from_millis(500);
    studio.restart().await;
    let receiver = Receiver::start(Manner::Hangs).await;
    studio.tells(&receiver).await;
    studio.happens("x").await;
    let hung = studio.until_tried(1).await;
    assert_eq!(
        (hung.state, hung.attempts[0].status),
        (DeliveryState::Waiting, None)
    );
    assert!(hung.attempts[0].words.contains("No answer within"), "{hung:?}");
    *receiver.manner.lock().unwrap() = Manner::AnswersWithoutEnd;
    studio.config.webhook_patience = usual;
    studio.restart().await;
    execute(&studio.store, "update webhook_deliveries set next_at = 0").await;
    let endless = studio.until_tried(2).await;
    assert_eq!(endless.state, DeliveryState::Delivered, "it said 200");
    assert_eq!(endless.attempts[0].words, "x".repeat(1024));
}

#[tokio::test]
async fn who_is_gone_is_not_told_any_more_and_who_wants_time_is_given_it() {
    let studio = Studio::with(near, |_| {}).await;
    let receiver = Receiver::start(Manner::WantsTime).await;
    studio.tells(&receiver).await;
    studio.happens("x").await;
    let waiting = studio.until_tried(1).await;
    let pause = waiting.next_at.unwrap().since(Millis::now());
    assert!((3_500_000..=3_600_000).contains(&pause), "{pause}");
    *receiver.manner.lock().unwrap() = Manner::IsGone;
    execute(&studio.store, "update webhook_deliveries set next_at = 0").await;
    let gone = studio.until_tried(2).await;
    assert_eq!(gone.state, DeliveryState::Failed);
    studio
        .until_true("it is off", || async {
            let targets = studio.store.list_targets(&studio.team().await).await.unwrap();
            !targets[0].is_on
                && targets[0]
                    .off_reason
                    .as_ref()
                    .is_some_and(|why| why.contains("410"))
        })
        .await;
    studio.happens("y").await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(receiver.came().len(), 2);
}

#[tokio::test]
async fn what_only_this_server_reaches_is_not_told() {
    let studio = Studio::with(|config| config.webhooks_every = Duration::from_millis(20), |_| {}).await;
    let receiver = Receiver::start(Manner::Takes).await;
    let port = receiver.url.rsplit(':').next().unwrap().to_owned();
    let create = async |url: String| {
        let events = WebhookEvent::ALL.to_vec();
        let said = NewTarget { url, events };
        studio.runs.create_target(&studio.team().await, said).await
    };
    for host in [
        "127.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0x7f.1",
        "2130706433",
        "169.254.169.254",
        "0.0.0.0",
    ] {
        let refused = create(format!("http://{host}:{port}")).await;
        assert!(
            matches!(refused, Err(runs::RunsError::Invalid(_))),
            "{host}: {refused:?}"
        );
    }
    // A name says what it is only when it is resolved.
    create(format!("http://localhost:{port}")).await.unwrap();
    studio.happens("x").await;
    let delivery = studio.until_tried(1).await;
    assert_eq!(
        (delivery.state, delivery.attempts[0].status),
        (DeliveryState::Waiting, None)
    );
    assert!(
        delivery.attempts[0]
            .words
            .contains("localhost is not on the internet"),
        "{delivery:?}"
    );
    // Nor does an address that was allowed once, or was written into the database.
    let sql = format!("update webhook_targets set url = 'http://127.0.0.1:{port}'");
    execute(&studio.store, &sql).await;
    execute(&studio.store, "update webhook_deliveries set next_at = 0").await;
    let delivery = studio.until_tried(2).await;
    assert!(
        delivery.attempts[0].words.contains("PITLANE_WEBHOOK_ALLOW"),
        "{delivery:?}"
    );
    assert!(receiver.came().is_empty());
}

#[tokio::test]
async fn a_server_that_ended_in_the_middle_leaves_its_deliveries_to_the_next() {
    let mut studio = Studio::with(near, |_| {}).await;
    let receiver = Receiver::start(Manner::Hangs).await;
    studio.tells(&receiver).await;
    studio.happens("x").await;
    studio
        .until_true("it is on its way", || async { !receiver.came().is_empty() })
        .await;
    studio.runs.shutdown().await;
    *receiver.manner.lock().unwrap() = Manner::Takes;
    // Its time with it is over.
    execute(&studio.store, "update webhook_deliveries set claimed_until = 0").await;
    studio.restart().await;
    studio
        .until_true("it arrives", || async {
            studio.delivery().await.state == DeliveryState::Delivered
        })
        .await;
    let came = receiver.came();
    assert_eq!(came.len(), 2);
    assert_eq!(came[0].header("webhook-id"), came[1].header("webhook-id"));
}

/// Two servers on one database deliver each message once.
#[tokio::test]
async fn two_servers_deliver_once() {
    let Ok(url) = std::env::var("TEST_DATABASE_URL") else {
        return;
    };
    let schema = format!("test_{}", model::RunId::generate().as_str().replace('-', ""));
    let admin = Store::open(&url).await.unwrap();
    execute(&admin, &format!("create schema {schema}")).await;
    admin.close().await;
    let url = format!("{url}?options[search_path]={schema}");
    let one = Studio::at(&url, near, |_| {}).await;
    let receiver = Receiver::start(Manner::Takes).await;
    let mut config = one.config.clone();
    config.server = "two".to_owned();
    let second = Store::open(&url).await.unwrap();
    let two = Runs::open(config, second.clone(), one.provider.client())
        .await
        .unwrap();
    one.tells(&receiver).await;
    for number in 0..40 {
        one.happens(&number.to_string()).await;
    }
    let team = one.team().await;
    one.until_true("all have arrived", || async {
        let all = one.store.list_deliveries(&team, None, None, 200).await.unwrap();
        all.len() == 40 && all.iter().all(|one| one.state == DeliveryState::Delivered)
    })
    .await;
    let mut times: HashMap<String, usize> = HashMap::new();
    for came in receiver.came() {
        *times.entry(came.header("webhook-id").to_owned()).or_default() += 1;
    }
    assert_eq!(times.len(), 40);
    assert!(times.values().all(|times| *times == 1), "{times:?}");
    two.shutdown().await;
    one.runs.shutdown().await;
    one.store.close().await;
    second.close().await;
}
