//! What the charts of this release install, from the charts' own files.

use std::sync::LazyLock;

use serde_json::Value;

const VERSIONS: &str = include_str!("../../../../charts/understudy-crds/templates/modelversion.yaml");
const DEPLOYMENTS: &str = include_str!("../../../../charts/understudy-crds/templates/modeldeployment.yaml");
const RBAC: &str = include_str!("../../../../charts/understudy/templates/operator-rbac.yaml");
/// Begins the rules that do not depend on values.
const RULES: &str = "{{- define \"understudy.operatorRules\" -}}";

static CRDS: LazyLock<[Value; 2]> = LazyLock::new(|| [VERSIONS, DEPLOYMENTS].map(yaml));
static OPERATOR_RULES: LazyLock<Value> = LazyLock::new(|| {
    let rules = RBAC.split_once(RULES).and_then(|(_, rest)| rest.split_once("{{- end }}"));
    yaml(rules.map(|(rules, _)| rules).expect("the chart defines the rules of the operator"))
});

fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).expect("this file of the chart is YAML; a test reads it")
}

/// The CRD with this plural name.
pub fn crd(plural: &str) -> Option<&'static Value> {
    CRDS.iter().find(|crd| crd["spec"]["names"]["plural"] == plural)
}

/// The schema of `v1alpha1` in a CRD.
pub fn schema(crd: &Value) -> &Value {
    let versions = crd["spec"]["versions"].as_array().map(Vec::as_slice).unwrap_or_default();
    versions.iter().find(|v| v["name"] == "v1alpha1").map_or(&Value::Null, |v| &v["schema"])
}

/// The operator's rules in each namespace that it watches: `PolicyRule`s of RBAC.
pub fn operator_rules() -> &'static [Value] {
    OPERATOR_RULES.as_array().map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plugin_knows_both_crds_and_the_rules_of_the_operator() {
        for plural in ["modelversions", "modeldeployments"] {
            let crd = crd(plural).unwrap();
            assert!(schema(crd)["openAPIV3Schema"]["properties"]["spec"].is_object(), "{plural}");
        }
        assert!(operator_rules().iter().any(|rule| rule["resources"][0] == "deployments"));
    }
}
