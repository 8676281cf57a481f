//! Runs for programs: one execution of an agent in a sandbox of its own, which
//! is gone afterwards, with what this one run is given instead of or beside
//! what the agent has. Nothing of it is saved in the agent.

use crate::{
    Runs, RunsError,
    live::LiveRun,
    service::{Place, StartRun},
};
use model::{
    Agent, AgentSettings, FilePath, Invalid, Language, LogStream, Run, RunId,
    language::entrypoint,
    log::LogBody,
    secret::{check_name, check_size, check_value},
    time::byte_words,
};
use std::{collections::BTreeMap, time::Duration};
use store::Revision;

/// How often is looked for an end at another server that was not rung for.
const LOOK: Duration = Duration::from_secs(1);
/// The most that is given to the program's standard input, in bytes.
const MOST_STDIN: usize = 1 << 20;

/// What one run is given.
#[derive(Clone, Debug, Default)]
pub struct Once {
    /// What is run in the place of the agent's files.
    pub instead: Option<Instead>,
    /// What it is written in; none for the agent's language.
    pub language: Option<Language>,
    /// Variables, beside the agent's and before them.
    pub env: BTreeMap<String, String>,
    /// What the program reads.
    pub stdin: Stdin,
}

/// What is run in the place of the agent's files.
#[derive(Clone, Debug)]
pub enum Instead {
    /// This takes the place of the file that would be run; the others stay beside it.
    Code(String),
    /// These files and no others.
    Files(Vec<(FilePath, Vec<u8>)>),
    /// The agent's files, with these beside or in the place of those of their names.
    Beside(Vec<(FilePath, Vec<u8>)>),
}

/// The program's standard input.
#[derive(Clone, Debug, Default)]
pub struct Stdin {
    /// What is written to it when the program has begun.
    pub bytes: Vec<u8>,
    /// Whether that is all: the program then reads its end.
    pub close: bool,
}

/// What a program wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// Standard output and standard error in order of arrival.
    pub both: Vec<u8>,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
    /// Whether there is more than is here.
    pub is_cut: bool,
}

impl Once {
    /// Checks what can be checked before anything is started.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub(crate) fn check(&self) -> Result<(), Invalid> {
        let mut size = 0;
        for (name, value) in &self.env {
            check_name(name)
                .map_err(|error| Invalid(format!("The variable \u{201c}{name}\u{201d}: {}", error.0)))?;
            check_value(value)?;
            size += name.len() + value.len();
        }
        check_size(size)?;
        if self.stdin.bytes.len() > MOST_STDIN {
            return Err(Invalid(format!(
                "The standard input may have {}, and this has {}. Put it into a file.",
                byte_words(MOST_STDIN as u64),
                byte_words(self.stdin.bytes.len() as u64)
            )));
        }
        Ok(())
    }

    /// The agent's settings as they are for this run.
    pub(crate) fn settings(&self, mut settings: AgentSettings) -> AgentSettings {
        settings.keep_minutes = 0;
        if let Some(language) = self.language {
            if language != settings.language {
                settings.entrypoint = None;
            }
            settings.language = language;
        }
        settings
    }
}

impl Runs {
    /// Runs an agent once. The same id again returns the same run.
    ///
    /// # Errors
    /// As [`Runs::start`], and when what it is given breaks a rule.
    pub async fn execute(&self, request: StartRun, once: Once) -> Result<Run, RunsError> {
        once.check()?;
        match self.context.store.run(&request.id).await {
            Ok(run) if run.agent == request.agent => Ok(run),
            _ => self.begin(request, Some(once)).await,
        }
    }

    /// What is run, and which file of it.
    pub(crate) async fn revision_for(
        &self,
        agent: &Agent,
        once: Option<&Once>,
    ) -> Result<(Revision, Result<FilePath, Invalid>), RunsError> {
        let store = &self.context.store;
        let AgentSettings {
            language,
            entrypoint: named,
            ..
        } = &agent.settings;
        let find = |files: &[FilePath]| entrypoint(*language, named.as_deref(), files);
        let paths = |revision: &Revision| -> Vec<_> {
            revision.files.iter().map(|entry| entry.path.clone()).collect()
        };
        match once.and_then(|once| once.instead.clone()) {
            None => {
                let revision = store.snapshot(&agent.id).await?;
                let found = find(&paths(&revision));
                Ok((revision, found))
            }
            Some(Instead::Files(files)) => {
                let revision = store.snapshot_of(&agent.id, &files).await?;
                let paths = paths(&revision);
                let found = match paths.as_slice() {
                    [only] => Ok(only.clone()),
                    _ => find(&paths).or_else(|_| entrypoint(*language, None, &paths)),
                };
                Ok((revision, found))
            }
            Some(Instead::Beside(beside)) => {
                let saved = store.snapshot(&agent.id).await?;
                let found = find(&paths(&saved));
                let mut files = store.revision_files(&saved.id).await?;
                files.retain(|(path, _)| beside.iter().all(|(other, _)| other != path));
                files.extend(beside);
                Ok((store.snapshot_of(&agent.id, &files).await?, found))
            }
            Some(Instead::Code(code)) => {
                let saved = store.snapshot(&agent.id).await?;
                let [usual, ..] = language.entrypoints();
                let place = find(&paths(&saved)).or_else(|_| FilePath::parse(&usual))?;
                let mut files = store.revision_files(&saved.id).await?;
                files.retain(|(path, _)| *path != place);
                files.push((place.clone(), code.into_bytes()));
                Ok((store.snapshot_of(&agent.id, &files).await?, Ok(place)))
            }
        }
    }

