//! The document of the API, for programs as JSON and for people as a page. The
//! page is painted here from the document and needs no script at all, so none
//! is allowed on it.

mod operation;
mod schema;
mod words;

use super::{
    super::super::{
        Site,
        permission::{Can, Read},
    },
    document::DOCUMENT,
};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, header};
use serde_json::Value;
use std::sync::LazyLock;
use words::{escaped, prose};

/// Where the page is.
pub const PATH: &str = "/api/docs";

const POLICY: &str = "default-src 'none'; style-src 'self' 'unsafe-inline'; font-src 'self'; img-src 'self' data:; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const STYLE: &str = include_str!("page.css");

/// The document as text.
pub static JSON: LazyLock<String> =
    LazyLock::new(|| DOCUMENT.to_pretty_json().expect("a document is written as JSON"));

/// What the page says, without what surrounds it.
static BODY: LazyLock<String> = LazyLock::new(|| body(&serde_json::to_value(&*DOCUMENT).unwrap_or_default()));

/// `GET /api/openapi.json`.
pub async fn json(_: Can<Read>) -> Response {
    let kind = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    (kind, JSON.as_str()).into_response()
}

/// `GET /api/docs`.
pub async fn page(_: Can<Read>, State(site): State<Site>, headers: HeaderMap) -> Response {
    let base = &site.assets.base;
    let theme = theme(&headers).map_or_else(String::new, |word| format!(" data-theme=\"{word}\""));
    let page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"{theme}><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"dark light\"><title>API - Pitlane</title>\
         <link rel=\"icon\" type=\"image/svg+xml\" href=\"{base}/favicon.svg\">\
         <link rel=\"stylesheet\" href=\"{base}/css/app.css\"><style>{STYLE}</style></head>\
         <body class=\"api\">{}</body></html>\n",
        &*BODY
    );
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/html; charset=utf-8"),
        ),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    ];
    (headers, page).into_response()
}

/// The theme that the person chose for the site.
fn theme(headers: &HeaderMap) -> Option<&'static str> {
    let cookies = headers.get_all(header::COOKIE).into_iter();
    let named = cookies
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|cookie| cookie.trim().strip_prefix("pitlane_theme="))?;
    ["dark", "light"].into_iter().find(|word| *word == named)
}

fn body(document: &Value) -> String {
    let operations = operation::all(document);
    let (mut list, mut sections) = (String::new(), String::new());
    for tag in document["tags"].as_array().into_iter().flatten() {
        let name = tag["name"].as_str().unwrap_or_default();
        let of_tag: Vec<_> = operations
            .iter()
            .filter(|operation| operation.tag == name)
            .collect();
        if of_tag.is_empty() {
            continue;
        }
        let id = escaped(&name.to_lowercase());
        list.push_str(&format!("<h2><a href=\"#{id}\">{}</a></h2><ul>", escaped(name)));
        sections.push_str(&format!(
            "<section aria-labelledby=\"{id}\"><h2 id=\"{id}\">{}</h2>{}",
            escaped(name),
            prose(tag["description"].as_str().unwrap_or_default())
        ));
        for operation in of_tag {
            list.push_str(&operation.link());
            sections.push_str(&operation.section());
        }
        list.push_str("</ul>");
        sections.push_str("</section>");
    }
    let info = &document["info"];
    format!(
        "<header class=\"top\"><a class=\"logo\" href=\"/\">Pitlane</a><strong>API</strong><span class=\"grow\"></span>\
         <a class=\"link\" href=\"/api/openapi.json\">openapi.json</a></header>\
         <div class=\"sides\"><nav aria-label=\"Endpoints\">{list}<h2><a href=\"#types\">Types</a></h2></nav><main>\
         <h1>The API, version {}</h1>{}\
         <p>A program signs in with <code>Authorization: Bearer plt_…</code>: <a href=\"/settings/tokens\">make a token</a>.</p>\
         {sections}<section aria-labelledby=\"types\"><h2 id=\"types\">Types</h2>{}</section></main></div>",
        escaped(info["version"].as_str().unwrap_or_default()),
        prose(info["description"].as_str().unwrap_or_default()),
        schema::sections(&document["components"]["schemas"]),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_and_type_has_its_place_and_every_link_leads_somewhere() {
        let document = serde_json::to_value(&*DOCUMENT).expect("JSON");
        let page = body(&document);
        for item in document["paths"].as_object().expect("paths").values() {
            for operation in item.as_object().expect("operations").values() {
                let id = operation["operationId"].as_str().expect("an id");
                assert!(page.contains(&format!("id=\"{id}\"")), "{id} is shown");
            }
        }
        for link in page.split("href=\"#").skip(1) {
            let id = link.split('"').next().expect("its end");
            assert!(page.contains(&format!("id=\"{id}\"")), "#{id} is there");
        }
        let opened =
            |tag: &str| page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count();
        for tag in ["section", "table", "ul", "dl", "nav", "main", "article"] {
            assert_eq!(opened(tag), page.matches(&format!("</{tag}>")).count(), "{tag}");
        }
    }

    #[test]
    fn the_theme_is_one_of_two_or_the_systems() {
        let of = |cookie: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, cookie.parse().expect("a cookie"));
            theme(&headers)
        };
        assert_eq!(of("a=b; pitlane_theme=light"), Some("light"));
        assert_eq!(of("pitlane_theme=\"><script>"), None);
    }
}
