//! Runs a command in a fresh sandbox of any provider and passes on what it
//! says; ends with its exit code.
//!
//! ```text
//! DAYTONA_API_KEY=… cargo run -p daytona --features client --example run -- 'echo hello; exit 3'
//! ```
//!
//! `DAYTONA_API_URL` names another provider than Daytona's cloud, such as
//! `http://127.0.0.1:3986/api` for an engine on this machine.

use daytona::wire::Stream;
use daytona::{Client, Config, CreateSandbox, Error, LogPiece, SandboxState, SessionExecuteRequest};
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

#[tokio::main]
async fn main() -> ExitCode {
    let command = std::env::args().nth(1).unwrap_or_else(|| "uname -a".to_owned());
    match run(command).await {
        Ok(code) => code,
        Err(error) => {
            let _nobody_reads = writeln!(std::io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: String) -> Result<ExitCode, Error> {
    let client = Client::new(Config::from_env()?)?;
    let request = CreateSandbox {
        auto_delete_interval: Some(0),
        ..CreateSandbox::default()
    };
    let sandbox = client.create(&request).await?;
    let outcome = follow(&client, &sandbox.id, command).await;
    client.delete(&sandbox.id).await?;
    outcome
}

async fn follow(client: &Client, id: &str, command: String) -> Result<ExitCode, Error> {
    let started = [SandboxState::Started];
    let sandbox = client.wait(id, &started, Duration::from_secs(60)).await?;
    let toolbox = client.toolbox(&sandbox).await?;
    toolbox.create_session("run").await?;
    let request = SessionExecuteRequest {
        command,
        run_async: Some(true),
        suppress_input_echo: Some(true),
    };
    let command = toolbox.session_exec("run", request).await?.cmd_id;
    let mut log = toolbox.follow_logs("run", &command, 0).await?;
    while let Some(piece) = log.next().await {
        if let LogPiece::Output { stream, bytes, .. } = piece? {
            // A closed pipe is no reason to leave the sandbox behind.
            let _closed = match stream {
                Stream::Stdout => std::io::stdout().write_all(&bytes),
                Stream::Stderr => std::io::stderr().write_all(&bytes),
            };
        }
    }
    let code = toolbox
        .session_command("run", &command)
        .await?
        .exit_code
        .unwrap_or(-1);
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}
