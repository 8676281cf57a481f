//! The key by which clients know the gateway again: made once, and kept in the
//! data directory for its owner alone.

use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use russh::keys::PrivateKey;
use russh::keys::ssh_key::LineEnding;
use russh::keys::ssh_key::private::Ed25519Keypair;

const FILE: &str = "ssh_host_ed25519_key";

/// Reads the key, or makes it.
pub(super) fn load(data_dir: &Path) -> io::Result<PrivateKey> {
    let path = data_dir.join(FILE);
    match std::fs::read(&path) {
        Ok(text) => PrivateKey::from_openssh(text).map_err(|error| {
            io::Error::other(format!(
                "its key {} cannot be read ({error}); remove it to get another one",
                path.display()
            ))
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(&path),
        Err(error) => Err(error),
    }
}

fn make(path: &Path) -> io::Result<PrivateKey> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(io::Error::other)?;
    let key = PrivateKey::from(Ed25519Keypair::from_seed(&seed));
    let text = key.to_openssh(LineEnding::LF).map_err(io::Error::other)?;
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_key_stays_and_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let made = load(folder.path()).unwrap();
        let read = load(folder.path()).unwrap();
        assert_eq!(made.public_key(), read.public_key());
        let path = folder.path().join(FILE);
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        std::fs::write(&path, "damaged").unwrap();
        assert!(load(folder.path()).unwrap_err().to_string().contains("remove it"));
    }
}
