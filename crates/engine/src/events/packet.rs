//! What a Socket.IO client sends, as far as it matters here: an Engine.IO
//! packet (one digit), in it a Socket.IO packet (one digit, a namespace, an
//! acknowledgement id, JSON).

use serde::Deserialize;

/// The longest packet of a client; a token is short.
pub(super) const LONGEST: usize = 64 << 10;

/// A packet of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Packet {
    /// It wants into a namespace, with this token if it shows one.
    Connect {
        namespace: String,
        token: Option<String>,
    },
    /// It answers a ping.
    Pong,
    /// It asks for a pong, with these letters.
    Ping(String),
    /// It goes.
    Leave,
    /// Something that means nothing to a server that only tells.
    Other,
}

#[derive(Deserialize)]
struct Credentials {
    token: Option<String>,
}

/// Reads a text frame; `None` when it is no packet.
pub(super) fn read(text: &str) -> Option<Packet> {
    let (kind, rest) = split_digit(text)?;
    match kind {
        '1' => Some(Packet::Leave),
        '2' => Some(Packet::Ping(rest.to_owned())),
        '3' => Some(Packet::Pong),
        '4' => read_message(rest),
        '0' | '5' | '6' => Some(Packet::Other),
        _ => None,
    }
}

fn read_message(text: &str) -> Option<Packet> {
    let (kind, rest) = split_digit(text)?;
    match kind {
        '0' => read_connect(rest),
        '1' => Some(Packet::Leave),
        '2'..='6' => Some(Packet::Other),
        _ => None,
    }
}

fn read_connect(text: &str) -> Option<Packet> {
    let (namespace, data) = match text.strip_prefix('/') {
        Some(_) => text.split_once(',').unwrap_or((text, "")),
        None => ("/", text),
    };
    let token = match data {
        "" => None,
        data => serde_json::from_str::<Credentials>(data).ok()?.token,
    };
    Some(Packet::Connect {
        namespace: namespace.to_owned(),
        token,
    })
}

fn split_digit(text: &str) -> Option<(char, &str)> {
    let digit = text.chars().next().filter(char::is_ascii_digit)?;
    Some((digit, &text[1..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn connect(namespace: &str, token: Option<&str>) -> Packet {
        Packet::Connect {
            namespace: namespace.to_owned(),
            token: token.map(ToOwned::to_owned),
        }
    }

    #[test]
    fn the_packets_of_the_official_clients() {
        assert_eq!(read(r#"40{"token":"dtn_1"}"#), Some(connect("/", Some("dtn_1"))));
        assert_eq!(read("40"), Some(connect("/", None)));
        assert_eq!(read("40{}"), Some(connect("/", None)));
        assert_eq!(read("40/admin"), Some(connect("/admin", None)));
        assert_eq!(read(r#"40/a,{"token":"b"}"#), Some(connect("/a", Some("b"))));
        assert_eq!(read("3"), Some(Packet::Pong));
        assert_eq!(read("2probe"), Some(Packet::Ping("probe".into())));
        assert_eq!(read("41"), Some(Packet::Leave));
        assert_eq!(read("1"), Some(Packet::Leave));
        assert_eq!(read(r#"4217["hello"]"#), Some(Packet::Other));
        for odd in ["", "x", "é", "4", "4é", "47", "40[", "40{\"token\":1}", "9"] {
            assert_eq!(read(odd), None, "{odd:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_a_client_sends_breaks_it(text in "\\PC*", digits in "[0-9]{0,3}") {
            let _ = read(&text);
            let _ = read(&format!("{digits}{text}"));
        }

        #[test]
        fn every_token_arrives_as_it_was_sent(token in ".*", namespace in "(/[a-z/]{0,8})?") {
            let data = serde_json::json!({"token": token, "more": [1, 2]});
            let comma = if namespace.is_empty() { "" } else { "," };
            let read = read(&format!("40{namespace}{comma}{data}"));
            let namespace = if namespace.is_empty() { "/" } else { namespace.as_str() };
            prop_assert_eq!(read, Some(connect(namespace, Some(&token))));
        }
    }
}
