//! What an engine with these settings would find on this machine: the walls it
//! can build, what holds the limits, the network, and the interpreters.

use super::{Finding, interpreters};
use crate::{
    configuration::Configuration,
    provider::{disk_words, enforcer_words, refusal_words},
};
use engine::{
    NetworkBound,
    sandbox::{Diagnosis, HostConfig, Isolation, IsolationChoice, Level, Outlook, Wiring, outlook},
};

/// All of it.
pub(super) fn findings(configuration: &Configuration) -> Vec<Finding> {
    let settings = &configuration.engine;
    let host = HostConfig {
        isolation: settings.isolation,
        network: settings.network.clone(),
        python: settings.python.clone(),
        node: settings.node.clone(),
        ..HostConfig::new(configuration.data.join("engine"))
    };
    let found = outlook(host.clone());
    let mut findings = match &found.diagnosis.isolation {
        Some(isolation) if isolation.level == Level::UnsafeNone => {
            let auto = HostConfig {
                isolation: IsolationChoice::Auto,
                ..host
            };
            vec![unsafe_none(&outlook(auto).diagnosis)]
        }
        Some(isolation) => vec![walls(isolation), limits(isolation, &found)],
        None => vec![no_walls(&found.diagnosis, settings.isolation)],
    };
    findings.push(network(&settings.network, &found.diagnosis));
    findings.extend(interpreters::findings(settings, &found.interpreters));
    findings
}

fn walls(isolation: &Isolation) -> Finding {
    let mut sentences = vec![format!("Sandboxes are kept apart by {isolation}.")];
    if isolation.level == Level::Landlock {
        sentences.push(
            "That is reduced isolation: there is no network in a sandbox, no volume, no pause, and a flood of files \
             is not held."
                .to_owned(),
        );
    }
    sentences.extend(isolation.refused.iter().map(refusal_words));
    Finding {
        name: "Isolation",
        is_well: isolation.level != Level::Landlock,
        is_needed: false,
        sentences,
    }
}

fn no_walls(diagnosis: &Diagnosis, choice: IsolationChoice) -> Finding {
    let mut sentences = vec![match choice {
        IsolationChoice::Auto | IsolationChoice::UnsafeNone => {
            "No way to isolate a sandbox works on this machine, so none is started. One of these is enough:".to_owned()
        }
        IsolationChoice::Namespaces | IsolationChoice::Landlock => {
            "No way to isolate a sandbox that PITLANE_ISOLATION allows works on this machine, so none is started. One \
             of these is enough:"
                .to_owned()
        }
    }];
    sentences.extend(diagnosis.refused.iter().map(refusal_words));
    Finding {
        name: "Isolation",
        is_well: false,
        is_needed: true,
        sentences,
    }
}

/// Programs run, and can do whatever this user can.
fn unsafe_none(auto: &Diagnosis) -> Finding {
    let mut sentences = vec![
        "Sandboxes are not isolated, as PITLANE_ISOLATION=unsafe-none asks for. Run nothing you did not write."
            .to_owned(),
    ];
    match &auto.isolation {
        Some(isolation) => sentences.push(format!(
            "This machine can isolate them by {isolation}: set PITLANE_ISOLATION=auto."
        )),
        None => {
            sentences.push("Without that setting none would be started. One of these is enough:".to_owned());
            sentences.extend(auto.refused.iter().map(refusal_words));
        }
    }
    Finding {
        name: "Isolation",
        is_well: false,
        is_needed: true,
        sentences,
    }
}

fn limits(isolation: &Isolation, found: &Outlook) -> Finding {
    let mut sentences = vec![format!(
        "Memory: {}; processes: {}; processor: {}; disk: {}.",
        enforcer_words(isolation.memory),
        enforcer_words(isolation.processes),
        enforcer_words(isolation.cpu),
        disk_words(isolation.disk)
    )];
    let remedies = [&found.limits_remedy, &found.disk_remedy];
    sentences.extend(remedies.into_iter().flatten().cloned());
    Finding {
        name: "Limits",
        is_well: sentences.len() == 1,
        is_needed: false,
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
        is_well: bound.is_off() || diagnosis.wiring == Wiring::Tun,
        is_needed: false,
        sentences,
    }
}
