//! The input of a decision about a version, from the cache or from the API server.

use std::{sync::Arc, time::Duration};

use futures::future::join_all;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::{ResourceExt, runtime::reflector::ObjectRef};
use understudy_contract::probe::Proof;
use understudy_crds::{
    Approval, Failure, ModelDeployment, ModelVersion, ServedVersion, Stage,
    condition::{self, SERVING},
    names,
};

use super::proof;
use crate::{
    cluster::{
        key::Key,
        kinds::{self, Error},
        pods::{self, Pods, PodsByVersion},
        received::Unreadable,
    },
    context::Context,
    images,
    model_server::{probe, probes::Subject},
    reasons,
};

/// Shortest and longest pause before a pod is asked again for the signature of its model.
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: Duration = Duration::from_mins(1);
/// Pause before the pods of a version without a proof are asked again whether they have answered a call.
const PROOF_RETRY: Duration = Duration::from_secs(5);
/// Most pods that are asked for a proof.
const PODS_ASKED: usize = 16;

/// Everything that a decision about one version depends on.
#[derive(Clone, Debug)]
pub struct Observed {
    /// The version itself.
    pub version: ModelVersion,
    /// The deployment that it belongs to. `None` if it does not exist, or ends with all that it owns.
    pub deployment: Option<Arc<ModelDeployment>>,
    /// The version that is main, if it is another one. Its evaluation and signature are those of its digest.
    pub main: Option<Arc<ModelVersion>>,
    /// The rules for approvals: those of the deployment, raised to the minimums of the cluster.
    pub rules: Approval,
    /// Name of an older `ModelVersion` with the same version number.
    pub duplicate_of: Option<String>,
    /// Whether the stage of another version of the deployment is Production.
    pub other_in_production: bool,
    /// Its pods.
    pub pods: Pods,
    /// Whether its deployment exists and cannot be parsed.
    pub deployment_unreadable: bool,
    /// Name of another version of the deployment that cannot be parsed. It may be in Production.
    pub unreadable_sibling: Option<String>,
    /// Why the image of its `spec.runtime` may not run. `None` if it may, or if it has none.
    pub image_refusal: Option<String>,
    /// What its pods report about whether the model answers. `None` if none was asked, or none has responded.
    pub proof: Option<Proof>,
}

impl Observed {
    /// When pods are asked again, if a ready one has not returned the signature, or none has answered a call and that is
    /// needed. For the signature, the pause is as long as the pods have been ready, from 1 s to 60 s, so each pause is about
    /// twice the one before.
    pub fn ask_again_after(&self, now: Timestamp) -> Option<Duration> {
        if self.pods.ready_addresses.is_empty() {
            return None;
        }
        let proof = proof::is_missing(&self.version, self.proof.as_ref()).then_some(PROOF_RETRY);
        self.retry_signature_after(now).into_iter().chain(proof).min()
    }

    fn retry_signature_after(&self, now: Timestamp) -> Option<Duration> {
        let status = self.version.status.as_ref();
        if status.is_some_and(|s| s.model.is_some()) {
            return None;
        }
        let since = status
            .and_then(|s| condition::find(&s.conditions, SERVING))
            .filter(|serving| serving.status == "True")
            .map_or(now, |serving| serving.last_transition_time.0);
        let ready = Duration::try_from(now.duration_since(since)).unwrap_or_default();
        Some(ready.clamp(FIRST_RETRY, LAST_RETRY))
    }
}

/// Reads the caches.
pub fn from_cache(mv: &ModelVersion, ctx: &Context) -> Observed {
    let namespace = mv.namespace().unwrap_or_default();
    let deployment = ctx.cache.deployment(&namespace, &mv.spec.deployment);
    let main = deployment.as_deref().and_then(|md| cached_main(md.other_main(mv)?, &namespace, ctx));
    assemble(mv.clone(), deployment, main, ctx)
}

/// Reads the API server. `None` if the version was deleted.
pub async fn afresh(mv: &ModelVersion, ctx: &Context) -> Result<Option<Observed>, Error> {
    let namespace = mv.namespace().unwrap_or_default();
    let name = mv.name_any();
    // The name of the deployment never changes.
    let (version, deployment) = tokio::try_join!(
        kinds::get::<ModelVersion>(&ctx.client, &namespace, &name),
        kinds::get::<ModelDeployment>(&ctx.client, &namespace, &mv.spec.deployment)
    )?;
    let Some(version) = version.filter(|v| v.metadata.uid == mv.metadata.uid) else { return Ok(None) };
    let other_main = deployment.as_ref().and_then(|md| md.other_main(&version));
    let main = match other_main.filter(|_| wants_production(&version)) {
        Some(served) => main(served, &namespace, ctx).await?,
        None => None,
    };
    Ok(Some(assemble(version, deployment.map(Arc::new), main, ctx)))
}

/// Whether it may replace main: only then is it compared with main.
fn wants_production(version: &ModelVersion) -> bool {
    version.spec.stage == Stage::Production && version.stage() != Stage::Production
}

/// The version that is served as main, as the cache has it.
fn cached_main(served: &ServedVersion, namespace: &str, ctx: &Context) -> Option<Arc<ModelVersion>> {
    ctx.cache.version(namespace, &served.model_version).filter(|found| served.is(found))
}

