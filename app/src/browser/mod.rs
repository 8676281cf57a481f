//! What the pages need of the browser, each part behind a small interface:
//! the stream of events, the code editor, storage, clipboard, theme, keys.
//!
//! Everything compiles for the server too, where nothing of it is run:
//! browser objects are made in effects and event handlers only.

pub mod clipboard;
pub mod editor;
pub mod events;
pub mod keys;
pub mod listener;
pub mod storage;
pub mod theme;
pub mod timer;
pub mod uuid;
