//! The time of an answer over the size of a tensor: S5 for binary tensors.

use super::own;
use crate::{
    case::Case,
    load::Wire,
    options::Options,
    pin::Pin,
    process::{Null, Server},
    report::{Curve, Figure, Line, Report},
    rounds::{Turn, alternate},
};

/// FP32 tensors, in KiB. 588 KiB are the 602 KB of S5: 3 x 224 x 224 numbers.
const SIZES: [usize; 7] = [1, 16, 64, 256, IMAGE, 1024, 4096];
const IMAGE: usize = 588;

pub fn run(options: &Options, report: &mut Report) {
    let pin = Pin::apart();
    let time = options.short_turn();
    let server = Server::start(&Case::frames(1).file, &pin);
    let null = Null::start(&pin);
    let mut lines: Vec<Line> = Vec::new();
    for size in SIZES {
        let case = Case::frames(size);
        let requests = Wire::ALL.map(|wire| case.request(wire));
        let [json, binary, _] = &requests;
        let mut turns: Vec<_> = requests
            .iter()
            .map(|request| Turn::load(own(request.wire), server.address, request, 1, time, &pin))
            .collect();
        turns.push(Turn::load("null server, JSON", null.address, json, 1, time, &pin));
        turns.push(Turn::load("null server, binary", null.address, binary, 1, time, &pin));
        turns.push(Turn::alone("loop, 1 thread", &case, 1, time, &pin));
        let medians = alternate(report, &format!("a tensor of {size} KiB"), &turns);
        if lines.is_empty() {
            lines = turns.iter().map(|turn| Line::new(turn.name.clone(), Vec::new())).collect();
        }
        for (line, median) in lines.iter_mut().zip(&medians) {
            report.say(format_args!("{:<24} p50 {:>9.0} us", line.name, median.p50));
            line.values.push(median.p50);
        }
        if size == IMAGE {
            let p50: Vec<f64> = medians.iter().map(|median| median.p50).collect();
            judge(&p50, report);
        }
    }
    report.curves.push(Curve {
        title: "Time of an answer over the size of an FP32 tensor, 1 caller, p50 in us".to_owned(),
        over: "KiB",
        points: SIZES.map(|size| size.to_string()).to_vec(),
        lines,
    });
}

/// The times of the three forms, of the null server with JSON and with binary tensors, and of the inference.
fn judge(p50: &[f64], report: &mut Report) {
    let &[json, binary, grpc, null_json, null_binary, inference] = p50 else { unreachable!("six turns") };
    let figure = |wire: Wire, own: f64, null: f64| {
        let what = format!("a tensor of 602 KB, {}, added over null server and inference, p50", wire.name());
        let of = format!("{own:.0} - {null:.0} - {inference:.0} us");
        Figure::new("S5", what, (own - null - inference) / 1e3, "ms").of(of)
    };
    report.add(figure(Wire::Json, json, null_json));
    report.add(figure(Wire::Binary, binary, null_binary).at_most(1.0));
    report.add(figure(Wire::Grpc, grpc, null_binary).at_most(1.0));
}
