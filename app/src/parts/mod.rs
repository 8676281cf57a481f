//! Parts that several pages share.

pub mod account_menu;
pub mod bars;
pub mod clock;
pub mod dialog;
pub mod errors;
pub mod frame;
pub mod icon;
pub mod lane;
pub mod menu;
pub mod notices;
pub mod rights;
pub mod shown_once;
pub mod state;
pub mod waits;
