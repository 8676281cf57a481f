//! What an engine with some settings would find on this host, without being
//! one: for `pitlane doctor`.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::helper::Helper;
use super::homes::Homes;
use super::host::HostConfig;
use super::interpreters::{Survey, survey};
use super::isolation::{Diagnosis, Level, Refusal, Wiring};
use super::{ladder, remedy};

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outlook {
    /// The walls and the network.
    pub diagnosis: Diagnosis,
    /// What has control groups hold the limits of processor, memory and
    /// processes; none when they do.
    pub limits_remedy: Option<String>,
    /// What has a file system bound the homes that are kept; none when one does.
    pub disk_remedy: Option<String>,
    /// Every Python and Node.js, those that sandboxes would have among them.
    pub interpreters: Survey,
}

/// Tries what an engine with these settings would use. Blocks for some
/// milliseconds on a host where the first rung works, and leaves nothing behind.
#[must_use]
pub fn outlook(config: HostConfig) -> Outlook {
    // In a thread of its own, because the caller may be inside a runtime.
    let thread = std::thread::spawn(move || -> io::Result<Outlook> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        // Beside the data, where it is as reachable for sandboxes as that.
        let beside = config.data_dir.ancestors().find(|folder| folder.is_dir());
        let folder = folder_in(beside.unwrap_or(Path::new("/")))?;
        runtime.block_on(look(&config, folder.path()))
    });
    match thread.join() {
        Ok(Ok(outlook)) => outlook,
        Ok(Err(error)) => nothing_tried(&error.to_string()),
        Err(_) => nothing_tried("the check itself failed"),
    }
}

/// A folder that goes when it is dropped; among temporary files when it cannot
/// be where it should.
fn folder_in(place: &Path) -> io::Result<tempfile::TempDir> {
    let mut builder = tempfile::Builder::new();
    let builder = builder.prefix("pitlane-doctor-");
    // Sandboxes may have to pass through.
    let builder = builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o711));
    builder.tempdir_in(place).or_else(|_| builder.tempdir())
}

async fn look(config: &HostConfig, folder: &Path) -> io::Result<Outlook> {
    let homes = Homes::open(folder)?;
    let helper = Arc::new(Helper::start(config.program.as_deref())?);
    let diagnosis = ladder::climb(config.isolation, config.wanted_wiring(), &helper, &homes).await;
    helper.end().await;
    let isolation = diagnosis.isolation.as_ref();
    let level = isolation.map_or(Level::NamespacesRoot, |isolation| isolation.level);
    let interpreters = survey(&config.python, &config.node, level).await;
    Ok(Outlook {
        limits_remedy: isolation.and_then(remedy::of_limits),
        disk_remedy: isolation.and_then(remedy::of_disk),
        diagnosis,
        interpreters,
    })
}

fn nothing_tried(reason: &str) -> Outlook {
    Outlook {
        diagnosis: Diagnosis {
            isolation: None,
            refused: vec![Refusal {
                level: Level::NamespacesRoot,
                reason: format!("nothing could be tried: {reason}"),
                remedy: "Check that temporary files and processes can be made here.".to_owned(),
            }],
            wiring: Wiring::Off,
            no_device: None,
        },
        limits_remedy: None,
        disk_remedy: None,
        interpreters: Survey::default(),
    }
}
