//! The studio: an agent's files on the left, its code in the middle, its runs
//! on the right.

pub mod page;
