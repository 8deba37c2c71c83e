//! The comparison as text, for a terminal.

use jiff::Timestamp;
use understudy_crds::{
    ColumnRole, Comparison, DataIssue, Difference, DriftingFeature, Estimate, Latency, LatencyInterval,
    Measure, OutputComparison, Role, RoleComparison,
    condition::{DATA_DRIFT, DATA_ISSUE},
};

use super::{
    classes, evaluation, number,
    report::{CompareReport, Standing},
    significance::{Figure, Significance, shows},
};
use crate::{state::State, table, when};

/// Why the values of an output are not as many as the pairs.
const VALUES: &str = "\
VALUES counts the labels or numbers of an output in all pairs. Scores are compared class by class; of two classes, only the second.
";
/// What the latency of both roles measures.
const LATENCY: &str = "\
Latency is the time from the end of the request's body to the end of the inference, before the response is encoded.
A copy that the challenger did not answer in time took at least spec.challenger.timeout.
";

/// In one line, how often both give the same label, output by output; `None` if no label was compared.
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

/// The whole report.
#[must_use]
pub fn full(compare: &CompareReport, now: Timestamp) -> String {
    let mut parts = vec![
        format!("{} in namespace {}\n", compare.name, compare.namespace),
        table::fields(&summary(compare, now)),
    ];
    if let Some(comparison) = compare.comparison.as_ref().filter(|c| copied(c) > 0) {
        parts.extend([outputs(compare, comparison), roles(compare, comparison)]);
        parts.extend(comparison.outcomes.as_ref().filter(|o| !o.classes.is_empty()).map(|outcomes| {
            classes::table(outcomes, &comparison.main.version, &comparison.challenger.version)
        }));
        parts.extend(comparison.outcomes.as_ref().and_then(|outcomes| {
            evaluation::calibration(outcomes, &comparison.main.version, &comparison.challenger.version)
        }));
    }
    if let Some(features) = compare.drift.as_ref().map(|d| &d.features).filter(|f| !f.is_empty()) {
        parts.push(drifting(features));
    }
    if let Some(found) = compare.drift.as_ref().map(|d| &d.issues).filter(|issues| !issues.is_empty()) {
        parts.push(issues(found));
    }
    if compare.standing == Standing::NoChallenger {
        parts.push(format!("To set one\n  {}\n", compare.set_challenger));
    }
    parts.join("\n")
}

/// Copied calls. A status by an older operator has only those of each role.
fn copied(comparison: &Comparison) -> i64 {
    comparison.roles.iter().map(|role| role.calls).chain([comparison.copied]).max().unwrap_or_default()
}

fn summary(compare: &CompareReport, now: Timestamp) -> Vec<(&'static str, String)> {
    let main = compare
        .main
        .as_ref()
        .map(|m| format!("{} ({}) since {}", m.version, m.model_version, when::moment(&m.since)));
    let mut rows = vec![
        ("Main", main.unwrap_or_else(|| "nothing is in Production: there are no calls to copy".to_owned())),
        ("Challenger", challenger(compare)),
    ];
    rows.extend(state(compare).map(|words| ("Ready", words)));
    rows.extend(compared(compare, now));
    for state in &compare.drift_states {
        let label = match state.condition.as_str() {
            DATA_DRIFT => "Inputs drift",
            DATA_ISSUE => "Data issues",
            _ => "Outputs drift",
        };
        rows.push((label, drift_in_words(state)));
    }
    if compare.drift_states.is_empty() && compare.main.is_some() {
        rows.push((
            "Drift",
            "not measured: main has no baseline, or its pods have not read it yet".to_owned(),
        ));
    }
    rows
}

fn challenger(compare: &CompareReport) -> String {
    let Some(requested) = &compare.requested else {
        return match compare.candidates.as_slice() {
            [] => "not set, and no version is in Staging".to_owned(),
            staged => format!("not set; in Staging: {}", staged.join(", ")),
        };
    };
    match compare.challenger.as_ref().filter(|c| c.version == requested.version) {
        Some(c) => format!(
            "{} ({}) since {}, {} of {} pods ready; gets copies of {} % of the calls",
            c.version,
            c.model_version,
            when::moment(&c.since),
            c.ready_replicas,
            requested.replicas,
            requested.sample_percent
        ),
        None => format!("{} is set and gets no calls", requested.version),
    }
}

