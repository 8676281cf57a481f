//! Making something once: a request that carries an `Idempotency-Key` may be
//! sent again, and is answered then as it was the first time. What is shown
//! only once is not kept for that: such a request is told that it was met.

use super::{
    super::super::{Site, credential::Credential, permission::Can, refusal::Refusal},
    given::Asked,
};
use app::ErrorCode;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use store::{MadeAnswer, MadeOnce};

/// Something that was made.
pub struct Made {
    location: String,
    body: String,
    is_told_once: bool,
}

impl Made {
    /// What was made, and where it is found.
    ///
    /// # Errors
    /// Never for what can be written as JSON.
    pub fn at(location: String, body: &impl Serialize) -> Result<Self, Refusal> {
        Ok(Self {
            location,
            body: serde_json::to_string(body).map_err(|error| Refusal::internal(&error))?,
            is_told_once: false,
        })
    }

    /// The same, with something that is told to nobody a second time.
    pub fn told_once(self) -> Self {
        Self {
            is_told_once: true,
            ..self
        }
    }
}

/// Makes something, or gives the answer that the same request got before. What was begun is made to its
/// end, also when the client goes away.
///
/// # Errors
/// What `make` is refused with; 409 while the first is under way, 422 for another request with this key.
pub async fn once<P>(
    site: &Site,
    can: &Can<P>,
    asked: Asked,
    make: impl Future<Output = Result<Made, Refusal>> + Send + 'static,
) -> Result<Response, Refusal> {
    let Some(key) = asked.key else {
        let made = finished(tokio::spawn(store::carried(make)).await)?;
        return Ok(answer(StatusCode::CREATED, &made.location, made.body));
    };
    let store = site.services.store.clone();
    let id = id_of(can, &key);
    match store.begin_once(&id, &asked.sha256).await? {
        MadeOnce::New => {}
        MadeOnce::Answered(MadeAnswer {
            status,
            location,
            body: Some(body),
        }) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::CREATED);
            let mut response = answer(status, &location, body);
            response.headers_mut().insert(
                HeaderName::from_static("idempotent-replayed"),
                HeaderValue::from_static("true"),
            );
            return Ok(response);
        }
        MadeOnce::Answered(MadeAnswer { location, .. }) => {
            return Err(Refusal::new(
                ErrorCode::Conflict,
                format!(
                    "This request was met already: see {location}. What it was answered with is shown only once; with a new key another is made."
                ),
            ));
        }
        MadeOnce::UnderWay => {
            return Err(Refusal::new(
                ErrorCode::Conflict,
                "A request with this Idempotency-Key is being answered, or broke off. Look whether what it makes is there; to make it anew, use a new key.",
            ));
        }
        MadeOnce::Another => {
            return Err(model::Invalid(
                "This Idempotency-Key was sent with something else before. Use a new key for another request."
                    .to_owned(),
            )
            .into());
        }
    }
    let noted = tokio::spawn(store::carried(async move {
        match make.await {
            Ok(made) => {
                let answer = MadeAnswer {
                    status: StatusCode::CREATED.as_u16(),
                    location: made.location.clone(),
                    body: (!made.is_told_once).then(|| made.body.clone()),
                };
                store.finish_once(&id, &answer).await?;
                Ok(made)
            }
            Err(refusal) => {
                store.forget_once(&id).await?;
                Err(refusal)
            }
        }
    }));
    let made = finished(noted.await)?;
    Ok(answer(StatusCode::CREATED, &made.location, made.body))
}

fn finished(made: Result<Result<Made, Refusal>, tokio::task::JoinError>) -> Result<Made, Refusal> {
    made.map_err(|error| Refusal::internal(&error))?
}

/// Whose key it is: that of one token, or of one person's sessions in one team.
fn id_of<P>(can: &Can<P>, key: &str) -> String {
    let by = match &can.credential {
        Credential::Session(_) => "session".to_owned(),
        Credential::Token(token) => token.id.to_string(),
    };
    hex::encode(Sha256::digest(format!("{} {} {by} {key}", can.user.id, can.team)))
}

fn answer(status: StatusCode, location: &str, body: String) -> Response {
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Ok(location) = HeaderValue::from_str(location) {
        headers.insert(header::LOCATION, location);
    }
    response
}
