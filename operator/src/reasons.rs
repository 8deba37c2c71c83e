//! The reasons that the operator writes into conditions, events and metrics. Each list exists once.
//!
//! A server that cannot start has reasons of its own, [`understudy_contract::Reason`]; the kubelet has others.

/// Declares the reasons of each list once: the enum, the list of all and the text form cannot differ.
macro_rules! reasons {
    ($($(#[doc = $about:literal])+ $name:ident { $($(#[doc = $doc:literal])+ $reason:ident,)+ })+) => {$(
        $(#[doc = $about])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(clippy::enum_variant_names, reason = "a reason may repeat the name of its condition")]
        pub enum $name {
            $($(#[doc = $doc])+ $reason,)+
        }

        impl $name {
            /// Every reason of this list.
            #[cfg_attr(not(test), allow(dead_code, reason = "only the test of the documentation needs some of the lists"))]
            pub const ALL: &'static [Self] = &[$(Self::$reason,)+];

            /// The reason in CamelCase, as it is written.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$reason => stringify!($reason),)+
                }
            }
        }
    )+};
}

reasons! {
    /// `Serving` of a version, apart from the reasons of its pods.
    Serving {
        /// At least one pod is ready.
        Serving,
        /// The stage of the version has no pods.
        NotServed,
        /// No pod is ready yet, and none has failed.
        Starting,
    }

    /// `Serving` of a version: failures of pods that the operator recognises.
    Pod {
        /// The kernel killed the server, or the image of `spec.runtime`, for its memory.
        OutOfMemory,
        /// The image of `spec.runtime` ended.
        RuntimeEnded,
        /// The image of `spec.runtime` is from a registry that the installation does not allow.
        RuntimeImageNotAllowed,
        /// The Deployment could not create a pod.
        FailedCreate,
        /// No node can run the pod.
        Unschedulable,
    }

    /// `Ready` of a version, apart from the reasons of `Serving` and `Hold`, and how a refused request ended.
    Version {
        /// A request waits for a second person. Also a reason of `Approvable`.
        WaitingForApproval,
        /// An approved request takes effect.
        RollingOut,
    }

    /// `Proven` of a version.
    Proven {
        /// The model reproduced the answers of its examples.
        ExamplesReproduced,
        /// No synthetic input worked, and the version has answered a call since.
        CallAnswered,
        /// No synthetic input worked, and the version has not answered a call.
        NoInputWorked,
    }

    /// `Approvable` of a version: why a request cannot go on.
    Hold {
        /// The version's `ModelDeployment` does not exist.
        DeploymentNotFound,
        /// An older version has the same version number.
        DuplicateVersion,
        /// The requester tried to approve.
        FourEyes,
        /// What was approved is not what is requested now.
        RequestChanged,
        /// No step leads from this stage to the requested one.
        NoSuchStep,
        /// The annotation with the requester is missing.
        RequesterUnknown,
        /// The name of the requester or approver is longer than the record allows.
        NameTooLong,
        /// The history of the version has no space for another request.
        HistoryFull,
        /// The API server does not enforce the approval policy.
        ApprovalPolicyInactive,
        /// A metric gate is not met.
        GateFailed,
        /// It does not accept the calls of main or lacks an output, and has no new major version number.
        SignatureBreaking,
        /// A tester's verdict is `failed`.
        AcceptanceFailed,
        /// No tester has given a verdict.
        AcceptanceMissing,
        /// No pod of the version is ready in Staging.
        NotServing,
        /// No synthetic input worked, and the version has not answered a call.
        NotProven,
        /// The image of `spec.runtime` is from a registry that the installation does not allow.
        RuntimeImageNotAllowed,
        /// The version's `ModelDeployment` cannot be parsed.
        DeploymentUnreadable,
        /// Another version of the deployment cannot be parsed, and may be in Production.
        VersionUnreadable,
    }

    /// `ApprovalPolicyActive` and `ObjectsGuarded` of a deployment.
    Policy {
        /// The API server enforces the policy.
        Enforced,
        /// The API server does not enforce it.
        NotEnforced,
        /// The chart was installed without the guard.
        GuardOff,
        /// No object exists with which this could be checked.
        NotTried,
        /// The API server has not answered the check for a minute.
        NotChecked,
    }

    /// `Deployed` of a deployment.
    Deployed {
        /// All pods of main are ready.
        PodsReady,
        /// Some pods of main are not ready.
        PodsNotReady,
        /// No version is in Production.
        NoMain,
    }

    /// `Running` of a deployment.
    Running {
        /// Main answered a real inference through the Service.
        Answers,
        /// Main has just been chosen.
        Starting,
        /// The Service did not answer.
        NoAnswer,
        /// The Service was answered by another version than main.
        OtherVersionAnswers,
        /// No version is in Production.
        NoMain,
    }

    /// `Reconciling` of a deployment: what a change of main waits for.
    Waiting {
        /// Pods of the next main are not ready.
        PodsNotReady,
        /// A pod of the next main did not answer a real inference, or answered as another version.
        NoAnswer,
        /// What was approved is not what is requested now.
        RequestChanged,
        /// The `ModelVersion` was deleted.
        VersionGone,
        /// Another version of the deployment cannot be parsed, and may be in Production.
        VersionUnreadable,
        /// The `ModelDeployment` was changed or deleted meanwhile.
        DeploymentChanged,
        /// The API server does not enforce the approval policy.
        ApprovalPolicyInactive,
        /// It does not accept the calls of the present main or lacks an output, and has no new major version number.
        SignatureBreaking,
        /// No synthetic input worked, and the version has not answered a call.
        NotProven,
        /// The image of `spec.runtime` is from a registry that the installation does not allow.
        RuntimeImageNotAllowed,
    }

    /// `ChallengerReady` of a deployment, apart from the reasons of [`Apply`].
    Challenger {
        /// The challenger gets copies.
        Mirroring,
        /// Its pods, or those of main, have not answered yet.
        Starting,
        /// None of its pods is ready.
        PodsNotReady,
        /// No version is in Production.
        NoMain,
        /// It is main.
        IsMain,
        /// No such version of this deployment exists.
        NoSuchVersion,
        /// It cannot be parsed.
        VersionUnreadable,
        /// It is archived.
        Archived,
        /// It has no approval for Staging.
        NotApproved,
        /// It cannot answer main's calls.
        SignatureMismatch,
    }

    /// `DataIssue` of a deployment.
    Data {
        /// More values, or fewer, are missing than in the training data.
        Missing,
        /// Values are of another type.
        WrongType,
        /// Numbers are beyond those of the training data.
        OutOfRange,
        /// Categories are not those of the training data.
        NewCategory,
        /// All values are the same.
        Constant,
        /// Values have another unit.
        Scaled,
        /// All values are in order.
        NoIssue,
        /// The window contains too few values.
        TooFewSamples,
        /// No pod of main answered.
        NoAnswer,
        /// Main's pods do not compare values with the baseline.
        NotMeasured,
    }

    /// `DataDrift` and `PredictionDrift` of a deployment.
    Drift {
        /// At least one feature drifts.
        Drifts,
        /// No feature drifts.
        NoDrift,
        /// The window contains too few values.
        TooFewSamples,
        /// No pod of main answered.
        NoAnswer,
        /// Main's pods do not measure drift.
        NotMeasured,
    }

    /// Events that have neither the reason of a condition nor the name of a decision.
    Event {
        /// A request was opened.
        Requested,
        /// A person approved a request that needs more approvals.
        ApprovalRecorded,
        /// A tester gave a verdict.
        AcceptanceTest,
        /// The version reached the approved stage.
        StageReached,
        /// An approved version became main.
        Promoted,
        /// A rollback made an earlier version main.
        RolledBack,
        /// No version is main any more.
        TakenDown,
        /// A promotion or rollback was not complete before its deadline.
        RolloutTimedOut,
        /// A rollback is not possible.
        RollbackRefused,
        /// The challenger gets copies.
        ChallengerReady,
        /// The deployment no longer names a challenger.
        ChallengerRemoved,
        /// No input drifts any more.
        DataDriftOver,
        /// No output drifts any more.
        PredictionDriftOver,
        /// The values of all features are in order again.
        DataIssueOver,
    }

    /// A pass failed to read one of Understudy's own kinds, or to write its status.
    Kinds {
        /// The API server did not return it.
        ReadFailed,
        /// The API server rejected the status.
        WriteStatusFailed,
        /// Another writer changed it after it was read.
        Conflict,
        /// It was deleted after it was read.
        Gone,
    }

    /// A pass failed to write or delete an owned object.
    Apply {
        /// The API server did not return it.
        GetFailed,
        /// The API server rejected it.
        ApplyFailed,
        /// Another writer changed it after it was read.
        Conflict,
        /// The API server did not delete it.
        DeleteFailed,
        /// An object of this name exists and does not belong to Understudy.
        NameConflict,
        /// Its namespace is being deleted.
        NamespaceEnds,
    }

    /// A pass was ended from outside.
    Pass {
        /// It took too long.
        DeadlineExceeded,
        /// It reached a defect of the operator.
        Panicked,
    }

    /// A pass failed to notify a pod.
    Notify {
        /// The annotation of the pod could not be written.
        NotifyFailed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asserts that the guide has each of these words in backticks.
    fn explained(guide: &str, reasons: impl IntoIterator<Item = &'static str>) {
        for reason in reasons {
            assert!(guide.contains(&format!("`{reason}`")), "docs/operations.md does not explain {reason}");
        }
    }

    #[test]
    fn every_reason_is_explained_in_the_operations_guide() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/operations.md");
        let guide = std::fs::read_to_string(path).expect("the guide can be read");
        explained(&guide, understudy_contract::Reason::ALL.iter().map(|reason| reason.as_str()));
        explained(&guide, Serving::ALL.iter().map(|reason| reason.as_str()));
        explained(&guide, Pod::ALL.iter().map(|reason| reason.as_str()));
        explained(&guide, Version::ALL.iter().map(|reason| reason.as_str()));
        explained(&guide, Proven::ALL.iter().map(|reason| reason.as_str()));
        explained(&guide, Hold::ALL.iter().map(|reason| reason.as_str()));
        explained(&guide, Policy::ALL.iter().map(|reason| reason.as_str()));
        explained(&guide, Deployed::ALL.iter().map(|reason| reason.as_str()));
        explained(&guide, Running::ALL.iter().map(|reason| reason.as_str()));
        explained(&guide, Waiting::ALL.iter().map(|reason| reason.as_str()));
        explained(&guide, Challenger::ALL.iter().map(|reason| reason.as_str()));
        explained(&guide, Drift::ALL.iter().map(|reason| reason.as_str()));
        explained(&guide, Data::ALL.iter().map(|reason| reason.as_str()));
        explained(&guide, Event::ALL.iter().map(|reason| reason.as_str()));
        explained(&guide, Kinds::ALL.iter().map(|reason| reason.as_str()));
        explained(&guide, Apply::ALL.iter().map(|reason| reason.as_str()));
        explained(&guide, Pass::ALL.iter().map(|reason| reason.as_str()));
        explained(&guide, Notify::ALL.iter().map(|reason| reason.as_str()));
    }
}
