//! What tests need and the product does not: a PostgreSQL of their own.

pub mod postgres;
