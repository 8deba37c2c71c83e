use std::collections::{BTreeMap, BTreeSet};

use proptest::{prelude::*, sample::Index};
use rstest::rstest;

use super::*;

/// Characters that a mapping to names or labels could confuse with each other.
const TRICKY: [char; 7] = ['-', '.', '+', '0', 'a', 'A', 'x'];

fn is_letter_or_digit(c: char) -> bool {
    c.is_ascii_alphanumeric()
}

/// What the CRD accepts as `spec.version`: the pattern and the lengths of `crds/src/model_version.rs`.
fn is_accepted(version: &str) -> bool {
    let number = |text: &str| {
        text == "0"
            || (!text.starts_with('0') && !text.is_empty() && text.chars().all(|c| c.is_ascii_digit()))
    };
    let identifiers = |text: &str| {
        text.split('.').all(|one| !one.is_empty() && one.chars().all(|c| c == '-' || is_letter_or_digit(c)))
    };
    let (rest, build) = version.split_once('+').map_or((version, None), |(rest, build)| (rest, Some(build)));
    let (core, pre) = rest.split_once('-').map_or((rest, None), |(core, pre)| (core, Some(pre)));
    core.split('.').count() == 3
        && core.split('.').all(number)
        && pre.is_none_or(identifiers)
        && build.is_none_or(identifiers)
        && (5..=63).contains(&version.len())
}

/// What Kubernetes accepts as the value of a label.
fn is_label_value(text: &str) -> bool {
    text.len() <= 63
        && text.starts_with(is_letter_or_digit)
        && text.ends_with(is_letter_or_digit)
        && text.chars().all(|c| is_letter_or_digit(c) || "-_.".contains(c))
}

/// What Kubernetes accepts as the name of a Service (RFC 1035).
fn is_dns_label(text: &str) -> bool {
    text.len() <= 63
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && !text.ends_with('-')
        && text.chars().all(|c| c == '-' || c.is_ascii_lowercase() || c.is_ascii_digit())
}

/// What Kubernetes accepts as the name of a ConfigMap: a DNS subdomain. This one has no dots.
fn is_config_map_name(text: &str) -> bool {
    let ends = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.len() <= 253
        && text.starts_with(ends)
        && text.ends_with(ends)
        && text.chars().all(|c| c == '-' || ends(c))
}

/// Any version that the CRD accepts, with lengths up to its limit.
fn version() -> impl Strategy<Value = String> {
    let identifiers = "[0-9A-Za-z-]{1,24}(\\.[0-9A-Za-z-]{1,8}){0,3}";
    let core = "(0|[1-9][0-9]{0,3})\\.(0|[1-9][0-9]{0,3})\\.(0|[1-9][0-9]{0,3})";
    (core, proptest::option::of(identifiers), proptest::option::of(identifiers), 0..24_usize).prop_filter_map(
        "the CRD rejects it",
        |(core, pre, build, dashes)| {
            let pre = pre.map(|pre| format!("-{pre}")).unwrap_or_default();
            let build = build.map(|build| format!("+{build}")).unwrap_or_default();
            let mut version = format!("{core}{pre}{build}");
            if version != core {
                version.truncate(63 - dashes);
                version.extend(std::iter::repeat_n('-', dashes));
            }
            is_accepted(&version).then_some(version)
        },
    )
}

/// Any name that the CRD accepts for a `ModelDeployment`.
fn deployment() -> impl Strategy<Value = String> {
    "[a-z]([-a-z0-9]{0,61}[a-z0-9])?"
}

/// Any text: of any characters, empty, long, or almost a name.
fn anything() -> impl Strategy<Value = String> {
    let repeated = (any::<String>(), 0..200_usize).prop_map(|(text, times)| text.repeat(times));
    let long = ("[a-zé😀-]{0,3}", "[é😀A-]", 0..2_000_usize).prop_map(|(head, c, n)| head + &c.repeat(n));
    prop_oneof![any::<String>(), repeated, long, "[-._+A-Za-z0-9é]{0,80}"]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_version_is_a_valid_label(version in version()) {
        let label = version_label(&version);
        prop_assert!(is_label_value(&label), "{version} -> {label}");
    }

    #[test]
    fn every_version_of_every_deployment_has_a_valid_name(deployment in deployment(), version in version()) {
        let name = version_object(&deployment, &version);
        prop_assert!(is_dns_label(&name), "{deployment} {version} -> {name}");
    }

    #[test]
    fn versions_that_differ_in_one_place_share_neither_name_nor_label(
        deployment in deployment(),
        version in version(),
        place in any::<Index>(),
        other in proptest::sample::select(TRICKY.to_vec()),
    ) {
        let place = place.index(version.len());
        let changed: String =
            version.chars().enumerate().map(|(i, c)| if i == place { other } else { c }).collect();
        prop_assume!(changed != version && is_accepted(&changed));
        prop_assert_ne!(version_label(&version), version_label(&changed));
        prop_assert_ne!(version_object(&deployment, &version), version_object(&deployment, &changed));
    }

    #[test]
    fn any_text_at_all_leads_to_valid_names_and_labels(deployment in anything(), version in anything()) {
        let name = version_object(&deployment, &version);
        prop_assert!(is_dns_label(&name), "{name:?}");
        for name in [challenger(&deployment), peers(&deployment)] {
            prop_assert!(is_dns_label(&name), "{name:?}");
        }
        let map = routing(&deployment);
        prop_assert!(is_config_map_name(&map), "{map:?}");
        for (key, value) in version_labels(&deployment, &version) {
            prop_assert!(is_label_value(&value), "{key}={value:?}");
        }
    }

    #[test]
    fn every_deployment_has_valid_names_for_its_other_objects(deployment in deployment()) {
        prop_assert!(is_dns_label(&challenger(&deployment)));
        prop_assert!(is_dns_label(&peers(&deployment)));
        prop_assert!(is_config_map_name(&routing(&deployment)));
        prop_assert!(is_label_value(&deployment_labels(&deployment)[DEPLOYMENT_LABEL]));
    }
}

