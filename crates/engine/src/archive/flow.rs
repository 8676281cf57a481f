//! Bytes between a program's pipes and a file, on a thread that may wait.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::{QUIET, SAID};

const CHUNK: usize = 256 << 10;
/// How often the program's end is looked for while nothing comes.
const LOOK: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 50_000_000,
};

/// Where bytes go.
pub(super) enum Way {
    /// From the program's output into a file, so many at most.
    Out { file: File, most: u64 },
    /// From a file into the program's input.
    In { file: File, stdin: OwnedFd },
}

/// The pipes of a program, which do not block, and what is to be done with them.
pub(super) struct Flow {
    pub(super) stdout: OwnedFd,
    pub(super) stderr: OwnedFd,
    pub(super) way: Way,
}

/// A way while bytes go along it.
struct Moving {
    stdout: Option<OwnedFd>,
    stderr: Option<OwnedFd>,
    output: Option<(File, u64)>,
    input: Option<(File, OwnedFd)>,
    /// Read from the file and not yet taken by the program.
    waiting: Vec<u8>,
    said: Vec<u8>,
    buffer: Vec<u8>,
}

impl Flow {
    /// Moves bytes until the pipes end, or `over` is set and they are empty: a
    /// program that was left behind may hold them open. Gives what was said.
    pub(super) fn run(self, over: &AtomicBool) -> Result<Vec<u8>, String> {
        let (output, input) = match self.way {
            Way::Out { file, most } => (Some((file, most)), None),
            Way::In { file, stdin } => (None, Some((file, stdin))),
        };
        let mut moving = Moving {
            stdout: Some(self.stdout),
            stderr: Some(self.stderr),
            output,
            input,
            waiting: Vec::new(),
            said: Vec::new(),
            buffer: vec![0; CHUNK],
        };
        let mut last = Instant::now();
        while moving.stdout.is_some() || moving.stderr.is_some() {
            let was_over = over.load(Ordering::Acquire);
            if moving.turn()? {
                last = Instant::now();
            } else if was_over {
                break;
            } else if last.elapsed() > QUIET {
                return Err(format!("nothing moved for {} seconds", QUIET.as_secs()));
            }
        }
        if let Some((file, _)) = moving.output {
            file.sync_all().map_err(|error| unwritten(&error))?;
        }
        Ok(moving.said)
    }
}

impl Moving {
    /// Waits a little and moves what can be moved; gives whether anything was.
    fn turn(&mut self) -> Result<bool, String> {
        let mut fds = Vec::with_capacity(3);
        for pipe in [&self.stdout, &self.stderr].into_iter().flatten() {
            fds.push(PollFd::new(pipe, PollFlags::IN));
        }
        if let Some((_, stdin)) = &self.input {
            fds.push(PollFd::new(stdin, PollFlags::OUT));
        }
        match poll(&mut fds, Some(&LOOK)) {
            Ok(0) | Err(Errno::INTR) => return Ok(false),
            Ok(_) => {}
            Err(error) => return Err(error.to_string()),
        }
        let printed = self.read_output()?;
        let said = self.read_said();
        let given = self.give_input()?;
        Ok(printed || said || given)
    }

    fn read_output(&mut self) -> Result<bool, String> {
        let Some(length) = read(&mut self.stdout, &mut self.buffer) else {
            return Ok(false);
        };
        if let Some((file, left)) = &mut self.output {
            *left = left
                .checked_sub(length as u64)
                .ok_or("it is larger than the sandbox's disk")?;
            file.write_all(&self.buffer[..length])
                .map_err(|error| unwritten(&error))?;
        }
        Ok(true)
    }

    fn read_said(&mut self) -> bool {
        let Some(length) = read(&mut self.stderr, &mut self.buffer) else {
            return false;
        };
        // Its last words count.
        self.said.extend_from_slice(&self.buffer[..length]);
        let surplus = self.said.len().saturating_sub(SAID);
        self.said.drain(..surplus);
        true
    }

