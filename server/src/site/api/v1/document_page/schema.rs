//! Types of the document as HTML: what a value may be, in a few words, and the
//! fields of each type that has a name.

use super::words::{escaped, line};
use serde_json::Value;

/// Every named type, each with its fields.
pub fn sections(schemas: &Value) -> String {
    let schemas = schemas.as_object().into_iter().flatten();
    schemas
        .map(|(name, schema)| {
            format!(
                "<article id=\"{}\"><h3>{}</h3>{}{}</article>",
                anchor(name),
                escaped(name),
                described(schema),
                fields(schema)
            )
        })
        .collect()
}

/// Where a named type is shown.
fn anchor(name: &str) -> String {
    format!("type-{}", escaped(name))
}

fn described(schema: &Value) -> String {
    match schema["description"].as_str() {
        Some(text) => format!("<p>{}</p>", line(text)),
        None => String::new(),
    }
}

/// The fields of a type, or what else it is.
pub fn fields(schema: &Value) -> String {
    let Some(properties) = schema["properties"].as_object() else {
        return format!("<p>{}</p>", kind(schema));
    };
    let required: Vec<&str> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let rows: String = properties
        .iter()
        .map(|(name, schema)| {
            let optional = if required.contains(&name.as_str()) {
                ""
            } else {
                " <span class=\"hint\">optional</span>"
            };
            format!(
                "<tr><th scope=\"row\"><code>{}</code>{optional}</th><td>{}</td><td>{}</td></tr>",
                escaped(name),
                kind(schema),
                line(schema["description"].as_str().unwrap_or_default())
            )
        })
        .collect();
    format!("<div class=\"wide\"><table><tbody>{rows}</tbody></table></div>")
}

/// What a value may be, in a few words.
pub fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return format!(
            "<a class=\"link\" href=\"#{}\">{}</a>",
            anchor(name),
            escaped(name)
        );
    }
    for choice in ["oneOf", "anyOf", "allOf"] {
        if let Some(kinds) = schema[choice].as_array() {
            let kinds: Vec<_> = kinds.iter().map(kind).collect();
            return kinds.join(if choice == "allOf" { " and " } else { " or " });
        }
    }
    if let Some(values) = schema["enum"].as_array() {
        let values = values
            .iter()
            .map(|value| format!("<code>{}</code>", escaped(&plain(value))));
        return values.collect::<Vec<_>>().join(", ");
    }
    let names: Vec<String> = match &schema["type"] {
        Value::Array(names) => names.iter().map(|name| named(&plain(name), schema)).collect(),
        Value::String(name) => vec![named(name, schema)],
        _ => vec!["anything".to_owned()],
    };
    names.join(" or ") + &bounds(schema)
}

fn named(name: &str, schema: &Value) -> String {
    match name {
        "array" if schema["items"]["format"] == "binary" => "bytes".to_owned(),
        "array" => format!("list of {}", kind(&schema["items"])),
        "string" => match schema["format"].as_str() {
            Some("binary") => "bytes".to_owned(),
            Some(format) => format!("text ({})", escaped(format)),
            None => "text".to_owned(),
        },
        "integer" | "number" => "number".to_owned(),
        "boolean" => "<code>true</code> or <code>false</code>".to_owned(),
        "null" => "<code>null</code>".to_owned(),
        "object" => match &schema["additionalProperties"] {
            values @ Value::Object(_) => format!("object of {}", kind(values)),
            _ => "object".to_owned(),
        },
        other => escaped(other),
    }
}

/// Between what a value has to be.
fn bounds(schema: &Value) -> String {
    let number = |name: &str| schema[name].as_f64().map(|number| number.to_string());
    let (least, most, unit) = match (number("minimum"), number("maximum")) {
        (None, None) => (number("minLength"), number("maxLength"), " characters"),
        (least, most) => (least, most, ""),
    };
    match (least, most) {
        (Some(least), Some(most)) => format!(", {least} to {most}{unit}"),
        (Some(least), None) if least != "0" => format!(", at least {least}{unit}"),
        (None, Some(most)) => format!(", at most {most}{unit}"),
        _ => String::new(),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn kinds_in_words() {
        assert_eq!(
            kind(&json!({"type": ["integer", "null"], "minimum": 1, "maximum": 9})),
            "number or <code>null</code>, 1 to 9"
        );
        assert_eq!(
            kind(&json!({"type": "array", "items": {"$ref": "#/components/schemas/Run"}})),
            "list of <a class=\"link\" href=\"#type-Run\">Run</a>"
        );
        assert_eq!(
            kind(&json!({"type": "string", "enum": ["a<"]})),
            "<code>a&lt;</code>"
        );
    }
}
