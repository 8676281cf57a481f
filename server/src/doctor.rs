//! `pitlane doctor`: what works on this machine, found out by doing it, and
//! what to do about the rest. Exit code 0 when runs are possible.

use crate::{
    configuration::Configuration,
    failure::Failure,
    output,
    provider::{enforcer_words, refusal_words},
};
use engine::{
    NetworkBound, lock,
    sandbox::{Diagnosis, IsolationChoice, Wiring, diagnose},
};
use secrecy::ExposeSecret;
use std::{
    path::PathBuf,
    process::{Command, ExitCode},
};
use store::Store;

/// What was found of one thing.
struct Finding {
    name: &'static str,
    is_well: bool,
    /// Whether runs are impossible without.
    is_needed: bool,
    sentences: Vec<String>,
}

/// Looks, and says.
///
/// # Errors
/// When no thread can be started.
pub fn run(configuration: &Configuration) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("No threads can be started: {error}.")))?;
    let mut findings = vec![data(configuration)];
    findings.push(runtime.block_on(database(configuration)));
    match &configuration.cloud {
        Some(_) => findings.push(runtime.block_on(cloud(configuration))),
        None => {
            let diagnosis = diagnose();
            findings.push(isolation(&diagnosis, configuration.engine.isolation));
            findings.push(network(&configuration.engine.network, &diagnosis));
            findings.push(interpreter(
                "Python",
                configuration.engine.python.clone(),
                "python3",
                "apt-get install python3",
            ));
            findings.push(interpreter(
                "Node.js",
                configuration.engine.node.clone(),
                "node",
                "apt-get install nodejs",
            ));
            findings.push(engine_found(configuration));
        }
    }
    for finding in &findings {
        let mark = match (finding.is_well, finding.is_needed) {
            (true, _) => "ok  ",
            (false, true) => "FAIL",
            (false, false) => "note",
        };
        for (index, sentence) in finding.sentences.iter().enumerate() {
            let (mark, name) = if index == 0 {
                (mark, finding.name)
            } else {
                ("    ", "")
            };
            output::line(&format!("{mark}  {name:<10} {sentence}"));
        }
    }
    let can_run = findings
        .iter()
        .all(|finding| finding.is_well || !finding.is_needed);
    output::line(if can_run {
        "Runs are possible."
    } else {
        "Runs are not possible until what failed is mended."
    });
    Ok(if can_run {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn data(configuration: &Configuration) -> Finding {
    let folder = &configuration.data;
    // The nearest folder that exists decides whether ours can be made.
    let existing = folder
        .ancestors()
        .find(|folder| folder.exists())
        .unwrap_or(folder);
    let is_well = tempfile::tempfile_in(existing);
    let sentence = match &is_well {
        Ok(_) => format!("{} can be written.", folder.display()),
        Err(error) => format!(
            "{} cannot be written: {error}. Choose another with --data, or change its owner.",
            folder.display()
        ),
    };
    Finding {
        name: "Data",
        is_well: is_well.is_ok(),
        is_needed: true,
        sentences: vec![sentence],
    }
}

async fn database(configuration: &Configuration) -> Finding {
    let url = &configuration.database_url;
    let shown = without_password(url);
    // A database that is not there yet is made by the first start, not by a look.
    let file = url
        .strip_prefix("sqlite://")
        .map(|rest| PathBuf::from(rest.split('?').next().unwrap_or(rest)));
    if file.as_ref().is_some_and(|file| !file.exists()) {
        return Finding {
            name: "Database",
            is_well: true,
            is_needed: true,
            sentences: vec![format!("{shown} is made at the first start.")],
        };
    }
    let opened = async {
        let store = Store::open(url).await?;
        store.ping().await?;
        store.close().await;
        Ok::<_, store::StoreError>(())
    };
    let (is_well, sentence) = match opened.await {
        Ok(()) => (true, format!("{shown} answers.")),
        Err(error) => (false, error.to_string()),
    };
    Finding {
        name: "Database",
        is_well,
        is_needed: true,
        sentences: vec![sentence],
    }
}

/// `postgres://user@host/name`, without what nobody should read over a shoulder.
fn without_password(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, rest)), Some((_, host))) if rest.contains('@') => {
            let user = rest.split([':', '@']).next().unwrap_or_default();
            format!("{scheme}://{user}@{host}")
        }
        _ => url.to_owned(),
    }
}

