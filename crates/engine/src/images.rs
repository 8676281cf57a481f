//! The images an operator registers: unpacked root file systems, each under the
//! name that Dockerfiles and snapshots know it by.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Folders with a root file system, by the names of the images they stand for.
/// Written as `name=/folder,name=/folder`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Images(BTreeMap<String, PathBuf>);

impl Images {
    /// The folder of an image.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Path> {
        self.0.get(name).map(PathBuf::as_path)
    }

    /// The names of all.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl FromStr for Images {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut images = BTreeMap::new();
        let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
        for item in items {
            let (name, folder) = item.split_once('=').ok_or(
                "images such as debian:12=/srv/images/debian-12 are needed, with commas between them.",
            )?;
            let (name, folder) = (name.trim(), PathBuf::from(folder.trim()));
            let plain = |letter: char| letter.is_ascii_graphic();
            if name.is_empty() || name.len() > 255 || name.starts_with('/') || !name.chars().all(plain) {
                return Err(format!("\u{201c}{name}\u{201d} cannot be the name of an image."));
            }
            if !folder.is_absolute() || !folder.join("usr/bin").is_dir() {
                return Err(format!(
                    "{} is no unpacked root file system: a folder by its full path is needed, with usr/bin in it.",
                    folder.display()
                ));
            }
            if images.insert(name.to_owned(), folder).is_some() {
                return Err(format!("the image {name} is named twice."));
            }
        }
        Ok(Self(images))
    }
}

impl fmt::Display for Images {
    /// As it is read.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (name, folder)) in self.0.iter().enumerate() {
            let comma = if number == 0 { "" } else { "," };
            write!(out, "{comma}{name}={}", folder.display())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_written_as_they_are_read() {
        let data = tempfile::tempdir().unwrap();
        for name in ["a", "b"] {
            std::fs::create_dir_all(data.path().join(name).join("usr/bin")).unwrap();
        }
        let root = data.path().display();
        let text = format!("debian:12={root}/a,me/py={root}/b");
        let images: Images = format!(" {text}, ").parse().unwrap();
        assert_eq!(images.to_string(), text);
        assert_eq!(images.get("me/py"), Some(data.path().join("b").as_path()));
        assert_eq!("".parse::<Images>().unwrap().names().count(), 0);
        for odd in [
            "debian",
            "=/x",
            "a b=/",
            "a=usr",
            "a=/none",
            &format!("a={root}/a,a={root}/b"),
        ] {
            assert!(odd.parse::<Images>().is_err(), "{odd}");
        }
    }
}
