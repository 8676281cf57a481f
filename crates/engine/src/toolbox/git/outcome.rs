//! What a run of git came to: its exit code and the two things it printed,
//! within bounds.

use daytona::wire::Stream;
use daytona::wire::frames::{Record, next_record};

use super::refusal;
use crate::fault::Fault;
use crate::toolbox::process::Finished;

/// The most that an answer is read from.
const LONGEST_ANSWER: usize = 64 << 20;
/// How much of the end of its messages is looked at.
const LONGEST_MESSAGE: usize = 64 << 10;
/// Bytes of the spool per read.
const PIECE: usize = 256 << 10;

/// A run that ended.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub exit_code: i32,
    /// What it printed; `None` when that is more than is read.
    answer: Option<Vec<u8>>,
    /// The end of its errors.
    pub messages: Vec<u8>,
    /// What no message may show.
    hidden: Vec<String>,
}

impl Outcome {
    pub(super) fn read(finished: &Finished, hidden: Vec<String>) -> Result<Self, Fault> {
        let mut outcome = Self {
            exit_code: finished.exit_code,
            answer: Some(Vec::new()),
            messages: Vec::new(),
            hidden,
        };
        let end = finished.spool.progress().offset;
        let mut reader = finished.spool.read_from(0).up_to(end);
        while let Some(mut records) = reader.take(PIECE) {
            while let Ok(Some(record)) = next_record(&mut records) {
                outcome.add(record);
            }
        }
        Ok(outcome)
    }

    fn add(&mut self, record: Record) {
        match record {
            Record::Output {
                stream: Stream::Stdout,
                bytes,
                ..
            } => {
                let room = self
                    .answer
                    .take_if(|answer| answer.len() + bytes.len() > LONGEST_ANSWER);
                if let (None, Some(answer)) = (room, &mut self.answer) {
                    answer.extend_from_slice(&bytes);
                }
            }
            Record::Output { bytes, .. } => {
                self.messages.extend_from_slice(&bytes);
                let surplus = self.messages.len().saturating_sub(LONGEST_MESSAGE);
                self.messages.drain(..surplus);
            }
            Record::Gap { .. } => self.answer = None,
        }
    }

    /// What it printed, when it succeeded.
    ///
    /// # Errors
    /// In Daytona's terms.
    pub(super) fn success(self) -> Result<Vec<u8>, Fault> {
        if self.exit_code != 0 {
            return Err(self.refusal());
        }
        self.answer.ok_or_else(|| {
            Fault::bad_request(format!(
                "git's answer is larger than {} MiB.",
                LONGEST_ANSWER >> 20
            ))
        })
    }

    /// The same as one line of text.
    pub(super) fn line(self) -> Result<String, Fault> {
        let answer = self.success()?;
        Ok(String::from_utf8_lossy(&answer).trim_end_matches('\n').to_owned())
    }

    /// Why it failed.
    pub(super) fn refusal(&self) -> Fault {
        let answer = self.answer.as_deref().unwrap_or_default();
        // Conflicts and "nothing to commit" are told on standard output.
        let tail = &answer[answer.len().saturating_sub(LONGEST_MESSAGE)..];
        let mut text = String::from_utf8_lossy(&self.messages).into_owned();
        text.push('\n');
        text.push_str(&String::from_utf8_lossy(tail));
        for hidden in self.hidden.iter().filter(|hidden| !hidden.is_empty()) {
            text = text.replace(hidden, "***");
        }
        refusal::of(self.exit_code, &text)
    }
}
