//! What a program may say about code for an interpreter.

use super::super::super::refusal::Refusal;
use model::{AgentId, InterpreterId, Invalid, Language, UserId, run::MAX_TIMEOUT_SECONDS};
use runs::{Cell, NewInterpreter};
use serde::Deserialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The options, all of them optional. One that is not known is refused: it would be missed silently.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = InterpretOptions, example = json!({"code": "n = 6\nn * 7", "timeout": 30}))]
pub struct Options {
    /// What it runs; may be left out where an interpreter is to be made and no more.
    code: Option<String>,
    /// The interpreter to use; a new one when not given.
    interpreter: Option<InterpreterId>,
    /// Variables of the interpreter that is made, else of this code alone.
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// How long the code may run, in seconds.
    #[schema(minimum = 1, maximum = 86400)]
    timeout: Option<u32>,
    /// `python`, for a new one with an agent in another language.
    language: Option<Language>,
}

/// The interpreter that is named, or one that is to be made.
pub type Wish = Result<InterpreterId, NewInterpreter>;

impl Options {
    /// Reads them; nothing at all is none.
    pub fn read(body: &[u8]) -> Result<Self, Refusal> {
        let body = body.trim_ascii();
        if body.is_empty() {
            return Ok(Self::default());
        }
        let refused = |why: String| {
            Invalid(format!(
                "The options cannot be read: {why}. They are a JSON object with code, interpreter, env, timeout and language, all optional."
            ))
        };
        // A list would be taken for the options in their order.
        if !body.starts_with(b"{") {
            return Err(refused("they are no object".to_owned()).into());
        }
        serde_json::from_slice(body).map_err(|error| refused(error.to_string()).into())
    }

    /// Where something is to be run, and what, if anything. Variables are those of the whole
    /// interpreter when it is made for this, else those of this code alone.
    pub fn wish(self, agent: &AgentId, person: &UserId) -> Result<(Wish, Option<Cell>), Invalid> {
        let (wish, env) = match self.interpreter {
            Some(_) if self.language.is_some() => {
                return Err(Invalid(
                    "Both interpreter and language are given. An interpreter has its language already: leave one of the two out.".to_owned(),
                ));
            }
            Some(id) => (Ok(id), self.env),
            None => {
                let new = NewInterpreter {
                    agent: agent.clone(),
                    person: person.clone(),
                    env: self.env,
                    language: self.language,
                };
                (Err(new), BTreeMap::new())
            }
        };
        let timeout_seconds = self.timeout;
        // Asked of code only where it runs, and wrong also where there is none.
        if timeout_seconds.is_some_and(|seconds| !(1..=MAX_TIMEOUT_SECONDS).contains(&seconds)) {
            return Err(Invalid(format!(
                "Code may run for 1 to {MAX_TIMEOUT_SECONDS} seconds. Change timeout, or leave it out."
            )));
        }
        // Of one that is named nothing else can be wanted: empty code is refused.
        let code = self.code.or_else(|| wish.is_ok().then(String::new));
        let cell = code.map(|code| Cell {
            code,
            env,
            timeout_seconds,
        });
        Ok((wish, cell))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<(Wish, Option<Cell>), String> {
        let options = Options::read(text.as_bytes()).map_err(|error| format!("{error:?}"))?;
        options
            .wish(&AgentId::generate(), &UserId::generate())
            .map_err(|error| error.0)
    }

    #[test]
    fn variables_are_of_the_interpreter_that_is_made_else_of_the_code() {
        let (wish, cell) = read(r#"{"code":"1","env":{"A":"b"},"timeout":5}"#).expect("options");
        let new = wish.expect_err("one is made");
        let cell = cell.expect("code");
        assert_eq!((new.env["A"].as_str(), cell.env.len()), ("b", 0));
        assert_eq!((cell.code.as_str(), cell.timeout_seconds), ("1", Some(5)));
        let id = InterpreterId::generate();
        let (wish, cell) = read(&format!(
            r#"{{"code":"1","env":{{"A":"b"}},"interpreter":"{id}"}}"#
        ))
        .expect("options");
        assert_eq!(wish.expect("a named one"), id);
        assert_eq!(cell.expect("code").env["A"], "b");
        for nothing in ["", " \n", "{}"] {
            assert!(read(nothing).is_ok_and(|(wish, cell)| wish.is_err() && cell.is_none()));
        }
    }

    #[test]
    fn what_cannot_be_is_told() {
        let named = format!(
            r#"{{"interpreter":"{}","language":"python"}}"#,
            InterpreterId::generate()
        );
        for (text, words) in [
            ("[]", "JSON object"),
            (r#"{"cod":"x"}"#, "unknown field `cod`"),
            (r#"{"interpreter":"x"}"#, "UUID"),
            (named.as_str(), "leave one of the two out"),
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
