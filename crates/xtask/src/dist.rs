//! `cargo xtask dist`: the release binary in an archive, with its licence and
//! a list of the files it carries.

use crate::process::{program, run, say, step};
use crate::workspace::{Profile, binary, files_below, root, site, target};
use anyhow::Result;
use std::fmt::Write;

/// Builds the archive.
pub fn archive() -> Result<()> {
    crate::build::build(Profile::Release)?;
    let name = format!("pitlane-{}-{}", env!("CARGO_PKG_VERSION"), std::env::consts::ARCH);
    let folder = target().join("dist").join(&name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder)?;
    std::fs::copy(binary(Profile::Release), folder.join("pitlane"))?;
    for file in ["LICENSE", "README.md"] {
        std::fs::copy(root().join(file), folder.join(file))?;
    }
    let mut list = String::from("Files of the site in the binary: bytes, SHA-256, name\n");
    let site = site(Profile::Release);
    for file in files_below(&site, &[])? {
        let bytes = std::fs::read(&file)?;
        writeln!(
            list,
            "{:>9} {} {}",
            bytes.len(),
            crate::assets::digest(&bytes),
            file.strip_prefix(&site)?.display()
        )?;
    }
    std::fs::write(folder.join("FILES.txt"), list)?;
    let archive = target().join("dist").join(format!("{name}.tar.gz"));
    let archive_text = archive.to_string_lossy().into_owned();
    step("Archive", || {
        run(&mut program(
            "tar",
            &["-czf", &archive_text, &name],
            &target().join("dist"),
        ))
    })?;
    say(&format!(
        "Made {} ({:.1} MB)",
        archive.display(),
        archive.metadata()?.len() as f64 / 1e6
    ));
    Ok(())
}
