//! Stop and input for a run that another server drives: a row in the store,
//! which its driver takes, and a bell so that it does so at once.

use super::Bell;
use crate::{
    RunsError,
    driver::Context,
    live::{LiveRun, Request},
};
use model::RunId;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use store::{Asked, RunRequest, Standing, Store, StoreError};
use tokio::sync::oneshot;

/// How often an answer is looked for that was not rung for.
const LOOK: Duration = Duration::from_millis(500);

/// Asks the driver of a run, wherever it is, and waits for its answer to input.
pub(crate) async fn ask(store: &Store, bell: &Bell, run: &RunId, asked: Asked) -> Result<(), RunsError> {
    let mut news = bell.waiting_for(run);
    let id = store.ask_driver(run, &asked).await?;
    bell.changed_for_all(run);
    if asked == Asked::Stop {
        return Ok(());
    }
    loop {
        news.mark_unchanged();
        let answer = match store.request_standing(&id).await? {
            Standing::Answered(answer) => Some(answer.map_err(RunsError::NotRunning)),
            Standing::Taken(fence) => {
                // Its driver is gone, and another has the run.
                let held = store::Hold {
                    run: run.clone(),
                    fence,
                };
                match store.check_hold(&held).await {
                    Err(StoreError::Fenced(_)) => Some(Err(unknown())),
                    Err(error) => return Err(error.into()),
                    Ok(()) if !store.is_unfinished(run).await? => Some(Err(unknown())),
                    Ok(()) => None,
                }
            }
            Standing::Waits if store.is_unfinished(run).await? => None,
            Standing::Waits | Standing::Gone => {
                Some(Err(RunsError::NotRunning("The program has ended.".to_owned())))
            }
        };
        if let Some(answer) = answer {
            store.forget_request(&id).await?;
            return answer;
        }
        // A bell that closes is this server's end.
        let _ = tokio::time::timeout(LOOK, news.changed()).await;
    }
}

fn unknown() -> RunsError {
    RunsError::NotRunning(
        "Whether the program got the input cannot be known: the server that drove the run has ended."
            .to_owned(),
    )
}

/// Hands what other servers ask of a run to its driver here.
pub(crate) async fn hand_over(context: &Arc<Context>, run: &RunId) {
    let Some(live) = context.hub.get(run) else { return };
    match context.store.take_requests(&live.lease.hold).await {
        Ok(requests) => {
            for request in requests {
                obey(context, &live, request);
            }
        }
        Err(StoreError::Fenced(_)) => live.lease.lost.cancel(),
        Err(error) => tracing::warn!(%run, %error, "what other servers ask of a run cannot be read"),
    }
}

fn obey(context: &Arc<Context>, live: &LiveRun, request: RunRequest) {
    match request.asked {
        // A driver that is gone has ended the run.
        Asked::Stop => drop(live.requests.send(Request::Stop { at: Instant::now() })),
        Asked::Input { bytes, eof } => {
            let (reply, answer) = oneshot::channel();
            let sent = live.requests.send(Request::Input { bytes, eof, reply });
            let (context, run) = (Arc::clone(context), live.id.clone());
            context.tasks.clone().spawn(async move {
                let answer = match sent {
                    Ok(()) => answer.await.ok(),
                    Err(_) => None,
                };
                let answer = answer.unwrap_or_else(|| Err("The program has ended.".to_owned()));
                if let Err(error) = context.store.answer_request(&request.id, &answer).await {
                    tracing::warn!(%run, %error, "the answer to a request could not be written");
                }
                context.bell.changed_for_all(&run);
            });
        }
    }
}
