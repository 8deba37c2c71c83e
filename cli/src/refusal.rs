//! Why the API server refused, in words: the policy's message without the text around it, the user, the missing verb and
//! the role that has it.

use kube::core::Status;

use crate::{
    error::Error,
    identity::{Act, Identity},
    session::Session,
    table,
};

/// The message for an error. After a 403 it asks the API server for the name of the user.
pub async fn describe(error: &Error, session: &Session) -> String {
    let Error::Api { act, source } = error else { return error.to_string() };
    let kube::Error::Api(status) = source.as_ref() else { return no_response(*act, source) };
    let me = if status.code == 403 { Identity::ask(&session.client).await.ok() } else { None };
    explain(status, *act, me.as_ref(), &session.namespace)
}

fn no_response(act: Act, error: &kube::Error) -> String {
    let why = causes(error);
    match error {
        kube::Error::Service(_) | kube::Error::HyperError(_) => {
            format!("failed to reach the API server: {why}")
        }
        _ => format!("failed to {act}: {why}"),
    }
}

/// The whole chain of causes: the last one names the address or the certificate.
#[must_use]
pub fn causes(error: &kube::Error) -> String {
    let mut chain = vec![];
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(next) = cause {
        chain.push(next.to_string());
        cause = next.source();
    }
    chain.dedup();
    if chain.is_empty() { error.to_string() } else { chain.join(": ") }
}

/// The response of the API server in plain words.
#[must_use]
pub fn explain(status: &Status, act: Act, me: Option<&Identity>, namespace: &str) -> String {
    match status.code {
        401 => "refused: the API server cannot authenticate you: the credentials of this kubeconfig are missing, wrong or expired".to_owned(),
        403 => forbidden(&status.message, act, me, namespace),
        404 => not_found(status, namespace),
        409 => format!("failed to {act}: the object changed at the same time. Review it again and repeat the command: {}", status.message),
        422 => format!("refused: {}{}", invalid(status), advice(&status.message, act)),
        _ => format!("failed to {act}: {}", status.message),
    }
}

/// Who can approve a request.
const WHO_CAN: &str = "a colleague with the ClusterRole understudy-approver who did not request it";
/// Who can approve a request that somebody has approved already.
const WHO_ELSE_CAN: &str =
    "a colleague with the ClusterRole understudy-approver who neither requested nor approved it";
/// How the policy's message begins if a write only changes a comment.
const COMMENT_WITHOUT_ACT: &str = "understudy.dev/reason is the comment of an act";
/// Why an approval only changes a comment.
const ALREADY_APPROVED: &str = "you have approved this transition already, and nobody counts twice";
/// How the policy's message begins where the chart value `approval.reasonRequired` is set.
const COMMENT_REQUIRED: &str = "this cluster requires a comment";
/// The roles with the rights that `open` needs.
const PORT_FORWARD: &str =
    "the ClusterRole understudy-tester or edit: list on pods, get and create on pods/portforward";

fn forbidden(message: &str, act: Act, me: Option<&Identity>, namespace: &str) -> String {
    let missing = Missing::find(message, act);
    // RBAC names the user and the verb. A policy has a message of its own.
    let why = match &missing {
        Some(missing) if missing.everywhere => format!("{} in all namespaces", missing.may_not(me)),
        Some(missing) if missing.of == Source::Rbac => {
            format!("{} in namespace {namespace}", missing.may_not(me))
        }
        _ => policy_message(message).to_owned(),
    };
    let mut rows = vec![];
    if let Some(me) = me {
        rows.push(("you are", me.to_string()));
    }
    match missing {
        Some(missing) => rows.extend(missing.remedy(me, namespace)),
        None if act == Act::Approve && message.contains(COMMENT_WITHOUT_ACT) => {
            rows.push(("because", ALREADY_APPROVED.to_owned()));
        }
        None => rows.extend(who_can(message)),
    }
    format!("refused: {}", with_rows(&why, &rows))
}

/// Why this person may not approve, in the form of a refusal by the policy.
#[must_use]
pub fn of_approver(why: &str, me: &Identity) -> String {
    let you = ("you are", me.to_string());
    with_rows(why, &std::iter::once(you).chain(who_can(why)).collect::<Vec<_>>())
}

fn who_can(why: &str) -> Option<(&'static str, String)> {
    let who = [("four eyes", WHO_CAN), ("nobody counts twice", WHO_ELSE_CAN)];
    let (_, can) = who.into_iter().find(|(said, _)| why.contains(said))?;
    Some(("who can", can.to_owned()))
}

fn with_rows(why: &str, rows: &[(&str, String)]) -> String {
    let mut lines = vec![why.to_owned()];
    lines.extend(table::fields(rows).lines().map(|line| format!("  {line}")));
    lines.join("\n")
}

/// What to do about a rule that the write violates.
fn advice(message: &str, act: Act) -> &'static str {
    let commented = matches!(act, Act::Request | Act::Approve | Act::Reject | Act::Rollback);
    if commented && message.contains(COMMENT_REQUIRED) {
        "\n  what to do   add --reason with a text that differs from the comment of the act before"
    } else {
        ""
    }
}

/// The message of a policy, without the names of object and policy before it.
fn policy_message(message: &str) -> &str {
    let words = message.split_once("denied request: ").map_or(message, |(_, words)| words);
    words.split_once(" (needs the verb ").map_or(words, |(words, _)| words)
}

