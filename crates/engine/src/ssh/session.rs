//! One session of an SSH connection: a shell or a command, in a terminal or
//! with pipes.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use russh::server::{Handle, Msg};
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Sig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe::{Receiver, Sender};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::registry::Live;
use crate::sandbox::{Exit, InTerminal, SandboxError, Spawn, StdinKind};

/// The most variables a client may set.
const VARIABLES: usize = 64;
/// The most bytes moved at once; what a packet of the protocol holds.
const PIECE: usize = 32 << 10;
/// The most a pipe holds.
const PIPE_SIZE: usize = 1 << 20;
/// What the programs behind `sftp` and `scp` are called where.
const SFTP: &str = "for server in /usr/lib/openssh /usr/libexec/openssh /usr/libexec /usr/lib/ssh; do \
    if [ -x $server/sftp-server ]; then exec $server/sftp-server; fi; done; \
    echo 'This sandbox has no sftp-server.' >&2; exit 127";
/// What counts as the end of a program whose whole sandbox ended.
const KILLED: i32 = 137;

/// What a client asked for before it asks to start.
#[derive(Default)]
struct Wishes {
    /// The size of the terminal it wants.
    terminal: Option<(u16, u16)>,
    env: BTreeMap<String, String>,
}

/// What is to be started.
enum Start {
    Shell,
    Command(String),
}

/// Serves a session to its end.
pub(super) async fn serve(channel: Channel<Msg>, handle: Handle, live: &Arc<Live>) {
    let _use = live.activity.enter();
    let (mut read, write) = channel.split();
    let Some((wishes, start)) = listen(&mut read, &write, &handle).await else {
        return;
    };
    let outcome = match wishes.terminal {
        Some(size) => in_terminal(live, wishes.env, start, size, &mut read, &write).await,
        None => with_pipes(live, wishes.env, start, &mut read, &write).await,
    };
    let code = match outcome {
        Ok(Some(code)) => code,
        // The client is gone.
        Ok(None) => return,
        Err(error) => {
            let sentence = format!("{error}\r\n");
            let _ = write.extended_data_bytes(1, sentence.into_bytes()).await;
            255
        }
    };
    let _ = write.exit_status(code.unsigned_abs()).await;
    let _ = write.eof().await;
    let _ = write.close().await;
}

/// Hears what the client wants, until it wants something started.
async fn listen(
    read: &mut ChannelReadHalf,
    write: &ChannelWriteHalf<Msg>,
    handle: &Handle,
) -> Option<(Wishes, Start)> {
    let mut wishes = Wishes::default();
    let id = write.id();
    loop {
        let start = match read.wait().await? {
            ChannelMsg::RequestPty {
                term,
                col_width,
                row_height,
                ..
            } => {
                wishes.terminal = Some((side(col_width, 80), side(row_height, 24)));
                wishes.set("TERM", &term);
                None
            }
            ChannelMsg::SetEnv {
                variable_name,
                variable_value,
                ..
            } => {
                if !wishes.set(&variable_name, &variable_value) {
                    let _ = handle.channel_failure(id).await;
                    continue;
                }
                None
            }
            ChannelMsg::WindowChange {
                col_width,
                row_height,
                ..
            } => {
                wishes.terminal = wishes
                    .terminal
                    .map(|_| (side(col_width, 80), side(row_height, 24)));
                continue;
            }
            ChannelMsg::RequestShell { .. } => Some(Start::Shell),
            ChannelMsg::Exec { command, .. } => {
                Some(Start::Command(String::from_utf8_lossy(&command).into_owned()))
            }
            ChannelMsg::RequestSubsystem { name, .. } if name == "sftp" => {
                Some(Start::Command(SFTP.to_owned()))
            }
            ChannelMsg::RequestSubsystem { .. }
            | ChannelMsg::RequestX11 { .. }
            | ChannelMsg::AgentForward { .. } => {
                let _ = handle.channel_failure(id).await;
                continue;
            }
            ChannelMsg::Eof | ChannelMsg::Close => return None,
            _ => continue,
        };
        handle.channel_success(id).await.ok()?;
        if let Some(start) = start {
            return Some((wishes, start));
        }
    }
}

