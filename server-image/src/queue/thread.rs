//! Threads that get only the processor time that the threads with requests leave.

use std::{future::Future, io};

use tokio::{
    sync::{Mutex, oneshot, watch},
    time::{Instant, timeout_at},
};

/// Nice value. Threads with requests have 0, so under load they come first.
const NICE: i32 = 10;

/// A thread of low priority, with a runtime of its own.
pub struct LowPriorityThread {
    stop: watch::Sender<Option<Instant>>,
    ended: Mutex<oneshot::Receiver<()>>,
}

impl LowPriorityThread {
    /// Starts a thread that runs `work`. `work` must end soon after `stop` names a deadline.
    ///
    /// Fails if the system cannot start a thread or a runtime.
    pub fn start(
        name: &str,
        stop: watch::Sender<Option<Instant>>,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (end, ended) = oneshot::channel();
        std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            // On Linux this applies to the calling thread only.
            if let Err(error) = rustix::process::nice(NICE) {
                tracing::warn!(error = %error, "failed to lower the priority of a thread");
            }
            runtime.block_on(work);
            // An error means that `stop` no longer waits.
            let _ = end.send(());
        })?;
        Ok(Self { stop, ended: Mutex::new(ended) })
    }

    /// Asks the thread to end, and waits for its end until `deadline`.
    pub async fn stop(&self, deadline: Instant) {
        // The work gets less time, so that it ends in order, with all of its counts.
        let now = Instant::now();
        self.stop.send_replace(Some(now + deadline.saturating_duration_since(now).mul_f64(0.9)));
        // An error is the end of the thread, too.
        let _ = timeout_at(deadline, &mut *self.ended.lock().await).await;
    }
}
