//! Interpreters of a real server, in real sandboxes: what they keep, say and
//! forget, and that none is left behind.

use super::{
    api::{
        ask, assert_no_sandbox_is_left, block_on, content, converse_at, hear_until, json_of, sandboxes, say,
        wait_until, with_scout,
    },
    folder,
    serve::{Server, serve},
};
use futures::StreamExt as _;
use serde_json::{Value, json};
use std::{io::Write as _, net::TcpStream};
use tokio_tungstenite::tungstenite::Message;

const PATH: &str = "/api/agents/scout/interpreter";

struct Asking<'a> {
    server: &'a Server,
    token: &'a str,
}

impl Asking<'_> {
    fn ask(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let (status, _, text) = ask(self.server, self.token, method, path, "", &body.to_string());
        (
            status,
            if text.is_empty() {
                Value::Null
            } else {
                json_of(&text)
            },
        )
    }

    /// A new one with these variables; its id.
    fn open(&self, env: &Value) -> String {
        let (status, made) = self.ask("POST", PATH, &json!({"env": env}));
        assert_eq!(status, 200, "{made}");
        made["interpreter"].as_str().expect("an id").to_owned()
    }

    /// What came of code in it.
    fn run(&self, id: &str, code: &str) -> Value {
        self.run_with(json!({"interpreter": id, "code": code}))
    }

    fn run_with(&self, options: Value) -> Value {
        let (status, outcome) = self.ask("POST", PATH, &options);
        assert_eq!(status, 200, "{outcome}");
        outcome
    }

    fn delete(&self, id: &str) {
        assert_eq!(self.ask("DELETE", &format!("{PATH}/{id}"), &Value::Null).0, 204);
    }
}

#[test]
fn variables_stay_and_everything_is_told() {
    let folder = folder();
    let (server, token) = with_scout(folder.path());
    let asking = Asking {
        server: &server,
        token: &token,
    };
    let id = asking.open(&json!({"TOKEN": token, "MODE": "fast"}));
    let first = asking.run(&id, "import agent\nn = 6\n");
    assert_eq!(
        (&first["output"], &first["result"]),
        (&json!("Hello from Scout\n"), &Value::Null),
        "its files are there: {first}"
    );
    let second = asking.run(&id, "print('n', n)\nn * 7");
    assert_eq!(
        (
            &second["output"],
            &second["result"]["text/plain"],
            &second["restarted"]
        ),
        (&json!("n 6\n"), &json!("42"), &json!(false))
    );
    // Both streams, a character of several bytes, a line without an end, and a token in each place.
    let code = "import os, sys\nprint('\u{1f680}', end='')\nprint('to', os.environ['TOKEN'], file=sys.stderr)\nos.environ['TOKEN']";
    let (status, third) = asking.ask(
        "POST",
        &format!("{PATH}?split=true"),
        &json!({"interpreter": id, "code": code}),
    );
    assert_eq!(status, 200, "{third}");
    assert_eq!(
        (&third["stdout"], &third["stderr"], &third["result"]["text/plain"]),
        (&json!("\u{1f680}"), &json!("to ***\n"), &json!("'***'"))
    );
    let failed = asking.run(&id, "def f():\n    raise ValueError(os.environ['TOKEN'])\n\nf()");
    assert_eq!(
        (&failed["success"], &failed["state"]),
        (&json!(false), &json!("failed"))
    );
    assert_eq!(
        (&failed["exception"]["name"], &failed["exception"]["value"]),
        (&json!("ValueError"), &json!("***"))
    );
    let traceback = failed["exception"]["traceback"].as_str().expect("a traceback");
    assert!(
        traceback.starts_with("Traceback (most recent call last):\n  File \"<cell 4>\", line 4, in <module>")
            && traceback.contains("line 2, in f\n    raise ValueError")
            && !traceback.contains("pitlane"),
        "{traceback}"
    );
    let wrong = asking.run(&id, "n = = 1");
    assert_eq!(wrong["exception"]["name"], "SyntaxError", "{wrong}");
    // A cell's own variables are gone after it, and it may await.
    let own = asking.run_with(
        json!({"interpreter": id, "code": "import asyncio\nawait asyncio.sleep(0)\nos.environ['MODE']", "env": {"MODE": "slow"}}),
    );
    assert_eq!(own["result"]["text/plain"], "'slow'", "{own}");
    assert_eq!(
        asking.run(&id, "os.environ['MODE']")["result"]["text/plain"],
        "'fast'"
    );
    assert_eq!(asking.run(&id, "import sys\nsys.exit(3)")["success"], true);
    let rich = asking.run(
        &id,
        "class Table:\n    def _repr_html_(self):\n        return '<b>1</b>'\nTable()",
    );
    assert_eq!(rich["result"]["text/html"], "<b>1</b>", "{rich}");
    let quiet = asking.run(&id, "n;");
    assert_eq!(quiet["result"], Value::Null, "{quiet}");
    asking.delete(&id);
    let (status, gone) = asking.ask("POST", PATH, &json!({"interpreter": id, "code": "n"}));
    assert_eq!((status, &gone["code"]), (404, &json!("not_found")));
    assert_no_sandbox_is_left(folder.path());
    server.stop();
}

