//! Why the API server said no, in words: the policy's own sentence without the noise around it, who it was said
//! to, which verb is missing and which role would give it.

use kube::core::Status;

use crate::{
    error::Error,
    identity::{Act, Identity},
    session::Session,
    table,
};

/// What to print about an error. Asks for the user's name where the answer turns on it.
pub async fn describe(error: &Error, session: &Session) -> String {
    let Error::Api { act, source } = error else { return error.to_string() };
    let kube::Error::Api(status) = source.as_ref() else { return unreachable(*act, source) };
    let me = if status.code == 403 { Identity::ask(&session.client).await.ok() } else { None };
    explain(status, *act, me.as_ref(), &session.namespace)
}

/// The whole chain of causes: the last one says which address refused, or which certificate.
fn unreachable(act: Act, error: &kube::Error) -> String {
    let mut chain = vec![];
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(next) = cause {
        chain.push(next.to_string());
        cause = next.source();
    }
    chain.dedup();
    let why = if chain.is_empty() { error.to_string() } else { chain.join(": ") };
    format!("failed to {act}: the API server cannot be reached: {why}")
}

/// The answer of the API server in plain words.
#[must_use]
pub fn explain(status: &Status, act: Act, me: Option<&Identity>, namespace: &str) -> String {
    match status.code {
        401 => "refused: the API server does not know you: the credentials of this kubeconfig are missing, wrong or expired".to_owned(),
        403 => forbidden(&status.message, act, me, namespace),
        404 => not_found(status, namespace),
        409 => format!("failed to {act}: it changed in the same moment; look at it again and repeat: {}", status.message),
        422 => format!("refused: {}", invalid(status)),
        _ => format!("failed to {act}: {}", status.message),
    }
}

/// Who ends the refusal of one's own approval.
const WHO_CAN: &str = "a colleague with the ClusterRole understudy-approver, who has not requested it";
/// What `open` takes; no role of the chart's reaches into pods.
const PORT_FORWARD: &str =
    "list on pods and create on pods/portforward; the cluster's own ClusterRole edit has both";

fn forbidden(message: &str, act: Act, me: Option<&Identity>, namespace: &str) -> String {
    let missing = Missing::find(message, act);
    // RBAC names the user and the verb; a policy has a sentence of its own.
    let why = match &missing {
        Some(missing) if missing.everywhere => format!("{} in all namespaces", missing.may_not(me)),
        Some(missing) if missing.of == Source::Rbac => {
            format!("{} in namespace {namespace}", missing.may_not(me))
        }
        _ => policy_words(message).to_owned(),
    };
    let mut rows = vec![];
    if let Some(me) = me {
        rows.push(("you are", me.to_string()));
    }
    match missing {
        Some(missing) => rows.extend(missing.remedy(me, namespace)),
        None if message.contains("four eyes") => rows.push(("who can", WHO_CAN.to_owned())),
        None => {}
    }
    let mut lines = vec![format!("refused: {why}")];
    lines.extend(table::fields(&rows).lines().map(|line| format!("  {line}")));
    lines.join("\n")
}

/// What a policy says, without its own name and the object's before it.
fn policy_words(message: &str) -> &str {
    let words = message.split_once("denied request: ").map_or(message, |(_, words)| words);
    words.split_once(" (needs the verb ").map_or(words, |(words, _)| words)
}

#[derive(Debug, PartialEq, Eq)]
enum Source {
    Policy,
    Rbac,
}

/// A verb that the user would need.
#[derive(Debug)]
struct Missing {
    of: Source,
    verb: String,
    resource: String,
    role: Option<&'static str>,
    /// It was asked for all namespaces at once.
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

    /// What is missing, which role has it, and how it is given.
    fn remedy(&self, me: Option<&Identity>, namespace: &str) -> Vec<(&'static str, String)> {
        let mut rows =
            vec![("missing", format!("the verb {} on {} ({})", self.verb, self.resource, self.group()))];
        let subject = me.map_or_else(|| "--user=<name>".to_owned(), Identity::subject);
        match self.role {
            Some(role) if self.everywhere => {
                rows.push(("given by", format!("the ClusterRole {role}")));
                let binding =
                    format!("kubectl create clusterrolebinding <name> --clusterrole={role} {subject}");
                rows.push(("for instance", binding));
            }
            Some(role) => {
                let of = format!("the ClusterRole {role} (a Role where the operator watches few namespaces)");
                rows.push(("given by", of));
                let binding = format!(
                    "kubectl -n {namespace} create rolebinding <name> --clusterrole={role} {subject}"
                );
                rows.push(("for instance", binding));
            }
            None if self.resource.starts_with("pods") => rows.push(("given by", PORT_FORWARD.to_owned())),
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

/// The chart's role with one of the verbs that only the policy asks for.
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
                "refused: there is no {kind} {} in namespace {namespace}; kubectl understudy list shows what there is",
                details.name
            )
        }
        None => "failed: this cluster does not know the API understudy.dev/v1alpha1: install the charts understudy-crds and understudy".to_owned(),
    }
}

/// Every rule that the object broke, one a line, without the value and the path where the rule has words of its own.
fn invalid(status: &Status) -> String {
    let causes = status.details.as_ref().map(|d| d.causes.as_slice()).unwrap_or_default();
    let mut lines: Vec<String> = vec![];
    for cause in causes.iter().filter(|c| !c.message.contains("some validation rules were not checked")) {
        let words = cause.message.strip_prefix("Invalid value: ").unwrap_or(&cause.message);
        // What follows may begin with the value in quotes.
        let words = match words.strip_prefix('"').and_then(|rest| rest.split_once("\": ")) {
            Some((_, words)) => words,
            None => words,
        };
        let own_words = cause.message.starts_with("Invalid value: ") && !words.contains("in body");
        lines.push(if own_words || cause.field.is_empty() {
            words.to_owned()
        } else {
            format!("{}: {words}", cause.field)
        });
    }
    lines.dedup();
    if lines.is_empty() { status.message.clone() } else { lines.join("\n  ") }
}
