//! `POST /api/hooks/{id}`: a message to the webhook of an agent. Its sender has
//! no account and no token: the signature is what lets it in, and what it may
//! do is to start this agent. So it stands before the guard, with limits of its
//! own, and the body is read only when the rest of the message can be good.

use super::{
    Site, guard,
    pressure::{Client, no_room_for_it},
    refusal::Refusal,
};
use app::ErrorCode;
use axum::{
    Json,
    extract::{Path, Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use model::{HookId, Invalid, Millis, time::byte_words, webhook::MOST_BODY};
use runs::webhooks::{Incoming, Refused};
use std::time::{Duration, Instant};

/// The route.
pub const PATH: &str = "/api/hooks/{id}";
/// How long a body may take to come.
const BODY_TIME: Duration = Duration::from_secs(30);

/// The handler.
pub async fn receive(
    State(site): State<Site>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let none = |_| Refusal::new(ErrorCode::NotFound, "There is no webhook at this address.");
    let id = HookId::parse(&id).map_err(none)?;
    let incoming = incoming(&parts.headers)?;
    incoming.check(Millis::now()).map_err(refusal)?;
    if content_length(&parts.headers).is_some_and(|length| length > MOST_BODY) {
        return Err(too_large());
    }
    let runs = &site.services.runs;
    let hook = runs.open_hook(&id).await?;
    let sender = Client::at(guard::address(&site, &parts.extensions, &parts.headers));
    // Until its run is on its way.
    let _reserved = match site.pressure.room.reserve(&sender, MOST_BODY as u64) {
        Ok(reserved) => reserved,
        Err(no_room) => return Ok(no_room_for_it(no_room)),
    };
    let body = tokio::time::timeout(BODY_TIME, axum::body::to_bytes(body, MOST_BODY)).await;
    let body = body
        .map_err(|_| Refusal::too_slow("The message took too long to come. Send it again."))?
        .map_err(|_| too_large())?;
    let standing = match site.pressure.starts.begin(&Client::Hook(id), Instant::now()) {
        Ok(standing) => standing,
        Err(standing) => {
            return Err(Refusal::too_many(
                "This webhook started as many runs as it may in a minute. Send the message again later."
                    .to_owned(),
                standing.wait_seconds(),
            ));
        }
    };
    let run = runs.receive(hook, incoming, body.into()).await.map_err(refusal)?;
    let address = format!("/api/runs/{}", run.id);
    let answer = Json(serde_json::json!({ "run_id": run.id, "run": address, "state": run.state }));
    let mut response = (StatusCode::ACCEPTED, answer).into_response();
    if let Ok(location) = HeaderValue::from_str(&address) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    if let Some(standing) = standing {
        standing.say(response.headers_mut());
    }
    Ok(response)
}

/// What a message says of itself.
fn incoming(headers: &HeaderMap) -> Result<Incoming, Invalid> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let needed = |name: &str| {
        text(name).map(str::to_owned).ok_or_else(|| {
            Invalid(format!(
                "The header {name} is missing or unreadable. A message is signed with webhook-id, webhook-timestamp and webhook-signature, as Standard Webhooks has it."
            ))
        })
    };
    let timestamp = needed("webhook-timestamp")?;
    Ok(Incoming {
        id: needed("webhook-id")?,
        timestamp: timestamp
            .parse()
            .map_err(|_| Invalid("webhook-timestamp is a whole number of seconds since 1970.".to_owned()))?,
        signatures: needed("webhook-signature")?,
        content_type: text("content-type").map(str::to_owned),
    })
}

fn content_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn too_large() -> Refusal {
    Refusal::too_large(format!(
        "The message is larger than the {} it may have, or was not sent to its end.",
        byte_words(MOST_BODY as u64)
    ))
}

fn refusal(refused: Refused) -> Refusal {
    match refused {
        Refused::NotTrusted(words) => Refusal::new(ErrorCode::Forbidden, words),
        Refused::Runs(error) => error.into(),
    }
}
