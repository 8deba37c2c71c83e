//! Whether the API server already knows a right. It learns of a new binding a moment after it has stored it, and a test that
//! acts before would be refused for the wrong reason.

use std::time::Duration;

use k8s_openapi::api::{
    authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec},
    rbac::v1::PolicyRule,
};
use kube::{Api, Client, api::PostParams};

use crate::people::Person;

/// Much longer than the API server needs to learn of a binding.
const DEADLINE: Duration = Duration::from_mins(1);

/// A right that a binding is about to add.
pub struct NewRight {
    admin: Client,
    review: SubjectAccessReview,
}

impl NewRight {
    /// The first right of these rules that the person does not have yet in the namespace.
    pub async fn of(admin: Client, namespace: &str, person: Person, rules: &[PolicyRule]) -> Option<Self> {
        for rule in rules {
            let groups = rule.api_groups.iter().flatten();
            for (group, resource) in groups.flat_map(|g| rule.resources.iter().flatten().map(move |r| (g, r)))
            {
                for verb in &rule.verbs {
                    let attributes = ResourceAttributes {
                        namespace: Some(namespace.to_owned()),
                        verb: Some(verb.clone()),
                        group: Some(group.clone()),
                        resource: Some(resource.clone()),
                        name: rule.resource_names.iter().flatten().next().cloned(),
                        ..ResourceAttributes::default()
                    };
                    let right = Self { admin: admin.clone(), review: review(person, attributes) };
                    if !right.is_known().await {
                        return Some(right);
                    }
                }
            }
        }
        None
    }

    /// Waits until the API server knows it.
    pub async fn await_known(self) {
        let known = tokio::time::timeout(DEADLINE, async { while !self.is_known().await {} });
        known.await.expect("the API server learns of a binding in time");
    }

    async fn is_known(&self) -> bool {
        let reviews = Api::<SubjectAccessReview>::all(self.admin.clone());
        let reviewed = reviews.create(&PostParams::default(), &self.review).await.unwrap();
        reviewed.status.expect("a review has a result").allowed
    }
}

fn review(person: Person, attributes: ResourceAttributes) -> SubjectAccessReview {
    SubjectAccessReview {
        spec: SubjectAccessReviewSpec {
            user: Some(person.name.to_owned()),
            groups: Some(person.groups.iter().map(|group| (*group).to_owned()).collect()),
            resource_attributes: Some(attributes),
            ..SubjectAccessReviewSpec::default()
        },
        ..SubjectAccessReview::default()
    }
}
