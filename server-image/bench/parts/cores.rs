//! The answers a second over the number of processors: S15.

use super::{factor, own};
use crate::{
    case::Case,
    load::Wire,
    options::Options,
    pin::{self, Pin},
    process::Server,
    report::{Curve, Figure, Line, Report},
    rounds::{Turn, alternate},
};

const CALLERS: u32 = 8;

pub fn run(options: &Options, report: &mut Report) {
    let all = pin::processors();
    let mut counts: Vec<usize> =
        std::iter::successors(Some(1), |count| Some(count * 2)).take_while(|count| *count < all).collect();
    counts.push(all);
    for case in [Case::magika(&options.fastapi), Case::breast_cancer(1)] {
        one(&case, &counts, options, report);
    }
    report.note(format!(
        "S15: this machine has {all} processors. A server on all of them shares them with the load, which costs a heavy model \
         next to nothing, and a light one about as much as the server itself: for breast-cancer, only the points with fewer \
         processors than the machine has have a target."
    ));
}

fn one(case: &Case, counts: &[usize], options: &Options, report: &mut Report) {
    let request = case.request(Wire::Json);
    let [mut own_rates, mut loop_rates] = [Vec::new(), Vec::new()];
    for &count in counts {
        let pin = Pin::first(count);
        let server = Server::start(&case.file, &pin);
        let callers = CALLERS * u32::try_from(count).expect("a number of processors");
        let time = options.short_turn();
        let turns = [
            Turn::load(own(Wire::Json), server.address, &request, callers, time, &pin),
            Turn::alone("loop", case, count, time, &pin),
        ];
        let medians = alternate(report, &format!("{} on {count} processors", case.name), &turns);
        own_rates.push(medians[0].rate);
        loop_rates.push(medians[1].rate);
        report.say(format_args!("{:.0}/s, loop {:.0}/s", medians[0].rate, medians[1].rate));
        if count > 1 {
            let linear = |rates: &[f64]| rates[rates.len() - 1] / (rates[0] * factor(count));
            let what = format!("{}, {count} processors, by linear growth from one", case.name);
            let of = format!(
                "{:.0}/s of {count} x {:.0}/s; loop {:.2} x",
                medians[0].rate,
                own_rates[0],
                linear(&loop_rates)
            );
            let figure = Figure::new("S15", what, linear(&own_rates), "x").of(of);
            let is_clean = pin.is_apart() || case.name == "magika";
            report.add(if is_clean { figure.at_least(0.8) } else { figure });
        }
    }
    report.curves.push(Curve {
        title: format!("Answers a second over processors, {}, {CALLERS} callers for each", case.name),
        over: "processors",
        points: counts.iter().map(usize::to_string).collect(),
        lines: vec![Line::new(own(Wire::Json), own_rates), Line::new("loop, a thread for each", loop_rates)],
    });
}
