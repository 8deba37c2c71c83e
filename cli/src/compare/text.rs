//! The comparison as text, for a terminal.

use jiff::Timestamp;
use understudy_crds::{
    ColumnRole, Comparison, DriftStatistic, DriftingFeature, Measure, OutputComparison, Role, RoleComparison,
    condition::DATA_DRIFT,
};

use super::{
    number,
    report::{CompareReport, Standing},
    significance::{Figure, Significance},
};
use crate::{state::State, table, when};

/// How often both gave the same answer, output by output, in one line; none where nothing was compared.
#[must_use]
pub fn agreement(comparison: &Comparison) -> Option<String> {
    let shares = comparison.outputs.iter().filter_map(|output| {
        let share = output.agreement?;
        Some(format!(
            "{} agrees {}",
            output.name,
            number::percent_between(share.value, share.low, share.high)
        ))
    });
    let shares: Vec<String> = shares.collect();
    (!shares.is_empty()).then(|| shares.join(", "))
}

/// All of it.
#[must_use]
pub fn full(compare: &CompareReport, now: Timestamp) -> String {
    let mut parts = vec![
        format!("{} in namespace {}\n", compare.name, compare.namespace),
        table::fields(&summary(compare, now)),
    ];
    if let Some(comparison) = compare.comparison.as_ref().filter(|c| c.pairs > 0 || answered(c)) {
        parts.extend([answers(compare, comparison), both(compare, comparison)]);
    }
    if let Some(features) = compare.drift.as_ref().map(|d| &d.features).filter(|f| !f.is_empty()) {
        parts.push(drifting(features));
    }
    if compare.standing == Standing::NoChallenger {
        parts.push(format!("To set one\n  {}\n", compare.set_challenger));
    }
    parts.join("\n")
}

/// Whether there are figures though no call was answered well by both.
fn answered(comparison: &Comparison) -> bool {
    comparison.roles.iter().any(|role| role.calls > 0)
}

fn summary(compare: &CompareReport, now: Timestamp) -> Vec<(&'static str, String)> {
    let main = compare
        .main
        .as_ref()
        .map(|m| format!("{} ({}) since {}", m.version, m.model_version, when::moment(&m.since)));
    let mut rows = vec![
        ("Main", main.unwrap_or_else(|| "nothing is in Production: no call could be copied".to_owned())),
        ("Challenger", challenger(compare)),
    ];
    rows.extend(state(compare).map(|words| ("Ready", words)));
    rows.extend(compared(compare, now));
    for state in &compare.drift_states {
        let label = if state.condition == DATA_DRIFT { "Inputs drift" } else { "Outputs drift" };
        rows.push((label, in_words(state)));
    }
    if compare.drift_states.is_empty() && compare.main.is_some() {
        rows.push(("Drift", "not measured: main has no baseline, or none has been read yet".to_owned()));
    }
    rows
}

fn challenger(compare: &CompareReport) -> String {
    let Some(asked) = &compare.asked else {
        return match compare.candidates.as_slice() {
            [] => "none is set; it must be a version approved for Staging, and none is there".to_owned(),
            staged => format!("none is set; in Staging: {}", staged.join(", ")),
        };
    };
    match compare.challenger.as_ref().filter(|c| c.version == asked.version) {
        Some(c) => format!(
            "{} ({}) since {}, {} of {} pods ready; gets {} % of the calls",
            c.version,
            c.model_version,
            when::moment(&c.since),
            c.ready_replicas,
            asked.replicas,
            asked.sample_percent
        ),
        None => format!("{} is asked for, and gets no calls", asked.version),
    }
}

/// The operator's word about a challenger that is asked for.
fn state(compare: &CompareReport) -> Option<String> {
    compare.asked.as_ref()?;
    Some(compare.state.as_ref().map_or_else(
        || {
            "not known: the operator has not looked at it yet; does it run, and does it watch this namespace?"
                .to_owned()
        },
        in_words,
    ))
}

fn in_words(state: &State) -> String {
    let word = match state.status.as_str() {
        "True" => "yes",
        "False" => "no",
        _ => "not known",
    };
    format!("{word}, {}: {}", state.reason, state.message)
}

fn compared(compare: &CompareReport, now: Timestamp) -> Option<(&'static str, String)> {
    const LABEL: &str = "Compared";
    let figures = compare.comparison.as_ref();
    match (compare.standing, figures) {
        (Standing::NoPairs, None) => Some((LABEL, no_pairs(compare))),
        (Standing::NoPairs, Some(c)) if c.pairs == 0 => {
            Some((LABEL, format!("{}; looked {} ago", no_pairs(compare), when::age(&c.at, now))))
        }
        (Standing::Compared, Some(c)) => Some((LABEL, pairs(c, now))),
        (_, Some(c)) => Some((
            "Before",
            format!("{} with main {}: {}", c.challenger.version, c.main.version, pairs(c, now)),
        )),
        (_, None) => None,
    }
}

