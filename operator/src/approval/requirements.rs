//! The requirements for Production besides an approval: metric gates, the acceptance test, pods that are ready in
//! Staging, and a model that is known to answer. Pure.

use understudy_crds::{AcceptanceTest, Approval, Evaluation, Gate, Stage, Verdict};

use super::{observe::Observed, proof};
use crate::reasons;

/// Every requirement that is not met, with its reason and message.
pub fn unmet(observed: &Observed) -> Vec<(reasons::Hold, String)> {
    let spec = &observed.version.spec;
    let main = observed.main.as_ref().and_then(|m| m.spec.evaluation.as_ref());
    let mut reasons: Vec<_> = observed
        .rules
        .gates
        .iter()
        .filter_map(|gate| metric(gate, spec.evaluation.as_ref(), main))
        .map(|message| (reasons::Hold::GateFailed, message))
        .collect();
    reasons.extend(acceptance(observed, &observed.rules));
    reasons.extend(serving(observed));
    reasons.extend(proven(observed));
    reasons.extend(signature(observed));
    reasons.extend(unreadable(observed));
    reasons
}

/// No pod of a version starts whose image is not allowed.
pub fn image(observed: &Observed) -> Option<(reasons::Hold, String)> {
    observed.image_refusal.clone().map(|message| (reasons::Hold::RuntimeImageNotAllowed, message))
}

fn metric(gate: &Gate, own: Option<&Evaluation>, main: Option<&Evaluation>) -> Option<String> {
    let name = &gate.metric;
    let Some(value) = own.and_then(|e| e.metric(name)) else {
        return Some(format!("the evaluation has no metric {name}, which a metric gate requires"));
    };
    if let Some(min) = gate.min.filter(|min| value < *min) {
        return Some(format!("{name} is {value}, the metric gate requires at least {min}"));
    }
    let of_main = main.and_then(|e| e.metric(name)).filter(|_| gate.not_worse_than_main)?;
    (value < of_main).then(|| format!("{name} is {value}, worse than main's {of_main}"))
}

fn acceptance(observed: &Observed, rules: &Approval) -> Option<(reasons::Hold, String)> {
    if rules.acceptance_test == AcceptanceTest::Optional {
        return None;
    }
    let acceptance = observed.version.status.as_ref().and_then(|s| s.acceptance.as_ref());
    match acceptance.map(|a| (a.verdict, &a.by)) {
        Some((Verdict::Passed, _)) => None,
        Some((Verdict::Failed, by)) => Some((
            reasons::Hold::AcceptanceFailed,
            format!("the acceptance test failed, by the verdict of {by}"),
        )),
        None => Some((
            reasons::Hold::AcceptanceMissing,
            "no tester has accepted it in Staging yet (understudy.dev/accept=passed)".to_owned(),
        )),
    }
}

/// What callers of main have to change if the version replaces it, in a request for this stage.
pub fn breaking(observed: &Observed, to: Stage) -> Option<String> {
    let main = observed.main.as_ref().filter(|_| to == Stage::Production)?;
    observed.version.breaks(main)
}

/// Callers never notice a change of main, unless its major version number says so.
fn signature(observed: &Observed) -> Option<(reasons::Hold, String)> {
    let main = observed.main.as_ref()?;
    let breaking = observed.version.breaks_unannounced(main)?;
    let message = format!(
        "BREAKING for callers of {}: {breaking}; publish it with a new major version number",
        main.spec.version
    );
    Some((reasons::Hold::SignatureBreaking, message))
}

/// A version that cannot start would only block those that are approved after it. A version in another stage has no pods
/// yet; the deadline of its roll-out limits it.
fn serving(observed: &Observed) -> Option<(reasons::Hold, String)> {
    if observed.version.stage() != Stage::Staging || observed.pods.ready > 0 {
        return None;
    }
    let why = observed.pods.failure.as_ref().map(|f| format!(": {}: {}", f.reason, f.message));
    let message = format!("none of its pods is ready in Staging{}", why.unwrap_or_default());
    Some((reasons::Hold::NotServing, message))
}

/// A model that failed on every synthetic input may fail on every call.
fn proven(observed: &Observed) -> Option<(reasons::Hold, String)> {
    proof::is_missing(&observed.version, observed.proof.as_ref()).then(|| {
        let message = "no synthetic input worked in its warm-up, and it has not answered a call in Staging yet: call it there";
        (reasons::Hold::NotProven, message.to_owned())
    })
}

/// A version that cannot be read may be in Production, and could not be archived.
fn unreadable(observed: &Observed) -> Option<(reasons::Hold, String)> {
    let name = observed.unreadable_sibling.as_ref()?;
    let message =
        format!("this operator cannot read ModelVersion {name}, which may be in Production: upgrade it");
    Some((reasons::Hold::VersionUnreadable, message))
}
