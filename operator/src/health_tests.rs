//! A leader that does nothing is not healthy.

use k8s_openapi::api::core::v1::Pod;

use super::*;
use crate::cluster::{key::Key, placed::Placed, scope::Scope, store::Store};

fn fill<K: Placed>(store: &Store<K>, unfilled: &[&str]) {
    if !unfilled.contains(&&*K::kind(&())) {
        store.complete_list();
    }
}

/// A replica that has just begun to lead and has listed all kinds but these.
fn leading(unfilled: &[&str]) -> (Health, Cache, Triggers) {
    let (health, cache, triggers) = (Health::default(), Cache::default(), Triggers::default());
    health.has_contact();
    fill(&cache.deployments, unfilled);
    fill(&cache.versions, unfilled);
    fill(&cache.workloads, unfilled);
    fill(&cache.services, unfilled);
    fill(&cache.config_maps, unfilled);
    fill(&cache.budgets, unfilled);
    fill(&cache.pods, unfilled);
    health.leads(vec![(cache.clone(), triggers.clone())]);
    (health, cache, triggers)
}

async fn after(time: Duration) {
    tokio::time::advance(time + Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_may_not_list_one_kind_says_which() {
    let (health, ..) = leading(&["PodDisruptionBudget"]);
    assert_eq!(health.not_ready().as_deref(), Some("the caches of PodDisruptionBudget are not filled"));
    assert_eq!(health.not_live(), None, "it may need some time");
    after(FILLING).await;
    let problem = health.not_live().expect("it does nothing");
    assert!(problem.contains("PodDisruptionBudget"), "{problem}");
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_works_is_healthy() {
    let (health, _, triggers) = leading(&[]);
    after(FILLING + DEAF + STUCK).await;
    assert_eq!((health.not_ready(), health.not_live()), (None, None));
    triggers.versions.add(Key::new("risk", "fraud-1.0.0"));
    triggers.versions.next().await.succeeded(None);
    assert_eq!(health.not_live(), None);
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_does_not_hear_a_watch_says_which() {
    let (health, ..) = leading(&[]);
    health.heard.watch::<Pod>(&Scope::Cluster);
    after(DEAF).await;
    let problem = health.not_live().expect("it does not see pods");
    assert!(problem.contains("the watch of Pod has been silent"), "{problem}");
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_does_not_move_is_not_healthy_and_a_long_one_that_moves_is() {
    let (health, _, triggers) = leading(&[]);
    for object in 0..1000 {
        triggers.deployments.add(Key::new("risk", &object.to_string()));
    }
    for _ in 0..10 {
        triggers.deployments.next().await.succeeded(None);
        after(STUCK / 2).await;
    }
    assert_eq!(health.not_live(), None, "it moves");
    after(STUCK).await;
    let problem = health.not_live().expect("it does not move");
    assert!(problem.contains("990 objects wait for a pass of modeldeployment"), "{problem}");
}

#[tokio::test(start_paused = true)]
async fn a_pass_that_never_ends_is_not_healthy() {
    let (health, _, triggers) = leading(&[]);
    triggers.versions.add(Key::new("risk", "fraud-1.0.0"));
    let _hangs = triggers.versions.next().await;
    after(STUCK).await;
    let problem = health.not_live().expect("it hangs");
    assert!(problem.contains("a pass of modelversion has run for"), "{problem}");
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_waits_for_the_lease_has_nothing_to_do() {
    let health = Health::default();
    assert_eq!(health.not_ready().as_deref(), Some("the API server has not answered yet"));
    health.has_contact();
    after(FILLING + DEAF + STUCK).await;
    assert_eq!((health.not_ready(), health.not_live()), (None, None));
    health.stops();
    assert!(health.not_ready().is_some_and(|problem| problem.contains("shutting down")));
}
