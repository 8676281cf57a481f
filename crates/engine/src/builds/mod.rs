//! Dockerfiles made into homes: read, carried out line by line in a sandbox of
//! their own, and kept, so that the same Dockerfile is not built twice.

mod cache;
mod dockerfile;
mod host_packages;
mod images;
mod log;
mod recipe;
mod run;

pub(crate) use cache::Builds;
pub(crate) use images::stands_for_host;
pub(crate) use log::BuildLog;
pub(crate) use recipe::{Recipe, Start};
pub(crate) use run::{Order, Planned};
