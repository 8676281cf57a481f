//! Which images of public registries mean "the programs of a usual machine", so
//! that an operator may let the host's own stand for them.

/// Repositories whose images are a Debian or Ubuntu, with Python or Node.js.
const USUAL: &[&str] = &[
    "buildpack-deps",
    "daytonaio/sandbox",
    "debian",
    "node",
    "python",
    "ubuntu",
];

/// Whether the host's own programs can stand for an image, whatever its tag.
pub(crate) fn stands_for_host(image: &str) -> bool {
    let name = image.split('@').next().unwrap_or("");
    // A colon after the last slash begins the tag; before it, a port.
    let name = match (name.rfind(':'), name.rfind('/')) {
        (Some(colon), slash) if slash.is_none_or(|slash| slash < colon) => &name[..colon],
        _ => name,
    };
    let name = name.strip_prefix("docker.io/").unwrap_or(name);
    let name = name.strip_prefix("library/").unwrap_or(name);
    USUAL.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_usual_images_are_known() {
        for image in [
            "python:3.12.10-slim-bookworm",
            "debian",
            "docker.io/library/node:22",
            "ubuntu@sha256:00",
            "daytonaio/sandbox:0.5.0-slim",
        ] {
            assert!(stands_for_host(image), "{image}");
        }
        for image in [
            "",
            "alpine:3",
            "evil/python:3",
            "localhost:5000/python",
            "python/x",
            ":3",
        ] {
            assert!(!stands_for_host(image), "{image}");
        }
    }
}
