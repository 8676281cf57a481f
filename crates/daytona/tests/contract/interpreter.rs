//! The Python that remembers.

use super::{Contract, refused};
use daytona::{CreateContext, ExecuteRequest, InterpreterMessageKind, InterpreterRun, Toolbox};
use std::collections::BTreeMap;

pub async fn contract(contract: &Contract, toolbox: &Toolbox) {
    let first = InterpreterRun {
        envs: Some(BTreeMap::from([("V".to_owned(), "7".to_owned())])),
        ..InterpreterRun::new(
            "import os, sys\nx = 41\nprint('out', os.environ['V'])\nprint('err', file=sys.stderr)",
        )
    };
    let Some(run) = contract.may("interpreter", toolbox.run_code(&first).await) else {
        return;
    };
    let outcome = run.outcome().await.expect("it runs");
    assert_eq!(
        (outcome.stdout.as_str(), outcome.stderr.as_str()),
        ("out 7\n", "err\n")
    );
    assert_eq!(outcome.error, None);
    let kept = toolbox
        .run_code(&InterpreterRun::new("print(x + 1)"))
        .await
        .expect("it is sent");
    assert_eq!(kept.outcome().await.expect("it runs").stdout, "42\n");

    // Words come as they are said: the second only when the first was heard.
    let slow = InterpreterRun {
        timeout: Some(60),
        ..InterpreterRun::new(
            "import os, time\nprint('one')\nwhile not os.path.exists('/tmp/heard'): time.sleep(0.05)\nprint('two')\nraise ValueError('x')",
        )
    };
    let mut run = toolbox.run_code(&slow).await.expect("it is sent");
    let mut said = Vec::new();
    while let Some(message) = run.next().await {
        let message = message.expect("nothing breaks");
        if message.text == "one\n" {
            let heard = ExecuteRequest::new("touch /tmp/heard");
            toolbox.execute(heard).await.expect("it runs");
        }
        said.push((message.kind, message.text, message.name, message.value));
    }
    assert_eq!(said[0].1, "one\n");
    let error = said
        .iter()
        .find(|message| message.0 == InterpreterMessageKind::Error)
        .expect("an error");
    assert_eq!((error.2.as_str(), error.3.as_str()), ("ValueError", "x"));

    let endless = InterpreterRun {
        timeout: Some(1),
        ..InterpreterRun::new("while True: pass")
    };
    let ended = toolbox
        .run_code(&endless)
        .await
        .expect("it is sent")
        .outcome()
        .await;
    assert!(ended.expect_err("its time is over").is_execution_timeout());

    let request = CreateContext {
        cwd: Some("/tmp".into()),
        language: None,
    };
    let context = toolbox.create_context(&request).await.expect("a context");
    assert_eq!(
        (context.cwd.as_str(), context.language.as_str()),
        ("/tmp", "python")
    );
    let listed = toolbox.list_contexts().await.expect("they are listed");
    assert!(listed.iter().any(|listed| listed.id == context.id));
    let there = InterpreterRun {
        context_id: Some(context.id.clone()),
        ..InterpreterRun::new("import os\nprint(os.getcwd(), 'x' in globals())")
    };
    let outcome = toolbox
        .run_code(&there)
        .await
        .expect("it is sent")
        .outcome()
        .await;
    assert_eq!(outcome.expect("it runs").stdout, "/tmp False\n");
    toolbox.delete_context(&context.id).await.expect("it is deleted");
    assert_eq!(refused(toolbox.delete_context(&context.id).await).0, 404);
    let nowhere = toolbox
        .run_code(&there)
        .await
        .expect("it is sent")
        .outcome()
        .await;
    assert!(nowhere.is_err());
}
