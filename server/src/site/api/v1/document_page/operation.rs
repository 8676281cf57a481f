//! One operation of the document as HTML: what it does, what it takes, how it
//! answers, and a line that calls it.

use super::{
    schema::{fields, kind},
    words::{escaped, line, prose},
};
use serde_json::Value;

/// An operation, and where it stands in the document.
pub struct Operation<'d> {
    path: &'d str,
    method: &'d str,
    /// The group it is in.
    pub tag: &'d str,
    said: &'d Value,
    components: &'d Value,
}

/// All operations of a document, in its order.
pub fn all(document: &Value) -> Vec<Operation<'_>> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths
        .flat_map(|(path, item)| {
            let operations = item.as_object().into_iter().flatten();
            operations.map(|(method, said)| Operation {
                path,
                method,
                tag: said["tags"][0].as_str().unwrap_or_default(),
                said,
                components: &document["components"],
            })
        })
        .collect()
}

impl Operation<'_> {
    fn id(&self) -> String {
        escaped(self.said["operationId"].as_str().unwrap_or_default())
    }

    fn summary(&self) -> String {
        line(self.said["summary"].as_str().unwrap_or_default())
    }

    /// Its line in the list at the side.
    pub fn link(&self) -> String {
        format!("<li><a href=\"#{}\">{}</a></li>", self.id(), self.summary())
    }

    /// All of it.
    pub fn section(&self) -> String {
        format!(
            "<article id=\"{}\"><h3>{}</h3><p class=\"call\"><span class=\"method {}\">{}</span> <code>{}</code></p>{}{}{}{}\
             <pre tabindex=\"0\"><code>{}</code></pre></article>",
            self.id(),
            self.summary(),
            escaped(self.method),
            escaped(&self.method.to_uppercase()),
            escaped(self.path),
            prose(self.said["description"].as_str().unwrap_or_default()),
            self.parameters(),
            self.body(),
            self.answers(),
            escaped(&self.example())
        )
    }

    fn parameters(&self) -> String {
        let rows: String = self.said["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|parameter| {
                let place = parameter["in"].as_str().unwrap_or_default();
                let optional = if parameter["required"] == true { "" } else { ", optional" };
                format!(
                    "<tr><th scope=\"row\"><code>{}</code> <span class=\"hint\">{}{optional}</span></th><td>{}</td><td>{}</td></tr>",
                    escaped(parameter["name"].as_str().unwrap_or_default()),
                    escaped(place),
                    kind(&parameter["schema"]),
                    line(parameter["description"].as_str().unwrap_or_default())
                )
            })
            .collect();
        if rows.is_empty() {
            return rows;
        }
        format!("<h4>Takes</h4><div class=\"wide\"><table><tbody>{rows}</tbody></table></div>")
    }

    fn body(&self) -> String {
        let Some((media, content)) = self.said["requestBody"]["content"]
            .as_object()
            .and_then(|content| content.iter().next())
        else {
            return String::new();
        };
        let schema = self.followed(&content["schema"]);
        format!(
            "<h4>Body <span class=\"hint\">{}</span></h4>{}",
            escaped(media),
            fields(schema)
        )
    }

    /// What a reference means.
    fn followed<'s>(&'s self, schema: &'s Value) -> &'s Value {
        match schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
            Some(name) => &self.components["schemas"][name],
            None => schema,
        }
    }

    fn answers(&self) -> String {
        let (mut items, mut refused) = (String::new(), Vec::new());
        for (status, answer) in self.said["responses"].as_object().into_iter().flatten() {
            if answer["$ref"].is_string() {
                refused.push(status.as_str());
                continue;
            }
            let content = answer["content"]
                .as_object()
                .and_then(|content| content.iter().next());
            let content = content.map_or_else(String::new, |(media, content)| {
                format!(
                    "{} <span class=\"hint\">{}</span>",
                    kind(&content["schema"]),
                    escaped(media)
                )
            });
            items.push_str(&format!(
                "<dt>{}</dt><dd>{} {content}</dd>",
                escaped(status),
                line(answer["description"].as_str().unwrap_or_default())
            ));
        }
        if !refused.is_empty() {
            items.push_str(&format!(
                "<dt>Refused</dt><dd>{} with a {}</dd>",
                escaped(&refused.join(", ")),
                kind(&serde_json::json!({"$ref": "#/components/schemas/Problem"}))
            ));
        }
        format!("<h4>Answers</h4><dl>{items}</dl>")
    }

    fn example(&self) -> String {
        let method = match self.method {
            "get" => String::new(),
            method => format!("-X {} ", method.to_uppercase()),
        };
        let body = match self.said["requestBody"]["content"].as_object() {
            Some(content) if content.contains_key("application/json") => {
                let example = self.followed(&content["application/json"]["schema"])["example"].clone();
                match example {
                    Value::Null => " -d '{…}'".to_owned(),
                    example => format!(" -d '{example}'"),
                }
            }
            Some(_) => " --data-binary @FILE".to_owned(),
            None => String::new(),
        };
        format!(
            "curl {method}-H \"Authorization: Bearer $PITLANE_TOKEN\" \"$PITLANE{}\"{body}",
            self.path
        )
    }
}
