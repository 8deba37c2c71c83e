//! The curve as a picture: memory, the restart, the operator's speed and the switch, over the number of versions.

use std::fmt::Write as _;

use understudy_e2e::percentile;

use super::{
    point::Point,
    units::{megabytes, ratio},
};

/// The figures of one point.
pub struct Column {
    versions: usize,
    memory: f64,
    restart: f64,
    speed: f64,
    switch: f64,
}

impl Column {
    pub fn of(point: &Point) -> Self {
        Self {
            versions: point.versions,
            memory: megabytes(point.memory),
            restart: point.restart.from_leading.as_secs_f64(),
            speed: ratio(point.bare, point.took),
            switch: percentile(&point.promotions, 50).as_secs_f64() * 1000.0,
        }
    }
}

const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 220.0;
/// Room for the texts around a diagram.
const MARGIN: f64 = 44.0;

/// One diagram: its title, the target as a line, the values.
struct Diagram<'a> {
    title: &'a str,
    target: f64,
    values: Vec<f64>,
}

/// Four diagrams as SVG.
pub fn draw(columns: &[Column], empty: u64) -> String {
    let of = |title, target, value: fn(&Column) -> f64| Diagram {
        title,
        target,
        values: columns.iter().map(value).collect(),
    };
    let memory = format!("memory (MB; without a model {:.1})", megabytes(empty));
    let diagrams = [
        of(&memory, 80.0, |c| c.memory),
        of("seconds from leading until each object had a pass", 10.0, |c| c.restart),
        of("writes for new versions, speed by the bare loop's", 0.8, |c| c.speed),
        of("approval to the switch, p50 (ms)", 50.0, |c| c.switch),
    ];
    let (width, height) = (2.0 * WIDTH, 2.0 * HEIGHT);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" \
         font-size=\"11\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    let places = [(0.0, 0.0), (WIDTH, 0.0), (0.0, HEIGHT), (WIDTH, HEIGHT)];
    for (diagram, place) in diagrams.iter().zip(places) {
        one(&mut svg, diagram, columns, place);
    }
    svg.push_str("</svg>\n");
    svg
}

fn one(svg: &mut String, diagram: &Diagram<'_>, columns: &[Column], (left, top): (f64, f64)) {
    let most = diagram.values.iter().copied().fold(diagram.target, f64::max) * 1.15;
    let (inner_width, inner_height) = (WIDTH - 2.0 * MARGIN, HEIGHT - 2.0 * MARGIN);
    let bottom = top + HEIGHT - MARGIN;
    let y = |value: f64| bottom - value / most * inner_height;
    // The points are powers of ten, so equal steps are a logarithmic axis.
    let steps = f64::from(u32::try_from(columns.len().max(2) - 1).unwrap_or(1));
    let xs: Vec<f64> = (0..u32::try_from(columns.len()).unwrap_or(0))
        .map(|index| left + MARGIN + f64::from(index) / steps * inner_width)
        .collect();
    let line = |svg: &mut String, text: std::fmt::Arguments<'_>| {
        svg.write_fmt(text).expect("a string takes any text");
        svg.push('\n');
    };
    let (from, to) = (left + MARGIN, left + WIDTH - MARGIN);
    line(
        svg,
        format_args!("<text x=\"{from}\" y=\"{}\" font-weight=\"bold\">{}</text>", top + 22.0, diagram.title),
    );
    line(svg, format_args!("<path d=\"M{from} {bottom}H{to}\" stroke=\"#888\"/>"));
    let target = y(diagram.target);
    line(
        svg,
        format_args!("<path d=\"M{from} {target:.1}H{to}\" stroke=\"#c33\" stroke-dasharray=\"5 4\"/>"),
    );
    line(
        svg,
        format_args!(
            "<text x=\"{}\" y=\"{:.1}\" fill=\"#c33\">{}</text>",
            to + 4.0,
            target + 4.0,
            diagram.target
        ),
    );
    let path: Vec<String> =
        xs.iter().zip(&diagram.values).map(|(x, value)| format!("{x:.1},{:.1}", y(*value))).collect();
    line(
        svg,
        format_args!(
            "<polyline points=\"{}\" fill=\"none\" stroke=\"#26c\" stroke-width=\"2\"/>",
            path.join(" ")
        ),
    );
    for ((x, value), column) in xs.iter().zip(&diagram.values).zip(columns) {
        line(svg, format_args!("<circle cx=\"{x:.1}\" cy=\"{:.1}\" r=\"3\" fill=\"#26c\"/>", y(*value)));
        let digits = if *value < 10.0 { 2 } else { 1 };
        let above = y(*value) - 7.0;
        line(
            svg,
            format_args!(
                "<text x=\"{x:.1}\" y=\"{above:.1}\" text-anchor=\"middle\">{value:.digits$}</text>"
            ),
        );
        let below = bottom + 16.0;
        line(
            svg,
            format_args!(
                "<text x=\"{x:.1}\" y=\"{below}\" text-anchor=\"middle\">{}</text>",
                column.versions
            ),
        );
    }
}