/// A side of a terminal, within what the API allows too.
fn side(asked: u32, otherwise: u16) -> u16 {
    match u16::try_from(asked.min(1000)) {
        Ok(0) | Err(_) => otherwise,
        Ok(side) => side,
    }
}

impl Wishes {
    /// Whether the variable can be set.
    fn set(&mut self, name: &str, value: &str) -> bool {
        let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let valid = !name.is_empty()
            && !name.starts_with(|letter: char| letter.is_ascii_digit())
            && name.chars().all(plain)
            && name.len() + value.len() <= 4096
            && !value.contains('\0');
        let taken = valid && (self.env.len() < VARIABLES || self.env.contains_key(name));
        if taken {
            self.env.insert(name.to_owned(), value.to_owned());
        }
        taken
    }
}

fn environment(live: &Live, own: BTreeMap<String, String>) -> Vec<(String, String)> {
    let mut all: BTreeMap<String, String> = live.environment().into_iter().collect();
    all.extend(own);
    all.into_iter().collect()
}

/// The exit code; `None` when the client left before.
type Outcome = Result<Option<i32>, SandboxError>;

async fn in_terminal(
    live: &Arc<Live>,
    env: BTreeMap<String, String>,
    start: Start,
    (columns, rows): (u16, u16),
    read: &mut ChannelReadHalf,
    write: &ChannelWriteHalf<Msg>,
) -> Outcome {
    let argv = match start {
        Start::Shell => vec![live.shell().to_owned(), "-i".into(), "-l".into()],
        Start::Command(command) => vec![live.shell().to_owned(), "-c".into(), command],
    };
    let order = InTerminal {
        argv,
        env: environment(live, env),
        cwd: live.resolve(""),
        columns,
        rows,
    };
    let terminal = live.sandbox.spawn_in_terminal(order).await?;
    let (master, mut exit) = (terminal.master, terminal.exit);
    let typing = async {
        loop {
            match read.wait().await {
                Some(ChannelMsg::Data { data }) => {
                    let mut rest = &data[..];
                    while !rest.is_empty() {
                        match master.write(rest).await {
                            Ok(length) => rest = &rest[length..],
                            Err(_) => break,
                        }
                    }
                }
                Some(ChannelMsg::WindowChange {
                    col_width,
                    row_height,
                    ..
                }) => {
                    if let Err(error) = master.resize(side(col_width, columns), side(row_height, rows)) {
                        tracing::debug!(%error, "a terminal could not be resized");
                    }
                }
                Some(ChannelMsg::Signal { signal }) => pass_on(live, terminal.pid, &signal).await,
                Some(ChannelMsg::Close) | None => return,
                Some(_) => {}
            }
        }
    };
    let printing = async {
        let mut buffer = vec![0; PIECE];
        let code = loop {
            tokio::select! {
                code = ended(&mut exit) => break code,
                read = master.read(&mut buffer) => match read {
                    Ok(length) if length > 0 => send(write, None, &buffer[..length]).await?,
                    // Nothing has it open now.
                    _ => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
                },
            }
        };
        // The kernel hands over what was printed last a moment later.
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        let mut total = 0;
        while total < PIPE_SIZE
            && let Some(length) = master.read_now(&mut buffer)
        {
            total += length;
            send(write, None, &buffer[..length]).await?;
        }
        Some(code)
    };
    // When the client leaves, the terminal hangs up.
    tokio::select! {
        () = typing => Ok(None),
        code = printing => Ok(code),
    }
}

