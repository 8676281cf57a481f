//! The site: pages, components and the server functions behind them.
//!
//! The same code is compiled twice: with `ssr` into the server, which paints
//! each page before it is sent, and with `hydrate` into WebAssembly, which
//! brings that page to life in the browser. Neither may paint what the other
//! does not.
#![recursion_limit = "256"]

pub mod api;
pub mod app;
pub mod browser;
pub mod error;
pub mod log;
pub mod pages;
pub mod parts;
pub mod studio;

#[cfg(feature = "ssr")]
pub mod password;
#[cfg(all(test, feature = "ssr"))]
mod rendering;
#[cfg(feature = "ssr")]
pub mod services;
#[cfg(feature = "ssr")]
pub mod session;
#[cfg(feature = "ssr")]
pub mod shell;
#[cfg(feature = "ssr")]
mod usage_chart;

pub use app::App;
pub use error::{ErrorCode, UiError};
#[cfg(feature = "ssr")]
pub use services::{Assets, Services};
#[cfg(feature = "ssr")]
pub use shell::shell;
