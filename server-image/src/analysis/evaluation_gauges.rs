//! What outcomes say of scores, numbers and value, as gauges for Prometheus.

use prometheus::{Gauge, GaugeVec, IntGauge};
use understudy_stats::{Outcomes, Role};

use super::interval_gauges::{Interval, real, signed};
use crate::metrics::Family;

/// Gauges of the scores of a classifier, the numbers of a regression, and the value at stake.
pub(super) struct EvaluationGauges {
    auc: Interval,
    more_auc: Interval,
    log_loss: Interval,
    more_log_loss: Interval,
    calibration: Interval,
    calibration_rows: GaugeVec,
    mae: Interval,
    more_mae: Interval,
    rmse: Interval,
    more_rmse: Interval,
    bias: Interval,
    r2: Interval,
    value: Gauge,
    right: Interval,
    more_right: Interval,
    left_out: IntGauge,
}

impl EvaluationGauges {
    /// Registers the gauges.
    pub(super) fn new(family: &Family) -> Self {
        let interval = |name, help, labels: &[&str]| Interval::new(family, name, help, labels);
        let by_role = |name, help| Interval::new(family, name, help, &["role"]);
        Self {
            auc: interval(
                "understudy_outcome_auc",
                "How likely a row of a class has a larger score of it than another row",
                &["role", "class"],
            ),
            more_auc: interval(
                "understudy_outcome_auc_difference",
                "AUC of the challenger less that of main, on the same rows",
                &["class"],
            ),
            log_loss: by_role("understudy_outcome_log_loss", "Mean log loss of the scores"),
            more_log_loss: interval(
                "understudy_outcome_log_loss_difference",
                "Log loss of the challenger less that of main, on the same rows",
                &[],
            ),
            calibration: interval(
                "understudy_outcome_calibration_ratio",
                "Ratio of the second of two classes among rows whose score of it begins with this tenth",
                &["role", "score"],
            ),
            calibration_rows: family.gauges(
                "understudy_outcome_calibration_rows",
                "Rows whose score of the second of two classes begins with this tenth",
                &["role", "score"],
            ),
            mae: by_role(
                "understudy_outcome_mae",
                "Mean absolute error of numbers, in the unit of the output",
            ),
            more_mae: interval(
                "understudy_outcome_mae_difference",
                "Mean absolute error of the challenger less that of main, on the same rows",
                &[],
            ),
            rmse: by_role("understudy_outcome_rmse", "Root of the mean squared error of numbers"),
            more_rmse: interval(
                "understudy_outcome_rmse_difference",
                "Root mean squared error of the challenger less that of main, on the same rows",
                &[],
            ),
            bias: by_role("understudy_outcome_bias", "Mean of prediction less outcome"),
            r2: by_role("understudy_outcome_r2", "Coefficient of determination, at most 1"),
            value: family
                .float_gauge("understudy_outcome_value", "Total value of the rows whose outcome has one"),
            right: by_role(
                "understudy_outcome_value_ratio",
                "Ratio of the value for which a version was right",
            ),
            more_right: interval(
                "understudy_outcome_value_difference",
                "Ratio of the value for which the challenger was right less that of main, on the same rows",
                &[],
            ),
            left_out: family.gauge(
                "understudy_outcome_left_out",
                "Rows with an outcome whose scores are no probabilities or whose numbers are not finite",
            ),
        }
    }

    /// Sets the gauges.
    pub(super) fn update(&self, outcomes: Option<&Outcomes>) {
        for interval in [
            &self.auc,
            &self.more_auc,
            &self.log_loss,
            &self.more_log_loss,
            &self.calibration,
            &self.mae,
            &self.more_mae,
            &self.rmse,
            &self.more_rmse,
            &self.bias,
            &self.r2,
            &self.right,
            &self.more_right,
        ] {
            interval.reset();
        }
        self.calibration_rows.reset();
        self.value.set(outcomes.map_or(0.0, Outcomes::value));
        self.left_out.set(outcomes.map_or(0, |outcomes| signed(outcomes.left_out())));
        let Some(outcomes) = outcomes else { return };
        self.more_log_loss.set(&[], outcomes.log_loss_difference());
        self.more_right.set(&[], outcomes.value_difference());
        let [mae, rmse] = outcomes.error_differences();
        self.more_mae.set(&[], mae);
        self.more_rmse.set(&[], rmse);
        for class in outcomes.classes() {
            self.more_auc.set(&[class], outcomes.auc_difference(class));
        }
        for role in Role::ALL {
            self.update_role(role, outcomes);
        }
    }

    fn update_role(&self, role: Role, outcomes: &Outcomes) {
        let name = role.as_str();
        for class in outcomes.classes() {
            self.auc.set(&[name, class], outcomes.auc(role, class));
        }
        self.log_loss.set(&[name], outcomes.log_loss(role));
        for tenth in outcomes.calibration(role) {
            let score = format!("{:.1}", tenth.from);
            self.calibration.set(&[name, &score], Some(tenth.share));
            self.calibration_rows.with_label_values(&[name, &score]).set(real(tenth.rows));
        }
        let errors = outcomes.errors(role);
        self.mae.set(&[name], errors.mae);
        self.rmse.set(&[name], errors.rmse);
        self.bias.set(&[name], errors.bias);
        self.r2.set(&[name], errors.r2);
        self.right.set(&[name], outcomes.value_share(role));
    }
}
