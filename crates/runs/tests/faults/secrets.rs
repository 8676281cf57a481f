//! An agent that prints its secret in every way, in pieces, through a network
//! that fails and processes that are killed: nothing that is stored or told
//! holds it.

use crate::{
    bench::{Bench, request},
    studio::start_on,
    told::Told,
};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use model::{AgentId, LogFrame, LogStream, RunId, Variable, VariableValue};
use std::path::Path;
use testkit::proxy::{Plan, SocketFault};

const SECRET: &str = "sk-Tést \"q\" & 'z' <1>/\\ 99";
const ROUNDS: usize = 60;

/// Prints the secret in a dozen forms, cut at another place each time, with a
/// line of the other stream between the two halves.
const PROGRAM: &str = r#"
import base64, html, json, os, time, urllib.parse
secret = os.environ['API_KEY']
raw = secret.encode()
forms = [
    raw,
    base64.b64encode(raw),
    base64.urlsafe_b64encode(b'x' + raw),
    base64.encodebytes(b'0' * 50 + raw),
    raw.hex().encode(),
    raw.hex().upper().encode(),
    json.dumps(secret).encode(),
    urllib.parse.quote(secret).encode(),
    ''.join('%%%02x' % byte for byte in raw).encode(),
    html.escape(secret).encode(),
    repr(secret).encode(),
    ''.join('\\u%04X' % ord(letter) for letter in secret).encode(),
]
for turn in range(60):
    for number, form in enumerate(forms):
        line = b'%d:' % number + form + b'.\n'
        at = 1 + (turn * 7 + number) % (len(line) - 1)
        one, other = (1, 2) if (turn + number) % 2 else (2, 1)
        os.write(one, line[:at])
        os.write(other, b'mode %s\n' % os.environ['MODE'].encode())
        if turn % 6 == 0: time.sleep(0.01)
        os.write(one, line[at:])
os.write(1, b'the end, ' + raw)
"#;

/// What a reader is to see of each form.
fn shown() -> [String; 12] {
    let wrapped = BASE64_STANDARD.encode([&[b'0'; 50][..], SECRET.as_bytes()].concat());
    let whole = || "***".to_owned();
    [
        whole(),
        whole(),
        // The letter before carries none of its bits.
        "e***".to_owned(),
        format!("{}***\n", &wrapped[..67]),
        whole(),
        whole(),
        "\"***\"".to_owned(),
        whole(),
        whole(),
        whole(),
        "'***'".to_owned(),
        whole(),
    ]
}

/// Both streams as they are to be.
fn expected() -> [String; 2] {
    let mut streams = [String::new(), String::new()];
    for turn in 0..ROUNDS {
        for (number, form) in shown().iter().enumerate() {
            let one = usize::from((turn + number) % 2 == 0);
            streams[one].push_str(&format!("{number}:{form}.\n"));
            streams[1 - one].push_str("mode plain & simple\n");
        }
    }
    streams[0].push_str("the end, ***");
    streams
}

/// Parts of the forms that would be in anything that holds one.
fn traces() -> Vec<Vec<u8>> {
    let raw = SECRET.as_bytes();
    let mut traces = vec![raw[..14].to_vec(), raw[12..].to_vec()];
    traces.push("sk-T\\u00e9st".into());
    traces.push("sk-T%C3%A9st".into());
    traces.push("%73%6b%2d".into());
    traces.push("&quot;q&quot;".into());
    traces.push("\\u0073\\u006B".into());
    traces.push(hex::encode(&raw[..8]).into());
    traces.push(hex::encode(&raw[..8]).to_uppercase().into());
    for before in 0..3 {
        let text = BASE64_STANDARD.encode([&b"000"[..before], raw].concat());
        traces.push(text[8..20].into());
    }
    traces
}

fn holds_a_trace(bytes: &[u8]) -> Option<String> {
    let found = traces()
        .into_iter()
        .find(|trace| bytes.windows(trace.len()).any(|window| window == trace));
    found.map(|trace| String::from_utf8_lossy(&trace).into_owned())
}

/// Every file of the database, as it lies on the disk.
fn stored(folder: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            bytes.extend(std::fs::read(path).unwrap());
        }
    }
    assert!(bytes.len() > 10_000, "the database is there");
    bytes
}

async fn agent(bench: &Bench) -> AgentId {
    let agent = bench.agent(PROGRAM).await;
    let runs = bench.runs().await;
    let secret = runs
        .add_secret(&model::TeamId::first(), &bench.owner, "API_KEY", SECRET)
        .await
        .unwrap();
    runs.shutdown().await;
    let variables = [
        ("API_KEY", VariableValue::Secret(secret)),
        ("MODE", VariableValue::Plain("plain & simple".to_owned())),
    ];
    let variables = variables.map(|(name, value)| Variable {
        name: name.to_owned(),
        value,
    });
    bench.store.save_variables(&agent, &variables).await.unwrap();
    agent
}

