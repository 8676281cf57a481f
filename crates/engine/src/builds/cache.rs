//! Builds that were done, by what they were made from.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::log::BuildLogs;
use crate::clock;
use crate::lock;

/// Of more builds, those not used for the longest time go.
const KEPT: usize = 32;

/// A build that was done.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Done {
    key: String,
    used_ms: i64,
}

/// The builds of one engine, and their logs.
#[derive(Debug)]
pub(crate) struct Builds {
    folder: PathBuf,
    done: Mutex<HashMap<String, Done>>,
    /// Held by the build of a key: a second one waits and finds it done.
    going: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    pub(crate) logs: BuildLogs,
}

impl Builds {
    /// Finds those an earlier engine did.
    pub(crate) fn open(data_dir: &Path) -> io::Result<Self> {
        let folder = data_dir.join("builds");
        std::fs::create_dir_all(&folder)?;
        let mut done = HashMap::new();
        for file in std::fs::read_dir(&folder)? {
            let path = file?.path();
            let is_record = path.extension().is_some_and(|extension| extension == "json");
            if !is_record || !path.with_extension("tar").exists() {
                continue;
            }
            match std::fs::read(&path).and_then(|text| Ok(serde_json::from_slice::<Done>(&text)?)) {
                Ok(one) => {
                    done.insert(one.key.clone(), one);
                }
                Err(error) => {
                    tracing::warn!(%error, path = %path.display(), "a build's record cannot be read")
                }
            }
        }
        Ok(Self {
            folder,
            done: Mutex::new(done),
            going: Mutex::default(),
            logs: BuildLogs::open(data_dir.join("build-logs"))?,
        })
    }

    fn done(&self) -> std::sync::MutexGuard<'_, HashMap<String, Done>> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the home of a build is or will be packed into.
    pub(super) fn archive(&self, key: &str) -> PathBuf {
        self.folder.join(format!("{key}.tar"))
    }

    /// The archive of a build that was done.
    pub(super) fn find(&self, key: &str) -> Option<PathBuf> {
        if !self.done().contains_key(key) || !self.archive(key).exists() {
            return None;
        }
        self.note(key);
        Some(self.archive(key))
    }

    /// Whose turn it is to build a key.
    pub(super) fn turn(&self, key: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut going = self.going.lock().unwrap_or_else(PoisonError::into_inner);
        going.retain(|_, turn| Arc::strong_count(turn) > 1);
        Arc::clone(going.entry(key.to_owned()).or_default())
    }

    /// A build was done or used.
    pub(super) fn note(&self, key: &str) {
        let mut done = self.done();
        let one = Done {
            key: key.to_owned(),
            used_ms: clock::now_ms(),
        };
        let kept = serde_json::to_vec_pretty(&one)
            .map_err(io::Error::from)
            .and_then(|text| lock::replace(&self.folder.join(format!("{key}.json")), &text));
        if let Err(error) = kept {
            tracing::warn!(%error, "a build's record could not be written");
        }
        done.insert(key.to_owned(), one);
        while done.len() > KEPT {
            let oldest = done
                .values()
                .filter(|one| one.key != key)
                .min_by_key(|one| one.used_ms);
            let Some(oldest) = oldest.map(|one| one.key.clone()) else {
                break;
            };
            done.remove(&oldest);
            for extension in ["json", "tar"] {
                let _ = std::fs::remove_file(self.folder.join(format!("{oldest}.{extension}")));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_builds_longest_unused_go() {
        let data = tempfile::tempdir().unwrap();
        let builds = Builds::open(data.path()).unwrap();
        for number in 0..KEPT + 2 {
            let key = format!("k{number}");
            std::fs::write(builds.archive(&key), "x").unwrap();
            builds.note(&key);
            builds.done().get_mut(&key).unwrap().used_ms = i64::try_from(number).unwrap();
        }
        assert_eq!((builds.find("k0"), builds.find("k1")), (None, None));
        assert!(!builds.archive("k0").exists());
        let last = format!("k{}", KEPT + 1);
        assert!(builds.find(&last).is_some());
        let again = Builds::open(data.path()).unwrap();
        assert!(again.find(&last).is_some());
        std::fs::remove_file(again.archive(&last)).unwrap();
        assert!(again.find(&last).is_none());
    }
}