    fn give_input(&mut self) -> Result<bool, String> {
        let Some((file, stdin)) = &mut self.input else {
            return Ok(false);
        };
        if self.waiting.is_empty() {
            let length = file
                .read(&mut self.buffer)
                .map_err(|error| format!("its file cannot be read: {error}"))?;
            if length == 0 {
                self.input = None;
                return Ok(true);
            }
            self.waiting.extend_from_slice(&self.buffer[..length]);
        }
        match rustix::io::write(stdin.as_fd(), &self.waiting) {
            Ok(length) => {
                self.waiting.drain(..length);
                Ok(true)
            }
            Err(Errno::AGAIN | Errno::INTR) => Ok(false),
            // It wants no more; its exit code says whether that was the end.
            Err(_) => {
                self.input = None;
                Ok(true)
            }
        }
    }
}

/// Reads what is there; at the end the pipe is closed.
fn read(pipe: &mut Option<OwnedFd>, buffer: &mut [u8]) -> Option<usize> {
    match rustix::io::read(pipe.as_ref()?, buffer) {
        Ok(0) => {
            *pipe = None;
            None
        }
        Ok(length) => Some(length),
        Err(Errno::AGAIN | Errno::INTR) => None,
        Err(error) => {
            tracing::warn!(%error, "a pipe of a script of the engine's cannot be read");
            *pipe = None;
            None
        }
    }
}

fn unwritten(error: &std::io::Error) -> String {
    if error.kind() == ErrorKind::StorageFull {
        return "the engine's disk is full".to_owned();
    }
    format!("its file cannot be written: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::pipe::{PipeFlags, pipe_with};
    use std::io::Seek;

    fn pipes() -> (OwnedFd, OwnedFd) {
        pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).unwrap()
    }

    #[test]
    fn output_goes_to_the_file_and_no_further_than_its_bound() {
        for (most, fits) in [(11, true), (10, false)] {
            let (stdout, out) = pipes();
            let (stderr, err) = pipes();
            rustix::io::write(&out, b"hello world").unwrap();
            rustix::io::write(&err, b"oh").unwrap();
            drop((out, err));
            let mut file = tempfile::tempfile().unwrap();
            let way = Way::Out {
                file: file.try_clone().unwrap(),
                most,
            };
            let said = Flow { stdout, stderr, way }.run(&AtomicBool::new(false));
            assert_eq!(said.is_ok(), fits);
            if let Ok(said) = said {
                assert_eq!(said, b"oh");
                let mut text = String::new();
                file.rewind().unwrap();
                file.read_to_string(&mut text).unwrap();
                assert_eq!(text, "hello world");
            }
        }
    }

    #[test]
    fn a_pipe_held_open_after_the_end_is_not_waited_for() {
        let (stdout, _held) = pipes();
        let (stderr, _held_too) = pipes();
        let way = Way::Out {
            file: tempfile::tempfile().unwrap(),
            most: 9,
        };
        Flow { stdout, stderr, way }.run(&AtomicBool::new(true)).unwrap();
    }

    #[test]
    fn input_larger_than_a_pipe_is_given_whole() {
        let (stdout, out) = pipes();
        let (stderr, err) = pipes();
        let (input, stdin) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        rustix::io::ioctl_fionbio(&stdin, true).unwrap();
        let bytes: Vec<u8> = (0..1_000_000_u32).map(|number| number as u8).collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        file.rewind().unwrap();
        let reader = std::thread::spawn(move || {
            let mut all = Vec::new();
            File::from(input).read_to_end(&mut all).unwrap();
            drop((out, err));
            all
        });
        let way = Way::In { file, stdin };
        Flow { stdout, stderr, way }.run(&AtomicBool::new(false)).unwrap();
        assert!(reader.join().unwrap() == bytes);
    }
}
