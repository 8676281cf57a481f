//! Makes sure the folder of the site's files exists, so that the server
//! compiles in a clone in which the site was never built.

fn main() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for profile in ["debug", "release"] {
        let folder = root.join("target/site").join(profile);
        if let Err(error) = std::fs::create_dir_all(&folder) {
            println!("cargo::error={} cannot be created: {error}", folder.display());
        }
    }
    // A release binary carries the files: a new site is a new binary.
    println!(
        "cargo::rerun-if-changed={}",
        root.join("target/site/release/hash.txt").display()
    );
    println!("cargo::rerun-if-changed=build.rs");
}
