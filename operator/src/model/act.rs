//! What people do. An act is aimed at a name; what exactly it writes follows from the object that it finds there.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    admission::{APPROVAL, REJECTION, ROLLBACK, VERDICT},
    coverage::Met,
    objects::{
        DEPLOYMENT, Kind, NAMESPACE, SLOTS, annotate, annotation, requested, selected, sha256, stage, text,
        uid,
    },
    people::Who,
    server::World,
    write::{Part, Refusal},
};
use understudy_crds::names;

/// An act that can be taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Decided {
    Approval,
    Rejection,
    Verdict,
}

/// A stage that is requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Aim {
    Staging,
    Production,
    Archived,
}

/// What a person does. A number is the place of a version in [`SLOTS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Act {
    CreateDeployment {
        replicas: u8,
        required: bool,
        approvers: u8,
    },
    DeleteDeployment,
    Scale {
        replicas: u8,
    },
    Govern {
        required: bool,
        approvers: u8,
    },
    RollBack {
        to: u8,
    },
    TakeBackRollback,
    Create {
        version: u8,
        bytes: u32,
        staging: bool,
    },
    Delete {
        version: u8,
    },
    Request {
        version: u8,
        to: Aim,
    },
    Withdraw {
        version: u8,
    },
    Approve {
        version: u8,
    },
    Reject {
        version: u8,
    },
    Accept {
        version: u8,
        passed: bool,
    },
    TakeBack {
        version: u8,
        what: Decided,
    },
    /// Writes an approval that was given to this name before.
    Replay {
        version: u8,
    },
    Finalize {
        version: Option<u8>,
        kept: bool,
    },
    DeleteChild {
        kind: Kind,
        place: u8,
    },
    StripOwner {
        kind: Kind,
        place: u8,
    },
    StripLabels {
        kind: Kind,
        place: u8,
    },
    /// Creates an object under a name that the operator needs, without its labels.
    Occupy {
        kind: Kind,
        version: u8,
    },
    /// Sends callers to the pods of a version.
    Divert {
        version: u8,
    },
}

type Done = Result<(), Refusal>;

impl World {
    /// A person does this. A refusal leaves everything as it is.
    pub fn act(&mut self, who: Who, act: Act) -> Done {
        let done = self.perform(who, act);
        if done.is_err() {
            self.coverage.note(Met::RefusedAct);
            if matches!(act, Act::Replay { .. }) {
                self.coverage.note(Met::ReplayRefused);
            }
        } else if self.ledger.tampered {
            self.coverage.note(Met::Tampered);
        }
        if let Act::Approve { version } | Act::Accept { version, .. } = act {
            self.note_verdict(version);
        }
        done
    }

