//! One way to run a statement on either database.