    /// Waits for a run's end, and gives the run as it is then.
    ///
    /// # Errors
    /// When there is no such run, or this process shuts down before.
    pub async fn ended(&self, id: &RunId) -> Result<Run, RunsError> {
        let context = &self.context;
        loop {
            // Before the look, so that nothing of another server is missed between.
            let mut news = context.bell.waiting_for(id);
            match self.find(id).await? {
                (run, Place::Over) => return Ok(run),
                (_, Place::Here(live)) => {
                    if let Some(run) = ended_here(&live).await {
                        return Ok(run);
                    }
                    if context.shutdown.is_cancelled() || !context.store.is_shared() {
                        return Err(RunsError::ShuttingDown);
                    }
                }
                (_, Place::Away) => tokio::select! {
                    _ = tokio::time::timeout(LOOK, news.changed()) => {}
                    () = context.shutdown.cancelled() => return Err(RunsError::ShuttingDown),
                },
            }
        }
    }

    /// What a program has written so far, up to `most` bytes. What was not kept is left out.
    ///
    /// # Errors
    /// When there is no such run or the database fails.
    pub async fn output(&self, run: &RunId, most: u64) -> Result<Output, RunsError> {
        let mut output = Output::default();
        let mut from = 0;
        while from < most {
            let frames = self.log_range(run, from, most).await?;
            let Some(last) = frames.last() else {
                return Ok(output);
            };
            from = last.end();
            for frame in &frames {
                if matches!(frame.body, LogBody::Gap(_)) {
                    output.is_cut = true;
                    continue;
                }
                let bytes = frame.bytes();
                output.both.extend_from_slice(&bytes);
                match frame.stream {
                    Some(LogStream::Stderr) => output.stderr.extend_from_slice(&bytes),
                    _ => output.stdout.extend_from_slice(&bytes),
                }
            }
        }
        output.is_cut |= !self.log_range(run, from, from + 1).await?.is_empty();
        Ok(output)
    }

    /// Where in a log a line begins, counted from 0; its end when it has fewer.
    ///
    /// # Errors
    /// When there is no such run or the database fails.
    pub async fn line_offset(&self, run: &RunId, line: u64) -> Result<u64, RunsError> {
        let chunk = self.context.store.chunk_of_line(run, line).await?;
        let (mut offset, mut left) = chunk.map_or((0, line), |chunk| {
            (chunk.first_offset, line.saturating_sub(chunk.first_line))
        });
        while left > 0 {
            let frames = self.log_range(run, offset, u64::MAX).await?;
            if frames.is_empty() {
                break;
            }
            for frame in &frames {
                let bytes = frame.bytes();
                for (place, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
                    left -= 1;
                    if left == 0 {
                        return Ok(frame.offset + place as u64 + 1);
                    }
                }
                offset = frame.end();
            }
        }
        Ok(offset)
    }
}

/// Waits for the end of a run that is driven here; none when it is not any more.
async fn ended_here(live: &LiveRun) -> Option<Run> {
    let mut more = live.ledger.more().subscribe();
    loop {
        more.borrow_and_update();
        {
            let state = live.state();
            if state.end.is_some() {
                return Some(state.run.clone());
            }
        }
        tokio::select! {
            changed = more.changed() => changed.ok()?,
            () = live.closed.cancelled() => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_program_can_be_given_is_refused() {
        let with = |name: &str, value: &str| Once {
            env: [(name.to_owned(), value.to_owned())].into(),
            ..Once::default()
        };
        assert!(with("MODE", "fast").check().is_ok());
        for wrong in [with("A=B", ""), with("A", "\0"), with("", "x")] {
            assert!(wrong.check().is_err(), "{wrong:?}");
        }
        let much = Once {
            stdin: Stdin {
                bytes: vec![b'x'; MOST_STDIN + 1],
                close: true,
            },
            ..Once::default()
        };
        assert!(much.check().is_err());
    }

    #[test]
    fn a_run_in_another_language_looks_for_another_file() {
        let mut settings = AgentSettings::new("A", "", Language::Python);
        settings.entrypoint = Some("own.py".to_owned());
        settings.keep_minutes = 15;
        let once = |language| Once {
            language,
            ..Once::default()
        };
        let same = once(Some(Language::Python)).settings(settings.clone());
        assert_eq!(
            (same.entrypoint.as_deref(), same.keep_minutes),
            (Some("own.py"), 0)
        );
        let other = once(Some(Language::TypeScript)).settings(settings);
        assert_eq!((other.entrypoint, other.language), (None, Language::TypeScript));
    }
}
