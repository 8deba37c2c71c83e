//! Drift as gauges for Prometheus: the measures of each column, the limit from which it drifts, and what else is wrong with its
//! values. So an alert needs no rule of its own.

use prometheus::{GaugeVec, IntGauge};
use understudy_contract::routing::DriftRules;
use understudy_stats::{ColumnDrift, ColumnKind, ColumnRole, Drift, Known, Rules};

use super::interval_gauges::{real, signed};
use crate::metrics::Family;

/// Gauges of drift by column.
pub(super) struct DriftGauges {
    distance: GaugeVec,
    limit: GaugeVec,
    features: GaugeVec,
    issues: GaugeVec,
    psi: GaugeVec,
    ks: GaugeVec,
    ks_p: GaugeVec,
    wasserstein: GaugeVec,
    mean: GaugeVec,
    baseline_mean: GaugeVec,
    chi_square: GaugeVec,
    chi_square_p: GaugeVec,
    samples: GaugeVec,
    missing: GaugeVec,
    out_of_range: GaugeVec,
    min_samples: IntGauge,
}

impl DriftGauges {
    pub(super) fn new(family: &Family) -> Self {
        let column = |name: &str, help: &str| family.gauges(name, help, &["role", "feature"]);
        Self {
            distance: column(
                "understudy_drift_distance",
                "Jensen-Shannon distance of a column in the window from the baseline, from 0 to 1",
            ),
            limit: column(
                "understudy_drift_distance_limit",
                "Distance from which a column drifts: what chance and the changes within the training data explain, or the smallest that matters. +Inf with too few values",
            ),
            features: family.gauges(
                "understudy_drift_features_ratio",
                "Ratio of the columns of a role that drift, among those with enough values",
                &["role"],
            ),
            issues: family.gauges(
                "understudy_drift_issue",
                "1 while the values of a column are not in order. The label says what is wrong",
                &["role", "feature", "issue"],
            ),
            psi: column(
                "understudy_drift_psi",
                "Population stability index of a column in the window against the baseline",
            ),
            ks: column("understudy_drift_ks", "Kolmogorov-Smirnov statistic of a numeric column"),
            ks_p: column(
                "understudy_drift_ks_p_value",
                "How likely so large a Kolmogorov-Smirnov statistic is without drift",
            ),
            wasserstein: column(
                "understudy_drift_wasserstein",
                "Wasserstein distance of a numeric column from the baseline, in the units of the column",
            ),
            mean: column("understudy_drift_mean", "Mean of a numeric column in the window"),
            baseline_mean: column(
                "understudy_drift_baseline_mean",
                "Mean of a numeric column in the training data",
            ),
            chi_square_p: column(
                "understudy_drift_chi_square_p_value",
                "How likely so large a chi-square statistic is without drift",
            ),
            chi_square: column("understudy_drift_chi_square", "Chi-square statistic of a categorical column"),
            samples: column("understudy_drift_samples", "Values of a column in the window"),
            missing: column("understudy_drift_missing_ratio", "Ratio of rows without a value"),
            out_of_range: column(
                "understudy_drift_out_of_range_ratio",
                "Ratio of values outside of the range or the categories of the baseline",
            ),
            min_samples: family.gauge(
                "understudy_drift_min_samples",
                "Number of values below which a column does not count as drifting",
            ),
        }
    }

    /// `rules` are absent until the routing file has them. Without rules nothing counts as drifting.
    pub(super) fn update(&self, drift: Option<&Drift>, rules: Option<&DriftRules>) {
        self.min_samples.set(rules.map_or(0, |rules| signed(rules.min_samples)));
        let all = [
            &self.distance,
            &self.limit,
            &self.features,
            &self.issues,
            &self.psi,
            &self.ks,
            &self.ks_p,
            &self.wasserstein,
            &self.mean,
            &self.baseline_mean,
            &self.chi_square_p,
            &self.chi_square,
            &self.samples,
            &self.missing,
            &self.out_of_range,
        ];
        for gauges in all {
            gauges.reset();
        }
        let rules = rules.map(|rules| Rules {
            window_seconds: rules.window_seconds,
            min_samples: rules.min_samples,
            psi: rules.psi,
            false_alarms: rules.false_alarms,
        });
        let mut judged = [(0_u64, 0_u64); 2];
        for column in drift.into_iter().flat_map(|drift| &drift.columns) {
            self.measures(column);
            self.judge(column, rules.as_ref(), &mut judged[column.role as usize]);
        }
        for role in [ColumnRole::Input, ColumnRole::Output] {
            let (drifting, all) = judged[role as usize];
            if all > 0 {
                self.features.with_label_values(&[role.as_str()]).set(real(drifting) / real(all));
            }
        }
    }

    fn measures(&self, column: &ColumnDrift) {
        let labels = [column.role.as_str(), column.name.as_str()];
        self.samples.with_label_values(&labels).set(real(column.samples()));
        let chi_square = column.chi_square().filter(|_| column.kind == ColumnKind::Categorical);
        for (gauges, value) in [
            (&self.psi, column.psi()),
            (&self.ks, column.ks()),
            (&self.ks_p, column.ks_p_value()),
            (&self.wasserstein, column.wasserstein()),
            (&self.mean, column.mean()),
            (&self.baseline_mean, column.moments.map(|(mean, _)| mean)),
            (&self.chi_square, chi_square.map(|found| found.statistic)),
            (&self.chi_square_p, chi_square.map(|found| found.p_value)),
            (&self.missing, column.missing_ratio()),
            (&self.out_of_range, column.out_of_range_ratio()),
        ] {
            if let Some(value) = value {
                gauges.with_label_values(&labels).set(value);
            }
        }
    }

    /// `judged` counts the columns that drift, and those with enough values.
    fn judge(&self, column: &ColumnDrift, rules: Option<&Rules>, judged: &mut (u64, u64)) {
        let labels = [column.role.as_str(), column.name.as_str()];
        let Some(found) =
            rules.map(|rules| column.judge(rules, Known::default())).filter(|found| found.enough)
        else {
            self.set_distance(&labels, column.distance(), f64::INFINITY);
            return;
        };
        judged.1 += 1;
        judged.0 += u64::from(found.shift.is_some());
        // With an issue, the distance is a consequence of it.
        let limit = found.limit.filter(|_| found.shift.is_some() || found.issues.is_empty());
        self.set_distance(&labels, found.distance, limit.unwrap_or(f64::INFINITY));
        for issue in &found.issues {
            self.issues.with_label_values(&[labels[0], labels[1], issue.kind.as_str()]).set(1.0);
        }
    }

    fn set_distance(&self, labels: &[&str], distance: Option<f64>, limit: f64) {
        self.limit.with_label_values(labels).set(limit);
        if let Some(distance) = distance {
            self.distance.with_label_values(labels).set(distance);
        }
    }
}
