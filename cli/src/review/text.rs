//! The review as text, for a terminal.

use jiff::Timestamp;
use understudy_crds::{
    Comparison, Grant, Runtime, Stage, Tolerance, Transition, Verdict,
    annotations::{APPROVED_BY, REJECTED_BY},
};

use super::{
    metrics::MetricRow,
    report::{ReviewReport, YOUR_NAME},
    signature::{Direction, SignatureDifference},
};
use crate::{approvals, compare::text::agreement, main_record::approval_in_words, table, when};

/// The whole review.
#[must_use]
pub fn full(review: &ReviewReport, now: Timestamp) -> String {
    let mut parts = vec![summary(review, now), section("Documentation", &documentation(review))];
    if let Some(commands) = &review.commands {
        let plain = |command: &str| format!("or {command}");
        let mut lines = vec![
            commands.approve.clone(),
            plain(&commands.kubectl_approve),
            commands.reject.clone(),
            plain(&commands.kubectl_reject),
        ];
        if commands.name_stamped {
            lines.push(stamp_note());
        }
        parts.push(section("To decide", &lines));
    }
    parts.join("\n")
}

/// The API server can add names. That does not prove that the chart was installed with its stamp policy.
fn stamp_note() -> String {
    format!(
        "This cluster adds your name to the plain kubectl commands. If it refuses because the name is missing,\n  \
         the chart's stamp policy is not installed: add {APPROVED_BY}={YOUR_NAME} or {REJECTED_BY}={YOUR_NAME}."
    )
}

/// Indented lines under a heading.
fn section(heading: &str, lines: &[String]) -> String {
    let indented = lines.iter().map(|line| format!("  {line}").trim_end().to_owned());
    let all: Vec<String> = std::iter::once(heading.to_owned()).chain(indented).collect();
    all.join("\n") + "\n"
}

/// The review without documentation and commands: `approve` shows it before it asks.
#[must_use]
pub fn summary(review: &ReviewReport, now: Timestamp) -> String {
    let mut text = format!(
        "{} {} (ModelVersion {} in namespace {}), in stage {}\n\n",
        review.deployment, review.version, review.name, review.namespace, review.stage
    );
    text.push_str(&table::fields(&rows(review, now)));
    text.push('\n');
    text.push_str(&evaluation(review));
    text
}

fn rows(review: &ReviewReport, now: Timestamp) -> Vec<(&'static str, String)> {
    let mut rows =
        vec![("Request", review.transition.as_ref().map_or("none".to_owned(), |t| request(t, now)))];
    if let Some(transition) = &review.transition {
        let said = |comment: &String| format!("{}: {}", transition.requested_by, one_line(comment));
        rows.extend(transition.comment.as_ref().map(|comment| ("Comment", said(comment))));
        rows.push(("Approvals", approved(transition, now)));
    }
    if let Some(state) = &review.state {
        let label = if state.condition == "Approvable" { "Approvable" } else { "Ready" };
        let yes = if state.status == "True" { "yes" } else { "no" };
        rows.push((label, format!("{yes}, {}: {}", state.reason, state.message)));
    }
    if let Some(failure) = &review.last_failure {
        rows.push((
            "Last failure",
            format!("{}: {} ({} ago)", failure.reason, failure.message, when::age(&failure.at, now)),
        ));
    }
    if let Some(effect) = &review.effect {
        rows.push(("If approved", effect.clone()));
    }
    rows.extend(review.breaking.as_ref().map(|breaking| ("Callers", breaking.in_words())));
    rows.push(("Main now", main(review)));
    rows.extend(review.live.as_ref().map(|live| ("Live", as_challenger(review, live, now))));
    let size = review.bytes.map(|b| format!(", {b} bytes")).unwrap_or_default();
    rows.push(("Artifact", format!("{}{size}", review.uri)));
    rows.push(("Digest", review.digest.clone()));
    rows.extend((!review.preprocessing.is_empty()).then(|| ("Preprocessing", preprocessing(review))));
    rows.extend(review.runtime.as_ref().map(|runtime| ("Runtime", image(review, runtime))));
    rows.extend(review.baseline_uri.iter().map(|uri| ("Baseline", uri.clone())));
    rows.push(("Examples", examples(review)));
    rows.push(("Brings along", review.brings.in_words()));
    rows.push(("Signature", signature(review)));
    rows.push(("Acceptance", acceptance(review, now)));
    rows.push(("Provenance", provenance(review)));
    rows
}

