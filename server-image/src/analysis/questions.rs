//! Questions to the analyzer. It owns what it has accumulated, so no other thread waits for a lock of this thread of low priority:
//! one that asks waits without holding up the others of its thread.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use tokio::{
    sync::{
        mpsc::{self, error::TrySendError},
        oneshot,
    },
    time::timeout,
};
use understudy_stats::Summary;

use super::outcomes::{NotJoined, Outcome};
use crate::error::Refusal;

/// Questions that wait for the analyzer.
const MAX_WAITING: usize = 64;
/// How long a reader waits for the newest summary. After this time it gets the one before.
const PATIENCE: Duration = Duration::from_millis(250);

/// The refusal of questions after the end of the analyzer.
const ENDS: Refusal = Refusal::NotReady("this pod ends");

/// A question, with the place for its answer. A reader that has given up is gone.
pub(super) enum Question {
    /// Publish the summary.
    Publish(oneshot::Sender<()>),
    /// Join these outcomes. The answer are those that were not joined.
    Join(Vec<Outcome>, oneshot::Sender<NotJoined>),
}

/// The side of those who ask.
#[derive(Clone)]
pub struct Questions {
    waiting: mpsc::Sender<Question>,
    newest: Arc<ArcSwap<Summary>>,
}

/// The side of the analyzer.
pub(super) struct Asked {
    waiting: mpsc::Receiver<Question>,
    newest: Arc<ArcSwap<Summary>>,
}

/// Both sides. `first` is the summary before the first call.
pub(super) fn open(first: Summary) -> (Questions, Asked) {
    let (sender, waiting) = mpsc::channel(MAX_WAITING);
    let newest = Arc::new(ArcSwap::from_pointee(first));
    (Questions { waiting: sender, newest: Arc::clone(&newest) }, Asked { waiting, newest })
}

impl Questions {
    /// The summary of all calls whose responses were sent before. If the analyzer is busy, or has ended, the last one.
    pub async fn summary(&self) -> Arc<Summary> {
        let (answer, answered) = oneshot::channel();
        if self.waiting.try_send(Question::Publish(answer)).is_ok() {
            // In each case, there is a summary to read.
            let _ = timeout(PATIENCE, answered).await;
        }
        self.newest.load_full()
    }

    /// Joins outcomes to calls of this pod. Returns those that were not joined.
    pub async fn join(&self, outcomes: Vec<Outcome>) -> Result<NotJoined, Refusal> {
        let (answer, answered) = oneshot::channel();
        self.waiting.try_send(Question::Join(outcomes, answer)).map_err(|error| match error {
            TrySendError::Full(_) => Refusal::Busy("too many outcomes at the same time"),
            TrySendError::Closed(_) => ENDS,
        })?;
        answered.await.map_err(|_| ENDS)
    }
}

impl Asked {
    /// Waits for a question. Never returns if nobody can ask any more.
    pub(super) async fn next(&mut self) -> Question {
        match self.waiting.recv().await {
            Some(question) => question,
            None => std::future::pending().await,
        }
    }

    /// Publishes a summary.
    pub(super) fn publish(&self, summary: Summary) {
        self.newest.store(Arc::new(summary));
    }
}

#[cfg(test)]
mod tests {
    use understudy_stats::{Identity, Outcomes};

    use super::*;

    fn summary(joined: bool) -> Summary {
        let main = Identity { version: "1.3.0".to_owned(), digest: "sha256:00".to_owned() };
        Summary { main, comparison: None, drift: None, outcomes: joined.then(Outcomes::default) }
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_gets_the_last_summary_while_the_analyzer_does_not_answer() {
        let (questions, mut asked) = open(summary(false));
        assert!(questions.summary().await.outcomes.is_none());
        let Question::Publish(answer) = asked.next().await else { panic!("the first question") };
        asked.publish(summary(true));
        assert!(answer.send(()).is_err(), "the reader has given up");
        drop(asked);
        assert!(questions.summary().await.outcomes.is_some());
        assert_eq!(questions.join(Vec::new()).await, Err(ENDS));
    }
}