#[derive(Debug, PartialEq, Eq)]
enum Source {
    Policy,
    Rbac,
}

/// A verb that the user does not have.
#[derive(Debug)]
struct Missing {
    of: Source,
    verb: String,
    resource: String,
    role: Option<&'static str>,
    /// The request was for all namespaces.
    everywhere: bool,
}

impl Missing {
    fn find(message: &str, act: Act) -> Option<Self> {
        if let Some((_, rest)) = message.split_once("(needs the verb ") {
            let (verb, resource) = rest.split_once(')')?.0.split_once(" on ")?;
            return Some(Self::new(Source::Policy, verb, resource, role_of(verb)));
        }
        // RBAC: User "tess" cannot patch resource "modelversions" in API group "understudy.dev" in the namespace ...
        let (_, rest) = message.split_once("\" cannot ")?;
        let (verb, rest) = rest.split_once(" resource \"")?;
        let (resource, _) = rest.split_once('"')?;
        let ours = resource.starts_with("modelversions") || resource.starts_with("modeldeployments");
        let role = if !ours || resource.ends_with("/status") {
            None
        } else if matches!(verb, "get" | "list" | "watch") {
            Act::Read.role()
        } else {
            act.role()
        };
        let everywhere = message.contains(" at the cluster scope");
        Some(Self { everywhere, ..Self::new(Source::Rbac, verb, resource, role) })
    }

    fn new(of: Source, verb: &str, resource: &str, role: Option<&'static str>) -> Self {
        Self { of, verb: verb.to_owned(), resource: resource.to_owned(), role, everywhere: false }
    }

    fn may_not(&self, me: Option<&Identity>) -> String {
        format!("{} may not {} {}", me.map_or("you", |me| me.name.as_str()), self.verb, self.resource)
    }

    /// The missing verb, the role that has it, and the command that grants the role.
    fn remedy(&self, me: Option<&Identity>, namespace: &str) -> Vec<(&'static str, String)> {
        let mut rows =
            vec![("missing", format!("the verb {} on {} ({})", self.verb, self.resource, self.group()))];
        let subject = me.map_or_else(|| "--user=<name>".to_owned(), Identity::subject);
        match self.role {
            Some(role) if self.everywhere => {
                rows.push(("granted by", format!("the ClusterRole {role}")));
                let binding =
                    format!("kubectl create clusterrolebinding <name> --clusterrole={role} {subject}");
                rows.push(("for example", binding));
            }
            Some(role) => {
                let of = format!("the ClusterRole {role} (a Role where the operator watches few namespaces)");
                rows.push(("granted by", of));
                let binding = format!(
                    "kubectl -n {namespace} create rolebinding <name> --clusterrole={role} {subject}"
                );
                rows.push(("for example", binding));
            }
            None if self.resource.starts_with("pods") => rows.push(("granted by", PORT_FORWARD.to_owned())),
            None => {}
        }
        rows
    }

    fn group(&self) -> &'static str {
        if self.resource.starts_with("model") || self.resource.starts_with("stages") {
            "API group understudy.dev"
        } else {
            "core API group"
        }
    }
}

/// The chart's role with a verb that only the approval policy checks.
fn role_of(verb: &str) -> Option<&'static str> {
    match verb {
        "request" => Act::Request.role(),
        "approve" | "rollback" => Act::Approve.role(),
        "test" => Act::Accept.role(),
        "govern" | "delete-production" => Some("understudy-governor"),
        _ => None,
    }
}

fn not_found(status: &Status, namespace: &str) -> String {
    let details = status.details.as_ref().filter(|d| !d.name.is_empty());
    match details {
        Some(details) => {
            let kind = match details.kind.as_str() {
                "modelversions" => "ModelVersion",
                "modeldeployments" => "ModelDeployment",
                other => other,
            };
            format!(
                "refused: {kind} {} does not exist in namespace {namespace}; kubectl understudy list shows what exists",
                details.name
            )
        }
        None => "failed: this cluster does not serve the API understudy.dev/v1alpha1: install the charts understudy-crds and understudy".to_owned(),
    }
}

/// Every rule that the object violates, one on each line. A rule with its own message is shown without path and value.
fn invalid(status: &Status) -> String {
    let causes = status.details.as_ref().map(|d| d.causes.as_slice()).unwrap_or_default();
    let mut lines: Vec<String> = vec![];
    for cause in causes.iter().filter(|c| !c.message.contains("some validation rules were not checked")) {
        let words = cause.message.strip_prefix("Invalid value: ").unwrap_or(&cause.message);
        let words = words.split_once("' denied request: ").map_or(words, |(_, words)| words);
        // The value in quotes may follow.
        let words = match words.strip_prefix('"').and_then(|rest| rest.split_once("\": ")) {
            Some((_, words)) => words,
            None => words,
        };
        let own_message = cause.message.starts_with("Invalid value: ") && !words.contains("in body");
        lines.push(if own_message || cause.field.is_empty() {
            words.to_owned()
        } else {
            format!("{}: {words}", cause.field)
        });
    }
    lines.dedup();
    if lines.is_empty() { policy_message(&status.message).to_owned() } else { lines.join("\n  ") }
}
