//! The figures as people read them.

use super::Figure;
use std::io::Write;

/// A table of all figures.
pub fn draw(figures: &[Figure]) -> String {
    let width = figures
        .iter()
        .map(|figure| figure.name.chars().count())
        .max()
        .unwrap_or(0);
    let mut table = format!(
        "\n{:width$}  {:>14}  {:>14}  {:>7}  floor\n",
        "figure", "value", "floor", "ratio"
    );
    for figure in figures {
        let amount = |value: f64| format!("{} {}", rounded(value), figure.unit);
        table.push_str(&format!(
            "{:width$}  {:>14}  {:>14}  {:>7.2}  {}\n",
            figure.name,
            amount(figure.value),
            amount(figure.floor),
            figure.ratio,
            figure.note
        ));
    }
    table
}

/// Writes the JSON lines to standard output, for programs.
pub fn print(lines: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout().lock(), "{lines}")?;
    Ok(())
}

fn rounded(value: f64) -> String {
    if value >= 1000.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.1}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other() {
        let figure = |name: &str, value| Figure {
            name: name.into(),
            value,
            unit: "ms".into(),
            floor: 10.0,
            ratio: value / 10.0,
            note: "python3".into(),
        };
        let table = draw(&[figure("a", 12.34), figure("a longer one", 1234.5)]);
        let ends: Vec<_> = table.lines().skip(2).map(|line| line.find("python3")).collect();
        assert_eq!(ends[0], ends[1]);
        assert!(table.contains("12.3 ms") && table.contains("1234 ms"), "{table}");
    }
}
