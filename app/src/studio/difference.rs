//! What differs between two versions of a file, line by line.

/// Lines beyond which a difference is not worked out: it takes time in the
/// product of what is left after the common beginning and end.
const MOST_CELLS: usize = 4_000_000;

/// A line of a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// In both.
    Same(String),
    /// In mine alone.
    Mine(String),
    /// In theirs alone.
    Theirs(String),
    /// This many lines in both, left out.
    Skipped(usize),
}

/// What turns `theirs` into `mine`, with three lines of each around a change.
#[must_use]
pub fn difference(theirs: &str, mine: &str) -> Vec<Line> {
    let theirs: Vec<&str> = theirs.lines().collect();
    let mine: Vec<&str> = mine.lines().collect();
    let start = theirs.iter().zip(&mine).take_while(|(a, b)| a == b).count();
    let end = theirs[start..]
        .iter()
        .rev()
        .zip(mine[start..].iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let (a, b) = (&theirs[start..theirs.len() - end], &mine[start..mine.len() - end]);
    let mut lines: Vec<Line> = theirs[..start]
        .iter()
        .map(|line| Line::Same((*line).to_owned()))
        .collect();
    if a.len().saturating_mul(b.len()) > MOST_CELLS {
        lines.extend(a.iter().map(|line| Line::Theirs((*line).to_owned())));
        lines.extend(b.iter().map(|line| Line::Mine((*line).to_owned())));
    } else {
        middle(a, b, &mut lines);
    }
    lines.extend(
        theirs[theirs.len() - end..]
            .iter()
            .map(|line| Line::Same((*line).to_owned())),
    );
    folded(lines)
}

/// The longest common subsequence, by the table of its lengths.
fn middle(theirs: &[&str], mine: &[&str], lines: &mut Vec<Line>) {
    let width = mine.len() + 1;
    let mut lengths = vec![0_u32; (theirs.len() + 1) * width];
    for i in (0..theirs.len()).rev() {
        for j in (0..mine.len()).rev() {
            lengths[i * width + j] = if theirs[i] == mine[j] {
                lengths[(i + 1) * width + j + 1] + 1
            } else {
                lengths[(i + 1) * width + j].max(lengths[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < theirs.len() || j < mine.len() {
        if i < theirs.len() && j < mine.len() && theirs[i] == mine[j] {
            lines.push(Line::Same(theirs[i].to_owned()));
            (i, j) = (i + 1, j + 1);
        } else if j == mine.len()
            || (i < theirs.len() && lengths[(i + 1) * width + j] >= lengths[i * width + j + 1])
        {
            lines.push(Line::Theirs(theirs[i].to_owned()));
            i += 1;
        } else {
            lines.push(Line::Mine(mine[j].to_owned()));
            j += 1;
        }
    }
}

/// Leaves out lines that are further than three from a change.
fn folded(lines: Vec<Line>) -> Vec<Line> {
    const AROUND: usize = 3;
    let changed: Vec<usize> = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| !matches!(line, Line::Same(_)))
        .map(|(i, _)| i)
        .collect();
    let mut kept: Vec<Line> = Vec::new();
    let mut nearest = 0;
    for (i, line) in lines.into_iter().enumerate() {
        while changed.get(nearest).is_some_and(|change| change + AROUND < i) {
            nearest += 1;
        }
        if changed
            .get(nearest)
            .is_some_and(|change| change.abs_diff(i) <= AROUND)
        {
            kept.push(line);
        } else if let Some(Line::Skipped(count)) = kept.last_mut() {
            *count += 1;
        } else {
            kept.push(Line::Skipped(1));
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(lines: &[Line]) -> Vec<String> {
        lines
            .iter()
            .map(|line| match line {
                Line::Same(text) => format!("  {text}"),
                Line::Mine(text) => format!("+ {text}"),
                Line::Theirs(text) => format!("- {text}"),
                Line::Skipped(count) => format!("@ {count}"),
            })
            .collect()
    }

    #[test]
    fn a_changed_line_among_many() {
        let theirs: String = (0..20).map(|i| format!("{i}\n")).collect();
        let mine = theirs.replace("\n10\n", "\nten\n");
        assert_eq!(
            written(&difference(&theirs, &mine)),
            [
                "@ 7", "  7", "  8", "  9", "- 10", "+ ten", "  11", "  12", "  13", "@ 6"
            ]
        );
    }

    #[test]
    fn nothing_differs_and_everything_does() {
        assert_eq!(written(&difference("a\nb\n", "a\nb\n")), ["@ 2"]);
        assert_eq!(written(&difference("", "a\n")), ["+ a"]);
        assert_eq!(written(&difference("a\n", "")), ["- a"]);
    }

    #[test]
    fn two_large_texts_without_a_common_line_are_not_compared_cell_by_cell() {
        let theirs: String = (0..5000).map(|i| format!("a{i}\n")).collect();
        let mine: String = (0..5000).map(|i| format!("b{i}\n")).collect();
        assert_eq!(difference(&theirs, &mine).len(), 10_000);
    }
}
