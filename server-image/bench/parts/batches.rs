//! The rows a second over the rows of a request.

use super::{counted, factor, own};
use crate::{
    case::Case,
    load::Wire,
    options::Options,
    pin::Pin,
    process::{Peer, Server},
    report::{Curve, Line, Report},
    rounds::{Turn, alternate},
};

const ROWS: [usize; 5] = [1, 4, 16, 64, 256];
const CALLERS: u32 = 8;

pub fn run(options: &Options, report: &mut Report) {
    let pin = Pin::default();
    let (case, time) = (Case::breast_cancer(1), options.short_turn());
    let server = Server::start(&case.file, &pin);
    let peer = Peer::fastapi(&options.fastapi, 1, &case, &pin);
    let threads = pin.servers();
    let mut lines: Vec<Line> = Vec::new();
    for rows in ROWS {
        let case = Case::breast_cancer(rows);
        let requests = Wire::ALL.map(|wire| case.request(wire));
        let mut turns: Vec<_> = requests
            .iter()
            .map(|request| Turn::load(own(request.wire), server.address, request, CALLERS, time, &pin))
            .collect();
        turns.push(Turn::load("FastAPI, 1 process", peer.address, &requests[0], CALLERS, time, &pin));
        let name = format!("loop, {}", counted(threads, "thread", "threads"));
        turns.push(Turn::alone(name, &case, threads, time, &pin));
        let medians = alternate(report, &format!("requests of {}", counted(rows, "row", "rows")), &turns);
        if lines.is_empty() {
            lines = turns.iter().map(|turn| Line::new(turn.name.clone(), Vec::new())).collect();
        }
        for (line, median) in lines.iter_mut().zip(medians) {
            let value = median.rate * factor(rows);
            report.say(format_args!("{:<24} {value:>9.0} rows/s", line.name));
            line.values.push(value);
        }
    }
    report.curves.push(Curve {
        title: format!("Rows a second over the rows of a request, breast-cancer, {CALLERS} callers"),
        over: "rows",
        points: ROWS.map(|rows| rows.to_string()).to_vec(),
        lines,
    });
}
