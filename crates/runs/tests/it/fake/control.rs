//! The control plane: make, get, list, start, stop, archive, delete.

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
        .route("/sandbox/{id}/autodelete/{minutes}", post(auto_delete))
        .route("/sandbox/{id}/{verb}", post(change))
}

async fn create(State(world): State<Arc<World>>, Json(request): Json<CreateSandbox>) -> Response {
    let sandbox = world.make(request.labels);
    let mut inner = world.lock();
    let fake = inner.sandboxes.get_mut(&sandbox.id).expect("just made");
    fake.sandbox.auto_delete_interval = request.auto_delete_interval;
    Json(fake.sandbox.clone()).into_response()
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

async fn auto_delete(State(world): State<Arc<World>>, Path((id, minutes)): Path<(String, i64)>) -> Response {
    match world.lock().sandboxes.get_mut(&id) {
        Some(fake) if fake.sandbox.auto_delete_interval == Some(0) => {
            refusal(400, "This sandbox was created ephemeral")
        }
        Some(fake) => {
            fake.sandbox.auto_delete_interval = Some(minutes);
            Json(fake.sandbox.clone()).into_response()
        }
        None => refusal(404, "Sandbox not found"),
    }
}

async fn change(State(world): State<Arc<World>>, Path((id, verb)): Path<(String, String)>) -> Response {
    use daytona::SandboxState::{Archived, Started, Stopped};
    let mut inner = world.lock();
    let Some(fake) = inner.sandboxes.get_mut(&id) else {
        return refusal(404, "Sandbox not found");
    };
    let state = match (verb.as_str(), fake.sandbox.state) {
        ("stop", Some(Started)) => Stopped,
        ("archive", Some(Stopped)) => Archived,
        ("start", Some(Stopped | Archived)) => Started,
        _ => return refusal(400, "The sandbox is in another state"),
    };
    fake.sandbox.state = Some(state);
    fake.sessions.clear();
    let sandbox = fake.sandbox.clone();
    drop(inner);
    world.cut();
    Json(sandbox).into_response()
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
