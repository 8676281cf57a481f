//! What a Socket.IO server sends, as far as it matters to one who listens: an
//! Engine.IO packet (one digit), in it a Socket.IO packet (one digit, a
//! namespace, an acknowledgement id, JSON).

use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;

/// A packet of a server.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Packet {
    /// The connection stands; a sign of life comes at least so often.
    Open { quiet: Duration },
    /// It wants a pong, with these letters.
    Ping(String),
    /// We are in.
    Connected,
    /// We are not let in.
    Refused(String),
    /// Something happened.
    Event { name: String, data: Value },
    /// The server goes.
    Leave,
    /// Something that means nothing to one who only listens.
    Other,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Opening {
    ping_interval: u64,
    ping_timeout: u64,
}

impl Default for Opening {
    fn default() -> Self {
        Self {
            ping_interval: 25_000,
            ping_timeout: 20_000,
        }
    }
}

/// Longer silences that a server announces are not believed.
const LONGEST_QUIET: Duration = Duration::from_secs(300);

/// Reads a text frame; `None` when it is no packet.
pub(super) fn read(text: &str) -> Option<Packet> {
    let (kind, rest) = split_digit(text)?;
    match kind {
        '0' => {
            let opening: Opening = serde_json::from_str(rest).ok()?;
            let quiet = opening.ping_interval.saturating_add(opening.ping_timeout);
            let quiet = Duration::from_millis(quiet).clamp(Duration::from_secs(1), LONGEST_QUIET);
            Some(Packet::Open { quiet })
        }
        '1' => Some(Packet::Leave),
        '2' => Some(Packet::Ping(rest.to_owned())),
        '3' | '5' | '6' => Some(Packet::Other),
        '4' => read_message(rest),
        _ => None,
    }
}

fn read_message(text: &str) -> Option<Packet> {
    let (kind, rest) = split_digit(text)?;
    let data = match rest.strip_prefix('/') {
        Some(named) => named.split_once(',').map_or("", |(_, data)| data),
        None => rest,
    };
    match kind {
        '0' => Some(Packet::Connected),
        '1' => Some(Packet::Leave),
        '2' => read_event(data.trim_start_matches(|letter: char| letter.is_ascii_digit())),
        '4' => {
            let said: Value = serde_json::from_str(data).unwrap_or_default();
            let message = said.get("message").and_then(Value::as_str);
            Some(Packet::Refused(message.unwrap_or("no reason given").to_owned()))
        }
        '3' | '5' | '6' => Some(Packet::Other),
        _ => None,
    }
}

fn read_event(data: &str) -> Option<Packet> {
    let mut parts = serde_json::from_str::<Vec<Value>>(data).ok()?.into_iter();
    match parts.next()? {
        Value::String(name) => Some(Packet::Event {
            name,
            data: parts.next().unwrap_or_default(),
        }),
        _ => None,
    }
}

fn split_digit(text: &str) -> Option<(char, &str)> {
    let digit = text.chars().next().filter(char::is_ascii_digit)?;
    Some((digit, &text[1..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn the_packets_of_a_server() {
        let open =
            r#"0{"sid":"e","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;
        let quiet = Duration::from_secs(45);
        assert_eq!(read(open), Some(Packet::Open { quiet }));
        let endless = format!(r#"0{{"pingInterval":{}}}"#, u64::MAX);
        assert_eq!(read(&endless), Some(Packet::Open { quiet: LONGEST_QUIET }));
        assert_eq!(read(r#"40{"sid":"s"}"#), Some(Packet::Connected));
        assert_eq!(
            read(r#"44{"message":"Unauthorized"}"#),
            Some(Packet::Refused("Unauthorized".into()))
        );
        assert_eq!(read("2"), Some(Packet::Ping(String::new())));
        assert_eq!(read("41"), Some(Packet::Leave));
        let event = Some(Packet::Event {
            name: "x".into(),
            data: json!({"a": 1}),
        });
        assert_eq!(read(r#"42["x",{"a":1}]"#), event);
        assert_eq!(read(r#"42/space,17["x",{"a":1},2]"#), event);
        for odd in ["", "é", "0", "0[", "4", "42", "42{}", "42[1]", "42[]", "49", "9"] {
            assert_eq!(read(odd), None, "{odd:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_a_server_sends_breaks_it(text in "\\PC*", digits in "[0-9]{0,3}") {
            let _ = read(&text);
            let _ = read(&format!("{digits}{text}"));
        }

        #[test]
        fn every_event_arrives_as_it_was_sent(name in ".{1,20}", value in ".{0,20}") {
            let data = json!({"v": value});
            let read = read(&format!("42{}", json!([name, data])));
            prop_assert_eq!(read, Some(Packet::Event { name, data }));
        }
    }
}
