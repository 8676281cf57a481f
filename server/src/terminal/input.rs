//! Passing our standard input on to the program.

use model::RunId;
use runs::Runs;
use rustix::{process::getpgrp, termios::tcgetpgrp};
use std::io::IsTerminal;
use tokio::{io::AsyncReadExt, task::JoinHandle};

/// The largest piece that is passed on at once.
const PIECE: usize = 32 * 1024;

/// Passes on what comes, until it ends or the program does.
pub fn forward(runs: Runs, id: RunId) -> JoinHandle<()> {
    tokio::spawn(async move {
        // A job in the background that reads the terminal is stopped by it.
        let input = std::io::stdin();
        if input.is_terminal() && tcgetpgrp(&input).ok() != Some(getpgrp()) {
            return;
        }
        let mut input = tokio::io::stdin();
        let mut piece = vec![0; PIECE];
        loop {
            let length = input.read(&mut piece).await.unwrap_or(0);
            let passed_on = runs.input(&id, piece[..length].to_vec(), length == 0).await;
            if length == 0 || passed_on.is_err() {
                return;
            }
        }
    })
}
