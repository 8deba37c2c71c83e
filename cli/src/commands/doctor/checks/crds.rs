//! Whether the API server serves both kinds with the schema of this version.

use serde_json::Value;

use super::super::{
    check::{Check, judge},
    difference::{Change, Difference, differences},
    expected,
    facts::Facts,
};

const NAME: &str = "crds";
/// The version that the operator and the plugin use.
const VERSION: &str = "v1alpha1";

pub fn check(facts: &Facts) -> Vec<Check> {
    facts
        .crds
        .iter()
        .flat_map(|(plural, seen)| judge(NAME, seen, |crd| vec![judge_one(facts, plural, crd.as_ref())]))
        .collect()
}

fn judge_one(facts: &Facts, plural: &str, crd: Option<&Value>) -> Check {
    let name = format!("{plural}.understudy.dev");
    let install = format!(
        "helm upgrade --install understudy-crds <chart understudy-crds of {}> -n {}",
        facts.plugin, facts.system
    );
    let show = format!("kubectl get crd {name} -o yaml");
    let Some(crd) = crd else {
        return Check::fail(NAME, format!("{name} does not exist"))
            .means("The operator waits for it and does nothing. Models that serve continue to serve. If the CRD was deleted, its objects are deleted too: restore them from Git or a backup.")
            .run(install);
    };
    let condition = |type_: &str| {
        let all = crd["status"]["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
        all.iter().find(|c| c["type"] == type_)
    };
    if !condition("Established").is_some_and(|c| c["status"] == "True") {
        let why = ["NamesAccepted", "Established"]
            .iter()
            .filter_map(|t| condition(t))
            .find(|c| c["status"] != "True");
        let why =
            why.and_then(|c| c["message"].as_str()).unwrap_or("the API server has not processed it yet");
        return Check::fail(NAME, format!("{name} is not established: {why}"))
            .means("The API server does not serve this kind, so the operator waits.")
            .run(show);
    }
    if crd["metadata"]["deletionTimestamp"].is_string() {
        return Check::fail(NAME, format!("{name} is being deleted"))
            .means("All objects of this kind are being deleted with it. Models that serve continue until their ModelDeployment is gone.")
            .run(format!("kubectl get {plural} -A"));
    }
    let served = crd["spec"]["versions"]
        .as_array()
        .is_some_and(|all| all.iter().any(|v| v["name"] == VERSION && v["served"] == true));
    if !served {
        return Check::fail(NAME, format!("{name} does not serve {VERSION}"))
            .means("The operator reads and writes this version only.")
            .run(install);
    }
    let stored = crd["status"]["storedVersions"].as_array().map(Vec::as_slice).unwrap_or_default();
    if let Some(unknown) = stored.iter().filter_map(Value::as_str).find(|v| *v != VERSION) {
        return Check::warn(NAME, format!("{name} stores objects in the version {unknown} too"))
            .means(format!("A release that does not serve {unknown} cannot read them. Write each object once, then remove the version from status.storedVersions."))
            .run(format!("kubectl get {plural} -A -o json | kubectl replace -f -"));
    }
    let wanted = expected::crd(plural).map_or(&Value::Null, expected::schema);
    let ignored = |key: &str, value: &Value| key == "description" && value.is_string();
    let found = differences(wanted, expected::schema(crd), ignored);
    match of_schema(&found) {
        None => Check::ok(NAME, format!("{name} is established, with the schema of {}", facts.plugin)),
        Some((age, first)) => {
            let place = first.path.strip_prefix(".openAPIV3Schema").unwrap_or(&first.path);
            Check::fail(NAME, format!("{name} has {age} schema than version {}: {} differences, the first at {place}", facts.plugin, found.len()))
                .means("The API server drops fields that its schema does not have, and checks other rules than the operator expects. Install CRDs and operator of one version, the CRDs first.")
                .run(install)
                .run(show)
        }
    }
}

/// Whether the installed schema is older or newer, and the first difference.
fn of_schema(found: &[Difference]) -> Option<(&'static str, &Difference)> {
    let first = found.first()?;
    let all = |change| found.iter().all(|d| d.change == change);
    let age = if all(Change::Missing) {
        "an older"
    } else if all(Change::Added) {
        "a newer"
    } else {
        "another"
    };
    Some((age, first))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::commands::doctor::{check::Level, fixtures};

    fn changed(pointer: &str, value: Value) -> Value {
        let mut crd = fixtures::crd("modelversions");
        *crd.pointer_mut(pointer).unwrap() = value;
        crd
    }

    const SCHEMA: &str = "/spec/versions/0/schema/openAPIV3Schema";

    #[rstest]
    #[case::sound(Some(fixtures::crd("modelversions")), Level::Ok, "with the schema of 0.1.0")]
    #[case::missing(None, Level::Fail, "does not exist")]
    #[case::not_established(Some(changed("/status/conditions", json!([]))), Level::Fail, "is not established")]
    #[case::not_served(Some(changed("/spec/versions/0/served", json!(false))), Level::Fail, "does not serve v1alpha1")]
    #[case::another_stored_version(Some(changed("/status/storedVersions", json!(["v1alpha1", "v1beta1"]))), Level::Warn, "v1beta1")]
    #[case::older(Some(changed(&format!("{SCHEMA}/properties/spec/properties/baseline"), json!(null))), Level::Fail, "an older schema")]
    #[case::without_a_rule(Some(changed(&format!("{SCHEMA}/x-kubernetes-validations"), json!([]))), Level::Fail, "an older schema")]
    #[case::other_words(Some(changed(&format!("{SCHEMA}/description"), json!("edited"))), Level::Ok, "established")]
    fn a_crd_is_judged_by_what_the_api_server_serves(
        #[case] crd: Option<Value>,
        #[case] level: Level,
        #[case] words: &str,
    ) {
        let check = judge_one(&fixtures::facts(), "modelversions", crd.as_ref());
        assert_eq!(check.level, level, "{}", check.message);
        assert!(check.message.contains(words), "{}", check.message);
    }
}
