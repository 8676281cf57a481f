//! One connection: an `EventSource` with what hears it. Closed when dropped.

use super::message::TYPES;
use crate::browser::listener::Listener;
use wasm_bindgen::JsCast;
use web_sys::{EventSource, MessageEvent};

/// What a connection says.
pub enum Said {
    /// It stands.
    Open,
    /// A message: its type and its data.
    Message(&'static str, String),
    /// Nothing happened, and the server is there.
    Alive,
    /// It is broken, or was never had.
    Broken,
}

/// A connection.
pub struct Source {
    source: EventSource,
    _listeners: Vec<Listener>,
}

impl Source {
    /// Connects. None when the browser refuses the address.
    pub fn open(address: &str, said: impl Fn(Said) + Clone + 'static) -> Option<Self> {
        let source = EventSource::new(address).ok()?;
        let mut listeners = Vec::with_capacity(TYPES.len() + 3);
        for kind in TYPES {
            let said = said.clone();
            listeners.push(Listener::on(&source, kind, move |event| {
                let data = event
                    .dyn_ref::<MessageEvent>()
                    .and_then(|event| event.data().as_string());
                if let Some(data) = data {
                    said(Said::Message(kind, data));
                }
            }));
        }
        let alive = said.clone();
        listeners.push(Listener::on(&source, "alive", move |_| alive(Said::Alive)));
        let opened = said.clone();
        listeners.push(Listener::on(&source, "open", move |_| opened(Said::Open)));
        listeners.push(Listener::on(&source, "error", move |_| said(Said::Broken)));
        Some(Self {
            source,
            _listeners: listeners,
        })
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.source.close();
    }
}
