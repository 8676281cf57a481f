//! Which files may stand side by side in an agent, and how much they may hold.

use crate::{Result, StoreError};
use model::{
    FileEntry, FilePath, Invalid,
    file::{MAX_AGENT_BYTES, MAX_FILES, check_size},
    time::{byte_words, count_words},
};
use std::collections::BTreeSet;

/// Checks the first files of an agent, all together.
///
/// # Errors
/// When one breaks a limit or two cannot both exist.
pub(crate) fn check_all(files: &[(FilePath, Vec<u8>)]) -> Result<()> {
    check_count(files.len())?;
    let mut total = 0;
    let mut paths = BTreeSet::new();
    for (path, bytes) in files {
        check_size(path, bytes.len() as u64)?;
        total += bytes.len() as u64;
        if !paths.insert(path) {
            return Err(StoreError::Conflict(format!(
                "There are two files {path}. Rename one."
            )));
        }
    }
    check_total(total)?;
    for path in &paths {
        if let Some(folder) = folders(path).find(|folder| paths.iter().any(|other| other.as_str() == *folder))
        {
            return Err(StoreError::Conflict(format!(
                "{path} needs a folder {folder}, and there is a file of that name. Rename one."
            )));
        }
    }
    Ok(())
}

/// Checks that a new file fits beside the others.
///
/// # Errors
/// When its name or its size does not fit.
pub(crate) fn check_place(path: &FilePath, others: &[FileEntry], size: u64) -> Result<()> {
    check_name(path, others.iter().map(|file| &file.path))?;
    check_count(others.len() + 1)?;
    check_total(others.iter().map(|file| file.size).sum::<u64>() + size)?;
    Ok(())
}

/// Checks that a file may become this large.
///
/// # Errors
/// When it grows past what all files may hold. One that shrinks may always be saved.
pub(crate) fn check_growth(path: &FilePath, current: &FileEntry, all: &[FileEntry], size: u64) -> Result<()> {
    if size > current.size {
        let others: u64 = all
            .iter()
            .filter(|file| file.path != *path)
            .map(|file| file.size)
            .sum();
        check_total(others + size)?;
    }
    Ok(())
}

/// Checks that no folder has a file's name and no file that of one of its folders.
///
/// # Errors
/// Names the file that is in the way.
pub(crate) fn check_name<'a>(path: &FilePath, others: impl Iterator<Item = &'a FilePath>) -> Result<()> {
    for other in others {
        if folders(other).any(|folder| folder == path.as_str()) {
            return Err(StoreError::Conflict(format!(
                "There is a folder {path} already, with {other} in it, so a file cannot have this name. Choose another."
            )));
        }
        if folders(path).any(|folder| folder == other.as_str()) {
            return Err(StoreError::Conflict(format!(
                "{other} is a file, so nothing can be put into a folder of that name. Choose another."
            )));
        }
    }
    Ok(())
}

/// All folders a file is in: of `a/b/c` these are `a/b` and `a`.
fn folders(path: &FilePath) -> impl Iterator<Item = &str> {
    std::iter::successors(path.as_str().rsplit_once('/'), |(folder, _)| {
        folder.rsplit_once('/')
    })
    .map(|(folder, _)| folder)
}

fn check_count(files: usize) -> Result<(), Invalid> {
    if files > MAX_FILES {
        return Err(Invalid(format!(
            "An agent may have {} files at most. Delete some, or fetch data in the sandbox.",
            count_words(MAX_FILES as u64)
        )));
    }
    Ok(())
}

fn check_total(bytes: u64) -> Result<(), Invalid> {
    if bytes > MAX_AGENT_BYTES {
        return Err(Invalid(format!(
            "The agent\u{2019}s files would hold {}, and {} is the limit. Delete some, or fetch data in the sandbox.",
            byte_words(bytes),
            byte_words(MAX_AGENT_BYTES)
        )));
    }
    Ok(())
}
