//! Operators of a cluster find every reason that a server can give in `docs/operations.md`.

use std::path::Path;

use understudy_contract::Reason;

#[test]
fn every_reason_of_a_failed_start_has_a_row_in_the_table_of_conditions() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operations.md");
    let text = std::fs::read_to_string(path).expect("docs/operations.md can be read");
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
    let is_missing = |reason: &&Reason| !rows.iter().any(|row| row.contains(&format!("`{reason}`")));
    let missing: Vec<_> = Reason::ALL.iter().filter(is_missing).collect();
    assert!(
        missing.is_empty(),
        "docs/operations.md has no row for {missing:?}: say what it means and what to do"
    );
}
