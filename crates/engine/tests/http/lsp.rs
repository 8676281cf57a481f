//! Language servers: the real ones, and scripted ones that behave oddly.

use daytona::{ExecuteRequest, Sandbox, Toolbox};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::sandbox_packages as packages;
use crate::support::{Engine, eventually};

pub fn trials() -> Vec<Trial> {
    let installed = packages::are_installed();
    let mut all: Vec<Trial> = trials![
        pylsp_completes_and_lists_symbols,
        typescript_language_server_does_too
    ]
    .into_iter()
    .map(|trial| trial.with_ignored_flag(!installed))
    .collect();
    all.extend(trials![
        without_a_server_the_answers_say_what_to_do,
        odd_servers_are_survived,
        a_polite_server_is_asked_politely,
    ]);
    all
}

struct Desk<'a> {
    engine: &'a Engine,
    sandbox: &'a Sandbox,
    language: &'static str,
}

impl Desk<'_> {
    async fn post(&self, call: &str, more: Value) -> (u16, Value) {
        let mut body = json!({"languageId": self.language, "pathToProject": "/home/daytona/project"});
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let url = format!("{}/toolbox/{}/lsp/{call}", self.engine.url, self.sandbox.id);
        let response = self
            .engine
            .http()
            .post(url)
            .body(body.to_string())
            .send()
            .await
            .unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    async fn get(&self, call: &str, more: &[(&str, &str)]) -> (u16, Value) {
        let url = format!("{}/toolbox/{}/lsp/{call}", self.engine.url, self.sandbox.id);
        let base = [
            ("languageId", self.language),
            ("pathToProject", "/home/daytona/project"),
        ];
        let query: Vec<String> = base
            .iter()
            .chain(more)
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let url = format!("{url}?{}", query.join("&"));
        let response = self.engine.http().get(url).send().await.unwrap();
        let status = response.status().as_u16();
        (status, response.json().await.unwrap())
    }
}

fn labels(completions: &Value) -> Vec<&str> {
    let items = completions["items"].as_array().unwrap();
    items.iter().map(|item| item["label"].as_str().unwrap()).collect()
}

fn names(symbols: &Value) -> Vec<&str> {
    let all = symbols.as_array().unwrap();
    all.iter()
        .map(|symbol| symbol["name"].as_str().unwrap())
        .collect()
}

async fn put(toolbox: &Toolbox, path: &str, text: &str) {
    toolbox
        .upload(vec![(path.to_owned(), text.to_owned().into())])
        .await
        .unwrap();
}

/// Puts a program on the sandbox's PATH, where the home folder's come first.
async fn install(toolbox: &Toolbox, name: &str, script: &str) {
    let path = format!("/home/daytona/.local/bin/{name}");
    put(toolbox, &path, script).await;
    let done = toolbox
        .execute(ExecuteRequest::new(format!("chmod +x {path}")))
        .await
        .unwrap();
    assert_eq!(done.exit_code, 0);
}

