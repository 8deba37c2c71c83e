//! Threads that get only the processor time that the threads with requests leave.

use std::{future::Future, io};

use tokio::{
    sync::{Mutex, oneshot, watch},
    time::{Instant, timeout_at},
};

/// Nice value. Threads with requests have 0, so under load they come first.
const NICE: i32 = 10;
/// Threads for calls of the system that block: files, and the names of Services. Each has two megabytes of stack, and a
/// name server that does not answer would otherwise get one for each copy of a call: hundreds.
const HELPERS: usize = 4;

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
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(HELPERS)
            .build()?;
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

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
        mpsc,
    };

    use super::*;

    #[tokio::test]
    async fn calls_that_block_do_not_get_a_thread_each() {
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (ended, ends) = mpsc::channel();
        let (stop, _) = watch::channel(None);
        let counts = (Arc::clone(&running), Arc::clone(&most));
        let work = async move {
            // None of them ends before all could have begun.
            let (start, _) = tokio::sync::broadcast::channel::<()>(1);
            let calls: Vec<_> = (0..50)
                .map(|_| {
                    let (mut started, (running, most)) = (start.subscribe(), counts.clone());
                    tokio::task::spawn_blocking(move || {
                        most.fetch_max(running.fetch_add(1, SeqCst) + 1, SeqCst);
                        // An error means that the sender is gone.
                        let _ = started.blocking_recv();
                        running.fetch_sub(1, SeqCst);
                    })
                })
                .collect();
            // Time for one more than allowed to begin.
            for _ in 0..100_000 {
                if counts.1.load(SeqCst) > HELPERS {
                    break;
                }
                std::thread::yield_now();
            }
            drop(start);
            for call in calls {
                call.await.expect("the call does not panic");
            }
            ended.send(()).expect("the test waits");
        };
        let thread = LowPriorityThread::start("test", stop, work).expect("a thread starts");
        ends.recv().expect("the work ends");
        assert!(most.load(SeqCst) <= HELPERS, "{most:?} threads");
        thread.stop(Instant::now()).await;
    }
}
