//! How many workloads a change of the operator's configuration reaches, and in which order.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{
    cluster::{client::Heard, received::Received},
    fixtures::{deployment, main_is, parse, rolled_out, version, with},
    rollout::build::Origin,
};

fn config(image: &str) -> Config {
    parse(json!({"serverImage": image, "maxConcurrentRollouts": 3}))
}

/// A cluster in memory: deployments with a main, a challenger, a version in Staging.
struct World {
    scopes: Vec<(Cache, Triggers)>,
    metrics: std::sync::Arc<Metrics>,
}

impl World {
    /// As many deployments, served with the image `s:1`.
    fn new(deployments: usize) -> Self {
        let world = Self {
            scopes: vec![(Cache::default(), Triggers::default())],
            metrics: Metrics::new(Heard::default()),
        };
        for place in 0..deployments {
            let name = format!("model-{place}");
            let md = md(&name);
            world.sees(&md);
            for number in ["1.0.0", "1.1.0", "1.2.0"] {
                let labels =
                    json!({"metadata": {"name": format!("{name}-{number}")}, "spec": {"deployment": name}});
                let mv = version(number, labels);
                world.sees(&mv);
                let mut workload = build::workload(&md, &mv, 1, &config("s:1"));
                let origin = Origin::new(&md, &mv, &config("s:1"), &build::operator_hash(&config("s:1")));
                origin.write_to(&mut workload);
                world.sees(&rolled_out(&workload));
            }
        }
        world
    }

    fn cache(&self) -> &Cache {
        &self.scopes[0].0
    }

    fn sees(&self, object: &impl serde::Serialize) {
        let object: Value = serde_json::to_value(object).expect("JSON");
        match object["kind"].as_str().unwrap_or_default() {
            "ModelDeployment" => drop(self.cache().deployments.apply(parse::<Received<_>>(object))),
            "ModelVersion" => drop(self.cache().versions.apply(parse::<Received<_>>(object))),
            _ => drop(self.cache().workloads.apply(parse::<Received<_>>(object))),
        }
    }

    /// Every deployment has a pass. Workloads that may roll get the image, and are ready or not. Returns their turns.
    fn passes(&self, waves: &Waves, image: &str, ready: bool) -> Vec<Turn> {
        let mut rolled = vec![];
        for found in self.cache().workloads.state() {
            let name = label(found.as_ref(), names::DEPLOYMENT_LABEL).expect("a label");
            let md = self.cache().deployment("risk", name).expect("it exists");
            let number = label(found.as_ref(), names::VERSION_LABEL).expect("a label");
            let versions = self.cache().versions_of("risk", name);
            let mv = versions.iter().find(|v| v.spec.version == number).expect("it exists");
            let wanted = build::workload(&md, mv, 1, &config(image));
            let origin = Origin::new(&md, mv, &config(image), &waves.operator);
            if let roll::Roll::Wave(wanted) = roll::judge(wanted, origin, Some(&found))
                && waves.admits("risk", &found.name_any())
            {
                let mut wanted = rolled_out(&wanted);
                if !ready {
                    let status = wanted.status.get_or_insert_default();
                    (status.replicas, status.updated_replicas) = (Some(2), Some(1));
                }
                self.sees(&wanted);
                rolled.push(turn(&md, number));
            }
        }
        rolled
    }

    fn images(&self, image: &str) -> usize {
        self.cache().workloads.state().iter().filter(|w| build::image(&w.spec()) == Some(image)).count()
    }
}

fn md(name: &str) -> ModelDeployment {
    deployment(with(
        json!({"metadata": {"name": name, "uid": format!("uid-of-{name}")}}),
        json!({"status": main_is("1.2.0"), "spec": {"challenger": {"version": "1.1.0"}}}),
    ))
}

#[test]
fn an_image_that_exists_reaches_all_workloads_in_waves_and_mains_last() {
    let world = World::new(5);
    let waves = Waves::new(&config("s:2"));
    let mut order = vec![];
    while waves.look(&world.scopes, &world.metrics) {
        let wave = world.passes(&waves, "s:2", true);
        assert!((1..=3).contains(&wave.len()), "{wave:?}");
        order.extend(wave);
        assert!(order.len() <= 15, "a workload rolled twice");
    }
    let expected = [[Turn::Idle; 5], [Turn::Challenger; 5], [Turn::Main; 5]].concat();
    assert_eq!(order, expected);
    assert_eq!(world.images("s:2"), 15);
}

