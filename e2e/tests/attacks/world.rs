//! A namespace with a model and its people, one for each test.

use std::fmt::Debug;

use k8s_openapi::api::{
    core::v1::Namespace,
    rbac::v1::{ClusterRole, PolicyRule, Role, RoleBinding, RoleRef, Subject},
};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, ObjectMeta, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};
use understudy_crds::{ModelDeployment, ModelVersion};

use crate::{
    control_plane::{ControlPlane, LISTED, labels},
    people::{ALICE, BOB, OPERATOR, Person, TESS},
    rights::NewRight,
};

pub const DIGEST: &str = "9f2c000000000000000000000000000000000000000000000000000000000000";
pub const MODEL: &str = "fraud-1.3.0";
/// Much longer than a policy needs to see a change of another object.
const DEADLINE: std::time::Duration = std::time::Duration::from_mins(1);
pub const WHEN: &str = "2026-11-21T09:00:00Z";

/// A namespace of the bare control plane. Alice and Bob may both request and approve, so that a refusal comes from the
/// four-eyes rule. Tess may test.
pub struct World {
    server: ControlPlane,
    pub ns: String,
}

impl World {
    /// A namespace in which people write their own names, as before Kubernetes 1.36.
    pub async fn new() -> Self {
        Self::build(false, false, false).await
    }

    /// A namespace in which the API server stamps the names.
    pub async fn stamped() -> Self {
        Self::build(true, false, false).await
    }

    /// A namespace in which every act needs a comment, and every request two approvers.
    pub async fn strict() -> Self {
        Self::build(false, true, false).await
    }

    /// A namespace in which models come from allowed places only.
    pub async fn listed() -> Self {
        Self::build(false, false, true).await
    }

    /// From now on, models of this namespace come from allowed places only.
    pub async fn list_uris(&self) {
        let labels = Patch::Merge(json!({"metadata": {"labels": {LISTED: "true"}}}));
        let namespaces = Api::<Namespace>::all(self.server.admin());
        namespaces.patch(&self.ns, &PatchParams::default(), &labels).await.unwrap();
    }

    async fn build(stamped: bool, strict: bool, listed: bool) -> Self {
        let server = ControlPlane::shared().await;
        let admin = server.admin();
        let namespace = Namespace {
            metadata: ObjectMeta {
                generate_name: Some("risk-".to_owned()),
                labels: Some(labels(stamped, strict, listed)),
                ..ObjectMeta::default()
            },
            ..Namespace::default()
        };
        let ns =
            Api::<Namespace>::all(admin.clone()).create(&PostParams::default(), &namespace).await.unwrap();
        let world = Self { server, ns: ns.name_any() };
        for (role, person) in [
            ("requester", ALICE),
            ("approver", ALICE),
            ("requester", BOB),
            ("approver", BOB),
            ("tester", TESS),
        ] {
            world.bind(&format!("understudy-{role}"), person).await;
        }
        world
    }

    pub fn client(&self, person: Person) -> Client {
        self.server.client_of(person.name, person.groups, person.extra)
    }

    pub fn versions(&self, person: Person) -> Api<ModelVersion> {
        Api::namespaced(self.client(person), &self.ns)
    }

    pub fn deployments(&self, person: Person) -> Api<ModelDeployment> {
        Api::namespaced(self.client(person), &self.ns)
    }

    /// Binds a `ClusterRole` to a person in this namespace.
    pub async fn bind(&self, role: &str, person: Person) {
        let kind = if person.is_service_account() { "ServiceAccount" } else { "User" };
        let stored = Api::<ClusterRole>::all(self.server.admin()).get(role).await.unwrap();
        self.create_binding(kind, person, ("ClusterRole", role), &stored.rules.unwrap_or_default()).await;
    }

    /// Gives a person these verbs on these resources of Understudy: (verbs, resources, resource names).
    pub async fn allow(&self, person: Person, rules: &[(&[&str], &[&str], &[&str])]) {
        self.allow_in(person, &["understudy.dev"], rules).await;
    }

    /// Gives a person this verb on one Secret, claim or other object of Kubernetes' first group.
    pub async fn right_on(&self, person: Person, resource: &str, name: &str, verb: &str) {
        self.allow_in(person, &[""], &[(&[verb], &[resource], &[name])]).await;
    }

    /// Gives a person every right in the namespace, so that a refusal comes from a policy.
    pub async fn allow_everything(&self, person: Person) {
        self.allow_in(person, &["*"], &[(&["*"], &["*"], &[])]).await;
    }