fn no_pairs(compare: &CompareReport) -> String {
    match compare.asked.as_ref().map(|asked| asked.sample_percent) {
        Some(0) => "no pairs, since samplePercent is 0".to_owned(),
        _ => "no pairs yet: a pair is a call to main whose copy the challenger answered too".to_owned(),
    }
}

fn pairs(comparison: &Comparison, now: Timestamp) -> String {
    let seconds = comparison.at.0.as_second() - comparison.since.0.as_second();
    let what = if comparison.pairs == 1 { "pair" } else { "pairs" };
    format!(
        "{} {what} in {}, since {}, as of {} ago",
        comparison.pairs,
        when::span(seconds),
        when::moment(&comparison.since),
        when::age(&comparison.at, now)
    )
}

fn answers(compare: &CompareReport, comparison: &Comparison) -> String {
    if comparison.outputs.is_empty() {
        return "Answers: no output was compared\n".to_owned();
    }
    let rows: Vec<[String; 6]> = comparison.outputs.iter().map(|output| answer(compare, output)).collect();
    let headings = ["OUTPUT", "COMPARED", "SAME", "MEAN ABSOLUTE DIFFERENCE", "CORRELATION", "READING"];
    format!("Answers, with 95 % intervals\n{}", table::table(headings, &rows))
}

fn answer(compare: &CompareReport, output: &OutputComparison) -> [String; 6] {
    let show = |measure: Option<Measure>, how: fn(f64, f64, f64) -> String| {
        measure.map(|m| how(m.value, m.low, m.high)).unwrap_or_default()
    };
    let measures = [output.agreement, output.mean_absolute_difference, output.correlation];
    let values = measures.iter().flatten().map(|m| m.compared).max();
    let significances: Vec<Significance> =
        [Figure::Agreement, Figure::MeanAbsoluteDifference, Figure::Correlation]
            .into_iter()
            .filter_map(|figure| compare.significance(figure, Some(&output.name)))
            .collect();
    [
        output.name.clone(),
        values.map(|v| v.to_string()).unwrap_or_default(),
        show(output.agreement, number::percent_between),
        show(output.mean_absolute_difference, number::between),
        show(output.correlation, number::correlation),
        // One figure that cannot be told is enough to be careful with the row.
        significances
            .iter()
            .find(|v| **v == Significance::TooFewToTell)
            .or(significances.first())
            .map(|v| v.words().to_owned())
            .unwrap_or_default(),
    ]
}

fn both(compare: &CompareReport, comparison: &Comparison) -> String {
    let role = |role| comparison.roles.iter().find(|r| r.role == role);
    let (main, challenger) = (role(Role::Main), role(Role::Challenger));
    let row = |what: &str, show: fn(&RoleComparison) -> Option<String>, reading: Option<Significance>| {
        [
            what.to_owned(),
            main.and_then(show).unwrap_or_default(),
            challenger.and_then(show).unwrap_or_default(),
            reading.map(|v| v.words().to_owned()).unwrap_or_default(),
        ]
    };
    let mut rows = vec![
        row("calls", |r| Some(r.calls.to_string()), None),
        row("errors", |r| Some(errors(r)), compare.significance(Figure::Errors, None)),
        row("latency p50", |r| r.latency.as_ref().map(|l| number::duration(l.p50_micros)), None),
        row("latency p99", |r| r.latency.as_ref().map(|l| number::duration(l.p99_micros)), None),
    ];
    rows.extend(right(compare, comparison));
    let headings = [
        "EACH BY ITSELF",
        &format!("MAIN {}", comparison.main.version),
        &format!("CHALLENGER {}", comparison.challenger.version),
        "READING",
    ];
    table::table(headings, &rows)
}

fn errors(role: &RoleComparison) -> String {
    let share = role.error_rate.map(|e| format!(", {}", number::percent_between(e.value, e.low, e.high)));
    format!("{}{}", role.errors, share.unwrap_or_default())
}

/// How often each was right, where the truth came in later.
fn right(compare: &CompareReport, comparison: &Comparison) -> Option<[String; 4]> {
    let outcomes = comparison.outcomes.as_ref().filter(|o| o.joined > 0)?;
    let share = |measure: Option<Measure>| {
        measure.map(|m| format!("{} of {}", number::percent_between(m.value, m.low, m.high), m.compared))
    };
    Some([
        "right".to_owned(),
        share(outcomes.main).unwrap_or_default(),
        share(outcomes.challenger).unwrap_or_default(),
        compare.significance(Figure::Accuracy, None).map(|v| v.words().to_owned()).unwrap_or_default(),
    ])
}

fn drifting(features: &[DriftingFeature]) -> String {
    let rows: Vec<[String; 5]> = features
        .iter()
        .map(|feature| {
            let role = match feature.role {
                ColumnRole::Input => "input",
                ColumnRole::Output => "output",
            };
            let DriftStatistic::Psi = feature.statistic;
            [
                feature.name.clone(),
                role.to_owned(),
                number::number(feature.value),
                feature.samples.to_string(),
                when::moment(&feature.since),
            ]
        })
        .collect();
    table::table(["DRIFTS", "ROLE", "PSI", "VALUES", "SINCE"], &rows)
}
