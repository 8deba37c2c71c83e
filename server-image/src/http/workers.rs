//! The threads that handle the requests of the inference ports. Each has a reactor of its own, and a connection stays on the
//! thread that got it: no request wakes a second thread, and no processor takes a line of memory from another one.

use std::{
    future::{Future, pending},
    io,
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use tokio::runtime::{Builder, Handle};

use crate::shard;

/// The threads. They live as long as the process.
#[derive(Clone)]
pub struct Workers {
    threads: Arc<[Worker]>,
}

struct Worker {
    runtime: Handle,
    /// Its open connections.
    open: Arc<AtomicUsize>,
}

impl Workers {
    /// Starts so many threads with this name. Fails if the system cannot start one.
    pub fn start(name: &str, count: NonZeroUsize) -> io::Result<Self> {
        let threads = (0..count.get()).map(|index| Worker::start(name, index)).collect::<io::Result<_>>()?;
        Ok(Self { threads })
    }

    /// Runs `connection` on the thread that has the fewest. Its sockets must be opened within it: they belong to the reactor
    /// of that thread.
    pub fn spawn(&self, connection: impl Future<Output = ()> + Send + 'static) {
        let worker = self.threads.iter().min_by_key(|worker| worker.open.load(Relaxed));
        worker.expect("there is a thread").spawn(connection);
    }
}

impl Worker {
    fn start(name: &str, index: usize) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let worker = Self { runtime: runtime.handle().clone(), open: Arc::default() };
        std::thread::Builder::new().name(format!("{name}-{index}")).spawn(move || {
            shard::set(index);
            runtime.block_on(pending::<()>());
        })?;
        Ok(worker)
    }

    fn spawn(&self, connection: impl Future<Output = ()> + Send + 'static) {
        let open = Place::take(&self.open);
        self.runtime.spawn(async move {
            connection.await;
            drop(open);
        });
    }
}

/// One connection in the number of a worker's open ones.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(open: &Arc<AtomicUsize>) -> Self {
        open.fetch_add(1, Relaxed);
        Self(Arc::clone(open))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}
