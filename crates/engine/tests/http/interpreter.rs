//! The stateful Python: cells over WebSockets, and the contexts they share.

use std::time::{Duration, Instant};

use daytona::{ExecuteRequest, Sandbox};
use futures::{SinkExt, StreamExt};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::support::{Engine, eventually};

mod life;

pub fn trials() -> Vec<Trial> {
    let mut all = trials![
        variables_survive_and_messages_are_daytonas,
        all_output_of_a_cell_comes_in_small_messages,
        contexts_are_kept_apart_and_listed,
        odd_requests_are_closed_with_their_codes,
        a_cell_whose_time_is_up_is_interrupted_and_then_killed,
        cells_of_a_context_run_in_order_and_the_queue_is_bounded,
    ];
    all.extend(life::trials());
    all
}

type Socket = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

struct Notebook<'a> {
    engine: &'a Engine,
    sandbox: &'a Sandbox,
}

/// What came of a cell.
#[derive(Debug, Default)]
struct Told {
    stdout: String,
    stderr: String,
    messages: Vec<Value>,
    close: Option<(u16, String)>,
}

impl Told {
    fn code(&self) -> u16 {
        self.close.as_ref().unwrap().0
    }

    fn error(&self) -> &Value {
        self.messages
            .iter()
            .find(|message| message["type"] == "error")
            .unwrap()
    }

    /// Hears the next message; false when there is none any more.
    async fn hear(&mut self, socket: &mut Socket) -> bool {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => {
                assert!(text.len() <= 64 << 10, "{} bytes", text.len());
                let message: Value = serde_json::from_str(&text).unwrap();
                let keys: Vec<&str> = message.as_object().unwrap().keys().map(String::as_str).collect();
                assert_eq!(keys, ["name", "text", "traceback", "type", "value"]);
                assert!(message.as_object().unwrap().values().all(Value::is_string));
                let text = message["text"].as_str().unwrap();
                match message["type"].as_str().unwrap() {
                    "stdout" => self.stdout.push_str(text),
                    "stderr" => self.stderr.push_str(text),
                    _ => {}
                }
                self.messages.push(message);
            }
            Some(Ok(Message::Close(frame))) => {
                self.close = frame.map(|frame| (u16::from(frame.code), frame.reason.to_string()));
            }
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return false,
        }
        true
    }

    /// Hears until this was printed, and no more.
    async fn until(&mut self, socket: &mut Socket, stdout: &str) {
        while self.stdout != stdout {
            assert!(self.hear(socket).await, "no {stdout:?} in {self:?}");
        }
    }
}

impl Notebook<'_> {
    async fn open(&self, first: Message) -> Socket {
        let url = format!(
            "{}/toolbox/{}/process/interpreter/execute",
            self.engine.url.replace("http", "ws"),
            self.sandbox.id
        );
        let mut request = url.as_str().into_client_request().unwrap();
        let key = format!("Bearer {}", crate::support::KEY);
        request
            .headers_mut()
            .insert("authorization", key.parse().unwrap());
        let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        socket.send(first).await.unwrap();
        socket
    }

    async fn ask(&self, request: Value) -> Told {
        hear(self.open(Message::text(request.to_string())).await).await
    }

    async fn run(&self, code: &str) -> Told {
        self.ask(json!({"code": code})).await
    }

    async fn context(&self, body: Value) -> (u16, Value) {
        self.call(reqwest::Method::POST, "", Some(body)).await
    }

    async fn call(&self, method: reqwest::Method, rest: &str, body: Option<Value>) -> (u16, Value) {
        let url = format!(
            "{}/toolbox/{}/process/interpreter/context{rest}",
            self.engine.url, self.sandbox.id
        );
        let mut request = self.engine.http().request(method, url);
        if let Some(body) = body {
            request = request.body(body.to_string());
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        (
            status,
            serde_json::from_str(&response.text().await.unwrap()).unwrap(),
        )
    }
}

async fn hear(mut socket: Socket) -> Told {
    let mut told = Told::default();
    while told.hear(&mut socket).await {}
    told
}

/// Waits until a cell waits its turn, or was refused with this code. The engine
/// reads on, and answers a ping, only when one of both is decided.
async fn decided(socket: &mut Socket) -> Option<u16> {
    socket.send(Message::Ping("decided?".into())).await.unwrap();
    match socket.next().await.unwrap().unwrap() {
        Message::Pong(_) => None,
        Message::Close(frame) => Some(u16::from(frame.unwrap().code)),
        other => panic!("it was to wait, but {other:?}"),
    }
}

