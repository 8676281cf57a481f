//! The browser's files, put together in `target/site/{debug,release}`:
//!
//! ```text
//! app.js  app_bg.wasm  snippets/   from `frontend` (see `wasm`)
//! js/  css/  runtime/              from `frontend/js` and `style`, bundled by esbuild
//! favicon.svg  icons.svg  …        from `public`
//! *.br                             compressed copies, in a release build
//! hash.txt                         16 hexadecimal digits over all of it: part of every address
//! ```

use crate::process::{program, run, step};
use crate::workspace::{Profile, files_below, root, site, target};
use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use std::io::Write;
use std::path::Path;

/// Brotli-compressed copies are made of files with these endings.
const COMPRESSED: [&str; 7] = ["js", "mjs", "css", "wasm", "svg", "ttf", "json"];
/// Smaller files gain nothing from being compressed.
const COMPRESS_FROM_BYTES: usize = 1024;

/// Makes all files of a build.
pub fn build(profile: Profile) -> Result<()> {
    let out = site(profile);
    std::fs::create_dir_all(&out)?;
    step("JavaScript and CSS", || bundle(profile, &out))?;
    step("WebAssembly", || crate::wasm::build(profile, &out))?;
    copy_public(&out)?;
    if profile == Profile::Release {
        step("Compression", || compress(&out))?;
    }
    write_hash(&out)
}

/// SHA-256 in hexadecimal.
pub fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Calls esbuild, unless its inputs are those of the last time.
fn bundle(profile: Profile, out: &Path) -> Result<()> {
    let scripts = root().join("frontend/js");
    let mut hasher = Sha256::new();
    for folder in [&scripts, &root().join("style")] {
        for file in files_below(folder, &["node_modules"])? {
            hasher.update(file.to_string_lossy().as_bytes());
            hasher.update(std::fs::read(&file)?);
        }
    }
    let inputs = hex::encode(hasher.finalize());
    let stamp = target()
        .join("site")
        .join(format!("bundled-{}.sha256", profile.folder()));
    if std::fs::read_to_string(&stamp).is_ok_and(|last| last == inputs) && out.join("css/app.css").exists() {
        return Ok(());
    }
    for folder in ["js", "css", "runtime"] {
        let _ = std::fs::remove_dir_all(out.join(folder));
    }
    crate::setup::node_packages(&scripts)?;
    let out_text = out.to_string_lossy().into_owned();
    let mut arguments = vec!["build.mjs", "--out", &out_text];
    if profile == Profile::Release {
        arguments.push("--release");
    }
    run(&mut program("node", &arguments, &scripts))?;
    std::fs::write(stamp, inputs)?;
    Ok(())
}

fn copy_public(out: &Path) -> Result<()> {
    let public = root().join("public");
    for file in files_below(&public, &[])? {
        let to = out.join(file.strip_prefix(&public)?);
        if let Some(folder) = to.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::copy(&file, &to).with_context(|| format!("copying {}", file.display()))?;
    }
    Ok(())
}

fn compress(out: &Path) -> Result<()> {
    for file in files_below(out, &[])? {
        let ending = file
            .extension()
            .and_then(|ending| ending.to_str())
            .unwrap_or_default();
        let compressed = file.with_extension(format!("{ending}.br"));
        let bytes = std::fs::read(&file)?;
        if !COMPRESSED.contains(&ending) || bytes.len() < COMPRESS_FROM_BYTES {
            continue;
        }
        let is_newer = |a: &Path, b: &Path| {
            Some(a.metadata().ok()?.modified().ok()? > b.metadata().ok()?.modified().ok()?)
        };
        if is_newer(&compressed, &file) == Some(true) {
            continue;
        }
        let mut writer = brotli::CompressorWriter::new(Vec::new(), 64 * 1024, 11, 22);
        writer.write_all(&bytes)?;
        std::fs::write(compressed, writer.into_inner())?;
    }
    Ok(())
}

/// The addresses of all files change when one of them does, so that every one
/// of them may be kept by browsers for ever.
fn write_hash(out: &Path) -> Result<()> {
    let mut hasher = Sha256::new();
    for file in files_below(out, &["hash.txt"])? {
        hasher.update(file.strip_prefix(out)?.to_string_lossy().as_bytes());
        hasher.update(std::fs::read(&file)?);
    }
    let hash = &hex::encode(hasher.finalize())[..16];
    let path = out.join("hash.txt");
    // Written only when it changed: the server's build looks at it.
    if std::fs::read_to_string(&path).is_ok_and(|last| last == hash) {
        return Ok(());
    }
    std::fs::write(path, hash)?;
    Ok(())
}
