//! The loads as a picture: a diagram of bars for each model, at eight callers.

use std::fmt::Write as _;

use super::Load;

const WIDTH: f64 = 720.0;
/// Where the bars begin, after the names.
const LEFT: f64 = 190.0;
/// Where the longest bar ends, before its number.
const RIGHT: f64 = 640.0;
const BAR: f64 = 14.0;
const STEP: f64 = 20.0;
const TITLE: f64 = 34.0;
const CALLERS: u32 = 8;

/// The picture as SVG. `None` if nothing was measured with eight callers.
pub fn draw(loads: &[Load]) -> Option<String> {
    let shown: Vec<&Load> = loads.iter().filter(|load| load.callers == CALLERS).collect();
    let diagrams: Vec<Vec<&Load>> =
        shown.chunk_by(|one, other| one.model == other.model).map(with_one_limit).collect();
    let mut body = String::new();
    let mut top = 0.0;
    for diagram in &diagrams {
        top = one(&mut body, diagram, top).expect("a string takes any text");
    }
    (!diagrams.is_empty()).then(|| {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {}\" font-family=\"sans-serif\" \
             font-size=\"11\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n{body}</svg>\n",
            top + 12.0
        )
    })
}

/// Without the limits that are above another one. Of the loops, that with most threads counts.
fn with_one_limit<'l>(loads: &[&'l Load]) -> Vec<&'l Load> {
    let named = |part: &str| loads.iter().rfind(|load| load.server.contains(part));
    let limits = [named("null server"), named("loop")].into_iter().flatten();
    let least = limits.map(|load| load.measured.rate).fold(f64::INFINITY, f64::min);
    let is_shown = |load: &&&Load| !is_limit(load) || load.measured.rate.total_cmp(&least).is_eq();
    loads.iter().filter(is_shown).copied().collect()
}

fn is_limit(load: &Load) -> bool {
    load.server.starts_with("limit")
}

/// Adds a diagram. Returns where it ends.
fn one(svg: &mut String, loads: &[&Load], top: f64) -> Result<f64, std::fmt::Error> {
    let most = loads.iter().map(|load| load.measured.rate).fold(0.0, f64::max);
    let title = top + 22.0;
    let model = loads[0].model;
    writeln!(
        svg,
        "<text x=\"12\" y=\"{title}\" font-weight=\"bold\">{model}: answers a second, {CALLERS} callers</text>"
    )?;
    let mut y = top + TITLE;
    for load in loads {
        let length = load.measured.rate / most * (RIGHT - LEFT);
        let (text, end) = (y + BAR - 3.0, LEFT + length + 5.0);
        writeln!(svg, "<text x=\"{}\" y=\"{text}\" text-anchor=\"end\">{}</text>", LEFT - 6.0, load.server)?;
        writeln!(
            svg,
            "<rect x=\"{LEFT}\" y=\"{y}\" width=\"{length:.1}\" height=\"{BAR}\" fill=\"{}\"/>",
            colour(load)
        )?;
        writeln!(svg, "<text x=\"{end:.1}\" y=\"{text}\">{:.0}</text>", load.measured.rate)?;
        y += STEP;
    }
    Ok(y)
}

/// This server, the limits, the peers.
fn colour(load: &Load) -> &'static str {
    if load.server.starts_with("Understudy") {
        "#26c"
    } else if is_limit(load) {
        "#aaa"
    } else {
        "#c83"
    }
}