/// The version that is served as main. What is compared with main never changes, so the cache is enough if it has main
/// with its signature. Otherwise the API server is read.
async fn main(
    served: &ServedVersion,
    namespace: &str,
    ctx: &Context,
) -> Result<Option<Arc<ModelVersion>>, Error> {
    let has_signature = |main: &Arc<ModelVersion>| main.status.as_ref().is_some_and(|s| s.model.is_some());
    if let Some(cached) = cached_main(served, namespace, ctx).filter(has_signature) {
        return Ok(Some(cached));
    }
    match kinds::get::<ModelVersion>(&ctx.client, namespace, &served.model_version).await {
        // No version that cannot be read is replaced.
        Err(error) if error.is_unreadable() => Ok(None),
        found => Ok(found?.filter(|found| served.is(found)).map(Arc::new)),
    }
}

/// The rules of a deployment, raised to the minimums of the cluster.
fn rules(md: &ModelDeployment, ctx: &Context) -> Approval {
    ctx.config.minimums.raise(&md.spec.approval)
}

fn assemble(
    version: ModelVersion,
    deployment: Option<Arc<ModelDeployment>>,
    main: Option<Arc<ModelVersion>>,
    ctx: &Context,
) -> Observed {
    let namespace = version.namespace().unwrap_or_default();
    let deployment = deployment.filter(|md| !md.is_collected());
    let siblings = ctx.cache.versions_of(&namespace, &version.spec.deployment);
    let me = version.name_any();
    let duplicate_of = siblings
        .iter()
        .take_while(|v| v.name_any() != me)
        .find(|v| v.spec.version == version.spec.version)
        .map(|v| v.name_any());
    let unreadable = ctx.cache.versions.unreadable_of(&namespace, &version.spec.deployment);
    let duplicate_of = duplicate_of.or_else(|| {
        let age = |metadata: &ObjectMeta| (metadata.creation_timestamp.clone(), metadata.name.clone());
        let is_older = |u: &&Arc<Unreadable>| {
            u.version.is_some()
                && u.may_be(&version.spec.version)
                && age(&u.metadata) < age(&version.metadata)
        };
        unreadable.iter().find(is_older).map(|u| u.name().to_owned())
    });
    let unreadable_sibling = unreadable.first().map(|u| u.name().to_owned());
    let other_in_production = unreadable_sibling.is_some()
        || siblings.iter().any(|v| v.name_any() != me && v.stage() == Stage::Production);
    let of_version = Key::new(&namespace, &version.spec.deployment);
    let deployment_unreadable = ctx.cache.deployments.unreadable(&of_version).is_some();
    let rules = deployment.as_ref().map(|md| rules(md, ctx)).unwrap_or_default();
    let all = PodsByVersion::of(&ctx.cache.pods_of(&namespace, &version.spec.deployment));
    let mut pods = all.version(&version.spec.version).clone();
    if pods.total == 0 {
        let name = names::version_object(&version.spec.deployment, &version.spec.version);
        let workload = ctx.cache.workloads.get(&ObjectRef::new(&name).within(&namespace));
        pods.failure = workload.as_deref().and_then(pods::not_created);
    }
    let image_refusal = images::refusal(&version, &ctx.config.runtime_registries);
    if let Some(message) = image_refusal.as_ref().filter(|_| pods.total == 0) {
        // The time does not change from pass to pass.
        let at = version.metadata.creation_timestamp.clone().unwrap_or(Time(Timestamp::UNIX_EPOCH));
        let reason = reasons::Pod::RuntimeImageNotAllowed.as_str().to_owned();
        pods.failure = Some(Failure { reason, message: message.clone(), at });
    }
    Observed {
        version,
        deployment,
        main,
        rules,
        duplicate_of,
        other_in_production,
        pods,
        deployment_unreadable,
        unreadable_sibling,
        image_refusal,
        proof: None,
    }
}

/// Adds what pods respond with, as far as it is unknown: the signature of the model, and whether the model answers.
pub async fn pods(mut observed: Observed, ctx: &Context) -> Observed {
    let known = observed.version.status.as_ref().is_some_and(|s| s.model.is_some());
    let asked = match (proof::is_missing(&observed.version, observed.proof.as_ref()), known) {
        // A call reaches any one of them.
        (true, _) => PODS_ASKED,
        (false, false) => 1,
        (false, true) => return observed,
    };
    let key = Key::new(&observed.version.namespace().unwrap_or_default(), &observed.version.name_any());
    let subject = &Subject::Version(key);
    let digest = observed.version.spec.artifact.digest();
    let image = observed.version.spec.runtime.as_ref().map(|runtime| runtime.image.clone());
    let pods = observed.pods.ready_addresses.iter().take(asked);
    let answers = join_all(pods.map(|pod| ctx.probes.pod(subject, pod))).await;
    for answered in answers.iter().flatten() {
        let Ok(answer) = answered.as_ref() else { continue };
        if answer.digest != digest || answer.runtime_image != image {
            continue;
        }
        observed.proof = Some(proof::better(observed.proof, &answer.proof));
        let status = observed.version.status.get_or_insert_default();
        if let (None, Some(model)) = (&status.model, &answer.model) {
            status.model = Some(probe::signature(model.clone()));
        }
    }
    observed
}
