//! New ids.

use model::RunId;

/// A new run's id, from the browser's clock and its randomness. Browser only.
///
/// UUID version 7, as the server's are, so that ids sort by age.
#[must_use]
pub fn new_run_id() -> RunId {
    let mut random = [0_u8; 10];
    fill(&mut random);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "milliseconds since 1970 fit in 48 bits"
    )]
    let now = js_sys::Date::now() as u64;
    RunId::parse(&version_7(now, random)).expect("formatted as a UUID")
}

fn fill(random: &mut [u8; 10]) {
    // Also there over plain HTTP, unlike `crypto.randomUUID`.
    let filled = leptos::prelude::window()
        .crypto()
        .and_then(|crypto| crypto.get_random_values_with_u8_array(random));
    if filled.is_err() {
        for byte in random {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "below 256"
            )]
            let value = (js_sys::Math::random() * 256.0) as u8;
            *byte = value;
        }
    }
}

fn version_7(milliseconds: u64, random: [u8; 10]) -> String {
    let [a, b, c, d, rest @ ..] = random;
    let third = 0x7000 | (u16::from_be_bytes([a, b]) & 0x0fff);
    let fourth = 0x8000 | (u16::from_be_bytes([c, d]) & 0x3fff);
    let last = rest.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    let time = milliseconds & 0xffff_ffff_ffff;
    format!(
        "{:08x}-{:04x}-{third:04x}-{fourth:04x}-{last:012x}",
        time >> 16,
        time & 0xffff
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_version_7_and_sort_by_age() {
        let old = version_7(0x0199_f3b2_6c1e, [0xff; 10]);
        assert_eq!(old, "0199f3b2-6c1e-7fff-bfff-ffffffffffff");
        let new = version_7(0x0199_f3b2_6c1f, [0; 10]);
        assert_eq!(new, "0199f3b2-6c1f-7000-8000-000000000000");
        assert!(RunId::parse(&old).expect("a UUID") < RunId::parse(&new).expect("a UUID"));
    }
}
