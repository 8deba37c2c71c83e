//! What outcomes say of scores, of numbers and of the value at stake, for both versions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Tenths of a calibration curve.
pub const TENTHS_LIMIT: usize = 10;

/// An estimate with its 95 % confidence interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Estimate {
    /// Best estimate, to six significant digits.
    pub value: f64,
    /// Lower end of the 95 % confidence interval.
    pub low: f64,
    /// Upper end of the 95 % confidence interval.
    pub high: f64,
}

/// A figure of each version on the same rows, and their difference.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VersionEstimates {
    /// The figure of main. While the challenger has answered none of the calls, of all rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub main: Option<Estimate>,
    /// The figure of the challenger. Absent while it answered none of the calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenger: Option<Estimate>,
    /// The challenger's figure less that of main. Absent for fewer than two calls that both have answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<Estimate>,
}

/// The errors of the numbers that each version predicted, in the output's unit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NumberErrors {
    /// Number of rows that the errors are about.
    pub rows: i64,
    /// Mean absolute error, the mean of |prediction - outcome|.
    #[serde(default)]
    pub mae: VersionEstimates,
    /// Root of the mean squared error, in which large errors count more.
    #[serde(default)]
    pub rmse: VersionEstimates,
    /// Mean of prediction - outcome. Above 0, predictions are too large.
    #[serde(default)]
    pub bias: VersionEstimates,
    /// Coefficient of determination, at most 1. At 0, predictions are as good as the mean of the outcomes.
    #[serde(default)]
    pub r2: VersionEstimates,
}

/// The value of the rows whose outcome has one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ValueAtStake {
    /// Total value of these rows, in the unit of the outcomes.
    pub total: f64,
    /// Share of the value for which each version was right, from 0 to 1.
    #[serde(default)]
    pub right: VersionEstimates,
}

/// Rows with a score in one tenth, and how many of them are of the class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CalibrationTenth {
    /// The first score of the tenth, from 0 to 0.9.
    pub from: f64,
    /// Rows to which main gave such a score. Absent if there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub main: Option<CalibratedRows>,
    /// Rows to which the challenger gave such a score. Absent if there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenger: Option<CalibratedRows>,
}

/// Rows with similar scores. A version is calibrated if the share is about the score.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CalibratedRows {
    /// Number of rows with such a score.
    pub rows: i64,
    /// Mean score of these rows.
    pub score: f64,
    /// Share of these rows that are of the class, from 0 to 1.
    pub share: Estimate,
}
