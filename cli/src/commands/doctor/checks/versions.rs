//! Whether plugin, operator and server are of one version.

use semver::Version;

use super::super::{
    check::{Check, judge},
    facts::Facts,
};

const NAME: &str = "versions";

pub fn check(facts: &Facts) -> Vec<Check> {
    let server = Check::ok("api-server", format!("Kubernetes {} answers", facts.server));
    let mut checks = vec![server];
    checks.extend(judge(NAME, &facts.operator, |operator| {
        // The check of the operator says that it is missing.
        let Some(operator) = operator else { return vec![] };
        let chart = operator["metadata"]["labels"]["app.kubernetes.io/version"].as_str().unwrap_or_default();
        let image =
            operator["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap_or_default();
        vec![compare(facts, chart, image)]
    }));
    checks
}

fn compare(facts: &Facts, chart: &str, operator: &str) -> Check {
    let server = facts.config.server_image.as_deref().unwrap_or_default();
    let upgrade = format!(
        "helm upgrade {} <chart> -n {} --reset-then-reuse-values",
        facts.config.release, facts.system
    );
    if let (Some(own), Some(served)) = (tag_version(operator), tag_version(server))
        && own != served
    {
        return Check::fail(NAME, format!("the operator is {own}, and it starts servers of {served}"))
            .means("Operator and server are tested in the same version only. Set image.tag and server.image.tag of the chart to the same version, or to nothing.")
            .run(upgrade);
    }
    if let (Some(own), Ok(installed)) = (tag_version(operator), Version::parse(chart))
        && own != installed
    {
        return Check::fail(NAME, format!("the operator's image is {own}, and its chart is {installed}"))
            .means("Policies, roles and CRDs are those of the chart, and another operator may need others. Set image.tag of the chart to nothing.")
            .run(upgrade);
    }
    if facts.plugin != chart {
        return Check::warn(NAME, format!("this plugin is {}, and the chart is {chart}", facts.plugin))
            .means("The checks below compare with what this version of the plugin knows. Use the plugin of the installed version.");
    }
    Check::ok(NAME, format!("plugin and chart are {chart}; operator {operator}; server {server}"))
}

/// The version in the tag of an image, if its tag is one.
fn tag_version(image: &str) -> Option<Version> {
    let name = image.rsplit('/').next()?.split('@').next()?;
    let (_, tag) = name.split_once(':')?;
    Version::parse(tag.strip_prefix('v').unwrap_or(tag)).ok()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::commands::doctor::{
        check::Level,
        fixtures::{facts, operator},
    };

    #[rstest]
    #[case::same("r:5000/op:0.1.0", "r:5000/server:0.1.0", Level::Ok)]
    #[case::tags_that_are_not_versions("op:3f2a", "server:9b1c", Level::Ok)]
    #[case::other_server("op:0.1.0", "server:0.2.0", Level::Fail)]
    #[case::other_chart("op:0.3.0", "server:0.3.0", Level::Fail)]
    fn operator_server_and_chart_have_one_version(
        #[case] own: &str,
        #[case] server: &str,
        #[case] level: Level,
    ) {
        let mut facts = facts();
        let mut deployment = operator();
        deployment["spec"]["template"]["spec"]["containers"][0]["image"] = own.into();
        facts.operator = Ok(Some(deployment));
        facts.config.server_image = Some(server.to_owned());
        assert_eq!(check(&facts)[1].level, level);
    }

    #[test]
    fn a_plugin_of_another_version_is_a_warning() {
        let mut facts = facts();
        facts.plugin = "0.2.0".to_owned();
        assert_eq!(check(&facts)[1].level, Level::Warn);
    }
}
