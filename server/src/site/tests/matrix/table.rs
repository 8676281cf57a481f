//! The table of `docs/security.md`, as a test reads it.

use std::collections::BTreeMap;

/// What each address answers each column: `yes`, `sign-in`, or a status.
pub type Table = BTreeMap<String, BTreeMap<String, String>>;

/// Reads every table whose first column is `address`.
pub fn read(document: &str) -> Table {
    let mut table = Table::new();
    let mut columns: Vec<String> = Vec::new();
    for line in document.lines() {
        let Some(line) = line
            .trim()
            .strip_prefix('|')
            .and_then(|line| line.strip_suffix('|'))
        else {
            columns.clear();
            continue;
        };
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        if cells[0] == "address" {
            columns = cells[1..].iter().map(|cell| (*cell).to_owned()).collect();
            continue;
        }
        let Some(address) = cells[0].strip_prefix('`').and_then(|cell| cell.strip_suffix('`')) else {
            continue;
        };
        if columns.is_empty() {
            continue;
        }
        assert_eq!(cells.len(), columns.len() + 1, "a cell is missing: {line}");
        let row = columns
            .iter()
            .cloned()
            .zip(cells[1..].iter().map(|cell| (*cell).to_owned()));
        let before = table.insert(address.to_owned(), row.collect());
        assert!(before.is_none(), "{address} is in the table twice");
    }
    table
}
