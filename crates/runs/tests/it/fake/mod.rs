//! A provider made for tests: it speaks Daytona's wire, runs nothing, and does
//! what a test tells it, faults included. What programs print and how they end
//! is the test's; what is real here is every byte between it and the store.

mod control;
mod toolbox;
mod world;

pub use world::{FakeCommand, Fault, Framing, World};

use axum::{
    Router,
    extract::{Request, State},
    http::StatusCode,
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use std::sync::Arc;
use tokio::task::JoinHandle;

/// A running provider; gone when dropped.
pub struct FakeProvider {
    pub world: Arc<World>,
    address: String,
    task: JoinHandle<()>,
}

impl FakeProvider {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let world = Arc::new(World::new(format!("{address}/toolbox")));
        let router = Router::new()
            .nest("/api", control::routes())
            .nest("/toolbox/{sandbox}", toolbox::routes())
            .layer(middleware::from_fn_with_state(Arc::clone(&world), faults))
            .with_state(Arc::clone(&world));
        let task = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("serves");
        });
        Self { world, address, task }
    }

    /// A client of it.
    pub fn client(&self) -> daytona::Client {
        let config = daytona::Config {
            api_url: format!("{}/api", self.address),
            ..daytona::Config::new("a key")
        };
        daytona::Client::new(config).expect("a client")
    }
}

impl Drop for FakeProvider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Slows and refuses calls as the test says.
async fn faults(State(world): State<Arc<World>>, request: Request, next: Next) -> Response {
    let call = format!("{} {}", request.method(), request.uri().path());
    let fault = world.fault_of(&call);
    world.note_call(&call);
    match fault {
        Some(Fault::Status(status)) => (
            StatusCode::from_u16(status).expect("a status"),
            axum::Json(serde_json::json!({"statusCode": status, "message": "told to fail"})),
        )
            .into_response(),
        Some(Fault::Delay(delay)) => {
            tokio::time::sleep(delay).await;
            next.run(request).await
        }
        Some(Fault::AnswerLost) => {
            // It is done, and the answer never arrives: the connection breaks in the middle of it.
            next.run(request).await;
            let broken = futures::stream::iter([
                Ok::<_, std::io::Error>(axum::body::Bytes::from_static(b"{")),
                Err(std::io::Error::other("cut")),
            ]);
            axum::body::Body::from_stream(broken).into_response()
        }
        None => next.run(request).await,
    }
}

/// An answer that is not a success, in Daytona's envelope.
fn refusal(status: u16, message: &str) -> Response {
    (
        StatusCode::from_u16(status).expect("a status"),
        axum::Json(serde_json::json!({"statusCode": status, "message": message, "source": "DAYTONA_API"})),
    )
        .into_response()
}