async fn pylsp_completes_and_lists_symbols() {
    let engine = packages::engine();
    let (sandbox, toolbox) = engine.sandbox().await;
    install(
        &toolbox,
        "pylsp",
        "#!/bin/sh\nPYTHONPATH=/opt/pitlane/python exec python3 -m pylsp \"$@\"\n",
    )
    .await;
    put(
        &toolbox,
        "/home/daytona/project/a b.py",
        "import os\nclass Engine:\n    def start(self):\n        pass\nos.path.joi\n",
    )
    .await;
    let desk = Desk {
        engine: &engine,
        sandbox: &sandbox,
        language: "python",
    };
    assert_eq!(desk.post("start", json!({})).await.0, 200);
    assert_eq!(desk.post("start", json!({})).await.0, 200);
    let document = json!({"uri": "file:///home/daytona/project/a b.py"});
    assert_eq!(desk.post("did-open", document.clone()).await.0, 200);
    let mut asked = document.clone();
    asked["position"] = json!({"line": 4, "character": 11});
    asked["context"] = json!({"triggerKind": 1});
    let (status, found) = desk.post("completions", asked.clone()).await;
    assert_eq!(status, 200);
    assert!(
        labels(&found).iter().any(|label| label.starts_with("join")),
        "{found}"
    );
    assert!(found["isIncomplete"].is_boolean());
    let uri = ("uri", "file:///home/daytona/project/a%20b.py");
    let (status, symbols) = desk.get("document-symbols", &[uri]).await;
    assert_eq!(status, 200);
    assert!(
        names(&symbols).contains(&"Engine") && names(&symbols).contains(&"start"),
        "{symbols}"
    );
    let engine_symbol = symbols
        .as_array()
        .unwrap()
        .iter()
        .find(|symbol| symbol["name"] == "Engine")
        .unwrap();
    assert_eq!(
        engine_symbol["location"]["uri"],
        "file:///home/daytona/project/a b.py"
    );
    assert_eq!(engine_symbol["location"]["range"]["start"]["line"], 1);
    assert_eq!(engine_symbol["kind"], 5);
    // It cannot search the project: the open documents are searched.
    let (status, searched) = desk.get("workspacesymbols", &[("query", "ENG")]).await;
    assert_eq!((status, names(&searched)), (200, vec!["Engine"]));
    // What the file holds at the time it is opened again.
    put(&toolbox, "/home/daytona/project/a b.py", "class Other: pass\n").await;
    assert_eq!(desk.post("did-open", document.clone()).await.0, 200);
    assert_eq!(names(&desk.get("document-symbols", &[uri]).await.1), ["Other"]);
    assert_eq!(desk.post("did-close", document.clone()).await.0, 200);
    assert_eq!(desk.post("did-close", document.clone()).await.0, 200);
    // Asked about a document that nobody opened, and about none.
    put(&toolbox, "/home/daytona/project/c.py", "class Third: pass\n").await;
    let relative = [("uri", "file://project/c.py")];
    let (status, third) = desk.get("document-symbols", &relative).await;
    assert_eq!((status, names(&third)), (200, vec!["Third"]));
    assert_eq!(third[0]["location"]["uri"], "file://project/c.py");
    assert_eq!(
        desk.get("document-symbols", &[("uri", "file:///nowhere.py")])
            .await
            .0,
        404
    );
    assert_eq!(desk.post("did-open", json!({"uri": "file:///home"})).await.0, 400);
    assert_eq!(desk.post("stop", json!({})).await.0, 200);
    let (status, refused) = desk.post("completions", asked).await;
    assert_eq!(
        (status, &refused["code"]),
        (400, &json!("LSP_SERVER_NOT_INITIALIZED"))
    );
    let left = toolbox
        .execute(ExecuteRequest::new("cat /proc/[0-9]*/cmdline | tr '\\0' ' '"))
        .await
        .unwrap();
    assert!(!left.result.contains("pylsp"), "{}", left.result);
}

async fn typescript_language_server_does_too() {
    let engine = packages::engine();
    let (sandbox, toolbox) = engine.sandbox().await;
    install(
        &toolbox,
        "typescript-language-server",
        "#!/bin/sh\nexec node /opt/pitlane/node_modules/.bin/typescript-language-server \"$@\"\n",
    )
    .await;
    put(
        &toolbox,
        "/home/daytona/project/a.ts",
        "export class Engine { start(): void {} }\nconst engine = new Engine();\nengine.st\n",
    )
    .await;
    let desk = Desk {
        engine: &engine,
        sandbox: &sandbox,
        language: "typescript",
    };
    assert_eq!(desk.post("start", json!({})).await, (200, Value::Null));
    let uri = "file:///home/daytona/project/a.ts";
    assert_eq!(desk.post("did-open", json!({"uri": uri})).await.0, 200);
    let asked = json!({"uri": uri, "position": {"line": 2, "character": 9}});
    let (status, found) = desk.post("completions", asked).await;
    assert_eq!(status, 200);
    assert!(labels(&found).contains(&"start"), "{found}");
    let (status, symbols) = desk.get("document-symbols", &[("uri", uri)]).await;
    assert_eq!(status, 200);
    assert!(names(&symbols).contains(&"Engine"), "{symbols}");
    let (status, searched) = desk.get("workspacesymbols", &[("query", "Engine")]).await;
    assert_eq!(status, 200);
    assert!(names(&searched).contains(&"Engine"), "{searched}");
    assert_eq!(searched[0]["location"]["uri"], uri);
    assert_eq!(desk.post("stop", json!({})).await.0, 200);
}