async fn variables_survive_and_messages_are_daytonas() {
    let engine = Engine::start();
    let (sandbox, _) = engine.sandbox().await;
    let notebook = Notebook {
        engine: &engine,
        sandbox: &sandbox,
    };
    let first = notebook
        .run("x = 41\ndef fail():\n    raise ValueError('x')\nprint('a')")
        .await;
    assert_eq!(first.code(), 1000);
    assert_eq!(
        first.messages,
        [
            json!({"type": "stdout", "text": "a\n", "name": "", "value": "", "traceback": ""}),
            json!({"type": "control", "text": "completed", "name": "", "value": "", "traceback": ""}),
        ]
    );
    let second = notebook.run("x += 1\nprint(x)\nfail()").await;
    assert_eq!((second.stdout.as_str(), second.code()), ("42\n", 1000));
    assert_eq!(
        second.error(),
        &json!({"type": "error", "text": "", "name": "ValueError", "value": "x",
            "traceback": "Traceback (most recent call last):\n  File \"<stdin>\", line 3\n  File \"<stdin>\", line 3\nValueError: x\n"})
    );
    assert_eq!(second.messages.last().unwrap()["text"], "completed");
    let syntax = notebook.run("x = = 1").await;
    assert_eq!(syntax.error()["name"], "SyntaxError");
    let exit = notebook.run("import sys\nprint(x)\nsys.exit(3)").await;
    assert_eq!(
        (exit.stdout.as_str(), exit.code(), exit.messages.len()),
        ("42\n", 1000, 2)
    );
    // The last value is not shown; what is imported, pickled and defined stays.
    assert_eq!(notebook.run("x").await.messages.len(), 1);
    let pickled = notebook
        .run("import pickle\nclass A: pass\nprint(type(pickle.loads(pickle.dumps(A()))), __name__)")
        .await;
    assert_eq!(pickled.stdout, "<class '__main__.A'> __main__\n");
    let envs = notebook
        .ask(json!({"code": "import os\nprint(os.environ['A'], os.environ['HOME'])\nos.environ['B'] = 'kept'\nos.system('echo $A')", "envs": {"A": "1 2", "HOME": "/x"}}))
        .await;
    assert_eq!(envs.stdout, "1 2 /x\n1 2\n");
    let after = notebook
        .run("print(os.environ.get('A'), os.environ['HOME'], os.environ['B'], os.getcwd())")
        .await;
    assert_eq!(after.stdout, "None /home/daytona kept /home/daytona\n");
    // As bytes and with unknown keys, as some clients send it.
    let socket = notebook
        .open(Message::binary(
            json!({"code": "print(x)", "more": 1}).to_string(),
        ))
        .await;
    assert_eq!(hear(socket).await.stdout, "42\n");
}

async fn all_output_of_a_cell_comes_in_small_messages() {
    let engine = Engine::start();
    let (sandbox, _) = engine.sandbox().await;
    let notebook = Notebook {
        engine: &engine,
        sandbox: &sandbox,
    };
    let code = "import os, sys, subprocess, ctypes\n\
        print('python'); os.system('echo child'); subprocess.run(['sh', '-c', 'echo err >&2'])\n\
        os.write(1, b'descriptor\\n'); ctypes.CDLL(None).puts(b'C'); ctypes.CDLL(None).fflush(None)\n\
        sys.stderr.write('no end')\nprint('last', end='')";
    let told = notebook.run(code).await;
    assert_eq!(told.stdout, "python\nchild\ndescriptor\nC\nlast");
    assert_eq!(told.stderr, "err\nno end");
    let million = notebook.run("for n in range(200_000): print(n)").await;
    assert!(
        million.stdout.lines().eq((0..200_000).map(|n| n.to_string())),
        "{}",
        million.stdout.len()
    );
    assert_eq!(million.code(), 1000);
    let one = notebook.run("print('\\0é' * 500_000)").await;
    assert_eq!(one.stdout.chars().count(), 1_000_001);
    assert_eq!(
        notebook
            .run("os.write(1, b'a\\xff\\xc3'); os.write(1, b'\\xa9')")
            .await
            .stdout,
        "a\u{FFFD}é"
    );
    let long = notebook.run("raise ValueError('x' * 1_000_000)").await;
    assert!(long.error()["value"].as_str().unwrap().len() > 1000);
    let deep = notebook.run("def f(): f()\nf()").await;
    assert_eq!(deep.error()["name"], "RecursionError");
    // What a thread prints between two cells is nobody's, and holds it not up.
    let late = "import threading, time\ndef f():\n  for n in range(20000): print('late', n)\n  globals().update(done=True)\ndone = False\nt = threading.Timer(0.05, f); t.start()";
    notebook.run(late).await;
    eventually("the thread ends", async || {
        notebook.run("print(done)").await.stdout.contains("True")
    })
    .await;
}

