//! The snapshots that every engine has.

use sha2::{Digest, Sha256};

use super::{Origin, SnapshotRecord};
use crate::images::Images;

/// The host's own programs, in Daytona's three sizes (name, processors, GiB of
/// memory, GiB of disk). The first is the default.
pub(crate) const SIZES: [(&str, u32, u32, u32); 3] = [
    ("daytona-small", 1, 1, 3),
    ("daytona-medium", 2, 4, 8),
    ("daytona-large", 4, 8, 10),
];

/// These, and the operator's images under their names.
pub(super) fn all(images: &Images) -> Vec<SnapshotRecord> {
    let host = SIZES.map(|(name, cpu, memory, disk)| general(name, None, (cpu, memory, disk)));
    let (_, cpu, memory, disk) = SIZES[0];
    let images = images
        .names()
        .map(|name| general(name, Some(name.to_owned()), (cpu, memory, disk)));
    host.into_iter().chain(images).collect()
}

fn general(name: &str, image: Option<String>, size: (u32, u32, u32)) -> SnapshotRecord {
    let origin = Origin {
        image: image.clone(),
        ..Origin::default()
    };
    SnapshotRecord {
        id: id(name),
        image_name: image,
        ..SnapshotRecord::new("", name, origin, size)
    }
}

/// The same at every start.
fn id(name: &str) -> String {
    let hash = Sha256::digest(format!("pitlane-snapshot:{name}"));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}