    /// Gives a person these verbs on these resources of these groups: (verbs, resources, resource names).
    pub async fn allow_in(&self, person: Person, groups: &[&str], rules: &[(&[&str], &[&str], &[&str])]) {
        let owned = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        let role = Role {
            metadata: ObjectMeta { generate_name: Some("some-".to_owned()), ..ObjectMeta::default() },
            rules: Some(
                rules
                    .iter()
                    .map(|(verbs, resources, names)| PolicyRule {
                        api_groups: Some(owned(groups)),
                        verbs: owned(verbs),
                        resources: Some(owned(resources)),
                        resource_names: (!names.is_empty()).then(|| owned(names)),
                        ..PolicyRule::default()
                    })
                    .collect(),
            ),
        };
        let api = Api::<Role>::namespaced(self.server.admin(), &self.ns);
        let role = api.create(&PostParams::default(), &role).await.unwrap();
        let rules = role.rules.as_deref().unwrap_or_default();
        let kind = if person.is_service_account() { "ServiceAccount" } else { "User" };
        self.create_binding(kind, person, ("Role", &role.name_any()), rules).await;
    }

    /// Creates a binding, and waits until the API server follows it.
    async fn create_binding(
        &self,
        subject: &str,
        person: Person,
        (kind, role): (&str, &str),
        rules: &[PolicyRule],
    ) {
        let right = NewRight::of(self.server.admin(), &self.ns, person, rules).await;
        let (name, namespace) = person.subject();
        let binding = RoleBinding {
            metadata: ObjectMeta { generate_name: Some("some-".to_owned()), ..ObjectMeta::default() },
            role_ref: RoleRef {
                api_group: "rbac.authorization.k8s.io".to_owned(),
                kind: kind.to_owned(),
                name: role.to_owned(),
            },
            subjects: Some(vec![Subject { kind: subject.to_owned(), name, namespace, api_group: None }]),
        };
        let bindings = Api::<RoleBinding>::namespaced(self.server.admin(), &self.ns);
        bindings.create(&PostParams::default(), &binding).await.unwrap();
        if let Some(right) = right {
            right.await_known().await;
        }
    }

    /// A version in stage None, published by Alice.
    pub async fn published(&self) -> ModelVersion {
        self.versions(ALICE).create(&PostParams::default(), &version(MODEL, &json!({}))).await.unwrap()
    }

    /// A version whose status has this stage.
    pub async fn in_stage(&self, stage: &str) -> ModelVersion {
        self.published().await;
        self.record(json!({"stage": stage})).await.unwrap()
    }

    /// A version in Staging with Alice's request for Production. The id of the transition is `6f1c2b`.
    pub async fn pending(&self) -> ModelVersion {
        self.in_stage("Staging").await;
        self.request_production("6f1c2b").await
    }

    /// Alice requests Production, and the operator records the transition with this id.
    pub async fn request_production(&self, id: &str) -> ModelVersion {
        let requested = self.edit(ALICE, request("Production", "alice")).await.unwrap();
        self.record(json!({"transition": transition(id, requested.metadata.generation.unwrap())}))
            .await
            .unwrap()
    }

    /// As [`request_production`](Self::request_production), with a comment. Returns the generation of the request.
    pub async fn commented_request(&self, id: &str) -> i64 {
        let mut asked = request("Production", "alice");
        asked["metadata"]["annotations"]["understudy.dev/reason"] = json!("retrained on October");
        let generation = self.edit(ALICE, asked).await.unwrap().metadata.generation.unwrap();
        self.record(json!({"transition": transition(id, generation)})).await.unwrap();
        generation
    }

    /// Merges into the version as this person.
    pub async fn edit(&self, person: Person, change: Value) -> kube::Result<ModelVersion> {
        self.versions(person).patch(MODEL, &PatchParams::default(), &Patch::Merge(change)).await
    }

    /// Sets annotations of the version as this person. A null removes an annotation.
    pub async fn annotate(&self, person: Person, annotations: Value) -> kube::Result<ModelVersion> {
        self.edit(person, json!({"metadata": {"annotations": annotations}})).await
    }

    /// Deletes the version as this person, or only tries it.
    pub async fn delete_as(&self, person: Person, dry_run: bool) -> kube::Result<()> {
        let params = DeleteParams { dry_run, ..DeleteParams::default() };
        self.versions(person).delete(MODEL, &params).await.map(drop)
    }

