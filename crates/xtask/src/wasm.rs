//! Compiling the browser's half to WebAssembly.
//!
//! Two toolchains can do it: rustup's with its WASM target, and Debian's
//! `rustc-web`, which brings the standard library's source instead. The first
//! that works is used.

use crate::process::{cargo, output, program, run, run_quietly, say};
use crate::workspace::{Profile, root, target};
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

const TARGET: &str = "wasm32-unknown-unknown";

/// How WebAssembly is compiled on this machine.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Toolchain {
    /// The current toolchain has the target.
    Installed,
    /// Debian's `rustc-web`, which builds the standard library itself.
    Debian,
}

/// Finds a toolchain for WebAssembly, installing the target when it is missing.
pub fn toolchain() -> Result<Toolchain> {
    if has_target() {
        return Ok(Toolchain::Installed);
    }
    say("    adding the WebAssembly target to the Rust toolchain");
    let added = run_quietly(Command::new("rustup").args(["target", "add", TARGET]));
    if added.is_ok() && has_target() {
        return Ok(Toolchain::Installed);
    }
    if Path::new("/usr/lib/rust-web").exists() || Path::new("/usr/src/rustc-web").exists() {
        return Ok(Toolchain::Debian);
    }
    bail!(
        "The Rust toolchain has no WebAssembly target, and rustup could not add it. Run `rustup target add {TARGET}`, \
         or on Debian `apt-get install rustc-web cargo-web rust-web-src lld-19`, and start again."
    )
}

fn has_target() -> bool {
    let Ok(folder) = output(Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]))
    else {
        return false;
    };
    std::fs::read_dir(folder.trim()).is_ok_and(|mut entries| entries.next().is_some())
}

/// Builds `frontend` and writes `app.js`, `app_bg.wasm` and `snippets/` into `out`.
/// Nothing is written when the compiled module is the one of the last time.
pub fn build(profile: Profile, out: &Path) -> Result<()> {
    let wasm = compile(profile)?;
    let digest =
        crate::assets::digest(&std::fs::read(&wasm).with_context(|| format!("reading {}", wasm.display()))?);
    let stamp = target()
        .join("front")
        .join(format!("bound-{}.sha256", profile.folder()));
    if std::fs::read_to_string(&stamp).is_ok_and(|last| last == digest) && out.join("app_bg.wasm").exists() {
        return Ok(());
    }
    let _ = std::fs::remove_dir_all(out.join("snippets"));
    wasm_bindgen_cli_support::Bindgen::new()
        .input_path(&wasm)
        .out_name("app")
        .web(true)
        .context("choosing the output for browsers")?
        .typescript(false)
        .generate(out)
        .context("binding the WebAssembly module to JavaScript")?;
    if profile == Profile::Release {
        optimise(&out.join("app_bg.wasm"))?;
        minify(&out.join("app.js"))?;
    }
    std::fs::write(stamp, digest)?;
    Ok(())
}

fn compile(profile: Profile) -> Result<PathBuf> {
    let name = match profile {
        Profile::Debug => "wasm-dev",
        Profile::Release => "wasm-release",
    };
    let folder = target().join("front");
    let mut arguments = vec![
        "build",
        "--package",
        "frontend",
        "--lib",
        "--target",
        TARGET,
        "--profile",
        name,
    ];
    let folder_text = folder.to_string_lossy().into_owned();
    arguments.extend(["--target-dir", &folder_text]);
    match toolchain()? {
        Toolchain::Installed => {
            run(&mut cargo(&arguments))?;
        }
        Toolchain::Debian => {
            arguments.extend([
                "-Zbuild-std=std,panic_abort",
                "-Zbuild-std-features=optimize_for_size",
            ]);
            run(program("/usr/bin/cargo", &arguments, root())
                .env("RUSTC", "/usr/bin/rustc")
                .env("RUSTC_BOOTSTRAP", "1")
                .env(
                    "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER",
                    "/usr/bin/wasm-ld-19",
                ))?;
        }
    }
    Ok(folder.join(TARGET).join(name).join("frontend.wasm"))
}

/// Makes the JavaScript between the module and the browser smaller; its imports stay as they are.
fn minify(script: &Path) -> Result<()> {
    run(Command::new(crate::setup::esbuild())
        .args([
            "--minify",
            "--format=esm",
            "--log-level=warning",
            "--allow-overwrite",
        ])
        .arg(format!("--outfile={}", script.display()))
        .arg(script))
}

/// Makes the module smaller with Binaryen. The features named are those that
/// today's Rust uses; wasm-opt takes none of them for granted.
fn optimise(module: &Path) -> Result<()> {
    let smaller = module.with_extension("opt.wasm");
    run(Command::new(crate::setup::wasm_opt())
        .args([
            "-Oz",
            "--strip-debug",
            "--strip-producers",
            "--enable-bulk-memory",
        ])
        .args([
            "--enable-nontrapping-float-to-int",
            "--enable-sign-ext",
            "--enable-mutable-globals",
        ])
        .args(["--enable-reference-types", "--enable-multivalue"])
        .arg(module)
        .arg("-o")
        .arg(&smaller))?;
    std::fs::rename(smaller, module)?;
    Ok(())
}
