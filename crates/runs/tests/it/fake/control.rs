//! The control plane: make, get, list, delete.

use super::{refusal, world::World};
use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use daytona::{CreateSandbox, SandboxPage};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

pub fn routes() -> Router<Arc<World>> {
    Router::new()
        .route("/sandbox", post(create).get(list))
        .route("/sandbox/{id}", get(one).delete(remove))
}

async fn create(State(world): State<Arc<World>>, Json(request): Json<CreateSandbox>) -> Response {
    Json(world.make(request.labels)).into_response()
}

async fn list(
    State(world): State<Arc<World>>,
    Query(query): Query<HashMap<String, String>>,
) -> Json<SandboxPage> {
    let wanted: BTreeMap<String, String> = query
        .get("labels")
        .map(|labels| serde_json::from_str(labels).expect("labels as JSON"))
        .unwrap_or_default();
    let inner = world.lock();
    let items = inner
        .sandboxes
        .values()
        .map(|fake| fake.sandbox.clone())
        .filter(|sandbox| {
            inner.list_ignores_labels
                || wanted
                    .iter()
                    .all(|(name, value)| sandbox.labels.get(name) == Some(value))
        })
        .collect();
    Json(SandboxPage {
        items,
        next_cursor: None,
    })
}

async fn one(State(world): State<Arc<World>>, Path(id): Path<String>) -> Response {
    match world.lock().sandboxes.get(&id) {
        Some(fake) => Json(fake.sandbox.clone()).into_response(),
        None => refusal(404, "Sandbox not found"),
    }
}

async fn remove(State(world): State<Arc<World>>, Path(id): Path<String>) -> Response {
    let removed = {
        let mut inner = world.lock();
        let removed = inner.sandboxes.remove(&id);
        if removed.is_some() {
            inner.deleted.push(id);
        }
        removed
    };
    world.cut();
    match removed {
        Some(_) => StatusCode::OK.into_response(),
        None => refusal(404, "Sandbox not found"),
    }
}
