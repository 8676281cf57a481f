//! What a program is given, and where it is not left.

use crate::host::Host;
use daytona::ExecuteRequest;
use model::{FilePath, RunState, Variable, VariableValue};

const VALUE: &str = "swordfish-77-tuna";

async fn give(host: &Host, variables: &[(&str, VariableValue)]) {
    let variables: Vec<_> = variables
        .iter()
        .map(|(name, value)| Variable {
            name: (*name).to_owned(),
            value: value.clone(),
        })
        .collect();
    host.store.save_variables(&host.agent, &variables).await.unwrap();
}

async fn secret(host: &Host) -> VariableValue {
    let owner = host.store.users().await.unwrap().remove(0);
    let id = host
        .runs
        .add_secret(&model::TeamId::first(), &owner.id, "TOKEN", VALUE)
        .await
        .unwrap();
    VariableValue::Secret(id)
}

/// The environment of a program that is started in the kept sandbox.
async fn environment_of_the_sandbox(host: &Host) -> String {
    let sandbox = host.client.list_all(&Default::default()).await.unwrap().remove(0);
    let whole = serde_json::to_string(&host.client.get(&sandbox.id).await.unwrap()).unwrap();
    assert!(!whole.contains(VALUE), "the provider shows it: {whole}");
    let toolbox = host.client.toolbox(&sandbox).await.unwrap();
    let request = ExecuteRequest {
        command: "env".to_owned(),
        ..ExecuteRequest::default()
    };
    toolbox.execute(request).await.unwrap().result
}

pub async fn variables_are_the_runs_alone(host: &mut Host) {
    host.settings(|settings| settings.keep_minutes = 5).await;
    let token = secret(host).await;
    let plain = |text: &str| VariableValue::Plain(text.to_owned());
    give(
        host,
        &[("TOKEN", token.clone()), ("MODE", plain("two words\n'quoted'"))],
    )
    .await;
    let program = "import os, subprocess\nprint(len(os.environ.get('TOKEN', '')), repr(os.environ.get('MODE')))\nprint(open('/proc/self/cmdline').read())\nprint(subprocess.run(['env'], capture_output=True, text=True).stdout.count('TOKEN='))\n";
    let told = host.run(program).await;
    assert!(
        told.text().starts_with("17 \"two words\\n'quoted'\"\n"),
        "{:?} {}",
        told.run(),
        told.text()
    );
    assert!(
        told.text().ends_with("\n1\n"),
        "its children have it: {}",
        told.text()
    );
    assert!(!told.text().contains("swordfish"), "{}", told.text());
    let left = environment_of_the_sandbox(host).await;
    assert!(!left.contains("TOKEN") && !left.contains("MODE"), "{left}");
    // The next run in it has what is saved then, and no more.
    give(host, &[("MODE", plain("other"))]).await;
    let told = host.run(program).await;
    assert!(told.text().starts_with("0 'other'\n"), "{}", told.text());
    // Also one that is taken up after a restart takes its variables out again.
    give(host, &[("TOKEN", token)]).await;
    host.program("import time\nprint('up')\ntime.sleep(3)\n").await;
    let run = host.start_run().await;
    host.until_printed(&run, "up").await;
    host.restart().await;
    let told = host.told(&run).await;
    assert_eq!(told.run().state, RunState::Succeeded, "{:?}", told.run());
    let left = environment_of_the_sandbox(host).await;
    assert!(!left.contains("TOKEN"), "{left}");
    host.runs.discard_sandbox(&host.agent).await.unwrap();
}

pub async fn an_installer_has_them_and_tells_no_secret(host: &mut Host) {
    let token = secret(host).await;
    give(host, &[("TOKEN", token)]).await;
    let path = FilePath::parse("requirements.txt").unwrap();
    let list = b"./missing-${TOKEN}-package\n";
    host.store
        .save_file(&host.agent, &path, list, None)
        .await
        .unwrap();
    let told = host.run("print('never')\n").await;
    assert_eq!(told.run().state, RunState::Failed, "{:?}", told.run());
    assert!(told.text().contains("missing-***-package"), "{}", told.text());
    let said = serde_json::to_string(&(&told.run, &told.events, &told.frames)).unwrap();
    assert!(!said.contains("swordfish"), "{said}");
}

pub async fn a_prompt_comes_at_once(host: &mut Host) {
    let token = secret(host).await;
    give(host, &[("TOKEN", token)]).await;
    host.program("import os\nname = input('swordfish? ')\nprint('hello', name, os.environ['TOKEN'])\n")
        .await;
    let run = host.start_run().await;
    // It has the beginning of the secret in it, and does not end in one.
    host.until_printed(&run, "swordfish? ").await;
    host.runs.input(&run, b"Ada\n".to_vec(), false).await.unwrap();
    let told = host.told(&run).await;
    assert!(told.text().contains("hello Ada ***\n"), "{}", told.text());
}