    /// Waits until a dry run is refused with these words: a policy that reads other objects sees their changes a moment later.
    pub async fn until_refused<F: Future<Output = kube::Result<()>>>(
        &self,
        words: &str,
        attempt: impl Fn() -> F,
    ) {
        let is_refused = |outcome: kube::Result<()>| match outcome {
            Err(kube::Error::Api(status)) => status.message.contains(words),
            _ => false,
        };
        let refused = tokio::time::timeout(DEADLINE, async { while !is_refused(attempt().await) {} });
        refused.await.expect("the policy sees the change in time");
    }

    /// Merges into the version's status as the operator.
    pub async fn record(&self, status: Value) -> kube::Result<ModelVersion> {
        self.record_as(OPERATOR, status, false).await
    }

    /// Merges into the version's status as this person.
    pub async fn record_as(
        &self,
        person: Person,
        status: Value,
        dry_run: bool,
    ) -> kube::Result<ModelVersion> {
        let params = PatchParams { dry_run, ..PatchParams::default() };
        self.versions(person).patch_status(MODEL, &params, &Patch::Merge(json!({"status": status}))).await
    }
}

/// The manifest of version 1.3.0 of `fraud` with these annotations.
pub fn version(name: &str, annotations: &Value) -> ModelVersion {
    serde_json::from_value(json!({
        "apiVersion": "understudy.dev/v1alpha1",
        "kind": "ModelVersion",
        "metadata": {"name": name, "annotations": annotations},
        "spec": {
            "deployment": "fraud",
            "version": "1.3.0",
            "artifact": {"uri": "s3://models/fraud/1.3.0/model.onnx", "sha256": DIGEST},
        },
    }))
    .unwrap()
}

/// A patch that requests a stage with this name as requester.
pub fn request(stage: &str, name: &str) -> Value {
    json!({"spec": {"stage": stage}, "metadata": {"annotations": {"understudy.dev/requested-by": name}}})
}

/// The annotations of an approval.
pub fn approve(id: &str, name: &str) -> Value {
    json!({"understudy.dev/approve": id, "understudy.dev/approved-by": name})
}

/// The annotations of a rejection.
pub fn reject(id: &str, name: &str) -> Value {
    json!({"understudy.dev/reject": id, "understudy.dev/rejected-by": name, "understudy.dev/reason": "recall fell"})
}

/// The annotations of a verdict.
pub fn accept(verdict: &str, name: &str) -> Value {
    json!({"understudy.dev/accept": verdict, "understudy.dev/accepted-by": name, "understudy.dev/feedback": "seen"})
}

/// The transition that the operator records for Alice's request.
pub fn transition(id: &str, generation: i64) -> Value {
    json!({
        "id": id, "from": "Staging", "to": "Production", "requestedBy": "alice", "requestedAt": WHEN,
        "generation": generation, "digest": format!("sha256:{DIGEST}"),
    })
}

/// The transition that the operator records for Alice's request once these people have approved it, of two who must.
pub fn approvals(id: &str, generation: i64, people: &[&str]) -> Value {
    let mut open = transition(id, generation);
    open["approvers"] = json!(2);
    open["approvals"] = people.iter().map(|by| json!({"by": by, "at": WHEN})).collect();
    open
}

/// The transition that the operator records once this person, the only one who must, has approved Alice's request.
pub fn granted(id: &str, generation: i64, by: &str) -> Value {
    let mut open = approvals(id, generation, &[by]);
    open["approvers"] = json!(1);
    open["approval"] = json!({"by": by, "at": WHEN});
    open
}

/// An entry of the history. An approval names its approver.
pub fn entry(id: &str, requested_by: &str, decision: &str, decided_by: &str) -> Value {
    let approvals = if decision == "Approved" { json!([{"by": decided_by, "at": WHEN}]) } else { json!([]) };
    json!({
        "approvals": approvals,
        "id": id, "from": "Staging", "to": "Production", "requestedBy": requested_by, "requestedAt": WHEN,
        "decision": decision, "decidedBy": decided_by, "decidedAt": WHEN, "digest": format!("sha256:{DIGEST}"),
    })
}

/// Asserts that the API server refused with this code and these words in its message.
#[track_caller]
pub fn refused<T: Debug>(outcome: kube::Result<T>, code: u16, words: &str) {
    match outcome {
        Err(kube::Error::Api(status)) => {
            assert_eq!(status.code, code, "{status:?}");
            assert!(status.message.contains(words), "{:?} has no {words:?}", status.message);
        }
        other => panic!("must be refused with {words:?}, but returned {other:?}"),
    }
}
