//! The rights that the operator needs. Pure.

use serde_json::{Value, json};

use super::{config::Config, expected};

/// One right of the operator's service account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// API group; empty is the core group.
    pub group: String,
    /// Resource, with its subresource after `/`.
    pub resource: String,
    /// Verb.
    pub verb: String,
    /// Name of the object, if the right is only for that one.
    pub name: String,
    /// Namespace; empty is all of them, or a resource without one.
    pub namespace: String,
}

impl Need {
    /// `list pods in all namespaces`.
    #[must_use]
    pub fn text(&self) -> String {
        let group = if self.group.is_empty() { String::new() } else { format!(".{}", self.group) };
        let place = match self.namespace.as_str() {
            "" => String::new(),
            namespace => format!(" in namespace {namespace}"),
        };
        format!("{} {}{group}{place}", self.verb, self.resource)
    }

    /// The `SubjectAccessReview` of this right for a user.
    #[must_use]
    pub fn review(&self, user: &str) -> Value {
        let (resource, subresource) = self.resource.split_once('/').unwrap_or((&self.resource, ""));
        json!({
            "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
            "spec": {"user": user, "groups": ["system:serviceaccounts", "system:authenticated"], "resourceAttributes": {
                "group": self.group, "resource": resource, "subresource": subresource, "verb": self.verb,
                "name": self.name, "namespace": self.namespace,
            }},
        })
    }
}

/// Namespaces for which the rights are checked, if the operator watches few. Each needs about 40 requests.
const NAMESPACES: usize = 10;

/// Everything that the chart allows the operator in namespace `system`.
pub fn needs(config: &Config, system: &str) -> Vec<Need> {
    let mut needs = vec![];
    let everywhere = [String::new()];
    let namespaces: &[String] = if config.watched.is_empty() { &everywhere } else { &config.watched };
    for namespace in namespaces.iter().take(NAMESPACES) {
        for rule in expected::operator_rules() {
            needs.extend(of_rule(rule, namespace));
        }
    }
    let need = |group: &str, resource: &str, verb: &str, name: &str, namespace: &str| Need {
        group: group.to_owned(),
        resource: resource.to_owned(),
        verb: verb.to_owned(),
        name: name.to_owned(),
        namespace: namespace.to_owned(),
    };
    if config.watched.is_empty() {
        for resource in ["validatingadmissionpolicies", "validatingadmissionpolicybindings"] {
            needs.push(need("admissionregistration.k8s.io", resource, "get", &config.policy, ""));
        }
    }
    needs.push(need("coordination.k8s.io", "leases", "create", "", system));
    for verb in ["get", "update"] {
        needs.push(need("coordination.k8s.io", "leases", verb, &config.lease, system));
    }
    needs
}

fn of_rule(rule: &Value, namespace: &str) -> Vec<Need> {
    let words = |key: &str| -> Vec<String> {
        let items = rule[key].as_array().map(Vec::as_slice).unwrap_or_default();
        items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let (groups, resources, verbs) = (words("apiGroups"), words("resources"), words("verbs"));
    let mut needs = vec![];
    for group in &groups {
        for resource in &resources {
            needs.extend(verbs.iter().map(|verb| Need {
                group: group.clone(),
                resource: resource.clone(),
                verb: verb.clone(),
                name: String::new(),
                namespace: namespace.to_owned(),
            }));
        }
    }
    needs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::fixtures::config;

    #[test]
    fn an_operator_of_one_namespace_needs_its_rights_there_and_none_on_policies() {
        let needs = needs(&Config { watched: vec!["risk".to_owned()], ..config() }, "system");
        assert!(
            needs.iter().any(|n| n.text() == "patch modelversions/status.understudy.dev in namespace risk")
        );
        assert!(needs.iter().all(|n| !n.namespace.is_empty()), "{needs:?}");
    }

    #[test]
    fn an_operator_of_all_namespaces_also_reads_the_policy() {
        let needs = needs(&config(), "system");
        assert!(
            needs
                .iter()
                .any(|n| n.resource == "validatingadmissionpolicies" && n.name == "understudy-approval")
        );
        assert!(needs.iter().any(|n| n.text() == "update leases.coordination.k8s.io in namespace system"));
    }
}
