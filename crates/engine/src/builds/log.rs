//! What a build says, kept in a file and told to those who follow it.

use std::collections::HashMap;
use std::io::{SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::Stream;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio::sync::watch;

/// More than this of one build's output is left out, which its log says.
const LIMIT: u64 = 16 << 20;
const CHUNK: usize = 64 << 10;

/// How far a log has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Progress {
    length: u64,
    over: bool,
}

/// The log of a build that goes on.
#[derive(Debug)]
pub(crate) struct BuildLog {
    file: Mutex<std::fs::File>,
    progress: watch::Sender<Progress>,
}

impl BuildLog {
    fn create(path: &Path) -> std::io::Result<Arc<Self>> {
        let file = std::fs::OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(path)?;
        Ok(Arc::new(Self {
            file: Mutex::new(file),
            progress: watch::Sender::new(Progress::default()),
        }))
    }

    /// Adds output.
    pub(super) fn add(&self, bytes: &[u8]) {
        let length = self.progress.borrow().length;
        if length >= LIMIT {
            return;
        }
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = bytes.to_vec();
        if length + all.len() as u64 >= LIMIT {
            all.extend_from_slice(b"\nThe rest of the output is left out.\n");
        }
        match file.write_all(&all) {
            Ok(()) => self
                .progress
                .send_modify(|progress| progress.length += all.len() as u64),
            // The build matters more than what it says.
            Err(error) => tracing::warn!(%error, "a build's log cannot be written"),
        }
    }

    /// Adds a line of the engine's.
    pub(crate) fn say(&self, line: &str) {
        self.add(format!("{line}\n").as_bytes());
    }

    /// No more follows.
    pub(crate) fn end(&self) {
        self.progress.send_modify(|progress| progress.over = true);
    }
}

/// The logs of all builds, by the sandbox or snapshot they are for.
#[derive(Debug)]
pub(crate) struct BuildLogs {
    folder: PathBuf,
    going: Mutex<HashMap<String, Arc<BuildLog>>>,
}

impl BuildLogs {
    pub(super) fn open(folder: PathBuf) -> std::io::Result<Self> {
        std::fs::create_dir_all(&folder)?;
        Ok(Self {
            folder,
            going: Mutex::default(),
        })
    }

    fn going(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<BuildLog>>> {
        self.going.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}.log"))
    }

    /// Begins the log of a build for a sandbox or snapshot.
    pub(crate) fn begin(&self, id: &str) -> std::io::Result<Arc<BuildLog>> {
        let log = BuildLog::create(&self.path(id))?;
        self.going().insert(id.to_owned(), Arc::clone(&log));
        Ok(log)
    }

    /// Ends it; its file stays.
    pub(crate) fn end(&self, id: &str) {
        if let Some(log) = self.going().remove(id) {
            log.end();
        }
    }

    /// Removes the file of a log.
    pub(crate) fn remove(&self, id: &str) {
        self.end(id);
        match std::fs::remove_file(self.path(id)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                tracing::warn!(%error, id, "a build's log could not be removed");
            }
            _ => {}
        }
    }

    /// What a build said so far; with `follow` also what it says until its end.
    /// Nothing when there was none.
    pub(crate) fn read(
        &self,
        id: &str,
        follow: bool,
    ) -> impl Stream<Item = std::io::Result<Bytes>> + Send + 'static {
        let progress = self.going().get(id).map(|log| log.progress.subscribe());
        let reader = Reader {
            path: self.path(id),
            file: None,
            progress: progress.filter(|_| follow),
            at: 0,
        };
        futures::stream::try_unfold(reader, |mut reader| async move {
            let piece = reader.next().await?;
            Ok(piece.map(|piece| (piece, reader)))
        })
    }
}

struct Reader {
    path: PathBuf,
    file: Option<tokio::fs::File>,
    /// How far a build that goes on has come, when it is followed.
    progress: Option<watch::Receiver<Progress>>,
    at: u64,
}

impl Reader {
    async fn next(&mut self) -> std::io::Result<Option<Bytes>> {
        let file = match &mut self.file {
            Some(file) => file,
            empty => match tokio::fs::File::open(&self.path).await {
                Ok(file) => empty.insert(file),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error),
            },
        };
        loop {
            // Looked at before the read: what comes in between is not missed.
            let progress = self
                .progress
                .as_mut()
                .map(|progress| *progress.borrow_and_update());
            let mut piece = vec![0; CHUNK];
            file.seek(SeekFrom::Start(self.at)).await?;
            let length = file.read(&mut piece).await?;
            if length > 0 {
                self.at += length as u64;
                piece.truncate(length);
                return Ok(Some(piece.into()));
            }
            match (progress, &mut self.progress) {
                (Some(Progress { over: false, .. }), Some(receiver)) => {
                    if receiver.changed().await.is_err() {
                        // Its build is gone; what is in the file is all.
                        self.progress = None;
                    }
                }
                _ => return Ok(None),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::StreamExt;

    async fn all(stream: impl Stream<Item = std::io::Result<Bytes>>) -> String {
        let pieces: Vec<_> = stream.map(|piece| piece.unwrap().to_vec()).collect().await;
        String::from_utf8(pieces.concat()).unwrap()
    }

    #[tokio::test]
    async fn a_follower_gets_everything_until_the_end() {
        let data = tempfile::tempdir().unwrap();
        let logs = Arc::new(BuildLogs::open(data.path().join("logs")).unwrap());
        let log = logs.begin("a").unwrap();
        log.say("one");
        assert_eq!(all(logs.read("a", false)).await, "one\n");
        let follower = tokio::spawn(all(logs.read("a", true)));
        tokio::task::yield_now().await;
        log.say("two");
        log.add(b"three");
        logs.end("a");
        assert_eq!(follower.await.unwrap(), "one\ntwo\nthree");
        assert_eq!(all(logs.read("a", true)).await, "one\ntwo\nthree");
        logs.remove("a");
        assert_eq!(all(logs.read("a", true)).await, "");
    }

    #[tokio::test]
    async fn an_endless_log_is_cut_and_says_so() {
        let data = tempfile::tempdir().unwrap();
        let logs = BuildLogs::open(data.path().to_owned()).unwrap();
        let log = logs.begin("a").unwrap();
        for _ in 0..18 {
            log.add(&vec![b'x'; 1 << 20]);
        }
        logs.end("a");
        let text = all(logs.read("a", true)).await;
        assert!(text.len() as u64 <= LIMIT + 100 && text.ends_with("left out.\n"));
    }
}
