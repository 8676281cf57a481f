//! Escapes: what a few characters of a stream stand for, one unit at a time.

/// The most bytes that one escape has.
pub(super) const LONGEST: usize = 12;

/// What stands at the beginning of some bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// More bytes are needed to tell.
    Unfinished,
    /// So many bytes stand for these.
    Whole { used: usize, bytes: Bytes },
}

/// Up to four bytes: one, or a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bytes {
    bytes: [u8; 4],
    length: usize,
}

impl Bytes {
    fn one(byte: u8) -> Self {
        Self {
            bytes: [byte, 0, 0, 0],
            length: 1,
        }
    }

    fn character(number: u32) -> Option<Self> {
        let mut bytes = [0; 4];
        let length = char::from_u32(number)?.encode_utf8(&mut bytes).len();
        Some(Self { bytes, length })
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

fn whole(used: usize, bytes: Bytes) -> Unit {
    Unit::Whole { used, bytes }
}

/// A number of hexadecimal digits, or where it ends.
enum Digits {
    Number(u32),
    Unfinished,
    None,
}

/// Exactly `count` digits of `bytes` from `from` on.
fn digits(bytes: &[u8], from: usize, count: usize) -> Digits {
    let mut number = 0;
    for index in from..from + count {
        match bytes.get(index).map(|byte| char::from(*byte).to_digit(16)) {
            Some(Some(digit)) => number = number << 4 | digit,
            Some(None) => return Digits::None,
            None => return Digits::Unfinished,
        }
    }
    Digits::Number(number)
}

/// `%XX`; a `%` that begins none stands for itself.
pub(super) fn percent(bytes: &[u8], last: bool) -> Unit {
    match digits(bytes, 1, 2) {
        _ if bytes[0] != b'%' => whole(1, Bytes::one(bytes[0])),
        Digits::Number(number) => whole(3, Bytes::one(u8::try_from(number).unwrap_or(b'%'))),
        Digits::Unfinished if !last => Unit::Unfinished,
        _ => whole(1, Bytes::one(b'%')),
    }
}

/// `&amp;`, `&#39;`, `&#x27;`; an `&` that begins none stands for itself.
pub(super) fn markup(bytes: &[u8], last: bool) -> Unit {
    let itself = whole(1, Bytes::one(bytes[0]));
    if bytes[0] != b'&' {
        return itself;
    }
    let Some(end) = bytes.iter().position(|byte| *byte == b';') else {
        let may_go_on = bytes[1..]
            .iter()
            .enumerate()
            .all(|(index, byte)| byte.is_ascii_alphanumeric() || index == 0 && *byte == b'#');
        return if !last && may_go_on && bytes.len() < LONGEST {
            Unit::Unfinished
        } else {
            itself
        };
    };
    let number = |digits: &[u8], radix| {
        let digits = std::str::from_utf8(digits).ok()?;
        // A sign is no digit here.
        let plain = digits.bytes().all(|byte| byte.is_ascii_alphanumeric());
        u32::from_str_radix(digits, radix).ok().filter(|_| plain)
    };
    let character = match &bytes[1..end] {
        b"amp" => Some(u32::from(b'&')),
        b"lt" => Some(u32::from(b'<')),
        b"gt" => Some(u32::from(b'>')),
        b"quot" => Some(u32::from(b'"')),
        b"apos" => Some(u32::from(b'\'')),
        b"nbsp" => Some(0xa0),
        [b'#', b'x' | b'X', digits @ ..] => number(digits, 16),
        [b'#', digits @ ..] => number(digits, 10),
        _ => None,
    };
    match character.and_then(Bytes::character) {
        Some(bytes) if end < LONGEST => whole(end + 1, bytes),
        _ => itself,
    }
}

/// What follows a backslash in JSON, Python, JavaScript, Rust, C and shells;
/// before any other character it is left out.
pub(super) fn backslash(bytes: &[u8], last: bool) -> Unit {
    if bytes[0] != b'\\' {
        return whole(1, Bytes::one(bytes[0]));
    }
    let Some(kind) = bytes.get(1).copied() else {
        return if last {
            whole(1, Bytes::one(b'\\'))
        } else {
            Unit::Unfinished
        };
    };
    let plain = whole(2, Bytes::one(kind));
    let of = |count: usize, read: &dyn Fn(u32) -> Option<Bytes>| match digits(bytes, 2, count) {
        Digits::Number(number) => {
            read(number).map_or(whole(2, Bytes::one(kind)), |bytes| whole(2 + count, bytes))
        }
        Digits::Unfinished if !last => Unit::Unfinished,
        _ => whole(2, Bytes::one(kind)),
    };
    match kind {
        b'n' => whole(2, Bytes::one(b'\n')),
        b'r' => whole(2, Bytes::one(b'\r')),
        b't' => whole(2, Bytes::one(b'\t')),
        b'b' => whole(2, Bytes::one(8)),
        b'f' => whole(2, Bytes::one(12)),
        b'v' => whole(2, Bytes::one(11)),
        b'a' => whole(2, Bytes::one(7)),
        b'e' | b'E' => whole(2, Bytes::one(27)),
        b'x' => of(2, &|number| u8::try_from(number).ok().map(Bytes::one)),
        b'U' => of(8, &Bytes::character),
        b'u' if bytes.get(2) == Some(&b'{') => braced(bytes, last).unwrap_or(plain),
        b'u' => match digits(bytes, 2, 4) {
            Digits::Number(high @ 0xd800..0xdc00) => pair(bytes, high, last).unwrap_or(plain),
            _ => of(4, &Bytes::character),
        },
        b'0'..=b'7' => octal(bytes, last),
        _ => plain,
    }
}

/// `\u{1f600}`
fn braced(bytes: &[u8], last: bool) -> Option<Unit> {
    let inner = &bytes[3..];
    let count = inner.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    if count > 6 {
        return None;
    }
    match inner.get(count) {
        None if last => None,
        None => Some(Unit::Unfinished),
        Some(b'}') => {
            let Digits::Number(number) = digits(bytes, 3, count) else {
                return None;
            };
            Some(whole(
                3 + count + 1,
                Bytes::character(number).filter(|_| count > 0)?,
            ))
        }
        Some(_) => None,
    }
}

/// `\ud83d\ude00`
fn pair(bytes: &[u8], high: u32, last: bool) -> Option<Unit> {
    for (index, expected) in [(6, b'\\'), (7, b'u')] {
        match bytes.get(index) {
            Some(byte) if *byte == expected => {}
            None if !last => return Some(Unit::Unfinished),
            _ => return None,
        }
    }
    match digits(bytes, 8, 4) {
        Digits::Number(low @ 0xdc00..0xe000) => {
            let number = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
            Some(whole(12, Bytes::character(number)?))
        }
        Digits::Unfinished if !last => Some(Unit::Unfinished),
        _ => None,
    }
}

/// `\33`: one to three digits.
fn octal(bytes: &[u8], last: bool) -> Unit {
    let digits = bytes[1..]
        .iter()
        .take(3)
        .take_while(|byte| matches!(byte, b'0'..=b'7'))
        .count();
    if digits < 3 && bytes.len() == 1 + digits && !last {
        return Unit::Unfinished;
    }
    let number = bytes[1..=digits]
        .iter()
        .fold(0_u32, |number, digit| number * 8 + u32::from(digit - b'0'));
    whole(1 + digits, Bytes::one(u8::try_from(number & 0xff).unwrap_or(0)))
}
