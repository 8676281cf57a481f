//! Daytona's log format: three bytes before each line say which stream it is
//! from (`01 01 01` standard output, `02 02 02` standard error).
//!
//! It cannot carry everything: output that holds these bytes itself misleads
//! readers. The bytes between the markers are the program's own; unlike the
//! cloud, nothing is added to a last line without its end.

use daytona::wire::Stream;

/// Where in a line the text written so far ends.
#[derive(Debug, Default)]
pub(super) struct Markers {
    current: Option<Stream>,
}

impl Markers {
    /// Appends the content to `out` with its markers.
    pub(super) fn push(&mut self, stream: Stream, content: &[u8], out: &mut Vec<u8>) {
        for line in content.split_inclusive(|byte| *byte == b'\n') {
            if self.current != Some(stream) {
                out.extend_from_slice(&stream.marker());
            }
            out.extend_from_slice(line);
            self.current = (!line.ends_with(b"\n")).then_some(stream);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_changes_of_stream_are_marked() {
        let mut markers = Markers::default();
        let mut out = Vec::new();
        markers.push(Stream::Stdout, b"o1\no", &mut out);
        markers.push(Stream::Stdout, b"2\n", &mut out);
        markers.push(Stream::Stdout, b"part", &mut out);
        markers.push(Stream::Stderr, b"e1\n", &mut out);
        assert_eq!(
            out,
            b"\x01\x01\x01o1\n\x01\x01\x01o2\n\x01\x01\x01part\x02\x02\x02e1\n"
        );
    }
}
