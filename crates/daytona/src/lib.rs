//! Daytona's HTTP API in Rust: its wire types, the byte formats of its logs,
//! and with the feature `client` an asynchronous client.
//!
//! The client works alike with Daytona's cloud and with Pitlane's engine,
//! which speaks the same protocol. Where the engine can do more (a followed
//! log without a byte lost, counts of ended processes), the client negotiates
//! it by itself; see [`extension`].
//!
//! With the feature `client`, `Client` is the control plane: sandboxes with
//! their states and settings, snapshots, volumes, secrets, warm pools, keys,
//! organizations, previews, SSH, telemetry, and events as they happen.
//! `Toolbox` is what happens inside one sandbox: programs, sessions, terminals,
//! the interpreter, files, git, language servers, ports.
//!
//! - Every call ends when its future is dropped, and after a time of its own.
//! - What is sent again, and what never is, follows one rule: a call that
//!   changes something is repeated only when it certainly was not executed.
//!   The rate limit's `Retry-After` is kept to.
//! - An `Error` keeps the provider's status, code and message, and says whether
//!   the call may have been executed.
//!
//! The example runs a program and follows what it says; `examples/run.rs` is
//! the same as a program for any provider.
//!
//! ```no_run
//! # #[cfg(feature = "client")]
//! # async fn example() -> Result<(), daytona::Error> {
//! use daytona::{Client, Config, CreateSandbox, LogPiece, SandboxState, SessionExecuteRequest};
//! use std::time::Duration;
//!
//! let client = Client::new(Config::from_env()?)?;
//! let request = CreateSandbox { auto_delete_interval: Some(0), ..CreateSandbox::default() };
//! let sandbox = client.create(&request).await?;
//! let sandbox = client.wait(&sandbox.id, &[SandboxState::Started], Duration::from_secs(60)).await?;
//! let toolbox = client.toolbox(&sandbox).await?;
//!
//! toolbox.upload(vec![("hello.py".to_owned(), "print('hello')\n".into())]).await?;
//! toolbox.create_session("run").await?;
//! let command = SessionExecuteRequest {
//!     command: "python3 -u hello.py".to_owned(),
//!     run_async: Some(true),
//!     suppress_input_echo: Some(true),
//! };
//! let command = toolbox.session_exec("run", command).await?.cmd_id;
//!
//! let mut log = toolbox.follow_logs("run", &command, 0).await?;
//! while let Some(piece) = log.next().await {
//!     if let LogPiece::Output { stream, bytes, .. } = piece? {
//!         println!("{stream:?}: {}", String::from_utf8_lossy(&bytes));
//!     }
//! }
//! let ended = toolbox.session_command("run", &command).await?;
//! println!("exit code {:?}", ended.exit_code);
//! client.delete(&sandbox.id).await?;
//! # Ok(())
//! # }
//! ```

#[cfg(feature = "client")]
mod client;
pub mod extension;
mod types;
pub mod wire;

#[cfg(feature = "client")]
pub use client::{
    BuildLogs, Client, CodeRun, CodeRunOutcome, Config, DEFAULT_API_URL, Error, Event, Events, FileDownload,
    LogFollow, LogPiece, Pty, PtyInput, PtyOutput, Refusal, SessionEnd, TelemetryQuery, Toolbox,
};
pub use types::*;
