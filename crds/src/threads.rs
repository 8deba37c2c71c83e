//! How runs of a model share the processors of a pod.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// Sessions, and threads of each run. What is absent is chosen by the pod.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.sessions) || has(self.intraOp)").message("threads must have sessions, intraOp or both"))]
pub struct Threads {
    /// Runs of the model at the same time in a pod, from 1 to 64. Each has a session of its own, with a copy of the weights.
    /// Without it, a pod has one for each processor, or fewer if a run takes long, or if the copies need more than half of its
    /// memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 64))]
    pub sessions: Option<i32>,
    /// Threads of one run, from 1 to 64. Without it, one, or more if there are fewer sessions than processors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 64))]
    pub intra_op: Option<i32>,
}
