//! The session `entrypoint`: what a sandbox's image starts by itself, at each
//! start of the sandbox. It can be read and followed, and is neither listed nor
//! used nor ended. An image that starts nothing has the session all the same, as
//! clients expect, with neither commands nor a log.

use std::sync::Arc;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::{Extension, Json as Answer};

use super::exec;
use super::follow::{self, LogQuery};
use super::sessions::ENTRYPOINT;
use super::shell::{Shell, quoted};
use crate::body::Query;
use crate::fault::Fault;
use crate::registry::Live;
use crate::spool::Spool;
use crate::toolbox::not_started;

/// The id of its only command, as at Daytona.
const COMMAND: &str = "entrypoint_command";

/// Starts the program of an image, with its arguments. It has no input.
pub(crate) async fn run(live: &Arc<Live>, words: &[String]) -> Result<(), Fault> {
    let shell = Shell::start(&live.sandbox, live.shell(), live.environment(), live.resolve("")).await?;
    let session = live.sessions.keep_entrypoint(shell);
    exec::start(live, session, COMMAND.to_owned(), line(words), true, true).await?;
    Ok(())
}

/// The words as a line for the shell, which leaves them as they are.
fn line(words: &[String]) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:=@%+,".contains(letter);
    let word = |word: &String| match !word.is_empty() && word.chars().all(is_plain) {
        // The first one could be taken for an assignment.
        true if !word.contains('=') => word.clone(),
        _ => quoted(word),
    };
    words.iter().map(word).collect::<Vec<_>>().join(" ")
}

pub(super) async fn show(live: Option<Extension<Arc<Live>>>) -> Result<Answer<daytona::Session>, Fault> {
    let Some(Extension(live)) = live else {
        return Err(not_started());
    };
    let none = || daytona::Session {
        session_id: ENTRYPOINT.to_owned(),
        commands: Vec::new(),
    };
    Ok(Answer(
        live.sessions
            .entrypoint()
            .map_or_else(none, |session| session.describe()),
    ))
}

/// Its log; an empty one that ends at once, where the image starts nothing.
pub(super) async fn logs(
    live: Option<Extension<Arc<Live>>>,
    Query(query): Query<LogQuery>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Fault> {
    let Some(Extension(live)) = live else {
        return Err(not_started());
    };
    let spool = match live.sessions.entrypoint() {
        Some(session) => Arc::clone(&session.command(COMMAND)?.spool),
        None => Spool::found(live.spool_folder(), ENTRYPOINT),
    };
    Ok(follow::answer(Some(live), &spool, &query, &headers, upgrade))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_words() {
        let line = |words: &[&str]| line(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        assert_eq!(line(&["sleep", "infinity"]), "sleep infinity");
        assert_eq!(
            line(&["A=b", "", "a b", "it's", "$HOME", "~", "*"]),
            "'A=b' '' 'a b' 'it'\\''s' '$HOME' '~' '*'"
        );
    }
}
