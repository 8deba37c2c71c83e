//! A story: a namespace of its own with a team. It is deleted at the end, also after a failure.

use std::{collections::BTreeMap, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use futures::FutureExt;
use k8s_openapi::api::{
    authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec},
    core::v1::{Namespace, Secret},
    rbac::v1::{PolicyRule, Role, RoleBinding, RoleRef, Subject},
};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{DeleteParams, ObjectMeta, PostParams},
    core::NamespaceResourceScope,
};
use tokio::sync::Semaphore;
use understudy_crds::ModelVersion;

use crate::{Cluster, Person, Store};

/// How many stories run at the same time. Their pods share a node that may have two processors.
static STORIES: Semaphore = Semaphore::const_new(4);
/// Much longer than the API server needs to follow a role binding.
const DEADLINE: Duration = Duration::from_mins(1);
/// Label of the namespaces of stories.
const LABEL: (&str, &str) = ("understudy.dev/e2e", "story");

/// A namespace with a team: alice may request, bob may approve, tess may test.
pub struct Story {
    cluster: Cluster,
    namespace: String,
    admin: Client,
    team: [Client; 3],
}

/// Runs a story in a namespace of its own, and deletes the namespace afterwards, also if the story fails or panics.
pub async fn with_temp_ns<F>(name: &str, story: F) -> Result<()>
where
    F: AsyncFnOnce(Arc<Story>) -> Result<()>,
{
    let _turn = STORIES.acquire().await?;
    let begun = Arc::new(Story::begin(name).await?);
    let outcome = AssertUnwindSafe(Box::pin(story(Arc::clone(&begun)))).catch_unwind().await;
    if !matches!(outcome, Ok(Ok(()))) {
        eprintln!("story {name} failed; {}", begun.diagnostics().await);
    }
    let removed = begun.end().await;
    match outcome {
        Ok(outcome) => outcome.and(removed),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

impl Story {
    async fn begin(name: &str) -> Result<Self> {
        let cluster = Cluster::find()?;
        let admin = cluster.client(Person::Admin).await?;
        cluster.ensure_installed(&admin).await?;
        let [alice, bob, tess] = Person::TEAM;
        let (alice, bob, tess) =
            tokio::try_join!(cluster.client(alice), cluster.client(bob), cluster.client(tess))?;
        let namespace = create_namespace(&admin, name).await?;
        let story = Self { cluster, namespace, admin, team: [alice, bob, tess] };
        if let Err(error) = story.add_team().await {
            story.end().await?;
            return Err(error);
        }
        Ok(story)
    }

    /// Creates the role bindings of the team and the Secret of the S3 server.
    async fn add_team(&self) -> Result<()> {
        for person in Person::TEAM {
            let binding = binding(person.name(), "ClusterRole", person.role(), person);
            self.api::<RoleBinding>().create(&PostParams::default(), &binding).await?;
        }
        let store = Store::default();
        let keys = Api::<Secret>::namespaced(self.admin.clone(), &store.namespace)
            .get(&store.deployment)
            .await
            .context("failed to get the Secret of the S3 server: run `make up`")?;
        let copy = Secret {
            metadata: ObjectMeta { name: Some(store.secret.clone()), ..ObjectMeta::default() },
            data: keys.data,
            ..Secret::default()
        };
        self.api::<Secret>().create(&PostParams::default(), &copy).await?;
        for person in Person::TEAM {
            let (verb, resource, name) = person.own_right();
            self.await_right(person, understudy_crds::GROUP, (verb, resource, name)).await?;
        }
        self.let_use(Person::Alice, &store.secret).await
    }

    /// Lets a person name this Secret in models and sinks.
    pub(crate) async fn let_use(&self, person: Person, secret: &str) -> Result<()> {
        let name = format!("use-{secret}");
        let role = Role {
            metadata: ObjectMeta { name: Some(name.clone()), ..ObjectMeta::default() },
            rules: Some(vec![PolicyRule {
                api_groups: Some(vec![String::new()]),
                resources: Some(vec!["secrets".to_owned()]),
                resource_names: Some(vec![secret.to_owned()]),
                verbs: vec!["use".to_owned()],
                ..PolicyRule::default()
            }]),
        };
        self.api::<Role>().create(&PostParams::default(), &role).await?;
        let binding = binding(&name, "Role", &name, person);
        self.api::<RoleBinding>().create(&PostParams::default(), &binding).await?;
        self.await_right(person, "", ("use", "secrets", secret)).await
    }

    /// Waits until the API server follows a role binding of this person. It stores a binding before it follows it.
    async fn await_right(
        &self,
        person: Person,
        group: &str,
        (verb, resource, name): (&str, &str, &str),
    ) -> Result<()> {
        let review = SelfSubjectAccessReview {
            spec: SelfSubjectAccessReviewSpec {
                resource_attributes: Some(ResourceAttributes {
                    namespace: Some(self.namespace.clone()),
                    verb: Some(verb.to_owned()),
                    group: Some(group.to_owned()),
                    resource: Some(resource.to_owned()),
                    name: Some(name.to_owned()),
                    ..ResourceAttributes::default()
                }),
                ..SelfSubjectAccessReviewSpec::default()
            },
            ..SelfSubjectAccessReview::default()
        };
        let reviews = Api::<SelfSubjectAccessReview>::all(self.client(person).clone());
        let allowed = async {
            loop {
                let reviewed = reviews.create(&PostParams::default(), &review).await?;
                if reviewed.status.is_some_and(|status| status.allowed) {
                    return Ok(());
                }
            }
        };
        let known = tokio::time::timeout(DEADLINE, allowed).await;
        known.with_context(|| format!("timed out: {} may not {verb} {resource}", person.name()))?
    }

    async fn end(&self) -> Result<()> {
        let namespaces = Api::<Namespace>::all(self.admin.clone());
        match namespaces.delete(&self.namespace, &DeleteParams::background()).await {
            // The story has deleted it itself.
            Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
            outcome => outcome.map(|_| ()).context("failed to delete the story's namespace"),
        }
    }

    /// The namespace.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The cluster.
    #[must_use]
    pub const fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// A client that acts as this person.
    #[must_use]
    pub fn client(&self, person: Person) -> &Client {
        let [alice, bob, tess] = &self.team;
        match person {
            Person::Admin => &self.admin,
            Person::Alice => alice,
            Person::Bob => bob,
            Person::Tess => tess,
        }
    }

    /// Objects of the namespace, as the administrator.
    #[must_use]
    pub fn api<K: Resource<DynamicType = (), Scope = NamespaceResourceScope>>(&self) -> Api<K> {
        self.api_as(Person::Admin)
    }

    /// Objects of the namespace, as this person.
    #[must_use]
    pub fn api_as<K: Resource<DynamicType = (), Scope = NamespaceResourceScope>>(
        &self,
        person: Person,
    ) -> Api<K> {
        Api::namespaced(self.client(person).clone(), &self.namespace)
    }

    /// A version as it is stored now.
    pub async fn version(&self, name: &str) -> Result<ModelVersion> {
        Ok(self.api::<ModelVersion>().get(name).await?)
    }

    /// Runs kubectl in the namespace as this person.
    pub async fn kubectl(&self, person: Person, arguments: &[&str]) -> Result<crate::Output> {
        let all: Vec<&str> = ["-n", &self.namespace].into_iter().chain(arguments.iter().copied()).collect();
        self.cluster.run_kubectl(person, &all, &[]).await
    }

    /// The output of `kubectl describe`.
    pub async fn describe(&self, kind: &str, name: &str) -> Result<String> {
        self.kubectl(Person::Bob, &["describe", kind, name]).await?.done()
    }

    /// Uploads bytes to a key that only this story uses, and returns the URI.
    pub async fn upload(&self, name: &str, bytes: &[u8]) -> Result<String> {
        self.cluster.put(&format!("e2e/{}/{name}", self.namespace), bytes).await
    }
}

async fn create_namespace(admin: &Client, name: &str) -> Result<String> {
    let labels: BTreeMap<_, _> = [LABEL, ("pod-security.kubernetes.io/enforce", "restricted")]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
    let namespace = Namespace {
        metadata: ObjectMeta {
            generate_name: Some(format!("{name}-")),
            labels: Some(labels),
            ..ObjectMeta::default()
        },
        ..Namespace::default()
    };
    let created = Api::<Namespace>::all(admin.clone()).create(&PostParams::default(), &namespace).await?;
    Ok(created.name_any())
}

/// A binding of this role to a person.
fn binding(name: &str, kind: &str, role: &str, person: Person) -> RoleBinding {
    let api_group = "rbac.authorization.k8s.io";
    RoleBinding {
        metadata: ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() },
        role_ref: RoleRef { api_group: api_group.to_owned(), kind: kind.to_owned(), name: role.to_owned() },
        subjects: Some(vec![Subject {
            kind: "User".to_owned(),
            name: person.name().to_owned(),
            api_group: Some(api_group.to_owned()),
            ..Subject::default()
        }]),
    }
}
