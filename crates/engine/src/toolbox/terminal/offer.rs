//! What a client offers as WebSocket subprotocols when it connects.
//!
//! Browsers can send nothing else along, so Daytona's clients put environment
//! variables there. Exactly one offer has to be chosen in the answer: some
//! clients give up when none is.

use std::collections::BTreeMap;

use axum::http::HeaderValue;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::fault::Fault;

/// Offered by clients that want to be told a terminal's end.
const EXIT_CONTROL: &str = "X-Daytona-Pty-Exit-Control";
/// Before environment variables, as a JSON object in base64url without padding.
const ENVS: &str = "X-Daytona-Pty-Envs~";

/// The offers of one client, read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Offer {
    /// Whether it wants to be told the end.
    pub(super) exit_control: bool,
    /// The variables it wants set.
    pub(super) envs: BTreeMap<String, String>,
    /// The offer to choose.
    pub(super) chosen: Option<HeaderValue>,
}

impl Offer {
    /// Reads the values of `Sec-WebSocket-Protocol`, one offer each.
    pub(super) fn read<'a>(offers: impl Iterator<Item = &'a HeaderValue>) -> Result<Self, Fault> {
        let mut offer = Self::default();
        let mut others = None;
        for value in offers {
            let Ok(text) = value.to_str() else { continue };
            if text == EXIT_CONTROL {
                offer.exit_control = true;
                offer.chosen = Some(value.clone());
            } else {
                if let Some(envs) = text.strip_prefix(ENVS) {
                    offer.envs.extend(variables(envs)?);
                }
                others = others.or_else(|| Some(value.clone()));
            }
        }
        offer.chosen = offer.chosen.or(others);
        Ok(offer)
    }
}

fn variables(encoded: &str) -> Result<BTreeMap<String, String>, Fault> {
    // Some writers pad all the same.
    let bytes = URL_SAFE_NO_PAD.decode(encoded.trim_end_matches('='));
    bytes
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .ok_or_else(|| {
            Fault::bad_request(format!(
                "The variables after {ENVS} are not a JSON object of strings in base64url."
            ))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(offers: &[&str]) -> Result<Offer, Fault> {
        let offers: Vec<_> = offers
            .iter()
            .map(|offer| HeaderValue::from_str(offer).unwrap())
            .collect();
        Offer::read(offers.iter())
    }

    #[test]
    fn both_orders_of_daytonas_clients_choose_the_same() {
        let exit = "X-Daytona-Pty-Exit-Control";
        let envs = "X-Daytona-Pty-Envs~eyJFIjogIjEifQ";
        for offers in [[exit, envs], [envs, exit]] {
            let offer = read(&offers).unwrap();
            assert!(offer.exit_control);
            assert_eq!(offer.chosen.unwrap(), exit);
            assert_eq!(offer.envs, BTreeMap::from([("E".to_owned(), "1".to_owned())]));
        }
        assert_eq!(read(&[envs]).unwrap().chosen.unwrap(), envs);
        assert_eq!(
            read(&["X-Daytona-SDK-Version~0.218.0"]).unwrap().chosen.unwrap(),
            "X-Daytona-SDK-Version~0.218.0"
        );
        assert_eq!(read(&[]).unwrap(), Offer::default());
    }

    #[test]
    fn variables_that_cannot_be_read_are_refused() {
        for broken in [
            "X-Daytona-Pty-Envs~%",
            "X-Daytona-Pty-Envs~",
            "X-Daytona-Pty-Envs~MQ",
        ] {
            assert!(read(&[broken]).is_err(), "{broken}");
        }
    }

    proptest! {
        #[test]
        fn any_offers_are_read_or_refused(offers in prop::collection::vec("[ -~]{0,80}", 0..6)) {
            let offers: Vec<&str> = offers.iter().map(String::as_str).collect();
            if let Ok(offer) = read(&offers) {
                prop_assert_eq!(offer.chosen.is_some(), !offers.is_empty());
            }
        }

        #[test]
        fn variables_come_back(envs in prop::collection::btree_map(any::<String>(), any::<String>(), 0..8)) {
            let text = serde_json::to_vec(&envs).unwrap();
            let offer = format!("{ENVS}{}", URL_SAFE_NO_PAD.encode(text));
            prop_assert_eq!(read(&[&offer]).unwrap().envs, envs);
        }
    }
}
