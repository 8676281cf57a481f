//! Terminals: what interactive programs need, and what clients may rely on.

use libtest_mimic::Trial;
use std::time::Duration;

use daytona::{ExecuteRequest, PtySession, PtySessions, Toolbox};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::sockets::{Screen, Socket, open, refusal};
use crate::support::{Engine, eventually, processes_with, runs_somewhere};

/// What Daytona's clients offer; here with `{"E": "1"}`.
const OFFER: (&str, &str) = (
    "sec-websocket-protocol",
    "X-Daytona-Pty-Exit-Control, X-Daytona-Pty-Envs~eyJFIjogIjEifQ",
);

pub fn trials() -> Vec<Trial> {
    trials![
        a_shell_in_a_terminal_is_interactive,
        a_program_that_draws_the_screen_is_resized,
        the_end_is_told_to_the_byte,
        a_terminal_outlives_its_clients_and_is_shared,
        deleting_ends_all_that_was_started,
        a_lazy_terminal_starts_with_its_first_client,
        what_cannot_be_is_refused,
        much_is_typed_and_printed,
        one_that_does_not_read_is_closed,
        later_programs_have_the_changed_environment,
        a_stopped_sandbox_closes_its_terminals,
    ]
}

fn path(sandbox: &daytona::Sandbox, rest: &str) -> String {
    format!("/toolbox/{}/process/pty{rest}", sandbox.id)
}

/// A new terminal, past its first message.
async fn create(engine: &Engine, sandbox: &daytona::Sandbox, query: &str) -> Screen {
    let (socket, response) = open(
        engine,
        &path(sandbox, &format!("/create-connect?{query}")),
        &[OFFER],
    )
    .await
    .unwrap();
    assert_eq!(
        response.headers()["sec-websocket-protocol"],
        "X-Daytona-Pty-Exit-Control"
    );
    connected(socket).await
}

