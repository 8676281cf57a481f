//! One endpoint: a handler with its permission, and what the document says of
//! it. Both come from the handler: its address and methods from its
//! annotation, its permission from its first argument, so that neither the
//! router nor the document can be wrong about it.

use super::super::super::{
    Site,
    permission::{self, BeginsWithPermission},
};
use axum::{
    handler::Handler,
    routing::{MethodFilter, MethodRouter},
};
use model::Permission;
use utoipa::{
    __dev::{SchemaReferences, Tags},
    Path,
    openapi::{HttpMethod, RefOr, Schema, path::Operation},
};

/// An endpoint of the API.
pub struct Endpoint {
    /// Its address, as the router has it: `{*path}` takes slashes too.
    pub route: String,
    /// Its methods.
    pub methods: Vec<HttpMethod>,
    /// What it needs.
    pub permission: Permission,
    /// What is said of it.
    pub operation: Operation,
    /// The types it speaks of, by name.
    pub schemas: Vec<(String, RefOr<Schema>)>,
    /// What answers.
    pub handlers: MethodRouter<Site>,
}

/// The endpoint of a handler. `D` is what `#[utoipa::path]` has made beside it: `__path_list` for `list`.
pub fn endpoint<D, H, T>(handler: H) -> Endpoint
where
    D: Path + SchemaReferences + Tags<'static>,
    H: Handler<T, Site>,
    T: BeginsWithPermission + 'static,
{
    let methods = D::methods();
    let filter = methods
        .iter()
        .map(filter)
        .reduce(MethodFilter::or)
        .expect("an annotation names a method");
    let mut operation = D::operation();
    operation.tags = Some(D::tags().into_iter().map(str::to_owned).collect());
    let mut schemas = Vec::new();
    D::schemas(&mut schemas);
    Endpoint {
        route: D::path(),
        permission: T::PERMISSION,
        operation,
        schemas,
        handlers: permission::on(filter, handler),
        methods,
    }
}

const fn filter(method: &HttpMethod) -> MethodFilter {
    match method {
        HttpMethod::Get => MethodFilter::GET,
        HttpMethod::Post => MethodFilter::POST,
        HttpMethod::Put => MethodFilter::PUT,
        HttpMethod::Delete => MethodFilter::DELETE,
        HttpMethod::Options => MethodFilter::OPTIONS,
        HttpMethod::Head => MethodFilter::HEAD,
        HttpMethod::Patch => MethodFilter::PATCH,
        HttpMethod::Trace => MethodFilter::TRACE,
    }
}
