//! Outcomes as gauges for Prometheus.

use prometheus::GaugeVec;
use understudy_stats::{Outcomes, Role};

use super::interval_gauges::{Interval, real};
use crate::metrics::Family;

/// How often each version was right, over all rows and class by class. The number of classes is bounded.
pub(super) struct OutcomeGauges {
    accuracy: Interval,
    more_accuracy: Interval,
    balanced: Interval,
    more_balanced: Interval,
    class_rows: GaugeVec,
    precision: Interval,
    recall: Interval,
    f1: Interval,
}

impl OutcomeGauges {
    /// Registers the gauges.
    pub(super) fn new(family: &Family) -> Self {
        let interval = |name, help, labels: &[&str]| Interval::new(family, name, help, labels);
        Self {
            accuracy: interval(
                "understudy_outcome_accuracy_ratio",
                "Ratio of correct labels among the rows with an outcome that both have answered, or main alone without a challenger",
                &["role"],
            ),
            more_accuracy: interval(
                "understudy_outcome_accuracy_difference",
                "Accuracy of the challenger less that of main, on the same rows",
                &[],
            ),
            balanced: interval(
                "understudy_outcome_balanced_accuracy_ratio",
                "Mean recall of all classes",
                &["role"],
            ),
            more_balanced: interval(
                "understudy_outcome_balanced_accuracy_difference",
                "Balanced accuracy of the challenger less that of main, on the same rows",
                &[],
            ),
            class_rows: family.gauges(
                "understudy_outcome_class_rows",
                "Rows of a class among those with an outcome",
                &["class"],
            ),
            precision: interval(
                "understudy_outcome_precision_ratio",
                "Ratio of right predictions of a class among its predictions",
                &["role", "class"],
            ),
            recall: interval(
                "understudy_outcome_recall_ratio",
                "Ratio of the rows of a class that were recognized",
                &["role", "class"],
            ),
            f1: interval(
                "understudy_outcome_f1_ratio",
                "Harmonic mean of precision and recall of a class",
                &["role", "class"],
            ),
        }
    }

    /// Sets the gauges.
    pub(super) fn update(&self, outcomes: Option<&Outcomes>) {
        for interval in [
            &self.accuracy,
            &self.more_accuracy,
            &self.balanced,
            &self.more_balanced,
            &self.precision,
            &self.recall,
            &self.f1,
        ] {
            interval.reset();
        }
        self.class_rows.reset();
        let Some(outcomes) = outcomes else { return };
        self.more_accuracy.set(&[], outcomes.difference());
        self.more_balanced.set(&[], outcomes.balanced_difference());
        for role in Role::ALL {
            self.accuracy.set(&[role.as_str()], outcomes.accuracy(role));
            self.balanced.set(&[role.as_str()], outcomes.balanced_accuracy(role));
        }
        for class in outcomes.classes() {
            self.class_rows.with_label_values(&[class]).set(real(outcomes.support(class)));
            for role in Role::ALL {
                let (labels, scores) = ([role.as_str(), class], outcomes.scores(role, class));
                self.precision.set(&labels, scores.precision);
                self.recall.set(&labels, scores.recall);
                self.f1.set(&labels, scores.f1);
            }
        }
    }
}
