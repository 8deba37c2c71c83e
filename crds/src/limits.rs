//! The most characters and entries of fields that hold texts of people, of models and of other programs. The schema of
//! the CRDs has them, and [`bounded`](crate::ModelVersionStatus::bounded) cuts to them.

/// Characters of a person's name.
pub const PERSON: usize = 256;
/// Characters of a comment, annotation `understudy.dev/reason`, and of every reason in the history.
pub const REASON: usize = 1024;
/// Approvals of one request: the largest number of approvers, and one more for the request of a service account.
pub const APPROVALS: usize = 6;
/// Characters of a tester's feedback, annotation `understudy.dev/feedback`.
pub const FEEDBACK: usize = 4096;
/// Characters of the annotation `understudy.dev/rollback`.
pub const ROLLBACK: usize = 256;
/// Characters of what made a version main: `rollback:` and the annotation, or the id of a transition.
pub const CHANGE: usize = "rollback:".len() + ROLLBACK;
/// Characters of the id of a transition.
pub const ID: usize = 32;
/// Characters of a digest: `sha256:` and 64 hexadecimal digits.
pub const DIGEST: usize = 71;
/// Characters of a semantic version.
pub const VERSION: usize = 63;
/// Characters of the name of an object.
pub const OBJECT: usize = 253;
/// Characters of an image by its digest: the longest name that registries accept is 255, and a digest follows.
pub const IMAGE: usize = 350;
/// Characters of the URL of a Service: two DNS labels and what is around them.
pub const URL: usize = 256;
/// Characters of a label selector with three labels.
pub const SELECTOR: usize = 512;
/// Characters of a message for people, as in the conditions of Kubernetes.
pub const MESSAGE: usize = 32_768;
/// What has changed about one feature, with the name of a category.
pub const CHANGE_OF_FEATURE: usize = 512;
/// Characters of the reason of a condition, as in Kubernetes.
pub const CONDITION_REASON: usize = 1024;
/// Conditions of an object.
pub const CONDITIONS: usize = 16;
/// Characters of the reason why a pod failed.
pub const FAILURE_REASON: usize = 64;
/// Characters of the message why a pod failed. The kubelet keeps as many bytes of a termination message.
pub const FAILURE_MESSAGE: usize = 4096;
/// Inputs of a model that are listed, and as many outputs.
pub const TENSORS: usize = 256;
/// Characters of the name of a tensor or of a feature.
pub const TENSOR_NAME: usize = 256;
/// Characters of a datatype.
pub const DATATYPE: usize = 16;
/// Dimensions of a tensor.
pub const DIMENSIONS: usize = 32;
/// Characters of the uid or of the resourceVersion of a policy.
pub const POLICY: usize = 64;
/// Characters of the identity of the approval policy and its binding.
pub const FINGERPRINT: usize = 256;
/// Versions in Staging that the status of a deployment lists.
pub const STAGED: usize = 256;
/// Versions that were main, in the status of a deployment.
pub const MAINS: usize = 100;
/// Characters of the kind of an object.
pub const KIND: usize = 63;
/// Objects of a deployment that its status lists: two for each version that may run, and what belongs to all of them.
pub const OWNED: usize = 640;
/// The uid of an object.
pub const UID: usize = 64;
