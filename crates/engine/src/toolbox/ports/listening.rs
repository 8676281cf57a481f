//! Reads the kernel's table of TCP sockets, `/proc/net/tcp` or `tcp6`.

/// The state of a socket that listens.
const LISTENING: &[u8] = b"0A";

/// The ports of the sockets that listen. A line that is not understood is none.
pub(super) fn ports(table: &[u8]) -> impl Iterator<Item = u16> {
    table.split(|byte| *byte == b'\n').filter_map(port)
}

/// `  0: 0100007F:0BB8 00000000:0000 0A …`
fn port(line: &[u8]) -> Option<u16> {
    let mut fields = line
        .split(u8::is_ascii_whitespace)
        .filter(|field| !field.is_empty());
    let local = fields.nth(1)?;
    let state = fields.nth(1)?;
    let at = local.iter().rposition(|byte| *byte == b':')?;
    let digits = std::str::from_utf8(&local[at + 1..]).ok()?;
    let port =
        (digits.len() == 4 && !digits.starts_with('+')).then(|| u16::from_str_radix(digits, 16).ok())?;
    (state == LISTENING).then_some(port).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TABLE: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid
   0: 0100007F:0BB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1 1 0 100
   1: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 2 1 0 100
   2: 0100007F:0BB8 0100007F:C350 01 00000000:00000000 00:00000000 00000000  1000        0 3 1 0 100
";

    #[test]
    fn only_what_listens_counts() {
        assert_eq!(ports(TABLE.as_bytes()).collect::<Vec<_>>(), [3000, 8080]);
        let ipv6 = b"   0: 00000000000000000000000001000000:FFFF 00000000000000000000000000000000:0000 0A 0";
        assert_eq!(ports(ipv6).collect::<Vec<_>>(), [65535]);
    }

    #[test]
    fn lines_that_are_broken_are_no_ports() {
        for line in [
            "",
            "0:",
            "0: 0BB8 x 0A",
            "0: a:+BB8 x 0A",
            "0: a:10BB8 x 0A",
            "0: a:0BB8 x",
            "0: a:0BB8 x 0a",
        ] {
            assert_eq!(port(line.as_bytes()), None, "{line:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
            let _ = ports(&bytes).count();
        }

        #[test]
        fn any_port_is_found(port: u16, address: u32, state in 1u8..12) {
            let line = format!("  12: {address:08X}:{port:04X} 00000000:0000 {state:02X} 0:0");
            let expected = (state == 10).then_some(port);
            prop_assert_eq!(ports(line.as_bytes()).next(), expected);
        }
    }
}