    fn perform(&mut self, who: Who, act: Act) -> Done {
        match act {
            Act::CreateDeployment { replicas, required, approvers } => {
                self.create_deployment(who, replicas, required, approvers)
            }
            Act::DeleteDeployment => {
                self.delete(who, Kind::ModelDeployment, DEPLOYMENT, None)?;
                if self.get(Kind::ModelDeployment, DEPLOYMENT).is_some() {
                    self.coverage.note(Met::DeploymentEnding);
                }
                Ok(())
            }
            Act::Scale { replicas } => {
                self.edit_deployment(who, |md| md["spec"]["replicas"] = json!(replicas))
            }
            Act::Govern { required, approvers } => self.edit_deployment(who, |md| {
                md["spec"]["approval"]["approvers"] = json!(approvers);
                md["spec"]["approval"]["acceptanceTest"] =
                    json!(if required { "Required" } else { "Optional" });
            }),
            Act::RollBack { to } => {
                let request = format!("{}#{}", place(to).1, self.ledger.rollbacks);
                self.edit_deployment(who, |md| {
                    annotate(md, &[("rollback", Some(&request)), ("rollback-by", Some(who.name()))]);
                })
            }
            Act::TakeBackRollback => self.edit_deployment(who, |md| remove(md, &ROLLBACK)),
            Act::Create { version, bytes, staging } => self.create_version(who, version, bytes, staging),
            Act::Delete { version } => self.delete_version(who, version),
            Act::Request { version, to } => {
                self.coverage.note(Met::Request);
                let to = format!("{to:?}");
                self.edit(who, version, |mv| request(mv, &to, who))
            }
            Act::Withdraw { version } => self.edit(who, version, |mv| {
                let back = stage(mv).to_owned();
                request(mv, &back, who);
            }),
            Act::Approve { version } => self.edit(who, version, |mv| {
                let id = text(mv, "/status/transition/id").to_owned();
                annotate(mv, &[("approve", Some(&id)), ("approved-by", Some(who.name()))]);
            }),
            Act::Reject { version } => self.edit(who, version, |mv| {
                let id = text(mv, "/status/transition/id").to_owned();
                let why = [("reject", Some(&*id)), ("rejected-by", Some(who.name())), ("reason", Some("no"))];
                annotate(mv, &why);
            }),
            Act::Accept { version, passed } => self.accept(who, version, passed),
            Act::TakeBack { version, what } => self.edit(who, version, |mv| match what {
                Decided::Approval => remove(mv, &APPROVAL),
                Decided::Rejection => remove(mv, &REJECTION),
                Decided::Verdict => remove(mv, &VERDICT),
            }),
            Act::Replay { version } => {
                let mut given = self.ledger.approvals.iter().rev();
                let Some(old) = given.find(|old| old.of.number == place(version).1).cloned() else {
                    return Err(Refusal::not_found());
                };
                self.edit(who, version, |mv| {
                    annotate(mv, &[("approve", Some(&old.id)), ("approved-by", Some(&old.by))]);
                })
            }
            Act::Finalize { version, kept } => self.finalize(who, version, kept),
            Act::DeleteChild { kind, place } => {
                let name = self.child(kind, place)?;
                self.coverage.note(Met::ChildDeleted);
                self.delete(who, kind, &name, None).map(|_| ())
            }
            Act::StripOwner { kind, place } => self.tamper(who, kind, place, |object| {
                object["metadata"]["ownerReferences"] = json!([]);
            }),
            Act::StripLabels { kind, place } => self.tamper(who, kind, place, |object| {
                object["metadata"]["labels"] = json!({});
            }),
            Act::Occupy { kind, version } => self.occupy(who, kind, version),
            Act::Divert { version } => {
                let number = place(version).1;
                self.change(who, Kind::Service, DEPLOYMENT, |service| {
                    if selected(service) != number {
                        service["spec"]["selector"]["understudy.dev/version"] = json!(number);
                    }
                })
            }
        }
    }

    fn create_deployment(&mut self, who: Who, replicas: u8, required: bool, approvers: u8) -> Done {
        let again = !self.ledger.deployments.is_empty();
        let acceptance = if required { "Required" } else { "Optional" };
        let md = json!({
            "apiVersion": "understudy.dev/v1alpha1", "kind": "ModelDeployment",
            "metadata": {"name": DEPLOYMENT, "namespace": NAMESPACE, "annotations": {}},
            "spec": {
                "replicas": replicas, "approval": {"acceptanceTest": acceptance, "expiresAfter": "1h", "approvers": approvers},
                "rollout": {"deadline": "10m"}, "rollback": {"keepWarm": "10m"},
            },
        });
        self.create(who, Kind::ModelDeployment, md)?;
        if again {
            self.coverage.note(Met::DeploymentMadeAgain);
        }
        Ok(())
    }

    fn create_version(&mut self, who: Who, version: u8, bytes: u32, staging: bool) -> Done {
        let (name, number) = place(version);
        let again = self.ledger.versions.values().any(|known| known.number == number);
        let mut mv = json!({
            "apiVersion": "understudy.dev/v1alpha1", "kind": "ModelVersion",
            "metadata": {"name": name, "namespace": NAMESPACE, "annotations": {}},
            "spec": {
                "deployment": DEPLOYMENT, "version": number, "stage": "None",
                "artifact": {"uri": "", "sha256": sha256(bytes)},
            },
        });
        if staging {
            request(&mut mv, "Staging", who);
        }
        self.create(who, Kind::ModelVersion, mv)?;
        if again {
            self.coverage.note(Met::VersionMadeAgain);
        }
        Ok(())
    }

    /// Notes that a failed verdict and an approval for Production are there, and nobody has recorded either.
    fn note_verdict(&mut self, version: u8) {
        let Some(mv) = self.get(Kind::ModelVersion, place(version).0) else { return };
        let transition = &mv["status"]["transition"];
        let unseen = mv["status"]["acceptance"]["verdict"] != "Failed" && !transition["approval"].is_object();
        let both = annotation(mv, "accept") == "failed" && transition["id"] == annotation(mv, "approve");
        if unseen && both && transition["to"] == "Production" {
            self.coverage.note(Met::FailedVerdictAndApproval);
        }
    }

