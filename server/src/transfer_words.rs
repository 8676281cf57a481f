//! How backups and moves tell what they carried.

use store::Moved;

/// `2 accounts, 12 agents and 340 runs (15,204 rows in 17 tables)`.
pub fn rows(moved: &Moved) -> String {
    let of = |table: &str| {
        moved
            .iter()
            .find(|(name, _)| name == table)
            .map_or(0, |(_, contents)| contents.rows)
    };
    let all: u64 = moved.iter().map(|(_, contents)| contents.rows).sum();
    format!(
        "{}, {} and {} ({} in {} tables)",
        count(of("users"), "account"),
        count(of("agents"), "agent"),
        count(of("runs"), "run"),
        count(all, "row"),
        moved.len()
    )
}

fn count(number: u64, what: &str) -> String {
    if number == 1 {
        format!("1 {what}")
    } else {
        format!("{number} {what}s")
    }
}
