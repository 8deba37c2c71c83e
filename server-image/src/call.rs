//! One call to main, and what the challenger said to the same input.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use crate::tensor::Tensor;

pub use understudy_stats::Identity;

/// One call to main. What it holds is exactly what a record of it says.
#[derive(Debug, Clone)]
pub struct Call {
    /// From the request, or made here.
    pub id: String,
    /// When the request had come in.
    pub at: SystemTime,
    /// Whether a record of it is due: recording is on, and the call is in the sample.
    pub record: bool,
    /// Main's answer.
    pub main: Answered,
    /// One for each input, in the order of main's signature; none where the request could not be read.
    pub inputs: Vec<Tensor>,
    /// Rows of the request: the extent of its first dimension.
    pub rows: u64,
    /// The challenger's part.
    pub challenger: Shadow,
}

impl Call {
    /// About the memory that it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        const FIXED: usize = 256;
        let tensors = self.inputs.iter().chain(&self.main.outputs).map(Tensor::bytes);
        FIXED + tensors.sum::<usize>() + self.challenger.bytes()
    }
}

impl Shadow {
    fn bytes(&self) -> usize {
        match self {
            Self::Answered { answered, .. } => answered.outputs.iter().map(Tensor::bytes).sum(),
            Self::None | Self::Dropped(_) => 0,
        }
    }
}

/// What one version made of a call.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answered {
    /// The HTTP status.
    pub status: u16,
    /// Why there is no prediction, where there is none.
    pub error: Option<String>,
    /// All outputs, in the order of main's signature; none where there is no prediction.
    pub outputs: Vec<Tensor>,
    /// From the end of the request's body to the end of the inference, as the version's own server measured it. The
    /// encoding of the response is not part of it: main encodes JSON, the challenger binary tensors.
    pub latency: Option<Duration>,
}

impl Answered {
    /// Whether there is a prediction.
    #[must_use]
    pub fn is_prediction(&self) -> bool {
        self.status == 200
    }
}

/// The challenger's part in a call.
#[derive(Debug, Clone)]
pub enum Shadow {
    /// No challenger was set.
    None,
    /// The call was not copied, or the copy has no answer.
    Dropped(Dropped),
    /// The challenger answered, be it with an error.
    Answered {
        /// Who it is.
        by: Arc<Identity>,
        /// What it said.
        answered: Answered,
    },
}

/// Why a call has no answer of the challenger. Each is a value of the label `reason`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dropped {
    /// Not in the sample.
    NotSampled,
    /// As many calls as may wait were waiting, or held all the memory that copies may take.
    QueueFull,
    /// The challenger failed again and again, and is left alone for a while.
    CircuitOpen,
    /// No answer in time.
    Timeout,
    /// No connection.
    Unreachable,
    /// The connection ended in mid-answer, or what came is no answer.
    Broken,
    /// The answer is larger than is kept.
    TooLarge,
    /// Another version than the approved one answered.
    WrongVersion,
    /// The process was about to end.
    Stopping,
}

impl Dropped {
    /// Whether the challenger is to blame: a call that it could have answered.
    #[must_use]
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Timeout | Self::Unreachable | Self::Broken | Self::TooLarge | Self::WrongVersion)
    }

    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::NotSampled,
        Self::QueueFull,
        Self::CircuitOpen,
        Self::Timeout,
        Self::Unreachable,
        Self::Broken,
        Self::TooLarge,
        Self::WrongVersion,
        Self::Stopping,
    ];

    /// The label's value, and that of the records' column `challenger_dropped`.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::NotSampled => "not_sampled",
            Self::QueueFull => "queue_full",
            Self::CircuitOpen => "circuit_open",
            Self::Timeout => "timeout",
            Self::Unreachable => "unreachable",
            Self::Broken => "broken",
            Self::TooLarge => "too_large",
            Self::WrongVersion => "wrong_version",
            Self::Stopping => "stopping",
        }
    }
}
