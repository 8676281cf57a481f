//! Programs that run to their end in one call.

use super::{Contract, refused};
use daytona::{CodeRunRequest, ExecuteRequest, Toolbox};
use std::collections::BTreeMap;

pub async fn contract(contract: &Contract, toolbox: &Toolbox) {
    let request = ExecuteRequest {
        cwd: Some("/tmp".into()),
        envs: Some(BTreeMap::from([("A".to_owned(), "1 2".to_owned())])),
        ..ExecuteRequest::new("echo \"$A\"; pwd; echo err >&2; exit 3")
    };
    let done = toolbox.execute(request).await.expect("it runs");
    assert_eq!(done.exit_code, 3);
    assert!(
        done.result.contains("1 2\n/tmp\n") && done.result.contains("err\n"),
        "{}",
        done.result
    );
    let endless = ExecuteRequest {
        timeout: Some(1),
        ..ExecuteRequest::new("sleep 600")
    };
    let error = toolbox.execute(endless).await.expect_err("its time is over");
    assert!(
        error.is_execution_timeout() && error.status() == Some(408),
        "{error}"
    );
    assert_eq!(refused(toolbox.execute(ExecuteRequest::new(" ")).await).0, 400);

    let code = |language: &str, code: &str| CodeRunRequest {
        code: code.to_owned(),
        language: language.to_owned(),
        argv: Some(vec!["one".into()]),
        ..CodeRunRequest::default()
    };
    let python = toolbox
        .code_run(code("python", "import sys\nprint(sys.argv[1], 1 + 1)"))
        .await;
    assert_eq!(python.expect("Python runs").result, "one 2\n");
    let failed = toolbox
        .code_run(code("python", "1/0"))
        .await
        .expect("Python runs");
    assert!(failed.exit_code == 1 && failed.result.contains("ZeroDivisionError"));
    let script = toolbox.code_run(code("javascript", "console.log(1 + 1)")).await;
    assert_eq!(script.expect("JavaScript runs").result, "2\n");
    assert_eq!(refused(toolbox.code_run(code("cobol", "")).await).0, 400);
    charts(contract, toolbox).await;
}

/// A chart, where there is something to draw it with.
async fn charts(contract: &Contract, toolbox: &Toolbox) {
    let draw = "import matplotlib.pyplot as plt\nplt.plot([1, 2], [3, 4])\nplt.title('T')\nplt.show()";
    let request = CodeRunRequest {
        code: draw.into(),
        language: "python".into(),
        ..CodeRunRequest::default()
    };
    let done = toolbox.code_run(request).await.expect("it runs");
    if done.result.contains("ModuleNotFoundError") {
        return;
    }
    let charts = done.artifacts.and_then(|artifacts| artifacts.charts);
    if let Some(charts) = charts {
        let drawn = (charts[0].kind.as_deref(), charts[0].title.as_deref());
        assert_eq!(drawn, (Some("line"), Some("T")));
    } else {
        contract.not_served("charts");
    }
}
