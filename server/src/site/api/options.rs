//! What a program may say about a run that it asks for.

use super::super::refusal::Refusal;
use model::{AgentId, FilePath, Invalid, Language, RunId, Trigger, UserId, file::check_size};
use runs::{Instead, Once, StartRun, Stdin};
use serde::Deserialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The options, all of them optional. One that is not known is refused: it would be missed silently.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ExecuteOptions, example = json!({"code": "print(1)", "timeout": 30}))]
pub struct Options {
    /// Run this text in the place of the agent's main file; not together with `files`.
    code: Option<String>,
    /// Run these files and no others.
    #[schema(max_items = 1000)]
    files: Option<Vec<GivenFile>>,
    /// Arguments for the program.
    #[serde(default)]
    args: Vec<String>,
    /// What the program reads.
    stdin: Option<String>,
    /// Variables, beside the agent's and before them.
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// How long the program may run, in seconds.
    #[schema(minimum = 1, maximum = 86400)]
    timeout: Option<u32>,
    /// What it is written in, when that is not the agent's language.
    language: Option<Language>,
}

/// A file of a run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GivenFile {
    #[schema(value_type = FilePath)]
    path: String,
    /// Its text.
    content: String,
}

impl Options {
    /// Reads them; nothing at all is none.
    pub fn read(body: &[u8]) -> Result<Self, Refusal> {
        if body.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        let refused = |why: String| {
            Invalid(format!(
                "The options cannot be read: {why}. They are a JSON object with code or files, args, stdin, env, timeout and language, all optional."
            ))
        };
        // A list would be taken for the options in their order.
        if !body.trim_ascii_start().starts_with(b"{") {
            return Err(refused("they are no object".to_owned()).into());
        }
        serde_json::from_slice(body).map_err(|error| refused(error.to_string()).into())
    }

    /// What is started by them. `closes` says whether the program finds the end of its standard input
    /// after what is given.
    pub fn start(
        self,
        id: RunId,
        agent: AgentId,
        person: UserId,
        trigger: Trigger,
        closes: bool,
    ) -> Result<(StartRun, Once), Invalid> {
        let instead = match (self.code, self.files) {
            (Some(_), Some(_)) => {
                return Err(Invalid(
                    "Both code and files are given. Give one: code takes the place of the file that is run, files that of all.".to_owned(),
                ));
            }
            (Some(code), None) => {
                check_size(&FilePath::parse("code")?, code.len() as u64)?;
                Some(Instead::Code(code))
            }
            (None, Some(files)) => Some(Instead::Files(
                files
                    .into_iter()
                    .map(|file| Ok((FilePath::parse(&file.path)?, file.content.into_bytes())))
                    .collect::<Result<_, Invalid>>()?,
            )),
            (None, None) => None,
        };
        let start = StartRun {
            id,
            agent,
            args: self.args,
            timeout_seconds: self.timeout,
            fresh: true,
            person: Some(person),
            trigger,
            in_studio: false,
        };
        let once = Once {
            instead,
            language: self.language,
            env: self.env,
            stdin: Stdin {
                bytes: self.stdin.unwrap_or_default().into_bytes(),
                close: closes,
            },
        };
        Ok((start, once))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<(StartRun, Once), String> {
        let options = Options::read(text.as_bytes()).map_err(|error| format!("{error:?}"))?;
        options
            .start(
                RunId::generate(),
                AgentId::generate(),
                UserId::generate(),
                Trigger::default(),
                true,
            )
            .map_err(|error| error.0)
    }

    #[test]
    fn nothing_is_needed() {
        for text in ["", " \n", "{}"] {
            let (start, once) = read(text).expect("options");
            assert!(once.instead.is_none() && once.stdin.close && start.timeout_seconds.is_none());
        }
    }

    #[test]
    fn everything_is_taken() {
        let (start, once) = read(
            r#"{"files":[{"path":"main.ts","content":"1"}],"args":["a"],"stdin":"in","env":{"A":"b"},"timeout":5,"language":"typescript"}"#,
        )
        .expect("options");
        assert_eq!(
            (start.args.as_slice(), start.timeout_seconds),
            (&["a".to_owned()][..], Some(5))
        );
        assert!(matches!(once.instead, Some(Instead::Files(files)) if files.len() == 1));
        assert_eq!(
            (once.stdin.bytes.as_slice(), once.env["A"].as_str()),
            (&b"in"[..], "b")
        );
        assert_eq!(once.language, Some(Language::TypeScript));
    }

    #[test]
    fn what_cannot_be_is_told() {
        for (text, words) in [
            ("[]", "JSON object"),
            ("{", "JSON object"),
            (r#"{"cod":"x"}"#, "unknown field `cod`"),
            (r#"{"code":"x","files":[]}"#, "Both"),
            (r#"{"files":[{"path":"../x","content":""}]}"#, "../x"),
            (r#"{"timeout":-1}"#, "-1"),
            (r#"{"language":"cobol"}"#, "cobol"),
        ] {
            let error = read(text).expect_err(text);
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn anything_is_read_or_refused(body: Vec<u8>) {
            let _ = Options::read(&body);
        }
    }
}
