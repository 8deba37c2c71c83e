//! Tables in the layout of kubectl.

/// kubectl, too, puts three spaces between columns.
const GAP: &str = "   ";

/// Rows under their headings. Each column is as wide as its widest cell; an empty cell is shown as `-`.
#[must_use]
pub fn table<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> String {
    let shown = |cell: &str| if cell.is_empty() { "-".to_owned() } else { cell.replace('\n', " ") };
    let lines: Vec<[String; N]> = std::iter::once(headings.map(str::to_owned))
        .chain(rows.iter().map(|row| row.each_ref().map(|c| shown(c))))
        .collect();
    let widths: [usize; N] =
        std::array::from_fn(|i| lines.iter().map(|line| line[i].chars().count()).max().unwrap_or_default());
    let mut text = String::new();
    for line in &lines {
        let cells: Vec<String> =
            line.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        text.push_str(cells.join(GAP).trim_end());
        text.push('\n');
    }
    text
}

/// Lines of `Label   value`. A value of several lines stays in its column.
#[must_use]
pub fn fields(rows: &[(&str, String)]) -> String {
    let width = rows.iter().map(|(label, _)| label.chars().count()).max().unwrap_or_default();
    let mut text = String::new();
    for (label, value) in rows {
        for (i, line) in value.lines().enumerate() {
            let label = if i == 0 { label } else { "" };
            text.push_str(format!("{label:<width$}{GAP}{line}").trim_end());
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_an_empty_cell_is_a_dash() {
        let rows = [["fraud".to_owned(), "1.3.0".to_owned()], ["f".to_owned(), String::new()]];
        assert_eq!(table(["NAME", "MAIN"], &rows), "NAME    MAIN\nfraud   1.3.0\nf       -\n");
    }

    #[test]
    fn a_value_of_two_lines_stays_in_its_column() {
        assert_eq!(
            fields(&[("Digest", "a\nb".into()), ("By", "c".into())]),
            "Digest   a\n         b\nBy       c\n"
        );
    }
}