async fn without_a_server_the_answers_say_what_to_do() {
    let engine = Engine::start();
    let (sandbox, _) = engine.sandbox().await;
    let desk = Desk {
        engine: &engine,
        sandbox: &sandbox,
        language: "python",
    };
    let position = json!({"uri": "file:///a.py", "position": {"line": 0, "character": 0}});
    for call in ["did-open", "did-close", "completions", "stop"] {
        let (status, refused) = desk.post(call, position.clone()).await;
        assert_eq!(
            (status, &refused["code"]),
            (400, &json!("LSP_SERVER_NOT_INITIALIZED")),
            "{call}"
        );
        assert_eq!(refused["source"], "DAYTONA_DAEMON");
    }
    for (call, more) in [
        ("document-symbols", ("uri", "file:///a.py")),
        ("workspacesymbols", ("query", "a")),
    ] {
        let (status, refused) = desk.get(call, &[more]).await;
        assert_eq!(
            (status, &refused["code"]),
            (400, &json!("LSP_SERVER_NOT_INITIALIZED")),
            "{call}"
        );
        assert_eq!(desk.get(call, &[]).await.0, 400);
    }
    let (status, refused) = desk.post("start", json!({})).await;
    assert_eq!(status, 400);
    let words = refused["message"].as_str().unwrap();
    assert!(words.contains("pip install python-lsp-server"), "{words}");
    let other = Desk {
        language: "cobol",
        ..desk
    };
    assert_eq!(other.post("start", json!({})).await.0, 400);
    assert_eq!(other.post("start", json!({"languageId": ""})).await.0, 400);
}

/// A server in Python: reads messages, and does what `answer` says.
fn scripted(answer: &str) -> String {
    format!(
        "#!/usr/bin/env python3\n\
         import json, sys, time\n\
         def read():\n  length = 0\n  while True:\n    line = sys.stdin.buffer.readline()\n    if not line: sys.exit()\n    if not line.strip(): break\n    if line.lower().startswith(b'content-length'): length = int(line.split(b':')[1])\n  return json.loads(sys.stdin.buffer.read(length))\n\
         def put(bytes):\n  sys.stdout.buffer.write(bytes); sys.stdout.buffer.flush()\n\
         def say(message):\n  body = json.dumps(message).encode()\n  put(b'Content-Length: %d\\r\\n\\r\\n' % len(body) + body)\n\
         {answer}\n"
    )
}

async fn odd_servers_are_survived() {
    let engine = Engine::start();
    let (sandbox, toolbox) = engine.sandbox().await;
    let desk = Desk {
        engine: &engine,
        sandbox: &sandbox,
        language: "python",
    };
    for (odd, status) in [
        ("print('no module named jedi', file=sys.stderr); sys.exit(1)", 502),
        ("put(b'hello world' * 1000)", 502),
        ("read(); put(b'Content-Length: 999999999999\\r\\n\\r\\n{')", 502),
        ("read(); put(b'Content-Length: 3\\r\\n\\r\\n{}}')", 502),
        (
            "read(); put(b'Content-Length: 4\\r\\n\\r\\n\\xff\\xff\\xff\\xff'); time.sleep(60)",
            502,
        ),
        (
            "m = read(); say({'id': m['id'], 'error': {'code': 1, 'message': 'not today'}}); time.sleep(60)",
            400,
        ),
    ] {
        install(&toolbox, "pylsp", &scripted(odd)).await;
        let (got, refused) = desk.post("start", json!({})).await;
        assert!(got == status || got == 502, "{odd}: {got} {refused}");
        assert!(refused["message"].is_string(), "{odd}");
        let left = toolbox
            .execute(ExecuteRequest::new("grep -l '^pylsp' /proc/[0-9]*/comm | wc -l"))
            .await
            .unwrap();
        assert_eq!(left.result.trim(), "0", "{odd}");
    }
    let (_, refused) = {
        install(
            &toolbox,
            "pylsp",
            &scripted("print('no module named jedi', file=sys.stderr); sys.exit(1)"),
        )
        .await;
        desk.post("start", json!({})).await
    };
    assert!(
        refused["message"]
            .as_str()
            .unwrap()
            .contains("no module named jedi"),
        "{refused}"
    );
    // One that works at first, answers nonsense, and dies.
    put(&toolbox, "/home/daytona/a.py", "a = 1\n").await;
    let later = "m = read(); say({'id': m['id'], 'result': {'capabilities': {}}})\n\
        while True:\n  m = read()\n  if m.get('method') == 'textDocument/completion': say({'id': m['id'], 'result': 'nonsense'})\n  elif m.get('method') == 'textDocument/documentSymbol': sys.exit(3)";
    install(&toolbox, "pylsp", &scripted(later)).await;
    assert_eq!(desk.post("start", json!({})).await.0, 200);
    let asked = json!({"uri": "file://a.py", "position": {"line": 0, "character": 0}});
    let (status, found) = desk.post("completions", asked.clone()).await;
    assert_eq!(
        (status, found),
        (200, json!({"isIncomplete": false, "items": []}))
    );
    let (status, refused) = desk.get("document-symbols", &[("uri", "file://a.py")]).await;
    assert_eq!(
        (status, &refused["code"]),
        (400, &json!("LSP_SERVER_NOT_INITIALIZED"))
    );
    eventually("its end is known", async || {
        desk.post("completions", asked.clone()).await.1["code"] == "LSP_SERVER_NOT_INITIALIZED"
    })
    .await;
    assert_eq!(desk.post("start", json!({})).await.0, 200);
}

