//! Reads a queue without a wake-up for each entry.
//!
//! A wake-up costs the sending thread a system call and, on a busy machine, its turn on the processor. That is more than
//! everything else that an observed call costs. So the reader checks the queue every millisecond while entries keep
//! coming. Only after a second without an entry it waits for a wake-up.

use std::time::Duration;

use tokio::{sync::mpsc, time::Instant};

/// Time between two checks of the queue.
const CHECK: Duration = Duration::from_millis(1);
/// After this time without an entry, the reader waits for a wake-up.
const IDLE: Duration = Duration::from_secs(1);

/// The receiving end of a queue.
pub struct LazyReader<T> {
    queue: mpsc::Receiver<T>,
    last: Instant,
}

impl<T> LazyReader<T> {
    /// A reader of `queue`.
    #[must_use]
    pub fn new(queue: mpsc::Receiver<T>) -> Self {
        Self { queue, last: Instant::now() }
    }

    /// Waits for entries and moves at most `limit` of them into `batch`. Returns without an entry if the queue is closed
    /// and empty.
    ///
    /// A dropped future has moved nothing.
    pub async fn read(&mut self, batch: &mut Vec<T>, limit: usize) {
        loop {
            while batch.len() < limit
                && let Ok(entry) = self.queue.try_recv()
            {
                batch.push(entry);
            }
            if !batch.is_empty() {
                self.last = Instant::now();
                return;
            }
            if self.last.elapsed() > IDLE || self.queue.is_closed() {
                self.queue.recv_many(batch, limit).await;
                self.last = Instant::now();
                return;
            }
            tokio::time::sleep(CHECK).await;
        }
    }

    /// Moves the entries that wait into `batch`, without waiting for more.
    pub fn take(&mut self, batch: &mut Vec<T>) {
        let waiting = self.queue.len();
        batch.reserve(waiting);
        batch.extend((0..waiting).map_while(|_| self.queue.try_recv().ok()));
    }

    /// Closes the queue for new entries. The remaining ones can still be read.
    pub fn close(&mut self) {
        self.queue.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(reader: &mut LazyReader<u32>, limit: usize) -> Vec<u32> {
        let mut batch = Vec::new();
        reader.read(&mut batch, limit).await;
        batch
    }

    #[tokio::test(start_paused = true)]
    async fn entries_are_read_in_order_whether_the_reader_checks_or_waits() {
        let (sender, queue) = mpsc::channel(8);
        let mut reader = LazyReader::new(queue);
        for pause in [Duration::ZERO, CHECK, IDLE * 3] {
            let sender = sender.clone();
            let sends = async {
                tokio::time::sleep(pause).await;
                for number in 0..3 {
                    sender.try_send(number).unwrap();
                }
            };
            let reads = async { [read(&mut reader, 2).await, read(&mut reader, 2).await].concat() };
            assert_eq!(tokio::join!(sends, reads).1, [0, 1, 2], "after {pause:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_closed_queue_is_read_to_its_end() {
        let (sender, queue) = mpsc::channel(8);
        let mut reader = LazyReader::new(queue);
        sender.try_send(7).unwrap();
        reader.close();
        assert!(sender.try_send(8).is_err());
        assert_eq!(read(&mut reader, 2).await, [7]);
        assert_eq!(read(&mut reader, 2).await, [0; 0]);
    }
}