async fn contexts_are_kept_apart_and_listed() {
    let engine = Engine::start();
    let (sandbox, _) = engine.sandbox().await;
    let notebook = Notebook {
        engine: &engine,
        sandbox: &sandbox,
    };
    let empty = notebook.call(reqwest::Method::GET, "", None).await;
    assert_eq!(empty, (200, json!({"contexts": []})));
    let (status, one) = notebook.context(json!({"cwd": "/tmp"})).await;
    assert_eq!(status, 200);
    assert_eq!(
        (&one["cwd"], &one["active"], &one["language"]),
        (&json!("/tmp"), &json!(true), &json!("python"))
    );
    assert!(one["createdAt"].as_str().unwrap().ends_with('Z'));
    let (_, two) = notebook.context(json!({})).await;
    let id = |context: &Value| context["id"].as_str().unwrap().to_owned();
    let run = async |context: &Value, code: &str| {
        notebook
            .ask(json!({"code": code, "contextId": id(context)}))
            .await
    };
    run(&one, "a = 1; import os; print(os.getcwd())").await;
    assert_eq!(run(&one, "print(a, os.getcwd())").await.stdout, "1 /tmp\n");
    assert_eq!(run(&two, "print('a' in globals())").await.stdout, "False\n");
    assert_eq!(notebook.run("print('a' in globals())").await.stdout, "False\n");
    let (_, listed) = notebook.call(reqwest::Method::GET, "", None).await;
    let listed: Vec<String> = listed["contexts"].as_array().unwrap().iter().map(id).collect();
    assert_eq!(listed.len(), 2);
    assert!(listed.contains(&id(&one)) && listed.contains(&id(&two)));

    let mut running = notebook
        .open(Message::text(
            json!({"code": "import time\nprint('runs', flush=True)\ntime.sleep(60)", "contextId": id(&one)})
                .to_string(),
        ))
        .await;
    let mut told = Told::default();
    told.until(&mut running, "runs\n").await;
    let mut waiting = notebook
        .open(Message::text(
            json!({"code": "print(1)", "contextId": id(&one)}).to_string(),
        ))
        .await;
    assert_eq!(decided(&mut waiting).await, None);
    let deleted = notebook
        .call(reqwest::Method::DELETE, &format!("/{}", id(&one)), None)
        .await;
    assert_eq!(deleted.0, 200);
    assert!(deleted.1["message"].is_string());
    while told.hear(&mut running).await {}
    assert_eq!((told.stdout.as_str(), told.code()), ("runs\n", 1001));
    assert_eq!(hear(waiting).await.code(), 1001);
    assert_eq!(
        run(&one, "print(1)").await.close.unwrap(),
        (1008, format!("context not found: {}", id(&one)))
    );
    for (path, status) in [("/default", 400), ("/nothing", 404)] {
        assert_eq!(notebook.call(reqwest::Method::DELETE, path, None).await.0, status);
    }
    assert_eq!(notebook.context(json!({"language": "ruby"})).await.0, 400);
    let (status, refused) = notebook.context(json!({"cwd": "/nowhere"})).await;
    assert_eq!(status, 500);
    assert!(
        refused["message"].as_str().unwrap().contains("/nowhere"),
        "{refused}"
    );
    let (_, listed) = notebook.call(reqwest::Method::GET, "", None).await;
    assert_eq!(listed["contexts"].as_array().unwrap().len(), 1);
    for _ in 0..63 {
        notebook.context(json!({})).await;
    }
    assert_eq!(notebook.context(json!({})).await.0, 400);
}

