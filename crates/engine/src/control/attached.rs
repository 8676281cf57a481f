//! What a request for a sandbox attaches to it: volumes, secrets, and the
//! sandbox it belongs to. Each is found and checked, or refused by name.

use std::collections::BTreeMap;

use daytona::{CreateSandbox, SandboxVolume};

use crate::fault::Fault;
use crate::mount_point;
use crate::registry::Entry;
use crate::state::Engine;

/// The most volumes of one sandbox.
const MOST_VOLUMES: usize = 16;
/// The most secrets of one sandbox.
pub(super) const MOST_SECRETS: usize = 64;

/// The volumes, by their ids.
pub(super) fn volumes(
    engine: &Engine,
    organization: &str,
    asked: Option<Vec<SandboxVolume>>,
) -> Result<Vec<SandboxVolume>, Fault> {
    let mut asked = asked.unwrap_or_default();
    if asked.is_empty() {
        return Ok(asked);
    }
    if asked.len() > MOST_VOLUMES {
        return Err(Fault::bad_request(format!(
            "A sandbox has up to {MOST_VOLUMES} volumes, not {}",
            asked.len()
        )));
    }
    if !engine.host.isolation().level.has_namespaces() {
        return Err(Fault::bad_request(
            "Volumes need namespaces, which sandboxes on this host have not.",
        ));
    }
    let mut places: Vec<String> = Vec::new();
    for volume in &mut asked {
        let found = engine.volumes.find(organization, &volume.volume_id);
        let found = found
            .ok_or_else(|| Fault::bad_request(format!("Volume {} not found", shown(&volume.volume_id))))?;
        volume.volume_id = found.id;
        volume.mount_path = volume.mount_path.trim_end_matches('/').to_owned();
        mount_point::check(&volume.mount_path).map_err(|why| {
            Fault::bad_request(format!(
                "A volume cannot be mounted at {}, {why}",
                shown(&volume.mount_path)
            ))
        })?;
        if places.contains(&volume.mount_path) {
            return Err(Fault::bad_request(format!(
                "Two volumes are to be mounted at {}",
                volume.mount_path
            )));
        }
        places.push(volume.mount_path.clone());
        volume.subpath = volume.subpath.take().filter(|subpath| !subpath.is_empty());
        if let Some(subpath) = &mut volume.subpath {
            *subpath = subpath.trim_matches('/').to_owned();
            if !is_plain(subpath) {
                return Err(Fault::bad_request(format!(
                    "The subpath {} leads out of its volume or is no plain path",
                    shown(subpath)
                )));
            }
        }
    }
    Ok(asked)
}

fn shown(text: &str) -> String {
    format!("{:?}", text.chars().take(120).collect::<String>())
}

fn is_plain(subpath: &str) -> bool {
    let plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(char::is_control);
    subpath.len() <= 1024 && subpath.split('/').count() <= 32 && subpath.split('/').all(plain)
}

/// The secrets: variables and the secrets' names.
pub(super) fn secrets(
    engine: &Engine,
    organization: &str,
    asked: &[BTreeMap<String, String>],
) -> Result<BTreeMap<String, String>, Fault> {
    let all: BTreeMap<_, _> = asked.iter().flatten().collect();
    if all.len() > MOST_SECRETS {
        return Err(Fault::bad_request(format!(
            "A sandbox has up to {MOST_SECRETS} secrets, not {}",
            all.len()
        )));
    }
    all.into_iter()
        .map(|(variable, name)| {
            if !is_variable(variable) {
                return Err(Fault::bad_request(format!(
                    "{} cannot be the name of an environment variable",
                    shown(variable)
                )));
            }
            let found = engine.secrets.find(organization, name);
            let found = found.map_err(|_| Fault::bad_request(format!("Secret {} not found", shown(name))))?;
            Ok((variable.clone(), found.name))
        })
        .collect()
}

fn is_variable(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    name.len() <= 255
        && name.bytes().next().is_some_and(letter)
        && name.bytes().all(|byte| letter(byte) || byte.is_ascii_digit())
}

/// The id of the sandbox it belongs to. It goes with that one, so it keeps
/// nothing of its own, and nothing belongs to it.
pub(super) fn linked(
    request: &CreateSandbox,
    find: impl FnOnce(&str) -> Result<std::sync::Arc<Entry>, Fault>,
) -> Result<Option<String>, Fault> {
    let Some(wanted) = request
        .linked_sandbox
        .as_deref()
        .filter(|wanted| !wanted.is_empty())
    else {
        return Ok(None);
    };
    if request.auto_delete_interval != Some(0) {
        return Err(Fault::bad_request("Linked sandboxes must be ephemeral"));
    }
    let found = find(wanted).map_err(|fault| Fault::bad_request(fault.message()))?;
    if found.record().linked.is_some() {
        return Err(Fault::bad_request(
            "The linked sandbox is linked to another one itself",
        ));
    }
    Ok(Some(found.id.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subpath_stays_in_its_volume() {
        for good in ["a", "a/b c", "..a"] {
            assert!(is_plain(good), "{good}");
        }
        for odd in ["..", "a/../..", "a//b", "./a", "a\0"] {
            assert!(!is_plain(odd), "{odd}");
        }
    }

    #[test]
    fn only_usual_names_are_variables() {
        assert!(is_variable("A_1") && is_variable("_x"));
        for odd in ["", "1A", "A-B", "A=B", "ä"] {
            assert!(!is_variable(odd), "{odd}");
        }
    }
}