/// The graphs that run before the model, one in each line.
fn preprocessing(review: &ReviewReport) -> String {
    let lines: Vec<_> =
        review.preprocessing.iter().map(|graph| format!("{}, {}", graph.uri, graph.digest)).collect();
    lines.join("\n")
}

/// The image that runs the model, how it starts, and what runs main.
fn image(review: &ReviewReport, runtime: &Runtime) -> String {
    let of_main = match (&review.main, &review.main_runtime_image) {
        (None, _) => None,
        (Some(_), Some(image)) if *image == runtime.image => Some("main has the same image".to_owned()),
        (Some(_), Some(image)) => Some(format!("OTHER IMAGE than main, which has {image}")),
        (Some(_), None) => Some("OTHER ENGINE than main, which the built-in engine runs".to_owned()),
    };
    let arguments =
        (!runtime.args.is_empty()).then(|| format!("arguments: {}", one_line(&runtime.args.join(" "))));
    let variables = runtime.env.iter().map(|one| one_line(&format!("{}={}", one.name, one.value)));
    std::iter::once(runtime.image.clone())
        .chain(of_main)
        .chain(arguments)
        .chain(variables)
        .collect::<Vec<_>>()
        .join("\n")
}

/// Whether there are examples, and what is known about whether the model answers.
fn examples(review: &ReviewReport) -> String {
    let file = review.examples.as_ref().map_or_else(
        || "none".to_owned(),
        |examples| {
            let Tolerance { absolute, relative } = examples.tolerance;
            format!("{}, tolerance {absolute} + {relative} * |expected|", examples.uri)
        },
    );
    match (&review.proven, &review.examples) {
        (Some(proven), _) => format!("{file}\n{}: {}", proven.reason, proven.message),
        (None, Some(_)) => format!("{file}\nno pod has reproduced them yet"),
        (None, None) => file,
    }
}

fn main(review: &ReviewReport) -> String {
    let main = match &review.main {
        Some(m) => format!("{} ({}) since {}", m.version, m.model_version, when::moment(&m.since)),
        None if review.stage == Stage::Production => "this version".to_owned(),
        None => return "nothing is in Production".to_owned(),
    };
    let Some(row) = &review.main_record else { return main };
    let Some(by) = &row.rolled_back_by else { return main };
    let approval = row.approval.as_ref().map(|a| format!("; {}", approval_in_words(a)));
    let comment = row.record.comment.as_ref().map(|comment| format!(" ({})", one_line(comment)));
    format!("{main}, rolled back by {by}{}{}", comment.unwrap_or_default(), approval.unwrap_or_default())
}

/// How it compares with main as its challenger.
fn as_challenger(review: &ReviewReport, live: &Comparison, now: Timestamp) -> String {
    let agreement = agreement(live).map(|words| format!(": {words}")).unwrap_or_default();
    format!(
        "challenger of {}, {} pairs as of {} ago{agreement}\nkubectl understudy compare {} shows more",
        live.main.version,
        live.pairs,
        when::age(&live.at, now),
        review.deployment
    )
}

/// How many people have approved, and what they said.
fn approved(transition: &Transition, now: Timestamp) -> String {
    let who = |grant: &Grant| {
        let at = when::age(&grant.at, now);
        let comment = grant.comment.as_ref().map(|comment| format!(": {}", one_line(comment)));
        format!("{} {at} ago{}", grant.by, comment.unwrap_or_default())
    };
    let lines = approvals::given(transition).iter().map(who);
    std::iter::once(approvals::in_words(transition)).chain(lines).collect::<Vec<_>>().join("\n")
}

/// A comment cannot look like another row.
fn one_line(comment: &str) -> String {
    comment.lines().collect::<Vec<_>>().join(" ")
}

fn request(transition: &Transition, now: Timestamp) -> String {
    let end = match (&transition.approval, &transition.expires_at) {
        (Some(grant), _) => format!("; approved {} ago, rolls out", when::age(&grant.at, now)),
        (None, Some(at)) => format!("; {}", when::expiry(at, now)),
        (None, None) => String::new(),
    };
    let Transition { from, to, id, requested_by, requested_at, .. } = transition;
    format!("{from} -> {to}, id {id}, by {requested_by} {} ago{end}", when::age(requested_at, now))
}

