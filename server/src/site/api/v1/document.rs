//! The document of the API: OpenAPI 3.1, put together from the endpoints. What
//! holds for every endpoint is added here: how to sign in, the permission it
//! needs, how it refuses, and that making something can be asked for again.

use super::{super::super::problem::Problem, endpoint::Endpoint};
use std::sync::LazyLock;
use utoipa::{
    PartialSchema,
    openapi::{
        ComponentsBuilder, Content, ContentBuilder, HeaderBuilder, HttpMethod, InfoBuilder, License,
        ObjectBuilder, OpenApi, OpenApiBuilder, PathsBuilder, Ref, RefOr, ResponseBuilder,
        SecurityRequirement, Server, Type,
        path::{Operation, ParameterBuilder, ParameterIn},
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
        tag::TagBuilder,
    },
};

/// The document as it is served.
pub static DOCUMENT: LazyLock<OpenApi> = LazyLock::new(|| document(super::endpoints()));

/// The groups of endpoints, in the order they are shown.
const GROUPS: [(&str, &str); 11] = [
    ("Agents", "Projects: their settings and files."),
    ("Files", "The files of an agent, as they are edited."),
    (
        "Revisions",
        "The files of an agent, as they were when something ran.",
    ),
    ("Runs", "Executions of a revision, their state and output."),
    (
        "Interpreters",
        "Pythons that keep their variables from one piece of code to the next.",
    ),
    ("Sandboxes", "The machines that runs are in."),
    ("Secrets", "Values that runs are given and nobody can read."),
    ("Tokens", "How programs sign in."),
    ("Schedules", "Runs that start by themselves."),
    ("Webhooks", "Calls that start runs, and calls that tell of them."),
    ("Team", "Who works here, and what it costs."),
];

/// Puts it together.
fn document(endpoints: Vec<Endpoint>) -> OpenApi {
    let mut paths = PathsBuilder::new();
    let mut components = ComponentsBuilder::new()
        .schema("Problem", Problem::schema())
        .response("Problem", problem())
        .security_scheme(
            "token",
            SecurityScheme::Http(
                HttpBuilder::new()
                    .scheme(HttpAuthScheme::Bearer)
                    .bearer_format("plt_")
                    .description(Some(
                        "A token, made in the settings or by `pitlane token create`.",
                    ))
                    .build(),
            ),
        );
    let mut all = utoipa::openapi::Paths::new();
    for endpoint in endpoints {
        components = components.schemas_from_iter(endpoint.schemas.iter().cloned());
        let path = endpoint.route.replace("{*", "{");
        let operation = completed(&endpoint, &path);
        all.add_path_operation(path, endpoint.methods, operation);
    }
    for (path, item) in all.paths {
        paths = paths.path(path, item);
    }
    let tags = GROUPS.map(|(name, what)| TagBuilder::new().name(name).description(Some(what)).build());
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Pitlane")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(
                    "Everything the site does, for programs. Times are milliseconds since 1970-01-01 UTC; lists come in pages, newest first where nothing else is said; what is refused is told in a problem document (RFC 9457).",
                ))
                .license(Some(License::new("Apache-2.0")))
                .build(),
        )
        .servers(Some([Server::new("/")]))
        .paths(paths)
        .components(Some(components.build()))
        .tags(Some(tags))
        .build()
}

/// What the annotation says, and what holds for all.
fn completed(endpoint: &Endpoint, path: &str) -> Operation {
    let mut operation = endpoint.operation.clone();
    let scope = endpoint.permission.as_str();
    let needs = format!("Needs the scope `{scope}`.");
    operation.description = Some(match operation.description.take() {
        // A comment's lines are as long as code's.
        Some(words) if !words.is_empty() => format!("{}\n\n{needs}", joined(&words)),
        _ => needs,
    });
    operation.security = Some(vec![SecurityRequirement::new("token", [scope])]);
    // A file without a byte is sent without a body.
    if let Some(body) = operation
        .request_body
        .as_mut()
        .filter(|body| body.content.contains_key("application/octet-stream"))
    {
        body.required = None;
    }
    let answers = &mut operation.responses.responses;
    let mut statuses = vec!["400", "401", "403", "408", "413", "422", "429", "431", "503"];
    if path.contains('{') {
        statuses.push("404");
    }
    // What an annotation says of a refusal is why; its form is always the same.
    for (status, answer) in answers.iter_mut() {
        let RefOr::T(answer) = answer else { continue };
        if answer.description.is_empty() {
            answer.description = "Done".to_owned();
        }
        if status.starts_with(['4', '5']) {
            let content = [("application/problem+json".to_owned(), content_of_problem())];
            answer.content = content.into_iter().collect();
        }
    }
    for status in statuses {
        answers.entry(status.to_owned()).or_insert_with(|| match status {
            // Refused before it is read, and without a body.
            "431" => RefOr::T(
                ResponseBuilder::new()
                    .description("The address and the headers are too long together")
                    .build(),
            ),
            _ => RefOr::Ref(Ref::from_response_name("Problem")),
        });
    }
    if endpoint.methods.contains(&HttpMethod::Post) && answers.contains_key("201") {
        answers
            .entry("409".to_owned())
            .or_insert_with(|| RefOr::Ref(Ref::from_response_name("Problem")));
        operation
            .parameters
            .get_or_insert_default()
            .push(idempotency_key());
    }
    operation
}

/// Paragraphs of one line each.
fn joined(text: &str) -> String {
    let paragraphs = text.split("\n\n").map(|paragraph| paragraph.replace('\n', " "));
    paragraphs.collect::<Vec<_>>().join("\n\n")
}

/// The header by which a request that makes something can be sent again.
fn idempotency_key() -> utoipa::openapi::path::Parameter {
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .description(Some(
            "The same request with the same key again, within a day, makes nothing new and gives the same answer.",
        ))
        .schema(Some(
            ObjectBuilder::new()
                .schema_type(Type::String)
                .min_length(Some(1))
                .max_length(Some(255))
                .pattern(Some("^[!-~]+$")),
        ))
        .build()
}

/// How everything is refused.
fn problem() -> utoipa::openapi::Response {
    ResponseBuilder::new()
        .description("Refused: `detail` says what happened, why, and what to do.")
        .header(
            "Retry-After",
            HeaderBuilder::new()
                .schema(ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)))
                .description(Some("When to come again, in seconds, where that is known."))
                .build(),
        )
        .content("application/problem+json", content_of_problem())
        .build()
}

fn content_of_problem() -> Content {
    ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Problem")))
        .build()
}
