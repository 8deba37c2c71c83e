//! Cuts a status to what the schema of its CRD allows. The API server refuses a whole status because of one text that is
//! too long, and the texts come from annotations, pods, models and other programs.
//!
//! Each function names every field of its type, so that a new field does not compile without a decision.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::{
    acceptance::Acceptance,
    challenger::ChallengerStatus,
    comparison::{
        CLASSES_LIMIT, CONFUSION_LIMIT, Compared, Comparison, Confusion, OUTPUTS_LIMIT, OutcomeComparison,
    },
    drift::{DRIFTING_LIMIT, DriftStatus},
    evaluation::TENTHS_LIMIT,
    failure::Failure,
    history::{HISTORY_CAPACITY, HistoryEntry, PolicyReference},
    limits,
    main_record::MainRecord,
    model_deployment::ModelDeploymentStatus,
    model_version::ModelVersionStatus,
    owned::OwnedObject,
    rollback::RollbackStatus,
    rollout::Rollout,
    served::{Previous, ServedVersion, Staged},
    signature::{ModelSignature, TensorSpec},
    text::{shorten, shorten_some},
    transition::{Grant, Transition},
};

impl ModelVersionStatus {
    /// The status with every text and list cut to what the CRD allows.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        let Self {
            stage: _,
            transition: open,
            history,
            acceptance: verdict,
            model,
            url,
            last_failure,
            deployment_uid,
            last_comment,
            observed_generation: _,
            settled_generation: _,
            conditions: all,
        } = &mut self;
        open.iter_mut().for_each(transition);
        history.truncate(HISTORY_CAPACITY);
        history.iter_mut().for_each(entry);
        verdict.iter_mut().for_each(acceptance);
        model.iter_mut().for_each(signature);
        shorten_some(url, limits::URL);
        shorten_some(deployment_uid, limits::UID);
        shorten_some(last_comment, limits::REASON);
        last_failure.iter_mut().for_each(failure);
        conditions(all);
        self
    }
}

impl ModelDeploymentStatus {
    /// The status with every text and list cut to what the CRD allows.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        let Self {
            url,
            main,
            selector,
            previous: before,
            staging,
            challenger: named,
            comparison: compared,
            drift: drifting,
            rollout: change,
            rollback: back,
            last_comment,
            history,
            objects,
            observed_generation: _,
            conditions: all,
        } = &mut self;
        shorten_some(url, limits::URL);
        shorten_some(selector, limits::SELECTOR);
        shorten_some(last_comment, limits::REASON);
        main.iter_mut().for_each(served);
        before.iter_mut().for_each(previous);
        staging.truncate(limits::STAGED);
        staging.iter_mut().for_each(staged);
        named.iter_mut().for_each(challenger);
        compared.iter_mut().for_each(comparison);
        drifting.iter_mut().for_each(drift);
        change.iter_mut().for_each(rollout);
        back.iter_mut().for_each(rollback);
        // The newest entries stay.
        history.drain(..history.len().saturating_sub(limits::MAINS));
        history.iter_mut().for_each(record);
        objects.truncate(limits::OWNED);
        objects.iter_mut().for_each(owned);
        conditions(all);
        self
    }
}

impl Failure {
    /// The failure with texts that fit into the status of a version.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        failure(&mut self);
        self
    }
}

fn conditions(all: &mut Vec<Condition>) {
    all.truncate(limits::CONDITIONS);
    for Condition { type_: _, status: _, last_transition_time: _, observed_generation: _, reason, message } in
        all
    {
        shorten(reason, limits::CONDITION_REASON);
        shorten(message, limits::MESSAGE);
    }
}

fn transition(of: &mut Transition) {
    let Transition {
        id,
        from: _,
        to: _,
        requested_by,
        requested_at: _,
        generation: _,
        digest,
        expires_at: _,
        policy_fingerprint,
        comment,
        breaking,
        approvers: _,
        approvals,
        approved,
        approval,
    } = of;
    shorten(id, limits::ID);
    shorten(requested_by, limits::PERSON);
    shorten(digest, limits::DIGEST);
    shorten_some(policy_fingerprint, limits::FINGERPRINT);
    shorten_some(comment, limits::REASON);
    shorten_some(breaking, limits::REASON);
    shorten_some(approved, limits::ID);
    approvals.truncate(limits::APPROVALS);
    approvals.iter_mut().chain(approval).for_each(grant);
}

fn grant(of: &mut Grant) {
    let Grant { by, at: _, comment } = of;
    shorten(by, limits::PERSON);
    shorten_some(comment, limits::REASON);
}

fn entry(of: &mut HistoryEntry) {
    let HistoryEntry {
        id,
        from: _,
        to: _,
        requested_by,
        requested_at: _,
        decision: _,
        decided_by,
        decided_at: _,
        reason,
        comment,
        breaking,
        approvals,
        digest,
        deployment_uid,
        policy,
    } = of;
    shorten_some(deployment_uid, limits::UID);
    shorten(id, limits::ID);
    shorten(requested_by, limits::PERSON);
    shorten(decided_by, limits::PERSON);
    shorten_some(reason, limits::REASON);
    shorten_some(comment, limits::REASON);
    shorten_some(breaking, limits::REASON);
    approvals.truncate(limits::APPROVALS);
    approvals.iter_mut().for_each(grant);
    shorten(digest, limits::DIGEST);
    if let Some(PolicyReference { uid, resource_version }) = policy {
        shorten(uid, limits::POLICY);
        shorten(resource_version, limits::POLICY);
    }
}

