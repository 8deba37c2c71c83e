//! Threads that must not take a processor from those that answer.

use std::future::Future;

use tokio::{
    sync::{oneshot, watch},
    time::Instant,
};

/// Below all that answers: under load these threads get what is left.
const NICE: i32 = 10;

/// A thread with a runtime of its own.
pub struct LowPriorityThread {
    stop: watch::Sender<Option<Instant>>,
    ended: tokio::sync::Mutex<oneshot::Receiver<()>>,
}

impl LowPriorityThread {
    /// Starts a thread that runs `work`, which ends soon after `stop` names a moment.
    pub fn start(
        name: &str,
        stop: watch::Sender<Option<Instant>>,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (end, ended) = oneshot::channel();
        std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            // On Linux this is the calling thread's own.
            if let Err(error) = rustix::process::nice(NICE) {
                tracing::warn!("failed to lower the priority of a thread: {error}");
            }
            runtime.block_on(work);
            // Whoever waited may be gone.
            let _ = end.send(());
        })?;
        Ok(Self { stop, ended: tokio::sync::Mutex::new(ended) })
    }

    /// Ends it with all that it has counted; by `deadline` at the latest.
    pub async fn stop(&self, deadline: Instant) {
        // It is to end by itself, with all that it has counted.
        let now = Instant::now();
        self.stop.send_replace(Some(now + deadline.saturating_duration_since(now).mul_f64(0.9)));
        // An error is the end, too.
        let _ = tokio::time::timeout_at(deadline, &mut *self.ended.lock().await).await;
    }
}