async fn connected(mut socket: Socket) -> Screen {
    let first = socket.next().await.unwrap().unwrap();
    assert_eq!(first, Message::text(r#"{"type":"control","status":"connected"}"#));
    Screen::new(socket)
}

async fn info(engine: &Engine, sandbox: &daytona::Sandbox, id: &str) -> Option<PtySession> {
    let url = format!("{}{}", engine.url, path(sandbox, &format!("/{id}")));
    let answer = engine.http().get(url).send().await.unwrap();
    match answer.status().as_u16() {
        200 => Some(answer.json().await.unwrap()),
        404 => None,
        other => panic!("an odd status: {other}"),
    }
}

/// Whether a program with this word has its terminal to itself, and is not stopped.
fn is_in_front(word: &str) -> bool {
    processes_with(word).iter().any(|process| {
        let stat = std::fs::read_to_string(process.join("stat")).unwrap_or_default();
        // After the name: its state, its group and, of its terminal, the group in front.
        let (_, fields) = stat.rsplit_once(") ").unwrap_or_default();
        let fields: Vec<&str> = fields.split(' ').collect();
        matches!(fields[..], [state, _, group, _, _, front, ..] if state != "T" && group == front)
    })
}

async fn a_shell_in_a_terminal_is_interactive() {
    let engine = Engine::start();
    let (sandbox, _) = engine.sandbox().await;
    let mut screen = create(&engine, &sandbox, "id=p1&cols=100&rows=30&cwd=%2Ftmp").await;
    let marks = [
        ("tty; echo $((1+1)) $E\n", "/dev/pts/0\r\n2 1\r\n"),
        (
            "stty size; pwd; echo $TERM\n",
            "30 100\r\n/tmp\r\nxterm-256color\r\n",
        ),
        (
            "echo $- $0 | grep -c i; shopt login_shell\n",
            "login_shell    \ton",
        ),
        ("test -t 0 -a -t 1 -a -t 2 && echo a'ter'minal\n", "aterminal"),
    ];
    for (typed, printed) in marks {
        screen.type_in(typed).await;
        screen.until(printed).await;
    }
    // Job control: a job is stopped, listed, sent to the back and ended.
    let mark = format!("4243.{}", std::process::id());
    screen.type_in(format!("sleep {mark}\n")).await;
    eventually("sleep runs", async || is_in_front(&mark)).await;
    screen.type_in([0x1a]).await;
    screen.until("Stopped").await;
    screen.type_in("bg; jobs -r | wc -l\n").await;
    screen.until("\r\n1\r\n").await;
    screen.type_in("fg\n").await;
    screen.until(&format!("\x1b[?2004l\rsleep {mark}\r\n")).await;
    // Once, and when it can be heard: each one discards what is typed and not read.
    eventually("sleep is in front", async || is_in_front(&mark)).await;
    screen.type_in([0x03]).await;
    eventually("it is interrupted", async || !runs_somewhere(&mark)).await;
    screen.until("^C").await;
    screen.type_in("echo co'd'e $?\n").await;
    screen.until("code 130").await;
    assert!(!runs_somewhere(&mark));
    // A line is edited before it is read, and read without being shown: the
    // prompt is typed in two parts, so that the typed line is not taken for it.
    screen.type_in("echo abX\x7fc\n").await;
    screen.until("\rabc\r\n").await;
    screen.type_in("read -rs -p 'Wo''rd: ' W; echo \"<$W>\"\n").await;
    screen.until("Word: ").await;
    screen.type_in("s3cret\n").await;
    // An end that is typed before the shell reads again is lost with the line
    // it stands in.
    screen.until("<s3cret>\r\n\x1b[?2004h").await;
    assert_eq!(screen.text.matches("s3cret").count(), 1);
    screen.type_in([0x04]).await;
    screen.until_closed().await;
}

async fn a_program_that_draws_the_screen_is_resized() {
    let engine = Engine::start();
    let (sandbox, toolbox) = engine.sandbox().await;
    let program = "import curses, signal
def main(screen):
    curses.curs_set(1)
    # A signal just before it waits for a key is overlooked for as long.
    screen.timeout(50)
    while True:
        screen.erase()
        screen.addstr(2, 3, 'size %d by %d' % screen.getmaxyx())
        screen.refresh()
        key = screen.getch()
        if key == ord('q'):
            return
curses.wrapper(main)
print('bye')
";
    upload(&toolbox, "draw.py", program).await;
    let mut screen = create(&engine, &sandbox, "id=draw&cols=90&rows=20").await;
    screen.type_in("/usr/bin/python3 draw.py\n").await;
    screen.until("size 20 by 90").await;
    assert!(screen.text.contains("\x1b[?1049h"), "it took the other screen");
    let url = format!("{}{}", engine.url, path(&sandbox, "/draw/resize"));
    let resize = |body: Value| engine.http().post(&url).json(&body).send();
    let answer = resize(json!({"cols": 120, "rows": 41})).await.unwrap();
    assert_eq!(answer.status(), 200);
    let resized: PtySession = answer.json().await.unwrap();
    assert_eq!((resized.cols, resized.rows, resized.active), (120, 41, true));
    screen.until("41 by 120").await;
    screen.type_in("q").await;
    screen.until("bye").await;
    for (columns, rows) in [(0, 10), (10, 1001)] {
        let refused = resize(json!({"cols": columns, "rows": rows})).await.unwrap();
        assert_eq!(refused.status(), 400);
    }
    screen.type_in("exit\n").await;
    screen.until_closed().await;
    let gone = resize(json!({"cols": 10, "rows": 10})).await.unwrap();
    assert_eq!(gone.status(), 410);
}

async fn upload(toolbox: &Toolbox, name: &str, text: &str) {
    toolbox
        .upload(vec![(name.to_owned(), text.to_owned().into())])
        .await
        .unwrap();
}

async fn the_end_is_told_to_the_byte() {
    let engine = Engine::start();
    let (sandbox, _) = engine.sandbox().await;
    for (typed, close, reason) in [
        ("exit 0\n", 1000, r#"{"exitCode":0}"#),
        ("exit 3\n", 1011, r#"{"exitCode":3,"exitReason":"non-zero exit"}"#),
        ("kill -9 $$\n", 1011, r#"{"exitCode":137,"exitReason":"SIGKILL"}"#),
        ("exit 130\n", 1011, r#"{"exitCode":130,"exitReason":"Ctrl+C"}"#),
        (
            "kill -HUP $$\n",
            1011,
            r#"{"exitCode":129,"exitReason":"signal 1"}"#,
        ),
        // What is printed last comes before the end, also with a daemon left.
        (
            "sleep 60 & disown; seq 1 3000; echo la'st'; exit 0\n",
            1000,
            r#"{"exitCode":0}"#,
        ),
    ] {
        let mut screen = create(&engine, &sandbox, "id=same").await;
        // What is typed before the first prompt may be read as another line.
        screen.until("\x1b[?2004h").await;
        screen.type_in(typed).await;
        assert_eq!(screen.until_closed().await, (close, reason.to_owned()), "{typed}");
        let exited = format!(r#"{{"type":"control","status":"exited",{}"#, &reason[1..]);
        assert_eq!(screen.controls, [exited], "{typed}");
        if typed.contains("seq") {
            assert!(screen.text.contains("\r\n3000\r\nlast\r\n"), "{:?}", screen.text);
        }
    }
    // Ended ones stay in sight, and show what was.
    let ended = info(&engine, &sandbox, "same").await.unwrap();
    assert!(!ended.active);
    let (socket, response) = open(&engine, &path(&sandbox, "/same/connect"), &[])
        .await
        .unwrap();
    assert!(response.headers().get("sec-websocket-protocol").is_none());
    let mut late = connected(socket).await;
    assert_eq!(late.until_closed().await.0, 1000);
    assert!(late.text.contains("last"));
    assert!(late.controls.is_empty(), "it did not ask to be told");
}

async fn a_terminal_outlives_its_clients_and_is_shared() {
    let engine = Engine::start();
    let (sandbox, _) = engine.sandbox().await;
    let mut first = create(&engine, &sandbox, "id=shared").await;
    first.type_in("N=4; echo he'll'o\n").await;
    first.until("hello").await;
    // One leaves in order, one without a word.
    first.sink.close().await.unwrap();
    let connect = path(&sandbox, "/shared/connect");
    let (socket, _) = open(&engine, &connect, &[OFFER]).await.unwrap();
    let mut second = connected(socket).await;
    second.until("hello").await;
    drop(second);

    let (one, _) = open(&engine, &connect, &[OFFER]).await.unwrap();
    let (two, _) = open(&engine, &connect, &[]).await.unwrap();
    let (mut one, mut two) = (connected(one).await, connected(two).await);
    one.type_in("echo \"$N-").await;
    one.until("echo \"$N-").await;
    // Text is typed as bytes are.
    two.sink.send(Message::text("$N\"\n")).await.unwrap();
    for screen in [&mut one, &mut two] {
        screen.until("4-4").await;
    }
    let url = format!("{}{}", engine.url, path(&sandbox, ""));
    let list: PtySessions = engine.http().get(url).send().await.unwrap().json().await.unwrap();
    let [only] = list.sessions.as_slice() else {
        panic!("{list:?}");
    };
    assert!(only.active && !only.lazy_start);
    assert_eq!((only.id.as_str(), only.cwd.as_str()), ("shared", "/home/daytona"));
    assert_eq!(only.envs["E"], "1");
    two.type_in("exit 2\n").await;
    let reason = r#"{"exitCode":2,"exitReason":"non-zero exit"}"#;
    for screen in [&mut one, &mut two] {
        assert_eq!(screen.until_closed().await, (1011, reason.to_owned()));
    }
    assert_eq!((one.controls.len(), two.controls.len()), (1, 0));
}

async fn deleting_ends_all_that_was_started() {
    let engine = Engine::start();
    let (sandbox, _) = engine.sandbox().await;
    let mut screen = create(&engine, &sandbox, "id=tree").await;
    let mark = format!("4244.{}", std::process::id());
    screen
        .type_in(format!(
            "trap '' HUP TERM INT; sleep {mark} & setsid -f sleep {mark}; (setsid nohup sleep {mark} &) ; sleep {mark}\n"
        ))
        .await;
    eventually("they run", async || runs_somewhere(&mark)).await;
    let url = format!("{}{}", engine.url, path(&sandbox, "/tree"));
    let answer = engine.http().delete(&url).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(!runs_somewhere(&mark), "the answer is the proof");
    assert_eq!(
        screen.until_closed().await,
        (1011, r#"{"exitCode":137,"exitReason":"SIGKILL"}"#.to_owned())
    );
    assert_eq!(engine.http().delete(&url).send().await.unwrap().status(), 404);
    assert!(info(&engine, &sandbox, "tree").await.is_none());
    // The terminal's number is free again.
    let mut next = create(&engine, &sandbox, "id=tree").await;
    next.type_in("tty\n").await;
    next.until("/dev/pts/0").await;
}

async fn a_lazy_terminal_starts_with_its_first_client() {
    let engine = Engine::start();
    let (sandbox, _) = engine.sandbox().await;
    let url = format!("{}{}", engine.url, path(&sandbox, ""));
    let body = json!({"id": "lazy", "lazyStart": true, "envs": {"E": "lazy"}, "cols": 70});
    let made = engine.http().post(&url).json(&body).send().await.unwrap();
    assert_eq!(made.status(), 201);
    assert_eq!(made.json::<Value>().await.unwrap(), json!({"sessionId": "lazy"}));
    let again = engine.http().post(&url).json(&body).send().await.unwrap();
    assert_eq!(again.status(), 409);
    assert!(!info(&engine, &sandbox, "lazy").await.unwrap().active);
    let (socket, _) = open(&engine, &path(&sandbox, "/lazy/connect"), &[OFFER])
        .await
        .unwrap();
    let mut screen = connected(socket).await;
    screen.type_in("stty size; echo $E-\n").await;
    screen.until("24 70\r\nlazy-\r\n").await;
    assert!(info(&engine, &sandbox, "lazy").await.unwrap().active);

    // An eager one runs without anybody.
    let body = json!({"cwd": "/", "envs": {}});
    let made = engine.http().post(&url).json(&body).send().await.unwrap();
    let id = made.json::<Value>().await.unwrap()["sessionId"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(info(&engine, &sandbox, &id).await.unwrap().active);
}

async fn what_cannot_be_is_refused() {
    let engine = Engine::start();
    let (sandbox, _) = engine.sandbox().await;
    let _first = create(&engine, &sandbox, "id=one").await;
    for (query, status) in [
        ("id=one", 409),
        ("", 400),
        ("id=two&cols=0", 400),
        ("id=two&rows=1001", 400),
        ("id=two&cols=x", 400),
        ("id=a%2Fb", 400),
        ("id=two&cwd=/nowhere", 400),
    ] {
        let path = path(&sandbox, &format!("/create-connect?{query}"));
        assert_eq!(refusal(open(&engine, &path, &[OFFER]).await), status, "{query}");
    }
    for envs in ["X-Daytona-Pty-Envs~%%", "X-Daytona-Pty-Envs~eyJBLUIiOiIxIn0"] {
        let path = path(&sandbox, "/create-connect?id=two");
        let offer = ("sec-websocket-protocol", envs);
        assert_eq!(refusal(open(&engine, &path, &[offer]).await), 400, "{envs}");
    }
    let url = format!("{}{}", engine.url, path(&sandbox, "/create-connect?id=two"));
    assert_eq!(
        engine.http().get(url).send().await.unwrap().status(),
        400,
        "no upgrade"
    );
    assert!(info(&engine, &sandbox, "two").await.is_none(), "nothing was left");

    let (mut socket, _) = open(&engine, &path(&sandbox, "/none/connect"), &[OFFER])
        .await
        .unwrap();
    let first = socket.next().await.unwrap().unwrap();
    assert_eq!(
        first,
        Message::text(r#"{"type":"control","status":"error","error":"PTY session none not found"}"#)
    );
    let mut screen = Screen::new(socket);
    assert_eq!(screen.until_closed().await.0, 1011);
}

async fn much_is_typed_and_printed() {
    let engine = Engine::start();
    let (sandbox, toolbox) = engine.sandbox().await;
    let mut screen = create(&engine, &sandbox, "id=much").await;
    // A paste of 3 MiB, echoed, while the client reads.
    screen
        .type_in("stty -icanon; echo re'ad'y; head -c 3145728 | sha256sum; stty icanon\n")
        .await;
    screen.until("ready").await;
    let lines = 3 * 1024 * 1024 / 64;
    let python =
        format!("import hashlib; print(hashlib.sha256(('y'*63+'\\n').encode()*{lines}).hexdigest())");
    let request = ExecuteRequest::new(format!("/usr/bin/python3 -c \"{python}\""));
    let expected = toolbox.execute(request).await.unwrap().result;
    let paste = format!("{}\n", "y".repeat(63)).repeat(lines);
    screen.type_until(paste, expected.trim()).await;
    screen.text.clear();
    screen.type_in("seq 1 200000\n").await;
    screen.until("\r\n200000\r\n").await;
    assert!(screen.text.contains("\r1\r\n2\r\n"));
    assert_eq!(
        screen
            .text
            .lines()
            .filter(|line| line
                .rsplit('\r')
                .next()
                .is_some_and(|line| line.parse::<u32>().is_ok()))
            .count(),
        200_000
    );
}

async fn one_that_does_not_read_is_closed() {
    let engine = Engine::start();
    let (sandbox, _) = engine.sandbox().await;
    let mut reading = create(&engine, &sandbox, "id=flood").await;
    let (socket, _) = open(&engine, &path(&sandbox, "/flood/connect"), &[OFFER])
        .await
        .unwrap();
    let mut silent = connected(socket).await;
    reading
        .type_in("yes 0123456789012345678901234567890123456789 | head -c 20000000; echo do'n'e\n")
        .await;
    // The one that reads gets all of it, a little held up by the other.
    reading.skip_until("done").await;
    let (code, reason) = silent.until_closed().await;
    assert_eq!(code, 1008, "{reason}");
    assert!(info(&engine, &sandbox, "flood").await.unwrap().active);
}

async fn later_programs_have_the_changed_environment() {
    let engine = Engine::start();
    let (sandbox, toolbox) = engine.sandbox().await;
    let url = format!("{}/toolbox/{}/env", engine.url, sandbox.id);
    let change = |body: Value| {
        let request = engine.http().post(&url).json(&body);
        async move {
            let answer = request.send().await.unwrap();
            (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
        }
    };
    let (status, answer) = change(json!({"set": {"A": "1", "B": "secret:1", "C": "secret:2"}})).await;
    assert_eq!(status, 200);
    assert!(answer.as_object().unwrap().values().all(Value::is_string));
    let shown = async || {
        let request = ExecuteRequest::new("echo \"$A|$B|$C|$D|$HOME\"");
        toolbox.execute(request).await.unwrap().result
    };
    assert_eq!(shown().await, "1|secret:1|secret:2||/home/daytona\n");
    let body =
        json!({"set": {"C": "secret:3", "D": "4"}, "unset": ["A", "NONE"], "unsetValuePrefix": "secret:"});
    assert_eq!(change(body).await.0, 200);
    assert_eq!(shown().await, "||secret:3|4|/home/daytona\n");
    let mut screen = create(&engine, &sandbox, "id=e").await;
    screen.type_in("echo \"$D-$C\"\n").await;
    screen.until("4-secret:3").await;

    for refused in [
        json!({"set": {"A-B": "1"}}),
        json!({"set": {"A": "a\u{0}b"}}),
        json!({"set": {"A": "x".repeat(70_000)}}),
        json!({"set": ["A"]}),
    ] {
        assert_eq!(change(refused).await.0, 400);
    }
    // Nothing is nothing to remove.
    assert_eq!(change(json!({"unsetValuePrefix": ""})).await.0, 200);
    assert_eq!(shown().await, "||secret:3|4|/home/daytona\n");
}

async fn a_stopped_sandbox_closes_its_terminals() {
    let engine = Engine::start();
    let client = engine.client();
    let sandbox = client.create(&daytona::CreateSandbox::default()).await.unwrap();
    let mut screen = create(&engine, &sandbox, "id=p").await;
    screen.type_in("echo he're'\n").await;
    screen.until("here").await;
    client.stop(&sandbox.id).await.unwrap();
    assert_eq!(
        tokio::time::timeout(Duration::from_secs(30), screen.until_closed())
            .await
            .unwrap(),
        (1011, r#"{"exitCode":137,"exitReason":"SIGKILL"}"#.to_owned())
    );
    client.start(&sandbox.id).await.unwrap();
    assert!(
        info(&engine, &sandbox, "p").await.is_none(),
        "terminals do not outlive a stop"
    );
    client.delete(&sandbox.id).await.unwrap();
}