async fn odd_requests_are_closed_with_their_codes() {
    let engine = Engine::start();
    let (sandbox, _) = engine.sandbox().await;
    let notebook = Notebook {
        engine: &engine,
        sandbox: &sandbox,
    };
    for (first, code, reason) in [
        (Message::text("no json"), 1002, "invalid JSON payload"),
        (Message::text("[1]"), 1002, "invalid JSON payload"),
        (Message::binary(vec![0xff, 0]), 1002, "invalid JSON payload"),
        (Message::text(r#"{"code": 1}"#), 1002, "invalid JSON payload"),
        (Message::text("{}"), 1008, "code is required"),
        (
            Message::text(r#"{"code": "1", "timeout": -1}"#),
            1008,
            "timeout must be greater than or equal to 0",
        ),
        (
            Message::text(r#"{"code": "1", "contextId": "no"}"#),
            1008,
            "context not found: no",
        ),
    ] {
        let told = hear(notebook.open(first).await).await;
        assert_eq!(told.close, Some((code, reason.to_owned())));
        assert!(told.messages.is_empty());
    }
    let env = notebook.ask(json!({"code": "1", "envs": {"A=B": "1"}})).await;
    assert_eq!(env.code(), 1008);
    let long = format!("context not found: {}", "ä".repeat(300));
    let told = notebook
        .ask(json!({"code": "1", "contextId": "ä".repeat(300)}))
        .await;
    assert!(long.starts_with(&told.close.unwrap().1));
    let plain = engine
        .http()
        .get(format!(
            "{}/toolbox/{}/process/interpreter/execute",
            engine.url, sandbox.id
        ))
        .send()
        .await
        .unwrap();
    assert_eq!(plain.status(), 400);
    assert_eq!(notebook.run("print(1)").await.stdout, "1\n");
}

async fn a_cell_whose_time_is_up_is_interrupted_and_then_killed() {
    let engine = Engine::start();
    let (sandbox, toolbox) = engine.sandbox().await;
    let notebook = Notebook {
        engine: &engine,
        sandbox: &sandbox,
    };
    notebook.run("x = 5").await;
    let start = Instant::now();
    let soft = notebook
        .ask(json!({"code": "import time\nprint('on it')\ntime.sleep(60)", "timeout": 5}))
        .await;
    assert_eq!(soft.code(), 4008);
    assert_eq!(soft.stdout, "on it\n");
    // No control message: the TypeScript SDK would take it for success.
    assert!(soft.messages.iter().all(|message| message["type"] == "stdout"));
    assert!(start.elapsed() < Duration::from_secs(40));
    assert_eq!(notebook.run("print(x)").await.stdout, "5\n");
    let child = notebook
        .ask(json!({"code": "import os\nos.system('sleep 60')\nprint('went on')", "timeout": 1}))
        .await;
    assert_eq!(child.code(), 4008);
    let stubborn = "while True:\n  try: time.sleep(60)\n  except KeyboardInterrupt: print('no')";
    let hard = notebook.ask(json!({"code": stubborn, "timeout": 5})).await;
    assert_eq!((hard.code(), hard.stdout.as_str()), (4008, "no\n"));
    let lost = notebook.run("print(x)").await;
    assert_eq!(lost.error()["name"], "NameError");
    let unlimited = notebook.ask(json!({"code": "print(1)", "timeout": 0})).await;
    assert_eq!(unlimited.code(), 1000);
    let left = toolbox
        .execute(ExecuteRequest::new("grep -l '^sleep' /proc/[0-9]*/comm | wc -l"))
        .await
        .unwrap();
    assert_eq!(left.result.trim(), "0");
}

async fn cells_of_a_context_run_in_order_and_the_queue_is_bounded() {
    let engine = Engine::start();
    let (sandbox, toolbox) = engine.sandbox().await;
    let notebook = Notebook {
        engine: &engine,
        sandbox: &sandbox,
    };
    let open = |request: Value| notebook.open(Message::text(request.to_string()));
    let touch = async |file: &str| {
        let request = ExecuteRequest::new(format!("touch {file}"));
        assert_eq!(toolbox.execute(request).await.unwrap().exit_code, 0);
    };
    let prepare = "order = []\nimport os, time\ndef wait(file):\n  print('waits', flush=True)\n  while not os.path.exists(file): time.sleep(0.02)";
    assert_eq!(notebook.run(prepare).await.code(), 1000);
    let mut first = open(json!({"code": "wait('/tmp/first')"})).await;
    Told::default().until(&mut first, "waits\n").await;
    let mut sockets = vec![first];
    for number in 0..128 {
        let mut socket = open(json!({"code": format!("order.append({number})")})).await;
        // The engine reads first messages in its own time.
        assert_eq!(decided(&mut socket).await, None, "{number}");
        sockets.push(socket);
    }
    touch("/tmp/first").await;
    let codes: Vec<u16> = futures::future::join_all(sockets.into_iter().map(hear))
        .await
        .iter()
        .map(Told::code)
        .collect();
    assert_eq!(
        codes.iter().filter(|code| **code == 1000).count(),
        129,
        "{codes:?}"
    );
    let order = notebook.run("print(order == sorted(order), len(order))").await;
    assert_eq!(order.stdout, "True 128\n");

    let mut blocked = open(json!({"code": "wait('/tmp/second')"})).await;
    Told::default().until(&mut blocked, "waits\n").await;
    let mut late = open(json!({"code": "time.sleep(60)", "timeout": 1})).await;
    assert_eq!(decided(&mut late).await, None);
    let (mut queued, mut refused) = (Vec::new(), 0);
    for _ in 0..140 {
        let mut socket = open(json!({"code": "1"})).await;
        match decided(&mut socket).await {
            None => queued.push(socket),
            Some(code) => {
                assert_eq!(code, 1008);
                refused += 1;
            }
        }
    }
    assert_eq!((queued.len(), refused), (127, 13));
    touch("/tmp/second").await;
    assert_eq!(hear(blocked).await.code(), 1000);
    // One whose time is up does not hold up those behind it.
    assert_eq!(hear(late).await.code(), 4008);
    for told in futures::future::join_all(queued.into_iter().map(hear)).await {
        assert_eq!(told.code(), 1000);
    }
}