#[test]
fn figures_are_told_of_a_library_that_draws_as_matplotlib_does() {
    let folder = folder();
    let (server, token) = with_scout(folder.path());
    let asking = Asking {
        server: &server,
        token: &token,
    };
    let id = asking.open(&json!({}));
    let code = r#"
import sys, types
class Axes:
    get_title = lambda self: "Waves"
    get_xlabel = lambda self: "t"
    get_ylabel = lambda self: "y"
class Figure:
    axes = [Axes()]
    def savefig(self, file, **_):
        file.write(b"\x89PNG" + b"x" * 300000)
pyplot = types.ModuleType("matplotlib.pyplot")
open_figures = {1: Figure()}
pyplot.get_fignums = lambda: list(open_figures)
pyplot.figure = open_figures.get
pyplot.close = lambda which: open_figures.clear()
sys.modules["matplotlib.pyplot"] = pyplot
print("drawn")
"#;
    let drawn = asking.run(&id, code);
    let charts = drawn["charts"].as_array().expect("charts");
    assert_eq!((drawn["output"].as_str(), charts.len()), (Some("drawn\n"), 1));
    assert_eq!(
        (&charts[0]["title"], &charts[0]["x_label"], &charts[0]["y_label"]),
        (&json!("Waves"), &json!("t"), &json!("y"))
    );
    let png = charts[0]["png"].as_str().expect("a picture");
    assert!(
        png.starts_with("iVBOR") && png.len() == 400_008,
        "{} bytes",
        png.len()
    );
    assert_eq!(asking.run(&id, "1")["charts"], json!([]), "told once");
    server.stop();
}

#[test]
fn time_and_death_of_what_runs() {
    let folder = folder();
    let (server, token) = with_scout(folder.path());
    let asking = Asking {
        server: &server,
        token: &token,
    };
    let id = asking.open(&json!({}));
    asking.run(&id, "n = 1");
    let late = asking.run_with(
        json!({"interpreter": id, "timeout": 5, "code": "import time\nprint('on')\ntime.sleep(600)"}),
    );
    assert_eq!(
        (&late["state"], &late["output"]),
        (&json!("timed_out"), &json!("on\n"))
    );
    let kept = asking.run(&id, "n");
    assert_eq!(
        (&kept["result"]["text/plain"], &kept["restarted"]),
        (&json!("1"), &json!(false)),
        "an interrupt was enough"
    );
    let dead = asking.run(&id, "import os\nprint('last', flush=True)\nos._exit(3)");
    assert_eq!(
        (&dead["state"], &dead["output"]),
        (&json!("lost"), &json!("last\n"))
    );
    assert!(
        dead["reason"].as_str().is_some_and(|reason| reason.contains("3")),
        "{dead}"
    );
    let anew = asking.run(&id, "'n' in globals()");
    assert_eq!(
        (&anew["result"]["text/plain"], &anew["restarted"]),
        (&json!("False"), &json!(true))
    );
    for (options, status) in [
        (json!({"interpreter": id, "code": " "}), 422),
        (json!({"interpreter": id, "code": "1", "timeout": 0}), 422),
        (json!({"interpreter": id, "code": "1", "env": {"A=": ""}}), 422),
        (json!({"code": "1", "language": "typescript"}), 422),
        (json!({"interpreter": id}), 422),
        (
            json!({"interpreter": "0199f3b2-6c1e-7d4a-8f00-0123456789ab", "code": "1"}),
            404,
        ),
    ] {
        let (said, problem) = asking.ask("POST", PATH, &options);
        assert_eq!(said, status, "{options}: {problem}");
    }
    let (status, problem) = asking.ask("POST", &format!("{PATH}/{id}/interrupt"), &Value::Null);
    assert_eq!(status, 409, "{problem}");
    let (status, list) = asking.ask("GET", PATH, &Value::Null);
    let ids: Vec<_> = list["interpreters"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| &one["id"])
        .collect();
    assert_eq!((status, ids), (200, vec![&json!(id)]));
    let (status, one) = asking.ask("GET", &format!("{PATH}/{id}"), &Value::Null);
    assert!(status == 200 && one["cells"].as_u64() >= Some(5), "{one}");
    server.stop();
}

