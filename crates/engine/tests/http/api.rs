//! Calls of the control plane and of toolboxes by their paths, for what the
//! client has no method for, and to see statuses and bodies as they are.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::Engine;

/// What a call came to.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub body: Value,
}

impl Reply {
    /// Its body, of a success.
    pub fn ok(self) -> Value {
        assert!((200..300).contains(&self.status), "{self:?}");
        self.body
    }

    /// Its message, of a refusal with this status.
    pub fn refused(self, status: u16) -> String {
        assert_eq!(self.status, status, "{self:?}");
        self.body["message"].as_str().unwrap().to_owned()
    }
}

impl Engine {
    /// Calls `path` below `/api` (or the whole of one that begins with
    /// `/toolbox`).
    pub async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Reply {
        let url = match path.starts_with("/toolbox") {
            true => format!("{}{path}", self.url),
            false => format!("{}/api{path}", self.url),
        };
        let mut request = self.http().request(method.parse().unwrap(), url);
        if let Some(body) = body {
            request = request.body(body.to_string());
        }
        let reply = request.timeout(Duration::from_secs(60)).send().await.unwrap();
        let status = reply.status().as_u16();
        let text = reply.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Reply { status, body }
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.call("GET", path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.call("POST", path, Some(body)).await
    }

    /// Makes a sandbox and gives its id.
    pub async fn make(&self, request: Value) -> String {
        let made = self.post("/sandbox", request).await.ok();
        assert_eq!(made["state"], "started", "{made}");
        made["id"].as_str().unwrap().to_owned()
    }

    /// Runs a command in a sandbox; its exit code and output.
    pub async fn run(&self, sandbox: &str, command: &str) -> (i64, String) {
        let path = format!("/toolbox/{sandbox}/process/execute");
        let done = self.post(&path, json!({"command": command})).await.ok();
        let result = done["result"].as_str().unwrap().to_owned();
        (done["exitCode"].as_i64().unwrap(), result)
    }

    /// The output of a command that has to succeed.
    pub async fn output(&self, sandbox: &str, command: &str) -> String {
        let (code, output) = self.run(sandbox, command).await;
        assert_eq!(code, 0, "{command}: {output}");
        output
    }

    /// Whether sandboxes have file systems of their own here.
    pub async fn has_namespaces(&self) -> bool {
        let health = self.get("/health").await.ok();
        health["isolation"].as_str().unwrap().starts_with("namespaces")
    }

    pub async fn state(&self, sandbox: &str) -> String {
        let body = self.get(&format!("/sandbox/{sandbox}")).await.ok();
        body["state"].as_str().unwrap().to_owned()
    }

    /// Waits for a state of a sandbox.
    pub async fn wait(&self, sandbox: &str, state: &str) {
        let mut seen = String::new();
        for _ in 0..600 {
            seen = self.state(sandbox).await;
            if seen == state {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{sandbox} is {seen} and never {state}");
    }

    /// The names of the files in a folder of the data directory.
    pub fn files(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.data.join(folder));
        let names = entries.into_iter().flatten().flatten();
        names
            .map(|entry| entry.file_name().into_string().unwrap())
            .collect()
    }

    /// Kills the first process of every sandbox, as a fault of the kernel would.
    pub fn kill_sandboxes(&self) {
        let children = |pid: u32| -> Vec<u32> {
            let path = format!("/proc/{pid}/task/{pid}/children");
            let text = std::fs::read_to_string(path).unwrap_or_default();
            text.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
        };
        let is_sandboxd = |pid: &u32| {
            std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.ends_with(b"sandboxd\0"))
        };
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.pid()))
            .unwrap()
            .flatten();
        let started: Vec<u32> = threads
            .flat_map(|thread| {
                let text = std::fs::read_to_string(thread.path().join("children")).unwrap_or_default();
                text.split_whitespace()
                    .map(|pid| pid.parse().unwrap())
                    .collect::<Vec<u32>>()
            })
            .collect();
        let first: Vec<u32> = started
            .iter()
            .filter(|pid| is_sandboxd(pid))
            .flat_map(|pid| children(*pid))
            .collect();
        assert!(!first.is_empty(), "no sandbox runs");
        for pid in first {
            let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        }
    }
}
