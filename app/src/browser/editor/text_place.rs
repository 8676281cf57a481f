//! Lines and columns against the UTF-16 units in which browsers count text.

/// Line and column, from 1, of a unit.
pub(super) fn place_of(text: &str, unit: u32) -> (u32, u32) {
    let (mut line, mut column, mut units) = (1, 1, 0);
    for character in text.chars() {
        if units >= unit {
            break;
        }
        let length = u32::try_from(character.len_utf16()).unwrap_or(1);
        units += length;
        if character == '\n' {
            line += 1;
            column = 1;
        } else {
            column += length;
        }
    }
    (line, column)
}

/// The unit at a line and column, from 1; the last one before it when there is none.
pub(super) fn unit_of(text: &str, line: u32, column: u32) -> u32 {
    let mut unit = 0;
    let length = |text: &str| u32::try_from(text.encode_utf16().count()).unwrap_or(u32::MAX);
    for (number, content) in (1..).zip(text.split_inclusive('\n')) {
        if number == line {
            return unit + length(content.trim_end_matches('\n')).min(column.saturating_sub(1));
        }
        unit += length(content);
    }
    unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let text = "a\u{1f680}b\n\nlast";
        assert_eq!(place_of(text, 3), (1, 4));
        assert_eq!(place_of(text, 5), (2, 1));
        assert_eq!(place_of(text, 99), (3, 5));
        for (line, column) in [(1, 1), (1, 4), (2, 1), (3, 5)] {
            assert_eq!(place_of(text, unit_of(text, line, column)), (line, column));
        }
        assert_eq!(unit_of(text, 2, 9), 5);
        assert_eq!(unit_of(text, 9, 1), 10);
    }
}
