//! The licences of all crates that are built in, against the list in
//! `deny.toml`. `cargo deny check` reads the same file and checks more (known
//! weaknesses, sources); this needs nothing installed.

use crate::process::{cargo, output};
use crate::workspace::root;
use anyhow::{Context, Result, bail};
use serde::Deserialize;

#[derive(Deserialize)]
struct Policy {
    licenses: Licenses,
}

#[derive(Deserialize)]
struct Licenses {
    allow: Vec<String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
}

/// Fails when a crate's licence is not one of those allowed.
pub fn check() -> Result<()> {
    let policy: Policy = toml::from_str(&std::fs::read_to_string(root().join("deny.toml"))?)?;
    let allowed = policy.licenses.allow;
    let metadata: Metadata = serde_json::from_str(&output(&mut cargo(&[
        "metadata",
        "--format-version",
        "1",
        "--locked",
    ]))?)?;
    let mut wrong = Vec::new();
    for package in &metadata.packages {
        let Some(license) = &package.license else {
            wrong.push(format!("{} {} names no licence", package.name, package.version));
            continue;
        };
        if !is_allowed(license, &allowed).with_context(|| format!("the licence of {}", package.name))? {
            wrong.push(format!("{} {} is under {license}", package.name, package.version));
        }
    }
    if !wrong.is_empty() {
        bail!("{}. The licences we accept are in deny.toml.", wrong.join("; "));
    }
    Ok(())
}

fn is_allowed(license: &str, allowed: &[String]) -> Result<bool> {
    let expression = spdx::Expression::parse_mode(license, spdx::ParseMode::LAX)?;
    Ok(expression.evaluate(|requirement| allowed.iter().any(|name| *name == requirement.to_string())))
}

#[cfg(test)]
mod tests {
    use super::is_allowed;

    #[test]
    fn one_way_out_is_enough_and_every_part_counts() {
        let allowed = ["MIT".to_owned(), "Apache-2.0".to_owned()];
        let check = |license: &str| is_allowed(license, &allowed).expect("an expression");
        assert!(check("MIT OR GPL-3.0-only"));
        assert!(check("MIT/Apache-2.0"));
        assert!(!check("MIT AND GPL-3.0-only"));
        assert!(!check("AGPL-3.0-only"));
    }
}
