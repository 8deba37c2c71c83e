//! The summary that a pod serves to the operator as one JSON object. Readers ignore unknown fields, so an older
//! operator can read the summary of a newer pod.

use serde::{Deserialize, Serialize};

use crate::{
    comparison::{Comparison, Identity},
    drift::Drift,
    outcomes::Outcomes,
};

/// The statistics of one pod, or of several pods together.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// The version that the pods serve.
    pub main: Identity,
    /// The comparison with the challenger. `None` without a challenger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
    /// The drift of the calls from the training data. `None` without a baseline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<Drift>,
    /// The outcomes. `None` if no caller has sent any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcomes: Option<Outcomes>,
}

impl Summary {
    /// An empty summary.
    #[must_use]
    pub fn new(main: Identity) -> Self {
        Self { main, ..Self::default() }
    }

    /// Adds the summary of another pod, and returns true. If the other pod has another main, changes nothing and
    /// returns false.
    ///
    /// If the challengers differ, the result has the comparison with the later `since` (see [`Comparison::merge`]), and
    /// the outcomes of that challenger only.
    pub fn merge(&mut self, other: &Self) -> bool {
        if self.main != other.main {
            return false;
        }
        let (before, theirs) = (pair(self.comparison.as_ref()), pair(other.comparison.as_ref()));
        merge_option(&mut self.comparison, other.comparison.as_ref(), Comparison::merge);
        merge_option(&mut self.drift, other.drift.as_ref(), Drift::merge);

        let kept = pair(self.comparison.as_ref());
        if before != kept {
            self.outcomes.iter_mut().for_each(Outcomes::forget_challenger);
        }
        let outcomes = other.outcomes.clone().map(|mut outcomes| {
            if theirs != kept {
                outcomes.forget_challenger();
            }
            outcomes
        });
        merge_option(&mut self.outcomes, outcomes.as_ref(), Outcomes::merge);
        true
    }
}

fn pair(comparison: Option<&Comparison>) -> Option<(Identity, Identity)> {
    comparison.map(|comparison| (comparison.main().clone(), comparison.challenger().clone()))
}

fn merge_option<T: Clone>(mine: &mut Option<T>, theirs: Option<&T>, merge: impl Fn(&mut T, &T)) {
    match (mine.as_mut(), theirs) {
        (Some(mine), Some(theirs)) => merge(mine, theirs),
        (None, Some(theirs)) => *mine = Some(theirs.clone()),
        (_, None) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::Summary;
    use crate::{
        comparison::{Comparison, Identity, OutputKind, Role},
        drift::Drift,
        outcomes::{OutcomeRow, Outcomes, Side},
    };

    fn identity(version: &str) -> Identity {
        Identity { version: version.to_owned(), digest: format!("sha256:{version}") }
    }

    fn summary(challenger: &str, since: u64) -> Summary {
        let outputs = [("label".to_owned(), OutputKind::Label)];
        let mut comparison = Comparison::new(identity("1.0.0"), identity(challenger), since, outputs);
        comparison.pair(1);
        comparison.labels(0, 1, 1);
        let mut outcomes = Outcomes::default();
        let side = |right| Side { right, class: None, scores: &[] };
        outcomes.join([OutcomeRow {
            class: None,
            main: side(true),
            challenger: Some(side(false)),
            value: None,
        }]);
        Summary {
            main: identity("1.0.0"),
            comparison: Some(comparison),
            drift: Some(Drift::default()),
            outcomes: Some(outcomes),
        }
    }

    #[test]
    fn a_summary_is_read_as_it_was_written() {
        let sent = summary("1.1.0", 5);
        let json = serde_json::to_string(&sent).expect("it is plain data");
        assert_eq!(serde_json::from_str::<Summary>(&json).expect("it was just written"), sent);
    }

    #[test]
    fn an_older_operator_reads_a_newer_pod() {
        let json = r#"{"main":{"version":"1.0.0","digest":"sha256:1.0.0","signature":"x"},"novelty":[1],
            "comparison":{"main":{"version":"1.0.0","digest":"a"},"challenger":{"version":"1.1.0","digest":"b"},
                "since":5,"pairs":2,"novelty":{},"outputs":[{"name":"label","kind":"label","novelty":1}]},
            "drift":{"windowSeconds":60,"novelty":null,"columns":[{"name":"age","role":"input","kind":"numeric",
                "expected":[1],"observed":[2],"novelty":3}]},
            "outcomes":{"joined":1,"novelty":2}}"#;
        let read: Summary = serde_json::from_str(json).expect("unknown fields are ignored");
        assert_eq!(read.main, identity("1.0.0"));
        assert_eq!(read.comparison.map(|comparison| comparison.pairs()), Some(2));
        assert_eq!(read.drift.map(|drift| drift.columns.len()), Some(1));
    }

    #[test]
    fn an_empty_summary_becomes_the_other_one() {
        let mut merged = Summary::new(identity("1.0.0"));
        assert!(merged.merge(&summary("1.1.0", 5)));
        assert_eq!(merged, summary("1.1.0", 5));
        assert!(merged.merge(&Summary::new(identity("1.0.0"))));
        assert_eq!(merged, summary("1.1.0", 5));
    }

    #[test]
    fn a_summary_of_another_main_is_not_added() {
        let mut merged = summary("1.1.0", 5);
        let other = Summary { main: identity("2.0.0"), ..summary("1.1.0", 5) };
        assert!(!merged.merge(&other));
        assert_eq!(merged, summary("1.1.0", 5));
    }

    // Otherwise the accuracy of the new challenger would include answers of the old one.
    #[test]
    fn the_outcomes_of_a_former_challenger_do_not_count_for_the_new_one() {
        for (mut merged, other) in
            [(summary("1.1.0", 5), summary("1.2.0", 9)), (summary("1.2.0", 9), summary("1.1.0", 5))]
        {
            merged.merge(&other);
            let outcomes = merged.outcomes.expect("both summaries have outcomes");
            assert_eq!((outcomes.joined(), outcomes.compared(Role::Challenger)), (2, 1));
            assert_eq!(
                merged.comparison.map(|kept| kept.challenger().version.clone()).as_deref(),
                Some("1.2.0")
            );
        }
    }
}
