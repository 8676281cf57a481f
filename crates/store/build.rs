//! Rebuilds the store when a migration is added: `sqlx::migrate!` reads the folder, and cargo does not know.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
