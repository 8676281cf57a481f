//! Places in source files that a log names: of Python's tracebacks and of
//! Node's stacks. Only those of the agent's own files: they can be opened.

use std::ops::Range;

/// Where an agent's files are inside its sandbox.
const HOME: &str = "/home/daytona/";
/// What lies in there and is not the agent's.
const FOREIGN: [&str; 4] = ["node_modules/", "site-packages/", ".local/", "node:"];

/// A place in a source file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourcePlace {
    /// The bytes of the text that name it.
    pub range: Range<usize>,
    /// The file, below the agent's folder.
    pub path: String,
    /// The line, from 1.
    pub line: u32,
}

/// The first place a row names.
#[must_use]
pub fn find(text: &str) -> Option<SourcePlace> {
    python(text).or_else(|| node(text))
}

/// `  File "agent.py", line 3, in <module>`
fn python(text: &str) -> Option<SourcePlace> {
    let start = text.find("File \"")?;
    let path_start = start + "File \"".len();
    let path_end = path_start + text[path_start..].find('"')?;
    let after = text[path_end..].strip_prefix("\", line ")?;
    let digits = digits_of(after);
    let line = digits.parse().ok()?;
    let end = text.len() - after.len() + digits.len();
    Some(SourcePlace {
        range: start..end,
        path: own_path(&text[path_start..path_end])?,
        line,
    })
}

/// `    at main (/home/daytona/agent.ts:3:5)`, `file:///home/daytona/agent.ts:3:5`,
/// `/home/daytona/agent.ts:3`
fn node(text: &str) -> Option<SourcePlace> {
    [".ts:", ".js:", ".mjs:", ".mts:", ".cjs:", ".cts:"]
        .into_iter()
        .find_map(|ending| {
            let colon = text.find(ending)? + ending.len() - 1;
            let start = text[..colon]
                .rfind([' ', '(', '"', '\'', '<'])
                .map_or(0, |before| before + 1);
            let line = digits_of(&text[colon + 1..]);
            let mut end = colon + 1 + line.len();
            let column = text[end..].strip_prefix(':').map(digits_of).unwrap_or_default();
            if !column.is_empty() {
                end += 1 + column.len();
            }
            Some(SourcePlace {
                range: start..end,
                path: own_path(&text[start..colon])?,
                line: line.parse().ok()?,
            })
        })
}

fn digits_of(text: &str) -> &str {
    &text[..text.bytes().take_while(u8::is_ascii_digit).count()]
}

/// The path below the agent's folder; none when it is not there.
fn own_path(path: &str) -> Option<String> {
    let path = path.strip_prefix("file://").unwrap_or(path);
    let path = path.strip_prefix(HOME).unwrap_or(path);
    let path = path.strip_prefix("./").unwrap_or(path);
    let own = !FOREIGN.iter().any(|foreign| path.contains(foreign));
    (own && model::FilePath::parse(path).is_ok() && !path.starts_with('<')).then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn place(text: &str) -> Option<(String, u32, &str)> {
        find(text).map(|place| (place.path, place.line, &text[place.range]))
    }

    #[test]
    fn tracebacks_of_python() {
        assert_eq!(
            place("  File \"/home/daytona/tools/search.py\", line 12, in search"),
            Some((
                "tools/search.py".into(),
                12,
                "File \"/home/daytona/tools/search.py\", line 12"
            ))
        );
        assert_eq!(
            place("File \"agent.py\", line 3").map(|found| found.0),
            Some("agent.py".into())
        );
        for foreign in [
            "  File \"/usr/lib/python3.11/json/__init__.py\", line 346, in loads",
            "  File \"<frozen importlib._bootstrap>\", line 1027, in _find_and_load",
            "  File \"/home/daytona/.local/lib/python3.11/site-packages/x.py\", line 1",
            "  File \"agent.py\", line ",
        ] {
            assert_eq!(place(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn stacks_of_node() {
        assert_eq!(
            place("    at run (file:///home/daytona/agent.ts:22:11)"),
            Some(("agent.ts".into(), 22, "file:///home/daytona/agent.ts:22:11"))
        );
        assert_eq!(
            place("    at /home/daytona/lib/a.mjs:3:5"),
            Some(("lib/a.mjs".into(), 3, "/home/daytona/lib/a.mjs:3:5"))
        );
        assert_eq!(
            place("/home/daytona/agent.ts:1"),
            Some(("agent.ts".into(), 1, "/home/daytona/agent.ts:1"))
        );
        for foreign in [
            "    at node:internal/modules/run_main.js:117:5",
            "    at f (/home/daytona/node_modules/x/index.js:1:1)",
            "    at f (/opt/pitlane/typescript.mjs:1:1)",
            "agent.ts: no such thing",
        ] {
            assert_eq!(place(foreign), None, "{foreign}");
        }
    }

    proptest! {
        #[test]
        fn any_text(text in "(\\PC{0,9}|File \"|\", line |\\.ts:|[0-9]{1,12}|/home/daytona/){0,8}") {
            if let Some(place) = find(&text) {
                prop_assert!(text.get(place.range).is_some());
            }
        }
    }
}
