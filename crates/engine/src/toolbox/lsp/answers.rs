//! A server's answers in Daytona's shapes. What has not the shape that the
//! protocol wants is left out.

use daytona::{LspCompletion, LspCompletions, LspLocation, LspRange, LspSymbol};
use serde_json::{Value, json};

use super::documents::Documents;

/// The most symbols of one answer, and how deep they may lie in each other.
const MOST: usize = 10_000;
const DEEPEST: usize = 32;

/// Completions: a list, an object with one, or nothing.
pub(super) fn completions(answer: Value) -> LspCompletions {
    let (items, is_incomplete) = match answer {
        Value::Array(items) => (items, false),
        Value::Object(mut object) => {
            let incomplete = object.get("isIncomplete").and_then(Value::as_bool);
            let items = match object.remove("items") {
                Some(Value::Array(items)) => items,
                _ => Vec::new(),
            };
            (items, incomplete.unwrap_or(false))
        }
        _ => (Vec::new(), false),
    };
    LspCompletions {
        is_incomplete,
        items: items.into_iter().take(MOST).filter_map(completion).collect(),
    }
}

fn completion(item: Value) -> Option<LspCompletion> {
    let mut item: LspCompletion = serde_json::from_value(item).ok()?;
    // Daytona's documentation is always an object.
    item.documentation = item.documentation.and_then(|documentation| match documentation {
        Value::String(text) => Some(json!({"kind": "plaintext", "value": text})),
        Value::Object(_) => Some(documentation),
        _ => None,
    });
    Some(item)
}

/// Symbols: each with its place, or inside each other in one document.
pub(super) fn symbols(answer: Value, document: &str, documents: &Documents) -> Vec<LspSymbol> {
    let mut found = Vec::new();
    if let Value::Array(all) = answer {
        for symbol in &all {
            collect(symbol, document, documents, &mut found, 0);
        }
    }
    found
}

fn collect(symbol: &Value, document: &str, documents: &Documents, found: &mut Vec<LspSymbol>, depth: usize) {
    if found.len() >= MOST || depth > DEEPEST {
        return;
    }
    let uri = symbol["location"]["uri"].as_str();
    let range = [
        &symbol["location"]["range"],
        &symbol["selectionRange"],
        &symbol["range"],
    ]
    .into_iter()
    .find_map(|range| serde_json::from_value::<LspRange>(range.clone()).ok());
    if let (Some(name), Some(kind)) = (symbol["name"].as_str(), symbol["kind"].as_i64()) {
        found.push(LspSymbol {
            kind,
            name: name.to_owned(),
            location: LspLocation {
                uri: documents.given(uri.unwrap_or(document)),
                range: range.unwrap_or_default(),
            },
        });
    }
    for child in symbol["children"].as_array().into_iter().flatten() {
        collect(child, document, documents, found, depth + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completions_come_in_three_forms() {
        let item = json!({"label": "join", "kind": 3, "documentation": "text", "data": [1]});
        let list = completions(json!([item, {"kind": 1}, null]));
        assert_eq!((list.items.len(), list.is_incomplete), (1, false));
        let documentation = list.items[0].documentation.as_ref().unwrap();
        assert_eq!(documentation["value"], "text");
        let object = completions(json!({"isIncomplete": true, "items": [item]}));
        assert_eq!((object.items.len(), object.is_incomplete), (1, true));
        for odd in [json!(null), json!(1), json!({"items": 1}), json!({})] {
            assert_eq!(completions(odd), LspCompletions::default());
        }
    }

    #[test]
    fn symbols_come_flat_or_inside_each_other() {
        let range = json!({"start": {"line": 1, "character": 2}, "end": {"line": 3, "character": 4}});
        let documents = Documents::default();
        let flat = json!([{"name": "a", "kind": 12, "location": {"uri": "file:///x%20y", "range": range}}]);
        let found = symbols(flat, "file:///d", &documents);
        assert_eq!(found[0].location.uri, "file:///x y");
        assert_eq!(found[0].location.range.end.character, 4);
        let nested = json!([{"name": "A", "kind": 5, "range": range, "selectionRange": range,
            "children": [{"name": "m", "kind": 6, "range": range}, {"kind": 1}]}]);
        let found = symbols(nested, "file:///d", &documents);
        let names: Vec<&str> = found.iter().map(|symbol| symbol.name.as_str()).collect();
        assert_eq!(names, ["A", "m"]);
        assert!(found.iter().all(|symbol| symbol.location.uri == "file:///d"));
        let mut deep = json!({"name": "x", "kind": 1});
        for _ in 0..100 {
            deep = json!({"name": "x", "kind": 1, "children": [deep]});
        }
        assert_eq!(symbols(json!([deep]), "file:///d", &documents).len(), DEEPEST + 1);
        assert!(symbols(json!({"a": 1}), "file:///d", &documents).is_empty());
    }
}
