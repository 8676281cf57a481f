//! The name server of a sandbox: answers from the host's resolver, by datagram
//! and by connection.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::packet::{self, Flow};
use super::stack::{Stack, Stream};
use crate::network::gate::Gate;
use crate::network::question::{Answer, Question};

/// Questions of one sandbox at the same time; programs ask again.
const QUESTIONS: usize = 64;
/// The longest answer to a datagram; a longer one is asked for by connection.
const SHORT: usize = 512;
/// How long a connection may be silent.
const SILENCE: Duration = Duration::from_secs(10);

/// Answers the questions that come as datagrams.
pub(super) struct Relay {
    stack: Arc<Stack>,
    gate: Arc<Gate>,
    places: Arc<Semaphore>,
}

impl Relay {
    pub(super) fn new(stack: Arc<Stack>, gate: Arc<Gate>) -> Self {
        Self {
            stack,
            gate,
            places: Arc::new(Semaphore::new(QUESTIONS)),
        }
    }

    pub(super) fn answer(&self, tasks: &mut JoinSet<()>, flow: Flow, question: &[u8]) {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            return;
        };
        let (stack, gate, question) = (Arc::clone(&self.stack), Arc::clone(&self.gate), question.to_vec());
        tasks.spawn(async move {
            let _place = place;
            if let Some(answer) = reply(&gate, &question, SHORT).await
                && let Some(packet) = packet::datagram(flow, &answer)
            {
                stack.send(packet);
            }
        });
    }
}

/// Answers the questions that come over a connection, each after its length.
pub(super) async fn serve(mut stream: Stream, gate: &Gate) {
    let served: std::io::Result<()> = async {
        loop {
            let asked = timeout(SILENCE, async {
                let length = stream.read_u16().await?;
                let mut question = vec![0; length.into()];
                stream.read_exact(&mut question).await?;
                std::io::Result::Ok(question)
            });
            let question = asked.await??;
            let Some(answer) = reply(gate, &question, usize::from(u16::MAX)).await else {
                return Ok(());
            };
            let length = u16::try_from(answer.len()).map_err(std::io::Error::other)?;
            timeout(SILENCE, async {
                stream.write_u16(length).await?;
                stream.write_all(&answer).await
            })
            .await??;
        }
    }
    .await;
    if let Err(error) = served {
        tracing::trace!(%error, "a connection for names ended");
    }
    let _ = stream.shutdown().await;
}

/// The answer to the bytes of a question; none to what is no question at all.
async fn reply(gate: &Gate, bytes: &[u8], longest: usize) -> Option<Vec<u8>> {
    let question = Question::read(bytes)?;
    let answer = match question.name() {
        None => Answer::Unknown,
        Some(name) => match gate.find(name).await {
            Ok(addresses) => Answer::Addresses(addresses),
            // Told at once, where no answer would make programs ask again.
            Err(refusal) if refusal.is_decided() => Answer::NoSuchName,
            Err(refusal) => Answer::of(&refusal),
        },
    };
    Some(question.answer(&answer, longest))
}
