//! What callers of main have to change if a version replaces it.

use serde::Serialize;
use understudy_crds::{ModelVersion, ServedVersion, Stage};

/// A version that does not accept the calls of main, or lacks one of its outputs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Breaking {
    /// The first difference, as a sentence.
    pub change: String,
    /// The version that is main.
    pub main: String,
    /// Whether Production is refused until the version is published with a new major version number.
    pub major_required: bool,
}

impl Breaking {
    /// What the operator has recorded in the open request. Before a request, the same comparison with the present main.
    #[must_use]
    pub fn of(
        mv: &ModelVersion,
        main: Option<&ModelVersion>,
        served: Option<&ServedVersion>,
    ) -> Option<Self> {
        let open = mv.transition().filter(|transition| transition.to == Stage::Production);
        let recorded = open.and_then(|transition| transition.breaking.clone());
        Some(Self {
            change: recorded.or_else(|| mv.breaks(main?))?,
            main: served.map_or_else(|| "main".to_owned(), |served| served.version.clone()),
            major_required: main.is_some_and(|main| !mv.has_newer_major(main)),
        })
    }

    /// `BREAKING for callers of 1.2.0: 1.3.0 needs the input age (FP32 [-1, 1]), which main does not have`.
    #[must_use]
    pub fn in_words(&self) -> String {
        let Self { change, main, major_required } = self;
        let advice = if *major_required {
            "\nProduction requires a new major version number: publish the model with one"
        } else {
            ""
        };
        format!("BREAKING for callers of {main}: {change}{advice}")
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;
    use crate::fixtures::version;

    fn running(number: &str, inputs: &Value) -> ModelVersion {
        let model = json!({"inputs": inputs, "outputs": [], "opset": 17, "bytes": 1});
        version(json!({"spec": {"version": number}, "status": {"stage": "Staging", "model": model}}))
    }

    fn input(name: &str) -> Value {
        json!({"name": name, "datatype": "FP32", "shape": [-1, 1]})
    }

    #[rstest]
    #[case("1.3.0", true)]
    #[case("2.0.0", false)]
    fn before_a_request_a_version_that_needs_another_input_breaks_main_s_callers(
        #[case] number: &str,
        #[case] major_required: bool,
    ) {
        let main = running("1.2.0", &json!([input("amount")]));
        let mv = running(number, &json!([input("amount"), input("age")]));
        let found = Breaking::of(&mv, Some(&main), None).unwrap();
        assert_eq!(
            found.change,
            format!("{number} needs the input age (FP32 [-1, 1]), which main does not have")
        );
        assert_eq!(found.major_required, major_required);
        assert_eq!(Breaking::of(&main, Some(&main), None), None);
        assert_eq!(
            Breaking::of(&version(json!({})), Some(&main), None),
            None,
            "its signature is not known yet"
        );
        assert_eq!(Breaking::of(&mv, None, None), None, "no version is main");
    }

    #[test]
    fn the_request_shows_what_the_operator_has_recorded() {
        let mv = version(
            json!({"spec": {"stage": "Production"}, "status": {"stage": "Staging", "transition": {
            "id": "6f1c2b", "from": "Staging", "to": "Production", "requestedBy": "alice", "breaking": "no output score",
            "requestedAt": "2026-11-21T04:00:00Z", "generation": 3, "digest": "sha256:9f"}}}),
        );
        assert_eq!(
            Breaking::of(&mv, None, None).unwrap().in_words(),
            "BREAKING for callers of main: no output score"
        );
    }
}
