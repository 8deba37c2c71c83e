//! The command that repairs what the chart installed.

use super::super::facts::Facts;

/// The command that installs the objects of the chart again, as the release had them.
pub fn restore(facts: &Facts) -> String {
    format!(
        "helm get manifest {} -n {} | kubectl apply --server-side --force-conflicts -f -",
        facts.config.release, facts.system
    )
}