async fn a_polite_server_is_asked_politely() {
    let engine = Engine::start();
    let (sandbox, toolbox) = engine.sandbox().await;
    let desk = Desk {
        engine: &engine,
        sandbox: &sandbox,
        language: "python",
    };
    // It asks and tells in between, cuts its messages, and writes down what it heard.
    let chatty = "log = open('/tmp/heard', 'w', buffering=1)\n\
        def slow(message):\n  body = json.dumps(message).encode()\n  for byte in b'Content-Type: x\\r\\ncontent-length: %d\\r\\n\\r\\n' % len(body) + body: put(bytes([byte]))\n\
        while True:\n  m = read()\n  log.write(json.dumps(m) + '\\n')\n  method = m.get('method')\n\
        \x20 if method == 'initialize':\n    say({'method': 'window/logMessage', 'params': {}})\n    say({'id': 'q1', 'method': 'workspace/configuration', 'params': {'items': [{}, {}]}})\n    say({'id': m['id'], 'result': {'capabilities': {'workspaceSymbolProvider': True}}})\n\
        \x20 elif method == 'textDocument/completion':\n    say({'id': 4711, 'result': 1})\n    slow({'id': m['id'], 'result': [{'label': 'one', 'documentation': 'd'}]})\n\
        \x20 elif method == 'workspace/symbol': slow({'id': m['id'], 'result': None})\n\
        \x20 elif method == 'shutdown': say({'id': m['id'], 'result': None})\n\
        \x20 elif method == 'exit': sys.exit()";
    install(&toolbox, "pylsp", &scripted(chatty)).await;
    put(&toolbox, "/home/daytona/project/a.py", "a = 1\n").await;
    assert_eq!(desk.post("start", json!({})).await.0, 200);
    let asked = json!({"uri": "file:///home/daytona/project/a.py", "position": {"line": 0, "character": 1}});
    let (_, found) = desk.post("completions", asked).await;
    assert_eq!(
        found,
        json!({"isIncomplete": false, "items": [{"label": "one", "documentation": {"kind": "plaintext", "value": "d"}}]})
    );
    assert_eq!(
        desk.get("workspacesymbols", &[("query", "x")]).await,
        (200, json!([]))
    );
    assert_eq!(desk.post("stop", json!({})).await.0, 200);
    let heard = toolbox
        .execute(ExecuteRequest::new("cat /tmp/heard"))
        .await
        .unwrap()
        .result;
    let heard: Vec<Value> = heard
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let methods: Vec<&str> = heard
        .iter()
        .filter_map(|message| message["method"].as_str())
        .collect();
    assert_eq!(
        methods,
        [
            "initialize",
            "initialized",
            "textDocument/didOpen",
            "textDocument/completion",
            "workspace/symbol",
            "shutdown",
            "exit"
        ]
    );
    let settings = heard.iter().find(|message| message["id"] == "q1").unwrap();
    assert_eq!(settings["result"], json!([null, null]));
    assert_eq!(heard[0]["params"]["rootUri"], "file:///home/daytona/project");
    let opened = heard
        .iter()
        .find(|message| message["method"] == "textDocument/didOpen")
        .unwrap();
    assert_eq!(opened["params"]["textDocument"]["text"], "a = 1\n");
}
