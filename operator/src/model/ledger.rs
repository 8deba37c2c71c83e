//! What people really did, whatever the operator has recorded. The invariants compare both.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::Value;

use super::{
    objects::{DEPLOYMENT, Kind, Source, annotation, number, requested, text, uid},
    people::Who,
    write::{Part, Write},
};

/// A second person approved a request. The API server has accepted it.
#[derive(Clone, Debug)]
pub struct Approval {
    /// Id of the request.
    pub id: String,
    /// Which bytes of which version.
    pub of: Source,
    /// The stage.
    pub to: String,
    pub by: String,
    /// The uid of the `ModelDeployment` at that time.
    pub deployment: String,
    /// Who asked for the stage.
    pub requested_by: String,
    /// How many people must approve.
    pub needed: usize,
}

/// A switch of callers by the operator.
#[derive(Clone, Debug, PartialEq)]
pub struct Switch {
    /// Whom callers reach. `None`: nobody.
    pub to: Option<Source>,
    /// What made it main.
    pub transition: String,
    /// The uid of the `ModelDeployment`.
    pub deployment: String,
}

/// What people really did.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    requests: BTreeMap<(String, i64), Who>,
    pub approvals: Vec<Approval>,
    /// Of every version that was ever created: uid and what it is.
    pub versions: BTreeMap<String, Source>,
    /// The uids of all deployments that were ever created.
    pub deployments: BTreeSet<String>,
    /// The uids of the objects that the operator has created.
    pub owned: BTreeSet<String>,
    /// Every switch of callers, newest last.
    pub switches: Vec<Switch>,
    /// Whether somebody else has written what callers reach.
    pub tampered: bool,
    /// How many rollbacks were asked for.
    pub rollbacks: usize,
}

impl Ledger {
    /// Notes what a write that is admitted does.
    pub fn note(&mut self, write: &Write<'_>, objects: &BTreeMap<(Kind, String), Arc<Value>>) {
        let Some(after) = write.after else { return };
        if write.part == Part::Status {
            return;
        }
        if write.who == Who::Operator {
            if write.before.is_none() {
                self.owned.insert(uid(after).to_owned());
            }
            return;
        }
        match write.kind {
            Kind::ModelVersion => {
                let of = Source::of_version(after);
                self.versions.insert(of.uid.clone(), of.clone());
                let generation = number(after, "/metadata/generation");
                if requested(after) != write.before.map_or("None", requested) {
                    self.requests.insert((of.uid.clone(), generation), write.who);
                }
                let id = annotation(after, "approve");
                let by = annotation(after, "approved-by");
                let known = (annotation_before(write, "approve"), annotation_before(write, "approved-by"));
                if !id.is_empty() && (id, by) != known {
                    let deployment = objects.get(&(Kind::ModelDeployment, DEPLOYMENT.to_owned()));
                    self.approvals.push(Approval {
                        id: id.to_owned(),
                        to: text(after, "/status/transition/to").to_owned(),
                        by: write.who.name().to_owned(),
                        deployment: deployment.map_or("", |md| uid(md)).to_owned(),
                        requested_by: text(after, "/status/transition/requestedBy").to_owned(),
                        needed: needed(&after["status"]["transition"]),
                        of,
                    });
                }
            }
            Kind::ModelDeployment => {
                self.deployments.insert(uid(after).to_owned());
                let request = annotation(after, "rollback");
                let is_new = !request.is_empty() && annotation_before(write, "rollback") != request;
                self.rollbacks += usize::from(is_new);
            }
            _ => self.tampered = true,
        }
    }

    /// Whom callers reach by the newest switch under this deployment.
    pub fn serving(&self, deployment: &str) -> Option<&Source> {
        self.switches.last().filter(|switch| switch.deployment == deployment)?.to.as_ref()
    }

    /// Who asked for the stage that a version requests in this generation.
    pub fn requester(&self, uid: &str, generation: i64) -> Option<Who> {
        let mut asked = self.requests.range((uid.to_owned(), 0)..=(uid.to_owned(), generation));
        asked.next_back().map(|(_, who)| *who)
    }

    /// Whether enough people have approved these bytes of this version for one of these stages, under this deployment.
    pub fn is_approved(&self, of: &Source, stages: &[&str], deployment: &str) -> bool {
        let counts = |approval: &&Approval| {
            approval.of == *of
                && stages.contains(&approval.to.as_str())
                && approval.by != approval.requested_by
                && approval.deployment == deployment
        };
        let given: Vec<_> = self.approvals.iter().filter(counts).collect();
        given.iter().any(|one| {
            let same = given.iter().filter(|other| other.id == one.id);
            let people: BTreeSet<_> = same.map(|other| &other.by).collect();
            people.len() >= one.needed
        })
    }
}

/// How many people must approve this request.
pub fn needed(transition: &Value) -> usize {
    let asked = usize::try_from(number(transition, "/approvers")).unwrap_or(1);
    let by_robot = text(transition, "/requestedBy").starts_with("system:serviceaccount:");
    asked.max(1 + usize::from(by_robot))
}

fn annotation_before<'a>(write: &Write<'a>, name: &str) -> &'a str {
    write.before.map_or("", |before| annotation(before, name))
}