fn acceptance(of: &mut Acceptance) {
    let Acceptance { verdict: _, by, at: _, feedback } = of;
    shorten(by, limits::PERSON);
    shorten_some(feedback, limits::FEEDBACK);
}

fn failure(of: &mut Failure) {
    let Failure { reason, message, at: _ } = of;
    shorten(reason, limits::FAILURE_REASON);
    shorten(message, limits::FAILURE_MESSAGE);
}

fn signature(of: &mut ModelSignature) {
    let ModelSignature { inputs, outputs, omitted, opset: _, bytes: _ } = of;
    for tensors in [inputs, outputs] {
        let surplus = tensors.len().saturating_sub(limits::TENSORS);
        *omitted = omitted.saturating_add(i64::try_from(surplus).unwrap_or(i64::MAX));
        tensors.truncate(limits::TENSORS);
        for TensorSpec { name, datatype, shape, any_shape: _ } in tensors {
            shorten(name, limits::TENSOR_NAME);
            shorten(datatype, limits::DATATYPE);
            shape.truncate(limits::DIMENSIONS);
        }
    }
}

fn served(of: &mut ServedVersion) {
    let ServedVersion { version, model_version, uid, digest, since: _, transition, ready_replicas: _ } = of;
    identity(version, model_version, uid, digest);
    shorten(transition, limits::CHANGE);
}

fn previous(of: &mut Previous) {
    let Previous { version, model_version, uid, digest, warm_until: _ } = of;
    identity(version, model_version, uid, digest);
}

fn identity(version: &mut String, model_version: &mut String, uid: &mut Option<String>, digest: &mut String) {
    shorten_some(uid, limits::UID);
    shorten(version, limits::VERSION);
    shorten(model_version, limits::OBJECT);
    shorten(digest, limits::DIGEST);
}

fn staged(of: &mut Staged) {
    let Staged { version, model_version, ready_replicas: _, url } = of;
    shorten(version, limits::VERSION);
    shorten(model_version, limits::OBJECT);
    shorten(url, limits::URL);
}

fn owned(of: &mut OwnedObject) {
    let OwnedObject { kind, name, uid } = of;
    shorten(kind, limits::KIND);
    shorten(name, limits::OBJECT);
    shorten(uid, limits::UID);
}

fn challenger(of: &mut ChallengerStatus) {
    let ChallengerStatus { version, model_version, uid, digest, since: _, ready_replicas: _ } = of;
    identity(version, model_version, uid, digest);
}

fn comparison(of: &mut Comparison) {
    let Comparison {
        challenger,
        main,
        since: _,
        at: _,
        pairs: _,
        copied: _,
        availability: _,
        error_difference: _,
        roles,
        outputs,
        outcomes,
    } = of;
    for Compared { version, digest } in [challenger, main] {
        shorten(version, limits::VERSION);
        shorten(digest, limits::DIGEST);
    }
    roles.truncate(2);
    outputs.truncate(OUTPUTS_LIMIT);
    for output in outputs {
        shorten(&mut output.name, limits::TENSOR_NAME);
    }
    if let Some(OutcomeComparison { classes, confusion, calibration, .. }) = outcomes.as_deref_mut() {
        classes.truncate(CLASSES_LIMIT);
        calibration.truncate(TENTHS_LIMIT);
        confusion.truncate(CONFUSION_LIMIT);
        for class in classes {
            shorten(&mut class.name, limits::TENSOR_NAME);
        }
        for Confusion { class, predicted, .. } in confusion {
            shorten(class, limits::TENSOR_NAME);
            shorten(predicted, limits::TENSOR_NAME);
        }
    }
}

fn drift(of: &mut DriftStatus) {
    let DriftStatus { at: _, features, issues } = of;
    features.truncate(DRIFTING_LIMIT);
    issues.truncate(DRIFTING_LIMIT);
    for feature in features {
        shorten(&mut feature.name, limits::TENSOR_NAME);
        shorten(&mut feature.change, limits::CHANGE_OF_FEATURE);
    }
    for issue in issues {
        shorten(&mut issue.name, limits::TENSOR_NAME);
        shorten(&mut issue.message, limits::CHANGE_OF_FEATURE);
    }
}

fn rollout(of: &mut Rollout) {
    let Rollout { version, model_version, uid, transition, since: _, deadline_exceeded: _, message } = of;
    shorten_some(uid, limits::UID);
    shorten(version, limits::VERSION);
    shorten(model_version, limits::OBJECT);
    shorten(transition, limits::CHANGE);
    shorten(message, limits::MESSAGE);
}

fn rollback(of: &mut RollbackStatus) {
    let RollbackStatus { request, by, comment, at: _, result: _, message } = of;
    shorten_some(comment, limits::REASON);
    shorten(request, limits::ROLLBACK);
    shorten(by, limits::PERSON);
    shorten(message, limits::MESSAGE);
}

fn record(of: &mut MainRecord) {
    let MainRecord {
        version,
        model_version,
        uid,
        digest,
        runtime_image,
        from: _,
        to: _,
        reason: _,
        requested_by,
        approved_by,
        approved_at: _,
        transition,
        comment,
        breaking,
    } = of;
    identity(version, model_version, uid, digest);
    shorten_some(runtime_image, limits::IMAGE);
    shorten_some(comment, limits::REASON);
    shorten_some(breaking, limits::REASON);
    shorten(requested_by, limits::PERSON);
    shorten(approved_by, limits::PERSON);
    shorten(transition, limits::CHANGE);
}