async fn cloud(configuration: &Configuration) -> Finding {
    let Some(cloud) = &configuration.cloud else {
        return Finding {
            name: "Provider",
            is_well: false,
            is_needed: true,
            sentences: vec!["There is none.".to_owned()],
        };
    };
    let asked = async {
        let client = daytona::Client::new(daytona::Config {
            api_url: cloud.api_url.clone(),
            api_key: cloud.api_key.expose_secret().to_owned().into(),
            target: cloud.target.clone(),
            organization_id: None,
        })?;
        // A list needs the key; a health check would not try it.
        client
            .list(&daytona::ListSandboxes {
                limit: Some(1),
                ..Default::default()
            })
            .await
            .map(drop)
    };
    let (is_well, sentence) = match asked.await {
        Ok(()) => (true, format!("Daytona at {} accepts the key.", cloud.api_url)),
        Err(error) => (
            false,
            format!("Daytona at {} cannot be used. {error}", cloud.api_url),
        ),
    };
    Finding {
        name: "Provider",
        is_well,
        is_needed: true,
        sentences: vec![sentence],
    }
}

fn isolation(diagnosis: &Diagnosis, choice: IsolationChoice) -> Finding {
    let mut sentences = Vec::new();
    if choice == IsolationChoice::UnsafeNone {
        sentences.push("Sandboxes are not isolated, as PITLANE_ISOLATION=unsafe-none asks for. Run nothing you did not write.".to_owned());
    }
    match &diagnosis.isolation {
        Some(isolation) => {
            sentences.push(format!("Sandboxes are kept apart by {isolation}."));
            sentences.push(format!(
                "Memory: {}; processes: {}; processor: {}; disk: {}.",
                enforcer_words(isolation.memory),
                enforcer_words(isolation.processes),
                enforcer_words(isolation.cpu),
                enforcer_words(isolation.disk)
            ));
        }
        None => sentences
            .push("No way to isolate a sandbox works on this machine, so none is started.".to_owned()),
    }
    sentences.extend(diagnosis.refused.iter().map(refusal_words));
    let is_well = diagnosis.isolation.is_some() || choice == IsolationChoice::UnsafeNone;
    Finding {
        name: "Isolation",
        is_well,
        is_needed: true,
        sentences,
    }
}

fn network(bound: &NetworkBound, diagnosis: &Diagnosis) -> Finding {
    let sentence = if bound.is_off() {
        "Sandboxes reach nothing. PITLANE_NETWORK=open lets them reach public addresses, for package installs."
            .to_owned()
    } else if *bound == NetworkBound::open() {
        "Sandboxes reach public addresses, and neither this machine nor its network.".to_owned()
    } else if bound.is_open() {
        format!("Sandboxes reach public addresses and what PITLANE_NETWORK lists: {bound}.")
    } else {
        format!("Sandboxes reach what PITLANE_NETWORK lists, and nothing else: {bound}.")
    };
    let mut sentences = vec![sentence];
    if !bound.is_off() {
        sentences.push(
            match diagnosis.wiring {
                Wiring::Tun => "Each has a network device of its own, so every program in it has a network.",
                Wiring::Proxy => "Their programs get out by a proxy, as far as they heed HTTPS_PROXY.",
                Wiring::Off => "They have no network all the same.",
            }
            .to_owned(),
        );
        sentences.extend(diagnosis.no_device.clone());
    }
    Finding {
        name: "Network",
        is_well: bound.is_off() || diagnosis.wiring != Wiring::Off,
        is_needed: false,
        sentences,
    }
}

fn interpreter(name: &'static str, chosen: Option<PathBuf>, usual: &str, remedy: &str) -> Finding {
    let program = chosen.unwrap_or_else(|| PathBuf::from(usual));
    let version = Command::new(&program).arg("--version").current_dir("/").output();
    let (is_well, sentence) = match version {
        Ok(output) if output.status.success() => (
            true,
            format!(
                "{} is there ({}).",
                program.display(),
                String::from_utf8_lossy(&output.stdout).trim()
            ),
        ),
        _ => (
            false,
            format!(
                "{} is not there, so programs that need it cannot run. Get it with: {remedy}",
                program.display()
            ),
        ),
    };
    Finding {
        name,
        is_well,
        is_needed: false,
        sentences: vec![sentence],
    }
}

fn engine_found(configuration: &Configuration) -> Finding {
    let sentence = match lock::read(&configuration.data.join("engine")) {
        Some(found) => format!("Runs as process {} at {}.", found.pid, found.addr),
        None => "Does not run now; `pitlane serve` and `pitlane run` start one.".to_owned(),
    };
    Finding {
        name: "Engine",
        is_well: true,
        is_needed: false,
        sentences: vec![sentence],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        assert_eq!(
            without_password("postgres://me:se@cret@db.example/x"),
            "postgres://me@db.example/x"
        );
        assert_eq!(
            without_password("postgres://me@db.example/x"),
            "postgres://me@db.example/x"
        );
        assert_eq!(
            without_password("sqlite:///data/pitlane.db"),
            "sqlite:///data/pitlane.db"
        );
    }
}
