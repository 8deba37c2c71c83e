//! An install for some namespaces only, with Roles and without cluster roles: a model can go all the way to Production.
//!
//! The policies of a cluster-wide install allow only its own operator to write, in every namespace. So that install is
//! scaled down during this story. The story is a test program of its own, since Cargo runs test programs one by one.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use understudy_crds::{Decision, Stage};
use understudy_e2e::{MODEL, Person, Publication, Sample, Story, rows, with_temp_ns};

/// The release of `make up`.
const CLUSTER_WIDE: &str = "understudy";
const CLUSTER_WIDE_NAMESPACE: &str = "understudy-system";
/// The release of this story, and its operator.
const TENANT: &str = "tenant";
const OPERATOR: &str = "tenant-understudy-operator";

/// Upgrades the release of `make up` with its own values and the extra values `on_top`.
async fn upgrade_cluster_wide(story: &Story, values: &Value, on_top: &[&str]) -> Result<()> {
    let fixed = [
        "upgrade",
        CLUSTER_WIDE,
        "CHART",
        "-n",
        CLUSTER_WIDE_NAMESPACE,
        "--force-conflicts",
        "--values",
        "-",
    ];
    let all: Vec<&str> = fixed.into_iter().chain(on_top.iter().flat_map(|value| ["--set", value])).collect();
    story.cluster().helm(&all, values.to_string().as_bytes()).await?.done()?;
    Ok(())
}

/// Scales the cluster-wide install down, runs `act`, and restores the install, also if `act` fails.
async fn without_cluster_wide(
    story: &Story,
    home: &str,
    act: impl AsyncFnOnce(&Value) -> Result<()>,
) -> Result<()> {
    let wide = story.operator();
    let get = ["get", "values", CLUSTER_WIDE, "-n", CLUSTER_WIDE_NAMESPACE, "-o", "json"];
    let values = serde_json::from_str(&story.cluster().helm(&get, &[]).await?.done()?)?;
    let outcome = async {
        upgrade_cluster_wide(story, &values, &["policies.install=false"]).await?;
        wide.scale(0).await?;
        act(&values).await
    }
    .await;
    let gone = story.cluster().helm(&["uninstall", TENANT, "-n", home, "--ignore-not-found"], &[]).await;
    upgrade_cluster_wide(story, &values, &[]).await?;
    wide.await_ready().await?;
    outcome?;
    gone?.done()?;
    Ok(())
}

/// Installs Understudy into `home`, for the story's namespace only.
async fn install(story: &Story, home: &str, values: &Value) -> Result<()> {
    let watched = format!("watchNamespaces={{{}}}", story.namespace());
    let install = ["install", TENANT, "CHART", "-n", home, "--values", "-"];
    let own = ["--set", &watched, "--set", "userRoles.create=false"];
    let arguments: Vec<&str> = install.into_iter().chain(own).collect();
    story.cluster().helm(&arguments, values.to_string().as_bytes()).await?.done()?;
    story.operator_of(home, OPERATOR).await_ready().await
}

async fn ensure_roles_only(story: &Story, home: &str) -> Result<()> {
    let mine = format!("app.kubernetes.io/instance={TENANT}");
    let found = story
        .kubectl(Person::Admin, &["get", "clusterroles,clusterrolebindings", "-l", &mine, "-o", "name"])
        .await?
        .done()?;
    ensure!(found.is_empty(), "a namespaced install must have Roles only, found {found}");
    let operator = format!("--as=system:serviceaccount:{home}:{OPERATOR}");
    let here = story.kubectl(Person::Admin, &["auth", "can-i", "list", "pods", &operator]).await?;
    ensure!(here.success, "it must have rights in the watched namespace: {}", here.stderr);
    let everywhere = ["auth", "can-i", "list", "pods", "--all-namespaces", &operator];
    story.kubectl(Person::Admin, &everywhere).await?.refused()?;
    Ok(())
}

#[tokio::test]
async fn an_install_for_one_namespace_has_roles_only_and_brings_a_model_to_production() -> Result<()> {
    with_temp_ns("home", async |home| {
        with_temp_ns("tenant", async |story| {
            without_cluster_wide(&story, home.namespace(), async |values| {
                install(&story, home.namespace(), values).await?;
                ensure_roles_only(&story, home.namespace()).await?;

                let name = story.serve_main(&json!({})).await?;
                story.predict(MODEL).await?.ensure_equals(&rows()?, "1.0.0")?;
                let next = story.stage_and_accept(&Publication::of(Sample::V1_1_0)?).await?;
                let request = story.open_request(&next, Stage::Production).await?;
                let own = story.approve(Person::Alice, &next, &request.id).await;
                let refused = own.err().context("alice must not be able to approve her own request")?;
                ensure!(refused.to_string().contains("four eyes"), "{refused}");
                story.approve(Person::Bob, &next, &request.id).await?;
                story.await_stage(&next, Stage::Production).await?;
                let replaced = story.await_stage(&name, Stage::Archived).await?;
                let last = replaced.history().last().map(|h| h.decision);
                assert_eq!(last, Some(Decision::Superseded));
                Ok(())
            })
            .await
        })
        .await
    })
    .await
}