async fn with_pipes(
    live: &Arc<Live>,
    env: BTreeMap<String, String>,
    start: Start,
    read: &mut ChannelReadHalf,
    write: &ChannelWriteHalf<Msg>,
) -> Outcome {
    let argv = match start {
        Start::Shell => vec![live.shell().to_owned(), "-l".into()],
        Start::Command(command) => vec![live.shell().to_owned(), "-c".into(), command],
    };
    let spawn = Spawn {
        argv,
        env: environment(live, env),
        cwd: live.resolve(""),
        stdin: StdinKind::Pipe,
        merge_stderr: false,
    };
    let process = live.sandbox.spawn(spawn).await?;
    let unwatched = |error: std::io::Error| SandboxError::System(error.to_string());
    let missing = || SandboxError::Protocol("a program without its pipes".into());
    let mut stdin = Some(Sender::from_owned_fd(process.stdin.ok_or_else(missing)?).map_err(unwatched)?);
    let stdout = Receiver::from_owned_fd(process.stdout).map_err(unwatched)?;
    let stderr = Receiver::from_owned_fd(process.stderr.ok_or_else(missing)?).map_err(unwatched)?;
    let mut exit = process.exit;
    let giving = async {
        loop {
            match read.wait().await {
                Some(ChannelMsg::Data { data }) => {
                    if let Some(pipe) = &mut stdin
                        && pipe.write_all(&data).await.is_err()
                    {
                        stdin = None;
                    }
                }
                Some(ChannelMsg::Eof) => stdin = None,
                Some(ChannelMsg::Signal { signal }) => pass_on(live, process.pid, &signal).await,
                Some(ChannelMsg::Close) | None => return,
                Some(_) => {}
            }
        }
    };
    let over = CancellationToken::new();
    let taking = async {
        let (code, out, err) = tokio::join!(
            async {
                let code = ended(&mut exit).await;
                over.cancel();
                code
            },
            copy(stdout, write, None, &over),
            copy(stderr, write, Some(1), &over),
        );
        out.and(err).map(|()| code)
    };
    tokio::select! {
        code = taking => Ok(code),
        () = giving => {
            // As when a line breaks; what does not listen to it goes on.
            let _ = live.sandbox.signal_group(process.pid, libc::SIGHUP).await;
            Ok(None)
        }
    }
}

/// Passes on what a program prints until it has ended and its pipe is empty.
/// `None` when nobody takes it.
async fn copy(
    mut pipe: Receiver,
    write: &ChannelWriteHalf<Msg>,
    stream: Option<u32>,
    over: &CancellationToken,
) -> Option<()> {
    let mut buffer = vec![0; PIECE];
    loop {
        tokio::select! {
            () = over.cancelled() => break,
            read = pipe.read(&mut buffer) => match read {
                Ok(0) | Err(_) => return Some(()),
                Ok(length) => send(write, stream, &buffer[..length]).await?,
            },
        }
    }
    let mut total = 0;
    // Not more than it holds: something that was left behind may print on.
    while total <= PIPE_SIZE
        && let Ok(length @ 1..) = rustix::io::read(&pipe, &mut buffer)
    {
        total += length;
        send(write, stream, &buffer[..length]).await?;
    }
    Some(())
}

async fn send(write: &ChannelWriteHalf<Msg>, stream: Option<u32>, bytes: &[u8]) -> Option<()> {
    let bytes = Bytes::copy_from_slice(bytes);
    match stream {
        None => write.data_bytes(bytes).await.ok(),
        Some(stream) => write.extended_data_bytes(stream, bytes).await.ok(),
    }
}

async fn pass_on(live: &Live, pid: i32, signal: &Sig) {
    let number = match signal {
        Sig::HUP => libc::SIGHUP,
        Sig::INT => libc::SIGINT,
        Sig::QUIT => libc::SIGQUIT,
        Sig::KILL => libc::SIGKILL,
        Sig::TERM => libc::SIGTERM,
        Sig::USR1 => libc::SIGUSR1,
        _ => return,
    };
    if let Err(error) = live.sandbox.signal_group(pid, number).await {
        tracing::debug!(%error, "a signal was not passed on");
    }
}

/// The exit code, when there is one.
async fn ended(exit: &mut watch::Receiver<Option<Exit>>) -> i32 {
    let exit = exit.wait_for(Option::is_some).await.ok().and_then(|exit| *exit);
    exit.map_or(KILLED, Exit::shell_code)
}
