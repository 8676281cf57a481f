//! Installed packages that later sandboxes of the same organization find ready.
//!
//! A list of packages is installed once, in a sandbox of its own that holds
//! nothing but the list: no program that anybody ran before can have a hand in
//! it. What comes of it is a tree on the organization's shelf, a folder that
//! its sandboxes see read-only at `/opt/packages`. A sandbox that asks for a
//! list whose tree is there gets a few links in its home, and no installer runs.
//!
//! A tree is known by everything that decides what it holds: the language, the
//! interpreter, the list's files, the installer's settings among the sandbox's
//! own variables, and the week, because most lists do not say exact versions.
//! The ones not used for longest go when the shelves are full; never one that a
//! sandbox was given, running or stopped.

mod attach;
mod build;
mod list;
mod shelf;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Mutex as AsyncMutex, Semaphore};

use crate::registry::{Entry, Live};
use crate::spool::Spool;
use crate::state::SharedEngine;
pub(crate) use list::{Language, List};
use shelf::Shelves;

/// Lists that are installed at the same time; others wait.
const BUILDS: usize = 2;

/// The shelves and what is being put on them.
#[derive(Debug)]
pub(crate) struct Packages {
    shelves: Shelves,
    /// One installation of a list at a time; the others then find it.
    under_way: Mutex<HashMap<PathBuf, Arc<AsyncMutex<()>>>>,
    builds: Semaphore,
}

impl Packages {
    pub(crate) fn open(data_dir: &Path, limit: u64) -> std::io::Result<Self> {
        Ok(Self {
            shelves: Shelves::open(data_dir.join("packages"), limit)?,
            under_way: Mutex::default(),
            builds: Semaphore::new(BUILDS),
        })
    }

    /// The shelf of an organization, for a sandbox to see.
    pub(crate) fn shelf(&self, organization: &str) -> Option<PathBuf> {
        self.shelves.shelf(organization)
    }

    fn turn(&self, tree: &Path) -> Arc<AsyncMutex<()>> {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        under_way.retain(|_, turn| Arc::strong_count(turn) > 1);
        Arc::clone(under_way.entry(tree.to_owned()).or_default())
    }
}

/// Gives the packages of a list to a sandbox: from the shelf, or installed for
/// it first. What the installer prints goes to the spool; gives its exit code.
pub(crate) async fn provide(
    engine: &SharedEngine,
    entry: &Arc<Entry>,
    live: &Arc<Live>,
    list: &List,
    spool: &Spool,
) -> i32 {
    let packages = &engine.packages;
    let organization = entry.record().organization.clone();
    let key = list.key(live);
    let told = |text: &str| spool.append(daytona::wire::Stream::Stdout, format!("{text}\n").as_bytes());
    let failed = |text: &str| {
        spool.append(daytona::wire::Stream::Stderr, format!("{text}\n").as_bytes());
        1
    };
    let Some(tree) = packages.shelves.tree(&organization, &key) else {
        return failed("This engine keeps no packages.");
    };
    let turn = packages.turn(&tree);
    let _turn = match turn.try_lock() {
        Ok(turn) => turn,
        Err(_) => {
            told("The same packages are being installed for another sandbox; waiting for them.");
            turn.lock().await
        }
    };
    // Noted first: from now on nobody removes it.
    entry.update(|record| {
        if !record.packages.contains(&key) {
            record.packages.push(key.clone());
        }
    });
    let forget = || entry.update(|record| record.packages.retain(|other| *other != key));
    if packages.shelves.find(&organization, &key) {
        told("These packages were installed before and are taken from the shelf.");
    } else {
        let Ok(_place) = packages.builds.acquire().await else {
            return failed("The engine ends.");
        };
        match build::install(engine, entry, live, list, spool).await {
            Ok(build::Built::Failed(code)) => {
                forget();
                return code;
            }
            Ok(build::Built::Home(home)) => {
                let (put_by, files) = (Arc::clone(engine), home.files.clone());
                let (organization, key) = (organization.clone(), key.clone());
                // Counting its files takes a while.
                let put = tokio::task::spawn_blocking(move || {
                    let in_use = in_use(&put_by);
                    put_by.packages.shelves.put(&organization, &key, &files, &in_use)
                });
                let put = put
                    .await
                    .unwrap_or_else(|error| Err(std::io::Error::other(error)));
                home.remove(engine).await;
                if let Err(error) = put {
                    forget();
                    return failed(&format!("The packages could not be put on the shelf: {error}."));
                }
            }
            Err(sentence) => {
                forget();
                return failed(&sentence);
            }
        }
    }
    match attach::attach(live, list, &key).await {
        Ok(()) => 0,
        Err(sentence) => failed(&sentence),
    }
}

/// The trees that were given to a sandbox that is still there.
fn in_use(engine: &SharedEngine) -> Vec<String> {
    let entries = engine.registry.list();
    entries
        .iter()
        .flat_map(|entry| entry.record().packages.clone())
        .collect()
}
