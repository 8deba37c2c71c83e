//! How many people have approved a request, and who may not approve it any more. Pure.

use kube::ResourceExt;
use understudy_crds::{
    Grant, ModelVersion, Transition,
    annotations::{APPROVE, APPROVED_BY},
    condition::{self, APPROVABLE},
};

use crate::{error::Error, identity::Identity, refusal};

/// `1 of 2 people have approved (bob)`.
#[must_use]
pub fn in_words(transition: &Transition) -> String {
    let by = names(given(transition));
    let by = if by.is_empty() { by } else { format!(" ({by})") };
    format!("{} people have approved{by}", progress(transition))
}

/// `1 of 2`.
#[must_use]
pub fn progress(transition: &Transition) -> String {
    format!("{} of {}", given(transition).len(), transition.approvers)
}

/// The approvals so far. The status of an older operator has one without a list.
#[must_use]
pub fn given(transition: &Transition) -> &[Grant] {
    if transition.approvals.is_empty() { transition.approval.as_slice() } else { &transition.approvals }
}

/// Who approved: `bob, carol`.
#[must_use]
pub fn names(approvals: &[Grant]) -> String {
    approvals.iter().map(|grant| grant.by.as_str()).collect::<Vec<_>>().join(", ")
}

/// Number of people who must still approve.
#[must_use]
pub fn missing(transition: &Transition) -> i32 {
    if transition.approval.is_some() {
        return 0;
    }
    let given = i32::try_from(transition.approvals.len()).unwrap_or(i32::MAX);
    transition.approvers.saturating_sub(given).max(0)
}

/// Number of people who must still approve after `name` has approved, too.
#[must_use]
pub fn missing_after(transition: &Transition, name: &str) -> i32 {
    let counted = transition.approvals.iter().any(|grant| grant.by == name);
    (missing(transition) - i32::from(!counted)).max(0)
}

/// The commands for the people who must still approve, who have kubeconfigs of their own. `people` begins the sentence:
/// `2 more people`.
#[must_use]
pub fn invitation(people: &str, name: &str, id: &str, namespace: &str) -> String {
    format!(
        "{people} must review and approve it, with:\n  kubectl understudy review {name} -n {namespace}\n  \
         kubectl understudy approve {name} --id {id} -n {namespace}"
    )
}

/// `2 more people`.
#[must_use]
pub fn more_people(missing: i32) -> String {
    if missing == 1 { "1 more person".to_owned() } else { format!("{missing} more people") }
}

/// Refuses an approval that cannot count: by the requester, or by a person who has approved already. The approval policy
/// checks the same, also where one person has several user names.
pub fn may_approve(mv: &ModelVersion, transition: &Transition, me: &Identity) -> Result<(), Error> {
    let name = &me.name;
    if transition.requested_by == *name {
        let why = format!("four eyes: {name} requested this transition, somebody else must approve it");
        return Err(Error::Refused(refusal::of_approver(&why, me)));
    }
    counts_once(transition, name, me)?;
    let annotated = |key: &str, value: &str| mv.annotations().get(key).is_some_and(|given| given == value);
    if annotated(APPROVE, &transition.id) && annotated(APPROVED_BY, name) {
        let state = held(mv).unwrap_or_else(|| "the operator has not recorded it yet".to_owned());
        return Err(Error::Refused(format!("{name} has approved this transition already: {state}")));
    }
    Ok(())
}

/// Refuses a second approval by the person with this name.
pub fn counts_once(transition: &Transition, name: &str, me: &Identity) -> Result<(), Error> {
    if transition.approvals.iter().all(|grant| grant.by != name) {
        return Ok(());
    }
    let why = format!(
        "{name} has approved this transition, and nobody counts twice: {}, somebody else must approve it",
        in_words(transition)
    );
    Err(Error::Refused(refusal::of_approver(&why, me)))
}

