//! Regular expressions, run by the browser's own engine: one in WebAssembly
//! would weigh as much as the rest of the page.

use js_sys::{Array, Reflect, RegExp};
use std::ops::Range;
use wasm_bindgen::{JsCast, JsValue};

/// A row with more places than this is found often enough.
const MOST: usize = 200;

/// A pattern a person wrote.
#[derive(Clone, Debug)]
pub struct Pattern(RegExp);

impl Pattern {
    /// Reads a pattern; in lower case it is found in any case. None when the
    /// engine cannot read it.
    #[must_use]
    pub fn new(source: &str) -> Option<Self> {
        let flags = if source.chars().any(char::is_uppercase) {
            "g"
        } else {
            "gi"
        };
        let make: js_sys::Function = Reflect::get(&js_sys::global(), &"RegExp".into())
            .ok()?
            .dyn_into()
            .ok()?;
        let arguments = Array::of2(&source.into(), &flags.into());
        Some(Self(Reflect::construct(&make, &arguments).ok()?.dyn_into().ok()?))
    }

    /// Where it is found in a text, as ranges of bytes.
    #[must_use]
    pub fn find(&self, text: &str) -> Vec<Range<usize>> {
        let mut ranges = Vec::new();
        self.0.set_last_index(0);
        while ranges.len() < MOST
            && let Some(found) = self.0.exec(text)
        {
            let start = index_of(found.as_ref());
            let length = found.get(0).length();
            if length == 0 {
                self.0.set_last_index(start + 1);
                if start as usize >= text.len() {
                    break;
                }
                continue;
            }
            ranges.push(byte_of(text, start)..byte_of(text, start + length));
        }
        ranges
    }
}

fn index_of(found: &JsValue) -> u32 {
    let index = Reflect::get(found, &JsValue::from_str("index"))
        .ok()
        .and_then(|index| index.as_f64());
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index within a row"
    )]
    index.map_or(0, |index| index as u32)
}

/// The byte at which this UTF-16 unit begins.
fn byte_of(text: &str, unit: u32) -> usize {
    if text.is_ascii() {
        return (unit as usize).min(text.len());
    }
    let mut units = 0;
    for (byte, character) in text.char_indices() {
        if units >= unit {
            return byte;
        }
        units += u32::try_from(character.len_utf16()).unwrap_or_default();
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_of_javascript_are_not_bytes() {
        let text = "a\u{e9}\u{1f680}b";
        assert_eq!([0, 1, 2, 4, 5].map(|unit| byte_of(text, unit)), [0, 1, 3, 7, 8]);
        assert_eq!(byte_of("abc", 9), 3);
    }
}
