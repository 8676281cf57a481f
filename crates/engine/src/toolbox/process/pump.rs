//! From a program's pipes into its spool.
//!
//! A program may close its output and go on, or end and leave a daemon behind
//! that holds the pipe for ever. So its end is told from outside; then the
//! pipes are read until they would block, and 50 ms longer when something still
//! holds them. After that the log is complete; what a daemon prints later is
//! still read, because it would be held up otherwise; it is added to the log of
//! a session's command, and dropped when nobody can ask for the log any more.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::sources::{PIPE_SIZE, Pipes, Sources};
use crate::spool::Spool;

/// How long a held pipe is read on after the program's end; not longer than it
/// takes to read what a pipe holds.
const GRACE: Duration = Duration::from_millis(50);

/// What becomes of output that comes after the log is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::toolbox) enum Late {
    Added,
    Dropped,
}

/// Reads until nothing holds the pipes any more. `ended` resolves at the
/// program's end; what it gives is passed to `flushed` when everything the
/// program printed is in the spool, and before followers are told the end: who
/// has seen the end finds the exit code. The pipes are watched from this call
/// on, whenever the future gets its turn.
pub(in crate::toolbox) fn pump<T>(
    pipes: Pipes,
    spool: Arc<Spool>,
    late: Late,
    ended: impl Future<Output = T>,
    flushed: impl FnOnce(T),
) -> impl Future<Output = ()> {
    pump_sources(Sources::new(pipes), spool, late, ended, flushed)
}

async fn pump_sources<T>(
    mut sources: Sources,
    spool: Arc<Spool>,
    late: Late,
    ended: impl Future<Output = T>,
    flushed: impl FnOnce(T),
) {
    let mut flushed = Some(flushed);
    let mut spool = Some(spool);
    let mut outcome = None;
    let mut has_ended = false;
    let mut deadline = None;
    let mut total_at_end = 0;
    tokio::pin!(ended);
    loop {
        let closed = sources.closed();
        if has_ended
            && (closed
                || sources.total() - total_at_end > PIPE_SIZE
                || deadline.is_some_and(|deadline| Instant::now() >= deadline))
            && let (Some(flushed), Some(outcome)) = (flushed.take(), outcome.take())
        {
            flushed(outcome);
            if let Some(spool) = &spool {
                spool.complete();
            }
            if late == Late::Dropped {
                spool = None;
            }
        }
        if has_ended && closed {
            return;
        }
        let grace_end = deadline.filter(|_| flushed.is_some());
        tokio::select! {
            given = &mut ended, if !has_ended => {
                has_ended = true;
                outcome = Some(given);
                sources.drain(spool.as_deref());
                total_at_end = sources.total();
                deadline = Some(Instant::now() + GRACE);
            }
            () = sources.ready() => {
                if sources.read(spool.as_deref()) { tokio::task::yield_now().await; }
            }
            () = sleep_until(grace_end.unwrap_or_else(Instant::now)), if grace_end.is_some() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::LIMIT;
    use daytona::wire::{
        Stream,
        frames::{Record, next_record},
    };
    use rustix::pipe::{PipeFlags, pipe_with};

    /// What a spool has after two writes, told apart, when the program ends
    /// at once or goes on.
    async fn spooled(first: Stream, at_once: bool) -> Vec<(Stream, Vec<u8>)> {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::new(folder.path().to_owned(), "c", LIMIT);
        let pipe = || pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).unwrap();
        let ((stdout, out), (stderr, err)) = (pipe(), pipe());
        let pipes = Pipes {
            stdout,
            stderr: Some(stderr),
        };
        let (end, ended) = tokio::sync::oneshot::channel();
        let end = if at_once {
            end.send(()).map(|()| None)
        } else {
            Ok(Some(end))
        };
        let pumping = tokio::spawn(pump(
            pipes,
            Arc::clone(&spool),
            Late::Added,
            async { ended.await.unwrap_or(()) },
            |()| {},
        ));
        // No task runs between these two: both are there when the pump looks.
        let write = |stream| match stream {
            Stream::Stdout => rustix::io::write(&out, b"out"),
            Stream::Stderr => rustix::io::write(&err, b"err"),
        };
        let second = match first {
            Stream::Stdout => Stream::Stderr,
            Stream::Stderr => Stream::Stdout,
        };
        write(first).unwrap();
        write(second).unwrap();
        drop((out, err, end));
        pumping.await.unwrap();
        let mut bytes = spool.read_from(0).take(1 << 20).unwrap();
        let record = |record| match record {
            Record::Output { stream, bytes, .. } => (stream, bytes.to_vec()),
            Record::Gap { .. } => panic!("nothing is missing"),
        };
        std::iter::from_fn(|| next_record(&mut bytes).unwrap())
            .map(record)
            .collect()
    }

    #[tokio::test]
    async fn what_was_written_first_is_first() {
        let out = || (Stream::Stdout, b"out".to_vec());
        let err = || (Stream::Stderr, b"err".to_vec());
        for at_once in [false, true] {
            // The runtime asks in any order: often enough to meet each.
            for _ in 0..50 {
                assert_eq!(spooled(Stream::Stdout, at_once).await, [out(), err()]);
                assert_eq!(spooled(Stream::Stderr, at_once).await, [err(), out()]);
            }
        }
    }
}
