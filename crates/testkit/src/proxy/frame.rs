//! The limits of WebSocket frames in a stream of bytes, as a server sends
//! them. What is in them is nobody's business here.

/// A whole frame at the start of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    /// Its length with its header.
    pub(super) length: usize,
    /// Whether it carries the log rather than a ping, a pong or a close.
    pub(super) is_data: bool,
}

/// The frame these bytes begin with; none when it is not all there.
pub(super) fn first(bytes: &[u8]) -> Option<Frame> {
    let (kind, length) = (*bytes.first()?, *bytes.get(1)?);
    // A server does not mask. Who does all the same is cut right too.
    let mask = if length & 0x80 == 0 { 0 } else { 4 };
    let (header, content) = match length & 0x7f {
        126 => (
            4,
            u64::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)),
        ),
        127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)),
        short => (2, u64::from(short)),
    };
    let length = usize::try_from(content).ok()?.checked_add(header + mask)?;
    (bytes.len() >= length).then_some(Frame {
        length,
        is_data: kind & 0x0f < 8,
    })
}

/// A close with this code.
pub(super) fn close(code: u16) -> [u8; 4] {
    let [high, low] = code.to_be_bytes();
    [0x88, 2, high, low]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_every_size_are_cut_where_they_end() {
        for size in [0_usize, 1, 125, 126, 65_535, 65_536, 300_000] {
            let mut bytes = vec![0x82];
            match size {
                0..126 => bytes.push(u8::try_from(size).expect("small")),
                126..=65_535 => {
                    bytes.push(126);
                    bytes.extend(u16::try_from(size).expect("fits").to_be_bytes());
                }
                _ => {
                    bytes.push(127);
                    bytes.extend((size as u64).to_be_bytes());
                }
            }
            let header = bytes.len();
            bytes.resize(header + size, 7);
            for short in [1, header - 1, bytes.len() - 1] {
                if short < bytes.len() {
                    assert_eq!(first(&bytes[..short]), None, "{size} cut at {short}");
                }
            }
            let length = bytes.len();
            bytes.extend(close(1000));
            assert_eq!(
                first(&bytes),
                Some(Frame {
                    length,
                    is_data: true
                }),
                "{size}"
            );
            let next = first(&bytes[length..]);
            assert_eq!(
                next,
                Some(Frame {
                    length: 4,
                    is_data: false
                })
            );
        }
    }
}