fn signature(review: &ReviewReport) -> String {
    match &review.signature {
        SignatureDifference::UnknownYet {} => "not known before it has run in Staging".to_owned(),
        SignatureDifference::NoMain {} if review.main.is_some() => {
            "not compared: the signature of main is not known".to_owned()
        }
        SignatureDifference::NoMain {} => "not compared: no other version is main".to_owned(),
        SignatureDifference::Compared { changes } if changes.is_empty() => {
            "the same inputs and outputs as main".to_owned()
        }
        SignatureDifference::Compared { changes } => {
            let lines = changes.iter().map(|change| {
                let direction = match change.direction {
                    Direction::Input => "input",
                    Direction::Output => "output",
                };
                let name = &change.name;
                match (&change.main, &change.own) {
                    (Some(main), Some(own)) => format!("{direction} {name}: {own}, main has {main}"),
                    (None, Some(own)) => format!("{direction} {name}: {own}, main has none"),
                    (_, None) => format!(
                        "{direction} {name}: missing, main has {}",
                        change.main.as_deref().unwrap_or_default()
                    ),
                }
            });
            format!("differs from main:\n{}", lines.collect::<Vec<_>>().join("\n"))
        }
    }
}

fn acceptance(review: &ReviewReport, now: Timestamp) -> String {
    match &review.acceptance {
        Some(given) => {
            let verdict = match given.verdict {
                Verdict::Passed => "passed",
                Verdict::Failed => "FAILED",
            };
            let feedback = given.feedback.as_ref().map(|f| format!(": {f}")).unwrap_or_default();
            format!("{verdict}, by {} {} ago{feedback}", given.by, when::age(&given.at, now))
        }
        None if review.acceptance_required => "none given; Production needs one".to_owned(),
        None => "none given; optional".to_owned(),
    }
}

fn provenance(review: &ReviewReport) -> String {
    let Some(provenance) = &review.provenance else { return "none given".to_owned() };
    let parts = [("run", &provenance.run), ("commit", &provenance.git_commit), ("data", &provenance.dataset)];
    let lines: Vec<String> =
        parts.iter().filter_map(|(what, value)| value.as_ref().map(|v| format!("{what} {v}"))).collect();
    if lines.is_empty() { "none given".to_owned() } else { lines.join("\n") }
}

fn evaluation(review: &ReviewReport) -> String {
    if review.metrics.is_empty() {
        return "No evaluation is given, and no metric gate requires one.\n".to_owned();
    }
    let on = review.dataset.as_ref().map(|d| format!(" on {d}")).unwrap_or_default();
    let main = review.main.as_ref().map_or("MAIN".to_owned(), |m| format!("MAIN {}", m.version));
    let rows: Vec<[String; 5]> = review.metrics.iter().map(metric).collect();
    let headings = ["METRIC", &review.version, &main, "DIFFERENCE", "GATE FOR PRODUCTION"];
    format!("Evaluation{on}\n{}", table::table(headings, &rows))
}

fn metric(row: &MetricRow) -> [String; 5] {
    let number = |value: Option<f64>| value.map(|v| v.to_string()).unwrap_or_default();
    let gates: Vec<String> = row
        .gates
        .iter()
        .map(|gate| format!("{}: {}", gate.rule, if gate.holds { "holds" } else { "FAILS" }))
        .collect();
    let difference = row.difference.map(|d| if d == 0.0 { "0".to_owned() } else { format!("{d:+}") });
    [row.name.clone(), number(row.value), number(row.main), difference.unwrap_or_default(), gates.join("; ")]
}

fn documentation(review: &ReviewReport) -> Vec<String> {
    let Some(documentation) = &review.documentation else { return vec!["none given".to_owned()] };
    let text = documentation.markdown.as_deref().unwrap_or_default();
    text.lines().map(plain).chain(documentation.url.iter().map(|url| format!("see {url}"))).collect()
}

/// Markdown without the marks of headings and of bold type.
fn plain(line: &str) -> String {
    let heading = line.trim_start_matches('#');
    if heading.len() < line.len() && heading.starts_with(' ') {
        return heading.trim().to_uppercase();
    }
    line.replace("**", "")
}
