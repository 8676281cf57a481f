//! The templates a new agent can start from. Their files live in
//! `crates/model/templates`, as code that can be read and run by itself.

use crate::Language;
use serde::{Deserialize, Serialize};

/// A template as it is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Template {
    /// Its name in addresses.
    pub slug: &'static str,
    /// Its title.
    pub title: &'static str,
    /// What it shows, as one sentence.
    pub description: &'static str,
    /// What it is written in.
    pub language: Language,
    /// Its files: path and text.
    pub files: &'static [(&'static str, &'static str)],
}

/// A template's name in addresses, as a client gives it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TemplateSlug(pub String);

macro_rules! files {
    ($folder:literal: $($path:literal),+) => {
        &[$(($path, include_str!(concat!("../templates/", $folder, "/", $path)))),+]
    };
}

/// All templates, in the order they are offered.
pub const TEMPLATES: &[Template] = &[
    Template {
        slug: "streaming-hello",
        title: "Streaming hello",
        description: "Prints line by line, so you see the log live.",
        language: Language::Python,
        files: files!("streaming-hello": "agent.py"),
    },
    Template {
        slug: "agent-with-tools",
        title: "Agent with tools",
        description: "Plans, calls two tools, answers, and says each step.",
        language: Language::Python,
        files: files!("agent-with-tools": "agent.py", "tools/__init__.py", "tools/calculator.py", "tools/notes.py", "data/notes.json"),
    },
    Template {
        slug: "ask-me-first",
        title: "Ask me first",
        description: "Stops to ask before it acts; you answer in the log.",
        language: Language::Python,
        files: files!("ask-me-first": "agent.py"),
    },
    Template {
        slug: "typescript-agent",
        title: "TypeScript agent",
        description: "A small agent loop in TypeScript, types and all.",
        language: Language::TypeScript,
        files: files!("typescript-agent": "agent.ts", "tools.ts"),
    },
    Template {
        slug: "javascript-agent",
        title: "JavaScript agent",
        description: "Three workers at once, their output as it comes.",
        language: Language::JavaScript,
        files: files!("javascript-agent": "agent.js"),
    },
    Template {
        slug: "traceback",
        title: "One that fails",
        description: "Ends with a traceback, to see how failures look.",
        language: Language::Python,
        files: files!("traceback": "agent.py", "parser.py"),
    },
];

/// The template of this name.
#[must_use]
pub fn find(slug: &str) -> Option<&'static Template> {
    TEMPLATES.iter().find(|template| template.slug == slug)
}

impl Template {
    /// Its files in a few words: `agent.py, 14 lines`.
    #[must_use]
    pub fn words(&self) -> String {
        let mut names: Vec<String> = Vec::new();
        for (path, _) in self.files {
            let name = path
                .split_once('/')
                .map_or_else(|| (*path).to_owned(), |(folder, _)| format!("{folder}/"));
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let lines: usize = self.files.iter().map(|(_, text)| text.lines().count()).sum();
        format!("{}, {lines} lines", names.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FilePath, language::entrypoint};

    #[test]
    fn every_template_can_be_run() {
        for template in TEMPLATES {
            let paths: Vec<_> = template
                .files
                .iter()
                .map(|(path, _)| FilePath::parse(path).expect("a path"))
                .collect();
            entrypoint(template.language, None, &paths).expect(template.slug);
            assert_eq!(find(template.slug).map(|found| found.title), Some(template.title));
        }
        assert!(find("../x").is_none());
    }

    #[test]
    fn words() {
        assert!(
            find("agent-with-tools")
                .expect("there")
                .words()
                .starts_with("agent.py, tools/, data/, ")
        );
    }
}