/// The condition `ChallengerReady`, if a challenger is set.
fn state(compare: &CompareReport) -> Option<String> {
    compare.requested.as_ref()?;
    Some(compare.state.as_ref().map_or_else(
        || {
            "not known: the operator has not processed this challenger yet. Check that it runs and watches this namespace"
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
            Some((LABEL, format!("{}; as of {} ago", no_pairs(compare), when::age(&c.at, now))))
        }
        (Standing::Compared, Some(c)) => Some((
            LABEL,
            format!(
                "{}\nA pair is one row of a call that both answered with a prediction. Copied calls: {}.",
                pairs(c, now),
                copied(c)
            ),
        )),
        (_, Some(c)) => Some((
            "Before",
            format!("{} with main {}: {}", c.challenger.version, c.main.version, pairs(c, now)),
        )),
        (_, None) => None,
    }
}

fn no_pairs(compare: &CompareReport) -> String {
    match compare.requested.as_ref().map(|requested| requested.sample_percent) {
        Some(0) => "no pairs, because samplePercent is 0".to_owned(),
        _ => "no pairs yet: a pair is one row of a call that both answered with a prediction".to_owned(),
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

fn outputs(compare: &CompareReport, comparison: &Comparison) -> String {
    if comparison.outputs.is_empty() {
        return "Predictions: no output was compared\n".to_owned();
    }
    let rows: Vec<[String; 6]> =
        comparison.outputs.iter().map(|output| output_row(compare, output)).collect();
    let headings = ["OUTPUT", "VALUES", "SAME", "MEAN ABSOLUTE DIFFERENCE", "CORRELATION", "READING"];
    let left_out = comparison.outputs.iter().filter(|output| output.left_out > 0).map(|output| {
        format!(
            "{} values of {} cannot be compared: not a number, infinite, or of different shapes.\n",
            output.left_out, output.name
        )
    });
    let left_out: String = left_out.collect();
    format!("Predictions, with 95 % intervals\n{}{VALUES}{left_out}", table::table(headings, &rows))
}

fn output_row(compare: &CompareReport, output: &OutputComparison) -> [String; 6] {
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
        // The row shows the more careful reading.
        significances
            .iter()
            .find(|s| **s == Significance::TooFewToTell)
            .or(significances.first())
            .map(|s| s.words().to_owned())
            .unwrap_or_default(),
    ]
}

fn roles(compare: &CompareReport, comparison: &Comparison) -> String {
    let role = |role| comparison.roles.iter().find(|r| r.role == role);
    let (main, challenger) = (role(Role::Main), role(Role::Challenger));
    let row = |what: &str, show: fn(&RoleComparison) -> Option<String>, reading: Option<String>| {
        [
            what.to_owned(),
            main.and_then(show).unwrap_or_default(),
            challenger.and_then(show).unwrap_or_default(),
            reading.unwrap_or_default(),
        ]
    };
    let mut rows = vec![
        ["copied calls".to_owned(), copied(comparison).to_string(), answered(comparison), String::new()],
        row("errors", |r| Some(errors(r)), reading(compare, Figure::Errors, comparison.error_difference)),
        row("latency p50", |r| r.latency.as_ref().map(p50), None),
        row("latency p99", |r| r.latency.as_ref().map(p99), None),
    ];
    rows.extend(accuracy(compare, comparison));
    rows.extend(balanced_accuracy(compare, comparison));
    rows.extend(comparison.outcomes.iter().flat_map(|outcomes| evaluation::rows(compare, outcomes)));
    let headings = [
        "EACH ROLE",
        &format!("MAIN {}", comparison.main.version),
        &format!("CHALLENGER {}", comparison.challenger.version),
        "READING",
    ];
    let measured = comparison.roles.iter().any(|role| role.latency.is_some());
    format!("{}{}", table::table(headings, &rows), if measured { LATENCY } else { "" })
}

/// How many of the copied calls the challenger answered.
fn answered(comparison: &Comparison) -> String {
    let challenger = comparison.roles.iter().find(|r| r.role == Role::Challenger);
    let share =
        comparison.availability.map(|e| format!(", {}", number::percent_between(e.value, e.low, e.high)));
    format!("{} answered{}", challenger.map_or(0, |role| role.calls), share.unwrap_or_default())
}

fn p50(latency: &Latency) -> String {
    duration(latency.p50_micros, latency.p50_interval, latency.p50_at_least)
}

fn p99(latency: &Latency) -> String {
    duration(latency.p99_micros, latency.p99_interval, latency.p99_at_least)
}

fn duration(micros: i64, interval: Option<LatencyInterval>, at_least: bool) -> String {
    let value = number::duration(micros);
    match interval {
        _ if at_least => format!("at least {value}"),
        None => value,
        Some(LatencyInterval { low_micros: low, high_micros: None }) => {
            format!("{value} ({} or more)", number::duration(low))
        }
        Some(LatencyInterval { low_micros: low, high_micros: Some(high) }) => {
            format!("{value} ({} to {})", number::duration(low), number::duration(high))
        }
    }
}

fn errors(role: &RoleComparison) -> String {
    let share = role.error_rate.map(|e| format!(", {}", number::percent_between(e.value, e.low, e.high)));
    format!("{}{}", role.errors, share.unwrap_or_default())
}

/// How often each role predicted the outcome, for calls whose outcome was reported.
fn accuracy(compare: &CompareReport, comparison: &Comparison) -> Option<[String; 4]> {
    let outcomes = comparison.outcomes.as_ref().filter(|outcomes| outcomes.main.is_some())?;
    let share = |measure: Option<Measure>| {
        measure
            .map(|m| format!("{} of {}", number::percent_between(m.value, m.low, m.high), m.compared))
            .unwrap_or_default()
    };
    let reading = reading(compare, Figure::Accuracy, outcomes.difference);
    let name = "accuracy".to_owned();
    Some([name, share(outcomes.main), share(outcomes.challenger), reading.unwrap_or_default()])
}

/// What the difference of a figure of both roles allows to conclude.
fn reading(compare: &CompareReport, figure: Figure, difference: Option<Difference>) -> Option<String> {
    let Difference { value, low, high, p_value, .. } = difference?;
    Some(about(compare.significance(figure, None)?, value, low, high, Some(p_value)))
}

/// The mean recall of all classes, for calls whose outcome was reported.
fn balanced_accuracy(compare: &CompareReport, comparison: &Comparison) -> Option<[String; 4]> {
    let balanced = comparison.outcomes.as_ref()?.balanced_accuracy.as_ref()?;
    let reading = compare
        .significance(Figure::BalancedAccuracy, None)
        .zip(balanced.difference)
        .map(|(reading, Estimate { value, low, high })| about(reading, value, low, high, None));
    let name = "balanced accuracy".to_owned();
    Some([
        name,
        number::share(balanced.main),
        number::share(balanced.challenger),
        reading.unwrap_or_default(),
    ])
}

/// What a condition about drift or issues says. The tables below have the features that its message lists.
fn drift_in_words(state: &State) -> String {
    let summary = match (state.status.as_str(), state.condition.as_str()) {
        ("True", DATA_ISSUE) => "listed below",
        ("True", _) => state.message.split(": ").next().unwrap_or_default(),
        _ => return in_words(state),
    };
    format!("yes, {}: {summary}", state.reason)
}

/// A reading with the difference that it is about. Without a difference, it also has the smallest one that would show.
fn about(reading: Significance, value: f64, low: f64, high: f64, p_value: Option<f64>) -> String {
    let difference = number::points_between(value, low, high);
    let p_value = p_value.map(|p| format!(", {}", number::p_value(p))).unwrap_or_default();
    let shows = match reading {
        Significance::NoDifferenceYet => format!("; {} would show", number::points(shows(low, high))),
        _ => String::new(),
    };
    format!("{}: {difference}{p_value}{shows}", reading.words())
}

fn drifting(features: &[DriftingFeature]) -> String {
    let rows: Vec<[String; 7]> = features
        .iter()
        .map(|feature| {
            [
                feature.name.clone(),
                role(feature.role).to_owned(),
                number::number(feature.distance),
                number::number(feature.limit),
                feature.change.clone(),
                feature.samples.to_string(),
                when::moment(&feature.since),
            ]
        })
        .collect();
    table::table(["DRIFTING FEATURE", "ROLE", "DISTANCE", "LIMIT", "CHANGE", "VALUES", "SINCE"], &rows)
}

fn issues(issues: &[DataIssue]) -> String {
    let rows: Vec<[String; 4]> = issues
        .iter()
        .map(|issue| {
            [
                issue.name.clone(),
                role(issue.role).to_owned(),
                issue.message.clone(),
                when::moment(&issue.since),
            ]
        })
        .collect();
    table::table(["FEATURE WITH AN ISSUE", "ROLE", "WHAT", "SINCE"], &rows)
}

fn role(role: ColumnRole) -> &'static str {
    match role {
        ColumnRole::Input => "input",
        ColumnRole::Output => "output",
    }
}
