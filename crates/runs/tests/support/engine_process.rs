//! An engine in a process of its own: this executable started again.

use engine::EngineConfig;
use std::{
    io::{self, BufRead, BufReader, Write},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};
use tokio_util::sync::CancellationToken;

pub const KEY: &str = "a key of the tests";

/// The engine's process: `… engine DIRECTORY`.
pub fn main() {
    let data_dir = std::env::args().nth(2).expect("a directory");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let addr = listener.local_addr().expect("an address");
        let config = EngineConfig {
            orphan_grace: Some(Duration::from_secs(120)),
            ..EngineConfig::new(addr, KEY, data_dir)
        };
        writeln!(io::stdout(), "{addr}").expect("somebody reads");
        let served = engine::serve(config, listener, CancellationToken::new()).await;
        if let Err(error) = served {
            writeln!(io::stderr(), "{error}").expect("somebody reads");
        }
    });
}

/// It as a child of ours, killed when dropped.
pub struct EngineProcess {
    child: Child,
    pub address: SocketAddr,
}

impl EngineProcess {
    /// Starts one on this directory.
    pub fn start(data_dir: &Path) -> io::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("engine")
            .arg(data_dir)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut address = String::new();
        let out = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        BufReader::new(out).read_line(&mut address)?;
        let address = address.trim().parse().map_err(io::Error::other)?;
        Ok(Self { child, address })
    }

    /// kill -9.
    pub fn kill(&mut self) {
        // One that is dead already is as dead.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for EngineProcess {
    fn drop(&mut self) {
        self.kill();
    }
}
