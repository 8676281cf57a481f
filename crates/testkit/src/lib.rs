//! What tests need and the product does not: a PostgreSQL of their own, and a
//! provider's network that fails as a seed says.

pub mod postgres;
#[cfg(feature = "proxy")]
pub mod proxy;
