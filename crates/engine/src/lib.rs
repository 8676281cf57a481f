//! The embedded engine: isolated sandboxes on this machine behind Daytona's API.

pub mod sandbox;