#[test]
fn none_is_left_behind() {
    let folder = folder();
    std::fs::write(
        folder.path().join("pitlane.toml"),
        "interpreter_idle = 15\ninterpreters_per_person = 2\n",
    )
    .expect("written");
    let (server, token) = with_scout(folder.path());
    let asking = Asking {
        server: &server,
        token: &token,
    };
    let id = asking.open(&json!({}));
    asking.open(&json!({}));
    let (status, problem) = asking.ask("POST", PATH, &json!({}));
    assert!(
        status == 429
            && problem["detail"]
                .as_str()
                .is_some_and(|words| words.contains("as many as one person")),
        "{problem}"
    );
    // What runs longer than one may rest keeps its interpreter.
    let long = asking.run(&id, "import time\ntime.sleep(20)\n'still here'");
    assert_eq!(long["result"]["text/plain"], "'still here'", "{long}");
    // Unused, both end.
    assert_no_sandbox_is_left(folder.path());
    assert_eq!(asking.ask("GET", &format!("{PATH}/{id}"), &Value::Null).0, 404);

    // Whoever goes away before the answer has no interpreter.
    let body = json!({"code": "import time\nprint('on', flush=True)\ntime.sleep(600)\n"}).to_string();
    let mut stream = TcpStream::connect(&server.address).expect("connected");
    write!(
        stream,
        "POST {PATH} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\nContent-Length: {}\r\n\r\n{body}",
        server.address,
        body.len()
    )
    .expect("sent");
    wait_until("no sandbox came", || sandboxes(folder.path()) > 0);
    drop(stream);
    assert_no_sandbox_is_left(folder.path());

    // The engine ends with its server, and the sandbox with it; the next start finds nothing of it.
    let id = asking.open(&json!({}));
    server.stop();
    let server = serve(folder.path());
    let asking = Asking {
        server: &server,
        token: &token,
    };
    let (status, problem) = asking.ask("POST", PATH, &json!({"interpreter": id, "code": "1"}));
    assert_eq!(status, 404, "{problem}");
    assert_no_sandbox_is_left(folder.path());
    server.stop();
}

fn is_end(message: &Value) -> bool {
    message["type"] == "execution_complete"
}

#[test]
fn a_conversation_with_an_interpreter() {
    let folder = folder();
    let (server, token) = with_scout(folder.path());
    block_on(async {
        let mut socket = converse_at(&server, &token, &format!("{PATH}/ws")).await;
        say(&mut socket, json!({"type": "interrupt"})).await;
        hear_until(&mut socket, |said| {
            said["type"] == "error" && said["problem"]["status"] == 422
        })
        .await;
        say(
            &mut socket,
            json!({"type": "open", "env": {"KEY": token.as_str()}}),
        )
        .await;
        let heard = hear_until(&mut socket, |said| said["type"] == "interpreter").await;
        let id = heard.last().expect("it")["interpreter"]["id"]
            .as_str()
            .expect("an id")
            .to_owned();
        say(
            &mut socket,
            json!({"type": "run", "code": "import os\nn = 5\nprint(os.environ['KEY'])\nn"}),
        )
        .await;
        let heard = hear_until(&mut socket, is_end).await;
        assert_eq!(content(&heard, "stdout"), "***\n", "{heard:?}");
        assert!(
            heard
                .iter()
                .any(|said| said["type"] == "result" && said["data"]["text/plain"] == "5")
        );
        assert_eq!(heard.last().expect("an end")["state"], "succeeded");

        // It tells while it runs, takes no second one beside it, and can be interrupted.
        let endless = "import time\nprint('on', flush=True)\nwhile True:\n    time.sleep(0.05)\n";
        say(&mut socket, json!({"type": "run", "code": endless})).await;
        hear_until(&mut socket, |said| {
            said["type"] == "log" && said["content"] == "on\n"
        })
        .await;
        say(&mut socket, json!({"type": "run", "code": "1"})).await;
        hear_until(&mut socket, |said| {
            said["type"] == "error" && said["problem"]["status"] == 409
        })
        .await;
        say(&mut socket, json!({"type": "interrupt"})).await;
        let heard = hear_until(&mut socket, is_end).await;
        assert_eq!(heard.last().expect("an end")["state"], "interrupted", "{heard:?}");

        // Who leaves has it interrupted, and finds it as it was.
        say(&mut socket, json!({"type": "run", "code": endless})).await;
        hear_until(&mut socket, |said| said["type"] == "log").await;
        drop(socket);
        let mut socket = converse_at(&server, &token, &format!("{PATH}/ws?interpreter={id}")).await;
        hear_until(&mut socket, |said| said["type"] == "interpreter").await;
        say(&mut socket, json!({"type": "run", "code": "n"})).await;
        let heard = hear_until(&mut socket, is_end).await;
        assert!(
            heard
                .iter()
                .any(|said| said["type"] == "result" && said["data"]["text/plain"] == "5"),
            "{heard:?}"
        );
        say(&mut socket, json!({"type": "dance"})).await;
        hear_until(&mut socket, |said| said["type"] == "error").await;
        socket.close(None).await.expect("closed");
        while let Some(Ok(message)) = socket.next().await {
            assert!(
                matches!(message, Message::Close(_) | Message::Ping(_)),
                "{message:?}"
            );
        }
        let (status, _, _) = ask(&server, &token, "DELETE", &format!("{PATH}/{id}"), "", "");
        assert_eq!(status, 204);
    });
    assert_no_sandbox_is_left(folder.path());
    server.stop();
}
