//! Colours of terminals, and what keeps them readable in both themes.

/// A colour a program asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colour {
    /// The panel's own.
    #[default]
    Default,
    /// One of the sixteen of the theme's palette.
    Palette(u8),
    /// Any other.
    Rgb(u8, u8, u8),
}

impl Colour {
    /// The colour of this number out of 256: the palette, a cube of 6×6×6, 24 greys.
    #[must_use]
    pub fn indexed(number: u8) -> Self {
        const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
        match number {
            0..16 => Self::Palette(number),
            16..232 => {
                let cube = usize::from(number - 16);
                Self::Rgb(STEPS[cube / 36], STEPS[cube / 6 % 6], STEPS[cube % 6])
            }
            232.. => {
                let grey = 8 + (number - 232) * 10;
                Self::Rgb(grey, grey, grey)
            }
        }
    }
}

type Rgb = (u8, u8, u8);

/// What text on its own background must differ by (WCAG AA).
const CONTRAST: f32 = 4.5;
/// The lightest surface of the dark theme a row stands on, and the darkest of the light one.
const SURFACES: [Rgb; 2] = [(0x3b, 0x12, 0x19), (0xe7, 0xe9, 0xec)];

/// A colour of text as CSS for both themes, moved towards white or black as
/// far as it must be to be read on the panel.
#[must_use]
pub fn readable(red: u8, green: u8, blue: u8) -> String {
    let colour = (red, green, blue);
    let [dark, light] = [(SURFACES[0], 255), (SURFACES[1], 0)].map(|(surface, towards)| {
        (0..=20)
            .map(|step| mix(colour, towards, step))
            .find(|mixed| contrast(*mixed, surface) >= CONTRAST)
            .unwrap_or((towards, towards, towards))
    });
    format!("light-dark({},{})", css(light), css(dark))
}

/// Black or white: what is read on this background.
#[must_use]
pub(super) fn on(red: u8, green: u8, blue: u8) -> &'static str {
    let background = (red, green, blue);
    if contrast(background, (0, 0, 0)) >= contrast(background, (255, 255, 255)) {
        "#000"
    } else {
        "#fff"
    }
}

pub(super) fn css((red, green, blue): Rgb) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// `colour`, moved by so many twentieths.
fn mix((red, green, blue): Rgb, towards: u8, twentieths: u16) -> Rgb {
    let part = |from: u8| {
        let mixed = (u16::from(from) * (20 - twentieths) + u16::from(towards) * twentieths) / 20;
        u8::try_from(mixed).unwrap_or(u8::MAX)
    };
    (part(red), part(green), part(blue))
}

fn contrast(a: Rgb, b: Rgb) -> f32 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn luminance((red, green, blue): Rgb) -> f32 {
    let linear = |part: u8| {
        let part = f32::from(part) / 255.0;
        if part <= 0.04045 {
            part / 12.92
        } else {
            ((part + 0.055) / 1.055).powf(2.4)
        }
    };
    0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_colour_can_be_read() {
        for colour in [
            (0, 0, 0),
            (255, 255, 255),
            (255, 255, 0),
            (0, 0, 255),
            (128, 128, 128),
            (135, 0, 0),
        ] {
            let text = readable(colour.0, colour.1, colour.2);
            let parts: Vec<Rgb> = text
                .trim_start_matches("light-dark(")
                .trim_end_matches(')')
                .split(',')
                .map(|hex| {
                    let part = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("two digits");
                    (part(1), part(3), part(5))
                })
                .collect();
            assert!(contrast(parts[0], SURFACES[1]) >= CONTRAST, "{text} on light");
            assert!(contrast(parts[1], SURFACES[0]) >= CONTRAST, "{text} on dark");
        }
        assert_eq!(on(255, 255, 0), "#000");
        assert_eq!(on(0, 0, 128), "#fff");
    }

    /// The palettes in the style sheet, on every surface a row stands on.
    #[test]
    fn the_palettes_hold_their_contrast() {
        let sheet = include_str!("../../../../style/log.css");
        for number in 0..16 {
            let name = format!("--ansi-{number}: light-dark(");
            let start = sheet.find(&name).unwrap_or_else(|| panic!("{name} is defined")) + name.len();
            let pair = &sheet[start..start + sheet[start..].find(')').expect("a bracket")];
            let parts: Vec<Rgb> = pair
                .split(',')
                .map(|hex| {
                    let hex = hex.trim();
                    let part = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("two digits");
                    (part(1), part(3), part(5))
                })
                .collect();
            for surface in [(0xf6, 0xf7, 0xf8), (0xff, 0xff, 0xff), (0xfe, 0xeb, 0xec)] {
                assert!(
                    contrast(parts[0], surface) >= CONTRAST,
                    "--ansi-{number} on light {surface:?}"
                );
            }
            for surface in [(0x0c, 0x0d, 0x0e), (0x12, 0x13, 0x15), (0x3b, 0x12, 0x19)] {
                assert!(
                    contrast(parts[1], surface) >= CONTRAST,
                    "--ansi-{number} on dark {surface:?}: {}",
                    contrast(parts[1], surface)
                );
            }
        }
    }
}