    fn accept(&mut self, who: Who, version: u8, passed: bool) -> Done {
        self.coverage.note(Met::Verdict);
        let verdict = if passed { "passed" } else { "failed" };
        self.edit(who, version, |mv| {
            annotate(mv, &[("accept", Some(verdict)), ("accepted-by", Some(who.name()))]);
        })
    }

    fn occupy(&mut self, who: Who, kind: Kind, version: u8) -> Done {
        let name = match kind {
            Kind::Workload => names::version_object(DEPLOYMENT, place(version).1),
            Kind::ConfigMap => names::routing(DEPLOYMENT),
            _ => DEPLOYMENT.to_owned(),
        };
        let foreign = json!({
            "apiVersion": type_of(kind).0, "kind": type_of(kind).1,
            "metadata": {"name": name, "labels": {"app": "foreign"}}, "spec": {},
        });
        self.create(who, kind, foreign)?;
        self.ledger.tampered = true;
        self.coverage.note(Met::ForeignObject);
        Ok(())
    }

    fn delete_version(&mut self, who: Who, version: u8) -> Done {
        let (name, _) = place(version);
        let before = self.delete(who, Kind::ModelVersion, name, None)?;
        if self.get(Kind::ModelVersion, name).is_some() {
            self.coverage.note(Met::VersionEnding);
        }
        if before["status"]["transition"]["approval"].is_object() {
            self.coverage.note(Met::ApprovedVersionDeleted);
        }
        let md = self.get(Kind::ModelDeployment, DEPLOYMENT).map(|md| uid(md).to_owned());
        let serving = md.and_then(|md| self.ledger.serving(&md).map(|of| of.uid.clone()));
        if serving.as_deref() == Some(uid(&before)) {
            self.coverage.note(Met::MainDeleted);
        }
        Ok(())
    }

    fn finalize(&mut self, who: Who, version: Option<u8>, kept: bool) -> Done {
        let (kind, name) = version
            .map_or((Kind::ModelDeployment, DEPLOYMENT), |version| (Kind::ModelVersion, place(version).0));
        self.change(who, kind, name, |object| {
            object["metadata"]["finalizers"] = if kept { json!(["example.com/kept"]) } else { json!([]) };
        })
    }

    fn edit_deployment(&mut self, who: Who, edit: impl FnOnce(&mut Value)) -> Done {
        self.change(who, Kind::ModelDeployment, DEPLOYMENT, edit)
    }

    fn edit(&mut self, who: Who, version: u8, edit: impl FnOnce(&mut Value)) -> Done {
        self.change(who, Kind::ModelVersion, place(version).0, edit)
    }

    fn tamper(&mut self, who: Who, kind: Kind, place: u8, edit: impl FnOnce(&mut Value)) -> Done {
        let name = self.child(kind, place)?;
        self.change(who, kind, &name, edit)
    }

    /// The name of an owned object.
    fn child(&self, kind: Kind, place: u8) -> Result<String, Refusal> {
        let all: Vec<_> = self.all(kind).collect();
        let child = (!all.is_empty()).then(|| all[usize::from(place) % all.len()]);
        child.map(|child| text(child, "/metadata/name").to_owned()).ok_or_else(Refusal::not_found)
    }

    fn change(&mut self, who: Who, kind: Kind, name: &str, edit: impl FnOnce(&mut Value)) -> Done {
        let found = self.get(kind, name).ok_or_else(Refusal::not_found)?;
        let mut after = Value::clone(found);
        edit(&mut after);
        self.update(who, kind, Part::Main, after).map(|_| ())
    }
}

/// `apiVersion` and `kind` of an owned kind.
const fn type_of(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Workload => ("apps/v1", "Deployment"),
        Kind::Budget => ("policy/v1", "PodDisruptionBudget"),
        Kind::ConfigMap => ("v1", "ConfigMap"),
        _ => ("v1", "Service"),
    }
}

/// Name and version number of a place.
pub fn place(version: u8) -> (&'static str, &'static str) {
    SLOTS[usize::from(version) % SLOTS.len()]
}

fn request(mv: &mut Value, to: &str, who: Who) {
    if requested(mv) != to {
        mv["spec"]["stage"] = json!(to);
        annotate(mv, &[("requested-by", Some(who.name()))]);
    }
}

fn remove(object: &mut Value, keys: &[&str]) {
    for key in keys {
        annotate(object, &[(key, None)]);
    }
}
