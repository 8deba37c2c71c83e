//! Who may write what: the CRDs' schemas, the approval policy (charts/understudy/templates/_approval.tpl) and the guard
//! around owned objects, as far as the acts of the simulation can meet them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    objects::{Kind, annotation, history, is_labelled, number, requested, stage, text},
    people::{Verb, Who},
    rules::Rules,
    write::{Part, Refusal, Write},
};

/// The keys of each act, of which the last one names its author.
pub const APPROVAL: [&str; 2] = ["approve", "approved-by"];
pub const REJECTION: [&str; 3] = ["reject", "reason", "rejected-by"];
pub const VERDICT: [&str; 3] = ["accept", "feedback", "accepted-by"];
pub const ROLLBACK: [&str; 2] = ["rollback", "rollback-by"];

type Verdict = Result<(), Refusal>;

/// Refuses what schemas and policies refuse.
pub fn judge(rules: Rules, write: &Write<'_>) -> Verdict {
    match write.kind {
        Kind::ModelVersion => version(rules, write),
        Kind::ModelDeployment => deployment(rules, write),
        _ if write.who == Who::Operator || !rules.guard => Ok(()),
        // Deleting stays allowed, and what does not carry the operator's labels is nobody's business.
        _ if write.after.is_none() || ![write.before, write.after].into_iter().flatten().any(is_labelled) => {
            Ok(())
        }
        _ => refuse("only the operator changes this object"),
    }
}

fn refuse(message: &str) -> Verdict {
    Err(Refusal::forbidden(message))
}

fn needs(who: Who, verb: Verb) -> Verdict {
    if who.may(verb) { Ok(()) } else { Err(Refusal::forbidden(format!("{who:?} may not {verb:?}"))) }
}

/// Whether this group of annotations differs, and whether it is there after the write.
fn act(write: &Write<'_>, keys: &[&str]) -> (bool, bool) {
    let of = |object: Option<&Value>| -> Vec<String> {
        keys.iter().map(|key| object.map_or("", |object| annotation(object, key)).to_owned()).collect()
    };
    let (before, after) = (of(write.before), of(write.after));
    (before != after, after.iter().any(|value| !value.is_empty()))
}

/// Whether the person who takes back all of an act is its author, or has the same right.
fn taken_back(rules: Rules, write: &Write<'_>, keys: &[&str], verb: Verb) -> Verdict {
    let (changed, present) = act(write, keys);
    let author = write.before.map_or("", |before| annotation(before, keys[keys.len() - 1]));
    let foreign = author != write.who.name() && !write.who.may(verb);
    if rules.authors && changed && !present && foreign {
        return refuse("somebody else wrote this");
    }
    Ok(())
}

fn version(rules: Rules, write: &Write<'_>) -> Verdict {
    let Some(after) = write.after else {
        let before = write.before.expect("what is deleted exists");
        let unsettled = before["status"]["transition"]["approval"].is_object();
        if stage(before) == "Production" || (unsettled && rules.unsettled) {
            return needs(write.who, Verb::DeleteProduction);
        }
        return if write.who.may(Verb::DeleteProduction) { Ok(()) } else { needs(write.who, Verb::Edit) };
    };
    if write.part == Part::Status {
        return recorded(write.who, write.before, after);
    }
    if write.who == Who::Operator {
        return refuse("the operator writes the status only");
    }
    let before = write.before;
    let was = before.map_or("None", requested);
    let requests = requested(after) != was;
    let author = annotation(after, "requested-by");
    if before.is_none() {
        needs(write.who, Verb::Edit)?;
        if !["None", "Staging"].contains(&requested(after)) {
            return refuse("a new ModelVersion starts in None or requests Staging");
        }
    }
    if requests {
        if author != write.who.name() {
            return refuse("a change of spec.stage must name its author");
        }
        needs(write.who, Verb::Request)?;
        step(before, requested(after))?;
    } else if before.is_some_and(|before| annotation(before, "requested-by") != author) {
        return refuse("requested-by changes only together with spec.stage");
    }
    let (approval, rejection, verdict) =
        (act(write, &APPROVAL), act(write, &REJECTION), act(write, &VERDICT));
    let is = |(changed, present)| changed && present;
    if [requests, is(approval), is(rejection), is(verdict)].iter().filter(|act| **act).count() > 1 {
        return refuse("one write does one thing");
    }
    if is(approval) {
        decides(write, "approve", "approved-by")?;
        let transition = before.map_or(&Value::Null, |before| &before["status"]["transition"]);
        if transition["requestedBy"] == write.who.name() {
            return refuse("four eyes");
        }
        let counted = list(&transition["approvals"]).iter().any(|grant| grant["by"] == write.who.name());
        let waiting = before.map_or("", proven);
        let recorded = list(&transition["approvals"]).iter().any(|grant| grant["by"] == waiting);
        if counted || !(waiting.is_empty() || waiting == write.who.name() || recorded) {
            return refuse("nobody counts twice, and one approval is recorded after the other");
        }
    }
    if is(rejection) {
        decides(write, "reject", "rejected-by")?;
    }
    if is(verdict) {
        needs(write.who, Verb::Test)?;
        if before.is_none_or(|before| stage(before) != "Staging")
            || annotation(after, "accepted-by") != write.who.name()
            || !["passed", "failed"].contains(&annotation(after, "accept"))
        {
            return refuse("a verdict is given on a version in Staging, by its author");
        }
    }
    taken_back(rules, write, &APPROVAL, Verb::Approve)?;
    taken_back(rules, write, &REJECTION, Verb::Approve)?;
    taken_back(rules, write, &VERDICT, Verb::Test)
}