/// What an approval must wait for. It is kept, and takes effect when that is met.
#[must_use]
pub fn held(mv: &ModelVersion) -> Option<String> {
    let conditions = mv.status.as_ref().map(|s| s.conditions.as_slice()).unwrap_or_default();
    let hold = condition::find(conditions, APPROVABLE).filter(|c| c.status == "False")?;
    Some(format!("the approval waits, {}: {}", hold.reason, hold.message))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;
    use crate::fixtures::{me, version};

    fn requested(parts: &Value) -> ModelVersion {
        let mut transition = json!({"id": "6f1c2b", "from": "None", "to": "Staging", "requestedBy": "alice",
            "requestedAt": "2026-11-21T04:00:00Z", "generation": 3, "digest": "sha256:9f"});
        transition.as_object_mut().unwrap().extend(parts.as_object().unwrap().clone());
        version(json!({"spec": {"stage": "Staging"}, "status": {"stage": "None", "transition": transition}}))
    }

    fn approved(approvers: i32, by: &[&str]) -> ModelVersion {
        let grants: Vec<_> = by.iter().map(|by| json!({"by": by, "at": "2026-11-21T04:01:00Z"})).collect();
        requested(&json!({"approvers": approvers, "approvals": grants}))
    }

    #[rstest]
    #[case(approved(2, &[]), "0 of 2 people have approved", 1)]
    #[case(approved(2, &["bob"]), "1 of 2 people have approved (bob)", 0)]
    #[case(approved(3, &["bob"]), "1 of 3 people have approved (bob)", 1)]
    #[case::of_an_older_operator(requested(&json!({})), "0 of 1 people have approved", 0)]
    #[case::approved_under_an_older_operator(
        requested(&json!({"approval": {"by": "bob", "at": "2026-11-21T04:01:00Z"}})), "1 of 1 people have approved (bob)", 0
    )]
    fn a_request_shows_how_many_people_have_approved_and_how_many_more_must(
        #[case] mv: ModelVersion,
        #[case] words: &str,
        #[case] after_carol: i32,
    ) {
        let transition = mv.transition().unwrap();
        assert_eq!((in_words(transition).as_str(), missing_after(transition, "carol")), (words, after_carol));
    }

    #[test]
    fn an_approval_that_the_operator_has_recorded_meanwhile_is_not_counted_again() {
        let mv = approved(3, &["bob", "carol"]);
        assert_eq!(missing_after(mv.transition().unwrap(), "carol"), 1);
    }

    #[rstest]
    #[case::requester(
        "alice",
        "refused: four eyes: alice requested this transition, somebody else must approve it"
    )]
    #[case::approver(
        "bob",
        "refused: bob has approved this transition, and nobody counts twice: 1 of 2 people have approved (bob), somebody else must approve it"
    )]
    fn nobody_approves_their_own_request_and_nobody_counts_twice(#[case] name: &str, #[case] why: &str) {
        let mv = approved(2, &["bob"]);
        let refused = may_approve(&mv, mv.transition().unwrap(), &me(name)).unwrap_err().to_string();
        assert!(refused.starts_with(why), "{refused}");
        assert!(refused.contains("a colleague with the ClusterRole understudy-approver"), "{refused}");
        assert!(may_approve(&mv, mv.transition().unwrap(), &me("carol")).is_ok());
    }

    #[test]
    fn a_person_whose_approval_waits_sees_what_it_waits_for() {
        let mut mv = approved(1, &[]);
        mv.annotations_mut()
            .extend([(APPROVE.to_owned(), "6f1c2b".to_owned()), (APPROVED_BY.to_owned(), "bob".to_owned())]);
        let held = json!([{"type": "Approvable", "status": "False", "reason": "AcceptanceMissing",
            "message": "no tester has accepted it", "lastTransitionTime": "2026-11-21T04:00:00Z"}]);
        mv.status.as_mut().unwrap().conditions = serde_json::from_value(held).unwrap();
        let refused = may_approve(&mv, mv.transition().unwrap(), &me("bob")).unwrap_err().to_string();
        assert_eq!(
            refused,
            "refused: bob has approved this transition already: the approval waits, AcceptanceMissing: no tester has accepted it"
        );
        assert!(may_approve(&mv, mv.transition().unwrap(), &me("carol")).is_ok());
    }
}
