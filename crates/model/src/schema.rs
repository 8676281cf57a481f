//! How the types of this crate that are texts with rules describe themselves in
//! the document of the API (OpenAPI 3.1).

use utoipa::openapi::{ObjectBuilder, SchemaFormat, Type};

/// A text, with what it is.
pub(crate) fn text(description: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(description))
}

/// The format of a UUID.
pub(crate) fn uuid() -> SchemaFormat {
    SchemaFormat::Custom("uuid".to_owned())
}
