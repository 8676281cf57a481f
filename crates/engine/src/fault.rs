//! Refusals in Daytona's two shapes: the control plane's and the toolbox's.
//!
//! A handler returns a [`Fault`]; who says it (API, daemon, proxy), the path,
//! the method and the time are filled in by [`complete`], a layer around all
//! routes, so that an unknown route and a wrong method speak the same way.

use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use daytona::{ErrorBody, codes};

use crate::clock;
use crate::sandbox::{FileError, FileFault, SandboxError};

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    status: StatusCode,
    message: String,
    code: Option<&'static str>,
    proxy: bool,
    preview: bool,
}

impl Fault {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            code: None,
            proxy: false,
            preview: false,
        }
    }

    /// With one of the toolbox's codes.
    pub(crate) fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    /// Said by what stands before the toolbox, not by it.
    pub(crate) fn by_proxy(mut self) -> Self {
        self.proxy = true;
        self
    }

    /// Said under the host name of a preview, whatever its path looks like.
    pub(crate) fn of_preview(mut self) -> Self {
        self.preview = true;
        self.by_proxy()
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, message)
    }

    pub(crate) fn gone(message: impl Into<String>, code: &'static str) -> Self {
        Self::new(StatusCode::GONE, message).code(code)
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, message)
    }

    /// The refusal of a file, in words that name its path.
    pub(crate) fn file(error: &FileError) -> Self {
        let message = error.to_string();
        let Some(fault) = error.fault() else {
            return Self::new(StatusCode::BAD_GATEWAY, message);
        };
        let (status, code) = match fault {
            FileFault::NotFound => (StatusCode::NOT_FOUND, codes::FILE_NOT_FOUND),
            FileFault::Denied | FileFault::ReadOnly => (StatusCode::FORBIDDEN, codes::FILE_ACCESS_DENIED),
            FileFault::Exists | FileFault::NotEmpty => (StatusCode::CONFLICT, codes::CONFLICT),
            FileFault::IsFolder
            | FileFault::NotFolder
            | FileFault::NotRegular
            | FileFault::BadPath
            | FileFault::OtherFileSystem => (StatusCode::BAD_REQUEST, codes::INVALID_FILE_PATH),
            FileFault::NoSpace => (StatusCode::INSUFFICIENT_STORAGE, codes::INTERNAL_SERVER_ERROR),
            FileFault::TooLarge => (StatusCode::BAD_REQUEST, codes::BAD_REQUEST),
            FileFault::TimedOut | FileFault::Other(_) => {
                (StatusCode::INTERNAL_SERVER_ERROR, codes::FILE_READ_FAILED)
            }
        };
        Self::new(status, message).code(code)
    }

    /// Whether an answer is a refusal of ours with this status, not what a
    /// program in a sandbox answered.
    pub(crate) fn is_ours(response: &Response, status: StatusCode) -> bool {
        let fault = response.extensions().get::<Self>();
        fault.is_some_and(|fault| fault.status == status)
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// The body Daytona's clients expect from this part of the API.
    pub(crate) fn body(&self, method: &str, path: &str) -> ErrorBody {
        let toolbox = self.preview || path.starts_with("/toolbox/");
        ErrorBody {
            status_code: self.status.as_u16(),
            message: self.message.clone(),
            path: path.to_owned(),
            timestamp: clock::rfc3339(clock::now_ms()),
            error: (!toolbox).then(|| reason(self.status).to_owned()),
            code: toolbox.then(|| self.code.unwrap_or_else(|| general_code(self.status)).to_owned()),
            source: Some(
                match (toolbox, self.proxy) {
                    (true, true) => "DAYTONA_PROXY",
                    (true, false) => "DAYTONA_DAEMON",
                    (false, _) => "DAYTONA_API",
                }
                .to_owned(),
            ),
            method: toolbox.then(|| method.to_owned()),
        }
    }
}

impl From<SandboxError> for Fault {
    fn from(error: SandboxError) -> Self {
        let status = match error {
            SandboxError::Ended(_) | SandboxError::Silent(_) => StatusCode::BAD_GATEWAY,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, error.to_string())
    }
}

impl From<FileError> for Fault {
    fn from(error: FileError) -> Self {
        Self::file(&error)
    }
}

fn reason(status: StatusCode) -> &'static str {
    status.canonical_reason().unwrap_or("Error")
}

fn general_code(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => codes::BAD_REQUEST,
        401 => codes::UNAUTHORIZED,
        403 => codes::FORBIDDEN,
        404 | 405 => codes::NOT_FOUND,
        408 => codes::REQUEST_TIMEOUT,
        409 => codes::CONFLICT,
        410 => codes::GONE,
        413 | 422 => codes::UNPROCESSABLE_ENTITY,
        _ => codes::INTERNAL_SERVER_ERROR,
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// The layer that writes the body of every refusal.
pub(crate) async fn complete(request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    let fault = response.extensions_mut().remove::<Fault>();
    let fault = match (fault, response.status()) {
        (Some(fault), _) => fault,
        (None, _) if response.extensions().get::<Foreign>().is_some() => return response,
        (None, StatusCode::METHOD_NOT_ALLOWED) => Fault::new(
            StatusCode::METHOD_NOT_ALLOWED,
            format!("{method} is not served at {path}."),
        ),
        _ => return response,
    };
    // That a program in a sandbox is not there is no failure of the engine, nor
    // is that it was never made to do a thing.
    let failed = fault.status.is_server_error() && fault.status != StatusCode::NOT_IMPLEMENTED;
    if failed && !fault.proxy {
        tracing::warn!(%method, path, status = fault.status.as_u16(), message = fault.message, "refused");
    }
    let body = serde_json::to_vec(&fault.body(method.as_str(), &path)).unwrap_or_default();
    let mut answer = (fault.status, body).into_response();
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in response.headers() {
        let counts = ["retry-after", "x-ratelimit-"];
        let counts = counts.iter().any(|begin| name.as_str().starts_with(begin));
        if name == header::ALLOW || name == header::CONTENT_RANGE || counts {
            headers.insert(name, value.clone());
        }
    }
    answer
}

/// A mark on an answer that a program in a sandbox gave: it is not ours to
/// complete, whatever it says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Foreign;

/// What is said about a path that nothing serves.
pub(crate) async fn unknown_route(request: Request) -> Fault {
    Fault::not_found(format!("Cannot {} {}", request.method(), request.uri().path()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_parts_of_the_api_refuse_in_their_own_shapes() {
        let fault = Fault::not_found("Sandbox with ID or name x not found");
        let control = fault.body("GET", "/api/sandbox/x");
        assert_eq!(control.error.as_deref(), Some("Not Found"));
        assert_eq!((control.code, control.method), (None, None));
        assert_eq!(control.source.as_deref(), Some("DAYTONA_API"));

        let toolbox = fault.body("GET", "/toolbox/x/files/info");
        assert_eq!(toolbox.code.as_deref(), Some("NOT_FOUND"));
        assert_eq!(toolbox.method.as_deref(), Some("GET"));
        assert_eq!(toolbox.source.as_deref(), Some("DAYTONA_DAEMON"));
        assert_eq!(toolbox.error, None);
    }
}
