//! The tree of files.

pub mod actions;
pub mod name_field;
pub mod rows;
pub mod upload;
pub mod view;
