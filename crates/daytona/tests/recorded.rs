//! Traffic recorded between Daytona's official SDKs and a server they accept:
//! our types read all of it, and write the same again.

use daytona::*;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

#[derive(serde::Deserialize)]
struct Recorded {
    step: String,
    #[serde(rename = "type")]
    kind: String,
    body: Value,
}

fn recorded() -> Vec<Recorded> {
    serde_json::from_str(include_str!("fixtures/recorded.json")).expect("the fixture is JSON")
}

/// Reads and writes again; answers the keys that were lost, and panics when a
/// value changed.
fn rewritten<T: Serialize + DeserializeOwned>(recorded: &Recorded) -> Vec<String> {
    let Recorded { step, kind, body } = recorded;
    let read: T =
        serde_json::from_value(body.clone()).unwrap_or_else(|error| panic!("{step}, {kind}: {error}"));
    let written = serde_json::to_value(&read).expect("it was read");
    let mut lost = Vec::new();
    compare(body, &written, step, &mut lost);
    lost
}

fn compare(before: &Value, after: &Value, place: &str, lost: &mut Vec<String>) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            for (key, value) in before.iter().filter(|(_, value)| !value.is_null()) {
                match after.get(key) {
                    Some(written) => compare(value, written, &format!("{place}.{key}"), lost),
                    None => lost.push(key.clone()),
                }
            }
        }
        (Value::Array(before), Value::Array(after)) => {
            assert_eq!(before.len(), after.len(), "{place}");
            for (before, after) in before.iter().zip(after) {
                compare(before, after, place, lost);
            }
        }
        (Value::Number(before), Value::Number(after)) => {
            assert_eq!(before.as_f64(), after.as_f64(), "{place}");
        }
        _ => assert_eq!(before, after, "{place}"),
    }
}

#[test]
fn all_recorded_traffic_is_read_and_written_again() {
    let mut seen = 0;
    for recorded in recorded() {
        if recorded.step.contains("unknown enum") {
            continue;
        }
        let lost = match recorded.kind.as_str() {
            "BulkDownloadRequest" => rewritten::<BulkDownloadRequest>(&recorded),
            "BulkUploadResponse" => rewritten::<BulkUploadResponse>(&recorded),
            "CodeRunRequest" => rewritten::<CodeRunRequest>(&recorded),
            "CodeRunResponse" => rewritten::<CodeRunResponse>(&recorded),
            "Command" => rewritten::<Command>(&recorded),
            "CommandLogs" => rewritten::<CommandLogs>(&recorded),
            "CreateSandbox" => rewritten::<CreateSandbox>(&recorded),
            "CreateSession" => rewritten::<CreateSession>(&recorded),
            "Directory" => rewritten::<Directory>(&recorded),
            "ErrorBody" => rewritten::<ErrorBody>(&recorded),
            "ExecuteRequest" => rewritten::<ExecuteRequest>(&recorded),
            "ExecuteResponse" => rewritten::<ExecuteResponse>(&recorded),
            "FileInfo" => rewritten::<FileInfo>(&recorded),
            "InputRequest" => rewritten::<InputRequest>(&recorded),
            "ReplaceRequest" => rewritten::<ReplaceRequest>(&recorded),
            "Sandbox" => rewritten::<Sandbox>(&recorded),
            "SandboxPage" => rewritten::<SandboxPage>(&recorded),
            "SearchResponse" => rewritten::<SearchResponse>(&recorded),
            "Session" => rewritten::<Session>(&recorded),
            "SessionExecuteRequest" => rewritten::<SessionExecuteRequest>(&recorded),
            "SessionExecuteResponse" => rewritten::<SessionExecuteResponse>(&recorded),
            "Vec<FileInfo>" => rewritten::<Vec<FileInfo>>(&recorded),
            "Vec<FoundMatch>" => rewritten::<Vec<FoundMatch>>(&recorded),
            "Vec<ReplaceResult>" => rewritten::<Vec<ReplaceResult>>(&recorded),
            "Vec<Session>" => rewritten::<Vec<Session>>(&recorded),
            // The labels are answered alone or as the whole sandbox.
            "SandboxLabels" => {
                rewritten::<SandboxLabels>(&recorded);
                Vec::new()
            }
            other => panic!("no type for {other}"),
        };
        assert_eq!(lost, Vec::<String>::new(), "{}, {}", recorded.step, recorded.kind);
        seen += 1;
    }
    assert!(seen > 60, "{seen} pieces");
}

#[test]
fn unknown_words_nulls_and_keys_are_accepted() {
    let recorded = recorded()
        .into_iter()
        .find(|recorded| recorded.step.contains("unknown enum"));
    let mut body = recorded.expect("in the fixture").body;
    serde_json::from_value::<Sandbox>(body.clone()).expect("a sandbox");
    body["state"] = "hibernating".into();
    body["desiredState"] = "elsewhere".into();
    let sandbox: Sandbox = serde_json::from_value(body).expect("a sandbox");
    assert_eq!(
        (sandbox.state, sandbox.desired_state),
        (Some(SandboxState::Unknown), Some(DesiredState::Unknown))
    );
}

/// The keys that the Python SDK requires, with whole numbers, of any sandbox
/// we write.
#[test]
fn a_written_sandbox_satisfies_the_strictest_sdk() {
    let written = serde_json::to_value(Sandbox::default()).expect("JSON");
    let required = [
        "id",
        "organizationId",
        "name",
        "user",
        "env",
        "labels",
        "public",
        "networkBlockAll",
        "kvm",
        "target",
        "cpu",
        "gpu",
        "memory",
        "disk",
        "toolboxProxyUrl",
    ];
    for key in required {
        let value = written.get(key).unwrap_or_else(|| panic!("{key} is missing"));
        assert!(!value.is_null(), "{key}");
    }
    assert!(written["cpu"].is_u64());
    let page = serde_json::to_value(SandboxPage::default()).expect("JSON");
    assert_eq!(page, serde_json::json!({ "items": [], "nextCursor": null }));
}

#[test]
fn figures_may_carry_a_point_but_no_fraction() {
    let body = |cpu: &str| format!(r#"{{"id":"a","cpu":{cpu},"autoStopInterval":15.0}}"#);
    let sandbox: Sandbox = serde_json::from_str(&body("1.0")).expect("a sandbox");
    assert_eq!((sandbox.cpu, sandbox.auto_stop_interval), (1, Some(15)));
    for cpu in ["1.5", "-1", "1e300", "\"1\""] {
        assert!(serde_json::from_str::<Sandbox>(&body(cpu)).is_err(), "{cpu}");
    }
}