fn check(bench: &Bench, told: &Told) {
    assert_eq!(told.run().exit_code, Some(0), "{:?} {}", told.run(), told.text());
    let expected = expected();
    for (stream, expected) in [LogStream::Stdout, LogStream::Stderr].into_iter().zip(&expected) {
        let frames = told.frames.iter().filter(|frame| frame.stream == Some(stream));
        let bytes: Vec<u8> = frames.flat_map(LogFrame::bytes).collect();
        let text = String::from_utf8(bytes).unwrap();
        let first = text
            .lines()
            .zip(expected.lines())
            .find(|(is, should)| is != should);
        assert_eq!(first, None, "{stream:?}");
        assert_eq!(&text, expected, "{stream:?}");
    }
    let end = told.end.as_ref().unwrap();
    assert_eq!(end.bytes, told.bytes().len() as u64);
    assert!(end.exact, "masked is what counts");
    let said = serde_json::to_vec(&(&told.run, &told.events, &told.frames)).unwrap();
    assert_eq!(holds_a_trace(&said), None, "what is told");
    assert_eq!(
        holds_a_trace(&stored(bench.folder.path())),
        None,
        "what is stored"
    );
}

pub async fn are_in_nothing_through_every_fault(bench: &mut Bench) {
    let agent = agent(bench).await;
    let runs = bench.runs().await;
    for seed in [1, 2] {
        bench.network.follow(Some(Plan {
            seed,
            calls: 150,
            sockets: 700,
            gentle: true,
        }));
        let run = RunId::generate();
        runs.start(request(&agent, &run)).await.unwrap();
        check(bench, &bench.told(&runs, &run).await);
        // From the store alone, too.
        check(bench, &bench.told(&runs, &run).await);
        assert_eq!(
            bench.store.run_environment(&run).await.unwrap(),
            None,
            "it has ended"
        );
    }
    bench.network.follow(None);
    for fault in [
        SocketFault::CutInFrame(1),
        SocketFault::Double(1),
        SocketFault::Missing(1),
        SocketFault::Swap(1),
    ] {
        bench.network.fail_sockets(fault, 3);
        let run = RunId::generate();
        runs.start(request(&agent, &run)).await.unwrap();
        check(bench, &bench.told(&runs, &run).await);
    }
    runs.shutdown().await;
}

pub async fn are_in_nothing_when_processes_are_killed(bench: &mut Bench) {
    let agent = agent(bench).await;
    let run = RunId::generate();
    let address = bench.network.address().to_string();
    let mut studio = start_on(bench.folder.path(), &address, 16);
    studio.order(&format!("start {agent} {run}")).unwrap();
    for bytes in [1, 200, 1000, 2500, 5000, 9000] {
        bench.until_stored(&run, bytes).await;
        studio.kill();
        assert_eq!(holds_a_trace(&stored(bench.folder.path())), None);
        // Saved anew meanwhile: the run under way has, and hides, the old value.
        if bytes == 1000 {
            let secret = bench
                .store
                .list_secrets(&model::TeamId::first())
                .await
                .unwrap()
                .remove(0);
            let runs = bench.runs().await;
            runs.replace_secret(&model::TeamId::first(), &secret.id, "another value than before")
                .await
                .unwrap();
            runs.shutdown().await;
        }
        studio = start_on(bench.folder.path(), &address, 16);
    }
    studio.kill();
    let runs = bench.runs().await;
    check(bench, &bench.told(&runs, &run).await);
    runs.shutdown().await;
}

/// As Daytona's own service sends it, whose whole log is compared at the end.
pub async fn are_in_nothing_of_daytonas_own_stream(bench: &mut Bench) {
    let agent = agent(bench).await;
    bench.network.speak_plainly(true);
    let runs = bench.runs().await;
    for fault in [
        SocketFault::CutInFrame(2),
        SocketFault::CloseAfter(2, 1000),
        SocketFault::CloseAfter(1, 1011),
    ] {
        bench.network.fail_sockets(fault, 4);
        let run = RunId::generate();
        runs.start(request(&agent, &run)).await.unwrap();
        let mut told = bench.told(&runs, &run).await;
        assert!(!told.rows().contains("differs"), "{}", told.rows());
        // Its wire cannot promise it.
        told.end.as_mut().unwrap().exact = true;
        check(bench, &told);
    }
    runs.shutdown().await;
}
