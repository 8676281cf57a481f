//! Answers that come in chunks.

/// A body without the sizes of its chunks (RFC 9112, 7.1).
pub fn joined(mut rest: &[u8]) -> String {
    let mut body = Vec::new();
    loop {
        let line = rest.windows(2).position(|pair| pair == b"\r\n").expect("a chunk");
        let size = std::str::from_utf8(&rest[..line]).expect("digits");
        let size = usize::from_str_radix(size, 16).expect("the size of a chunk");
        if size == 0 {
            return String::from_utf8(body).expect("UTF-8");
        }
        body.extend_from_slice(&rest[line + 2..line + 2 + size]);
        rest = &rest[line + 2 + size + 2..];
    }
}
