//! The results as Markdown.

use super::{Curve, Figure, Load, Report};

pub fn text(report: &Report) -> String {
    let mut parts = vec![
        "# The server's figures".to_owned(),
        format!(
            "`make bench-server` writes this file. {} processors ({}). With one caller of a light \
             model, the load has the last of them for itself; otherwise load and servers share them. Each load had 3 turns of {} s in \
             alternation with the others, of which these are the medians. On a shared machine only the ratios are meaningful. \
             *load* is how much of a processor the load itself took: near 100, it is the limit.",
            report.processors, report.processor, report.seconds,
        ),
    ];
    let mut section = |title: &str, body: Vec<String>| {
        if !body.is_empty() {
            parts.extend([format!("## {title}"), body.join("\n")]);
        }
    };
    section("Figures and targets", figures(&report.figures));
    section("Loads", loads(&report.loads));
    for one in &report.curves {
        section(&one.title, curve(one));
    }
    section("Notes", report.notes.iter().map(|note| format!("- {note}")).collect());
    parts.join("\n\n") + "\n"
}

fn figures(figures: &[Figure]) -> Vec<String> {
    let rows = figures.iter().map(|figure| {
        let Figure { id, what, of, .. } = figure;
        let (value, target) = (figure.value_text(), figure.target_text());
        vec![(*id).to_owned(), what.clone(), value, target, figure.mark().to_owned(), of.clone()]
    });
    table(["", "figure", "measured", "target", "reached", "of"].map(str::to_owned).to_vec(), rows)
}

fn loads(loads: &[Load]) -> Vec<String> {
    let rows = loads.iter().map(|load| {
        let Load { model, callers, server, measured } = load;
        let numbers =
            [measured.rate, measured.p50, measured.p99, measured.load].map(|number| format!("{number:.0}"));
        let names = [(*model).to_owned(), callers.to_string(), server.clone()];
        names.into_iter().chain(numbers).collect()
    });
    let head = ["model", "callers", "server", "answers/s", "p50, us", "p99, us", "load, %"];
    table(head.map(str::to_owned).to_vec(), rows)
}

fn curve(curve: &Curve) -> Vec<String> {
    let names = curve.lines.iter().map(|line| line.name.clone());
    let head = [curve.over.to_owned()].into_iter().chain(names).collect();
    let rows = curve.points.iter().enumerate().map(|(at, point)| {
        let values = curve.lines.iter().map(|line| format!("{:.0}", line.values[at]));
        [point.clone()].into_iter().chain(values).collect()
    });
    table(head, rows)
}

/// The lines of a table. None if it has no rows.
fn table(head: Vec<String>, rows: impl Iterator<Item = Vec<String>>) -> Vec<String> {
    let line = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
    let rows: Vec<String> = rows.map(line).collect();
    let rule = format!("|{}", "---|".repeat(head.len()));
    if rows.is_empty() { rows } else { [line(head), rule].into_iter().chain(rows).collect() }
}
