//! Styles: what SGR sequences make of them, and the CSS they become.

use super::{
    Colour,
    colour::{css, on, readable},
};

/// How text looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// The colour of the text.
    pub foreground: Colour,
    /// The colour behind it.
    pub background: Colour,
    marks: u8,
}

const BOLD: u8 = 1;
const DIM: u8 = 2;
const ITALIC: u8 = 4;
const UNDERLINE: u8 = 8;
const INVERSE: u8 = 16;
const STRUCK: u8 = 32;
const HIDDEN: u8 = 64;

const NAMES: [(u8, &str); 7] = [
    (BOLD, "bold"),
    (DIM, "dim"),
    (ITALIC, "italic"),
    (UNDERLINE, "underline"),
    (INVERSE, "inverse"),
    (STRUCK, "struck"),
    (HIDDEN, "hidden-text"),
];

impl Style {
    /// The style after a change with these parameters. What cannot be read is passed over.
    #[must_use]
    pub(super) fn after(mut self, parameters: &[u8]) -> Self {
        let mut parts = parameters.split(|byte| *byte == b';');
        while let Some(part) = parts.next() {
            // `4:3` and `38:2::1:2:3` have their own parameters in one part.
            let mut own = part.split(|byte| *byte == b':').map(number);
            let first = own.next().flatten().unwrap_or(0);
            let own: Vec<Option<u16>> = own.collect();
            match first {
                38 | 48 => {
                    let colour = if own.is_empty() {
                        let mut next = || parts.next().and_then(number);
                        match next() {
                            Some(5) => next().and_then(indexed),
                            Some(2) => rgb(next(), next(), next()),
                            _ => None,
                        }
                    } else {
                        match own.as_slice() {
                            [Some(5), colour, ..] => colour.and_then(indexed),
                            [Some(2), red, green, blue] | [Some(2), _, red, green, blue, ..] => {
                                rgb(*red, *green, *blue)
                            }
                            _ => None,
                        }
                    };
                    if let Some(colour) = colour {
                        *(if first == 38 {
                            &mut self.foreground
                        } else {
                            &mut self.background
                        }) = colour;
                    }
                }
                4 if own.first() == Some(&Some(0)) => self.marks &= !UNDERLINE,
                other => self.change(other),
            }
        }
        self
    }

    fn change(&mut self, number: u16) {
        // The numbers below 108 fit.
        let palette = |from: u16| Colour::Palette(u8::try_from(number - from).unwrap_or_default());
        match number {
            0 => *self = Self::default(),
            1 => self.marks |= BOLD,
            2 => self.marks |= DIM,
            3 => self.marks |= ITALIC,
            4 | 21 => self.marks |= UNDERLINE,
            7 => self.marks |= INVERSE,
            8 => self.marks |= HIDDEN,
            9 => self.marks |= STRUCK,
            22 => self.marks &= !(BOLD | DIM),
            23 => self.marks &= !ITALIC,
            24 => self.marks &= !UNDERLINE,
            27 => self.marks &= !INVERSE,
            28 => self.marks &= !HIDDEN,
            29 => self.marks &= !STRUCK,
            30..=37 => self.foreground = palette(30),
            39 => self.foreground = Colour::Default,
            40..=47 => self.background = palette(40),
            49 => self.background = Colour::Default,
            90..=97 => self.foreground = palette(82),
            100..=107 => self.background = palette(92),
            _ => {}
        }
    }

    /// The CSS classes of it, with spaces between.
    #[must_use]
    pub fn classes(&self) -> String {
        let mut classes = Vec::new();
        if let Colour::Palette(number) = self.foreground {
            classes.push(format!("fg{number}"));
        }
        if let Colour::Palette(number) = self.background {
            classes.push(format!("bg{number}"));
        }
        classes.extend(
            NAMES
                .iter()
                .filter(|(mark, _)| self.marks & mark != 0)
                .map(|(_, name)| (*name).to_owned()),
        );
        classes.join(" ")
    }

    /// Colours that are in no class, as CSS values: of the text, and behind it.
    #[must_use]
    pub fn colours(&self) -> (Option<String>, Option<String>) {
        let background = match self.background {
            Colour::Rgb(red, green, blue) => Some(css((red, green, blue))),
            _ => None,
        };
        let foreground = match (self.foreground, self.background) {
            // On a colour of its own the text need not suit the panel.
            (Colour::Rgb(red, green, blue), Colour::Rgb(..)) => Some(css((red, green, blue))),
            (Colour::Rgb(red, green, blue), _) => Some(readable(red, green, blue)),
            (Colour::Default, Colour::Rgb(red, green, blue)) => Some(on(red, green, blue).to_owned()),
            _ => None,
        };
        if self.marks & INVERSE == 0 {
            (foreground, background)
        } else {
            (background, foreground)
        }
    }
}

fn number(digits: &[u8]) -> Option<u16> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u16, |sum, digit| {
        digit
            .is_ascii_digit()
            .then(|| sum.saturating_mul(10).saturating_add(u16::from(digit - b'0')))
    })
}

fn indexed(number: u16) -> Option<Colour> {
    u8::try_from(number).ok().map(Colour::indexed)
}

fn rgb(red: Option<u16>, green: Option<u16>, blue: Option<u16>) -> Option<Colour> {
    let part = |part: Option<u16>| u8::try_from(part?).ok();
    Some(Colour::Rgb(part(red)?, part(green)?, part(blue)?))
}