#[test]
fn no_two_of_all_short_versions_share_a_name_or_a_label() {
    let mut endings = vec![String::new()];
    let mut longest = endings.clone();
    for _ in 0..4 {
        longest = longest.iter().flat_map(|end| TRICKY.map(|c| format!("{end}{c}"))).collect();
        endings.extend(longest.iter().cloned());
    }
    let versions =
        ["", "-", "+"].iter().flat_map(|sign| endings.iter().map(move |end| format!("1.0.0{sign}{end}")));
    let versions: BTreeSet<_> = versions.filter(|version| is_accepted(version)).collect();
    assert!(versions.len() > 1000, "{}", versions.len());
    let (mut labels, mut names) = (BTreeMap::new(), BTreeMap::new());
    for version in &versions {
        let (label, name) = (version_label(version), version_object("fraud", version));
        assert!(is_label_value(&label) && is_dns_label(&name), "{version} -> {label}, {name}");
        assert_eq!(labels.insert(label.clone(), version), None, "{version} shares the label {label}");
        assert_eq!(names.insert(name.clone(), version), None, "{version} shares the name {name}");
    }
}

#[rstest]
#[case("1.3.0", "1.3.0", "fraud-v1-3-0")]
#[case("1.4.0-rc.1", "1.4.0-rc.1", "fraud-v1-4-0-rc-1")]
#[case("1.0.0-rc-1", "1.0.0-rc-1", "fraud-v1-0-0-rc-1-95561a0e")]
#[case("1.0.0-RC.1", "1.0.0-RC.1", "fraud-v1-0-0-rc-1-baa49951")]
#[case("1.0.0+5", "1.0.0_5", "fraud-v1-0-0-5-3988381c")]
#[case("1.0.0-rc.1+Build.7", "1.0.0-rc.1_Build.7", "fraud-v1-0-0-rc-1-build-7-b39433c0")]
fn versions_keep_the_names_that_their_pods_run_under(
    #[case] version: &str,
    #[case] label: &str,
    #[case] name: &str,
) {
    assert_eq!((version_label(version).as_str(), version_object("fraud", version).as_str()), (label, name));
}

#[test]
fn a_long_deployment_keeps_the_name_that_its_pods_run_under() {
    let name = version_object(&"a".repeat(63), "10.20.30-alpha.1");
    assert_eq!(name, format!("{}-637acd42", "a".repeat(54)));
}

#[rstest]
#[case("1.0.0-rc-", "1_0.0-rcx")]
#[case("1.0.0--", "1_0.0-x")]
#[case("1.0.0+-", "1_0.0_x")]
#[case("1.0.0-rc.-+b-", "1_0.0-rc.-_bx")]
fn a_version_that_ends_in_a_dash_has_a_label_that_ends_in_a_letter(
    #[case] version: &str,
    #[case] label: &str,
) {
    assert_eq!(version_label(version), label);
}

#[test]
fn the_longest_version_that_ends_in_a_dash_is_a_label() {
    for version in [format!("1.0.0-{}", "-".repeat(57)), format!("1.0.0-{}-", "A".repeat(56))] {
        assert!(is_accepted(&version) && version.len() == 63, "{version}");
        assert!(is_label_value(&version_label(&version)), "{version}");
    }
}

#[test]
fn services_of_a_deployment_say_what_they_are_for() {
    assert_eq!((challenger("fraud"), peers("fraud")), ("fraud-challenger".into(), "fraud-peers".into()));
}

#[test]
fn services_of_two_long_deployments_differ() {
    let (one, other) = ("a".repeat(63), format!("{}b", "a".repeat(62)));
    let all = [challenger(&one), challenger(&other), peers(&one), peers(&other)];
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "{all:?}");
}

#[test]
fn a_deployment_named_in_characters_of_several_bytes_has_a_valid_name() {
    let name = version_object(&format!("a{}", "é".repeat(30)), "1.0.0");
    assert!(is_dns_label(&name), "{name}");
}

#[rstest]
#[case("", "")]
#[case("-", "-")]
#[case("9", "1.0.0")]
#[case("Fraud", "1.0.0")]
#[case("a/../b", "1.0.0")]
fn names_that_the_crd_rejects_lead_to_names_that_kubernetes_accepts(
    #[case] deployment: &str,
    #[case] version: &str,
) {
    assert!(is_dns_label(&version_object(deployment, version)), "{}", version_object(deployment, version));
    assert!(version_labels(deployment, version).values().all(|value| is_label_value(value)));
}