#[test]
fn an_image_that_does_not_exist_reaches_as_many_workloads_as_the_bound_and_no_main() {
    let world = World::new(5);
    let waves = Waves::new(&config("s:missing"));
    for _ in 0..20 {
        assert!(waves.look(&world.scopes, &world.metrics));
        let turns = world.passes(&waves, "s:missing", false);
        assert!(turns.iter().all(|turn| *turn == Turn::Idle), "{turns:?}");
    }
    assert_eq!(world.images("s:missing"), 3);
    assert!(world.metrics.render().contains("understudy_workloads_rolling 3\n"));

    // A new leader with an image that exists continues with the workloads that are stuck.
    let waves = Waves::new(&config("s:3"));
    while waves.look(&world.scopes, &world.metrics) {
        world.passes(&waves, "s:3", true);
    }
    assert_eq!(world.images("s:3"), 15);
}

#[test]
fn no_main_rolls_while_a_single_other_workload_fails() {
    let world = World::new(1);
    let waves = Waves::new(&config("s:missing"));
    for _ in 0..20 {
        waves.look(&world.scopes, &world.metrics);
        world.passes(&waves, "s:missing", false);
    }
    assert_eq!(world.images("s:missing"), 1, "the version in Staging");
}

#[test]
fn versions_that_were_never_ready_hold_nobody_back() {
    let world = World::new(4);
    for workload in world.cache().workloads.state() {
        if label(workload.as_ref(), names::VERSION_LABEL) == Some("1.0.0") {
            let mut broken = workload.as_ref().clone();
            broken.status.get_or_insert_default().ready_replicas = None;
            world.sees(&broken);
        }
    }
    for image in ["s:2", "s:3"] {
        let waves = Waves::new(&config(image));
        for _ in 0..20 {
            waves.look(&world.scopes, &world.metrics);
            for found in world.cache().workloads.state() {
                assert!(!roll::is_rolling(&found) || roll::has_ready_pods(&found));
            }
            let before: Vec<_> = world.cache().workloads.state();
            world.passes(&waves, image, true);
            // The broken ones stay broken.
            for was in before.iter().filter(|w| !roll::has_ready_pods(w)) {
                let now = world.cache().workloads.at(&Key::new("risk", &was.name_any())).expect("it exists");
                let mut now = now.as_ref().clone();
                now.status.get_or_insert_default().ready_replicas = None;
                world.sees(&now);
            }
        }
        assert_eq!(world.images(image), 12);
    }
}

#[test]
fn deployments_whose_workloads_may_roll_get_a_pass() {
    let world = World::new(2);
    let waves = Waves::new(&config("s:2"));
    waves.look(&world.scopes, &world.metrics);
    assert_eq!(world.scopes[0].1.deployments.state().depth, 2);
    waves.look(&world.scopes, &world.metrics);
    assert_eq!(world.scopes[0].1.deployments.state().depth, 2, "only once");
}

#[test]
fn a_workload_of_others_and_one_of_a_deleted_deployment_hold_nobody_back() {
    let world = World::new(1);
    let theirs = world.cache().workloads.state()[0].as_ref().clone();
    let mut foreign = theirs.clone();
    foreign.metadata.name = Some("foreign".to_owned());
    foreign.metadata.owner_references = None;
    world.sees(&foreign);
    let mut orphan = theirs;
    orphan.metadata.name = Some("orphan".to_owned());
    orphan
        .metadata
        .labels
        .get_or_insert_default()
        .insert(names::DEPLOYMENT_LABEL.to_owned(), "gone".to_owned());
    world.sees(&orphan);
    let waves = Waves::new(&config("s:2"));
    assert_eq!(waves.unfinished(world.cache()).len(), 3);
}

fn unfinished() -> impl Strategy<Value = Unfinished> {
    let turn = prop_oneof![Just(Turn::Idle), Just(Turn::Challenger), Just(Turn::Main), Just(Turn::NotReady)];
    (turn, 0..40_u32, any::<bool>(), any::<bool>()).prop_map(|(turn, place, outdated, rolling)| Unfinished {
        turn,
        key: Key::new("risk", &place.to_string()),
        deployment: Key::new("risk", "model"),
        outdated: outdated || !rolling,
        rolling,
    })
}

proptest! {
    #[test]
    fn never_more_than_the_bound_begin_and_none_before_its_turn(
        all in prop::collection::vec(unfinished(), 0..60), bound in 1..8_usize,
    ) {
        let begin: Vec<_> = admitted(&all, bound).into_iter().filter(|w| !w.rolling).collect();
        let rolling = all.iter().filter(|w| w.rolling).count();
        prop_assert!(begin.len() <= bound.saturating_sub(rolling));
        for next in &begin {
            prop_assert!(all.iter().all(|other| other.turn >= next.turn));
        }
        // Unless something rolls, something begins.
        prop_assert!(rolling > 0 || all.is_empty() || !begin.is_empty());
    }
}