/// An approval or rejection is for the request that is pending now, by its author, and changes nothing else.
fn decides(write: &Write<'_>, key: &str, by: &str) -> Verdict {
    let (Some(before), Some(after)) = (write.before, write.after) else {
        return refuse("matches no pending transition");
    };
    let transition = &before["status"]["transition"];
    let pending = transition.is_object() && !transition["approval"].is_object();
    if !pending
        || annotation(after, key) != text(transition, "/id")
        || number(transition, "/generation") != number(before, "/metadata/generation")
    {
        return refuse("matches no pending transition");
    }
    if annotation(after, by) != write.who.name() || after["spec"] != before["spec"] {
        return refuse("one write decides or edits, and names its author");
    }
    needs(write.who, Verb::Approve)
}

/// The CEL rules of the CRD about steps from stage to stage.
fn step(before: Option<&Value>, to: &str) -> Verdict {
    let Some(before) = before else { return Ok(()) };
    let from = stage(before);
    let exists = from == to
        || match from {
            "None" => to == "Staging",
            "Archived" => to == "Staging" || (to == "Production" && was_in_production(before)),
            "Staging" => ["Production", "Archived"].contains(&to),
            _ => ["Staging", "Archived"].contains(&to),
        };
    if exists { Ok(()) } else { Err(Refusal::invalid(format!("no step leads from {from} to {to}"))) }
}

fn was_in_production(version: &Value) -> bool {
    history(version).iter().any(|entry| {
        entry["from"] == "Production" || (entry["to"] == "Production" && entry["decision"] == "RolledBack")
    })
}

/// A status of a version.
fn recorded(who: Who, before: Option<&Value>, after: &Value) -> Verdict {
    let before = before.expect("a status belongs to an object");
    let (old, new) = (history(before), history(after));
    let ids: BTreeSet<_> = new.iter().map(|entry| text(entry, "/id")).collect();
    if ids.len() < new.len() {
        return Err(Refusal::invalid("status.history: Duplicate value"));
    }
    if !old.iter().all(|entry| new.contains(entry)) {
        return Err(Refusal::invalid("entries of status.history cannot be removed or changed"));
    }
    if who != Who::Operator {
        return refuse("only the operator writes the status");
    }
    let transition = &before["status"]["transition"];
    for entry in new.iter().filter(|entry| entry["decision"] == "Approved" && !old.contains(entry)) {
        if entry["decidedBy"] == entry["requestedBy"] {
            return refuse("four eyes: an approval by its own requester cannot be recorded");
        }
        approved(before, entry)?;
    }
    let granted = &after["status"]["transition"];
    if granted["id"] != transition["id"] {
        let forged = granted["approvals"].is_array() || granted["approval"].is_object();
        return if forged { refuse("an approval that nobody gave cannot be recorded") } else { Ok(()) };
    }
    let (known, grants) = (list(&transition["approvals"]), list(&granted["approvals"]));
    if !known.iter().all(|grant| grants.contains(grant)) {
        return refuse("a recorded approval cannot be removed");
    }
    let proven = proven(before);
    let pending = !transition["approval"].is_object();
    let counts = |grant: &Value| {
        known.contains(grant)
            || (pending
                && grant["by"] == proven
                && grant["by"] != transition["requestedBy"]
                && known.iter().all(|other| other["by"] != proven))
    };
    if !grants.iter().all(counts) {
        return refuse("an approval that nobody gave cannot be recorded");
    }
    let complete = granted["approval"].is_object() && pending;
    if complete && grants.len() < usize::try_from(number(granted, "/approvers")).unwrap_or(1) {
        return refuse("a request cannot be recorded as approved by fewer people than it needs");
    }
    Ok(())
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The approver whom the annotations prove for the open request.
fn proven(before: &Value) -> &str {
    let id = text(before, "/status/transition/id");
    if id.is_empty() || annotation(before, "approve") != id { "" } else { annotation(before, "approved-by") }
}

/// A new entry about an approval is about the open request, and about people who have approved it.
fn approved(before: &Value, entry: &Value) -> Verdict {
    let transition = &before["status"]["transition"];
    let known = list(&transition["approvals"]);
    let all = list(&entry["approvals"]);
    let proven = proven(before);
    let given = all.iter().all(|grant| known.contains(grant) || grant["by"] == proven);
    if entry["id"] != transition["id"] || entry["decidedBy"] != proven || !given {
        return refuse("an approval that nobody gave cannot be recorded");
    }
    if all.len() < usize::try_from(number(transition, "/approvers")).unwrap_or(1) {
        return refuse("a request cannot be recorded as approved by fewer people than it needs");
    }
    Ok(())
}

fn deployment(rules: Rules, write: &Write<'_>) -> Verdict {
    let Some(after) = write.after else {
        let before = write.before.expect("what is deleted exists");
        if before["status"]["main"].is_object() {
            return needs(write.who, Verb::DeleteProduction);
        }
        return if write.who.may(Verb::DeleteProduction) { Ok(()) } else { needs(write.who, Verb::Edit) };
    };
    if write.part == Part::Status {
        return if write.who == Who::Operator {
            Ok(())
        } else {
            refuse("only the operator writes the status")
        };
    }
    if write.who == Who::Operator {
        return refuse("the operator writes the status only");
    }
    if write.before.is_some_and(|before| before["spec"]["approval"] != after["spec"]["approval"]) {
        needs(write.who, Verb::Govern)?;
    }
    let (changed, present) = act(write, &ROLLBACK);
    if changed && present {
        needs(write.who, Verb::RollBack)?;
        if annotation(after, "rollback").is_empty() || annotation(after, "rollback-by") != write.who.name() {
            return refuse("a rollback names its author");
        }
    }
    taken_back(rules, write, &ROLLBACK, Verb::RollBack)
}
