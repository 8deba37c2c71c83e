//! A queue whose reader does not want to be woken for each entry.
//!
//! To wake a thread costs whoever does it a system call and, on a busy machine, its turn on the processor: more than all
//! else that a call pays for being looked at. So while calls keep coming the reader looks for itself, every millisecond,
//! and only one that has found nothing for a while lets itself be woken.

use std::time::Duration;

use tokio::{sync::mpsc, time::Instant};

/// Between two looks.
const LOOK: Duration = Duration::from_millis(1);
/// After so long without anything it waits to be woken.
const ASLEEP: Duration = Duration::from_secs(1);

/// The reader.
pub struct LazyReader<T> {
    queue: mpsc::Receiver<T>,
    /// When something was found last.
    found: Instant,
}

impl<T> LazyReader<T> {
    /// A reader of `queue`.
    pub fn new(queue: mpsc::Receiver<T>) -> Self {
        Self { queue, found: Instant::now() }
    }

    /// Takes what is there, at most `limit`, and waits for it if nothing is. Nothing comes once all senders are gone.
    ///
    /// What is taken is in `batch` when this ends; if it is dropped before, nothing was taken.
    pub async fn read(&mut self, batch: &mut Vec<T>, limit: usize) {
        loop {
            while batch.len() < limit
                && let Ok(entry) = self.queue.try_recv()
            {
                batch.push(entry);
            }
            if !batch.is_empty() {
                self.found = Instant::now();
                return;
            }
            if self.found.elapsed() > ASLEEP || self.queue.is_closed() {
                self.queue.recv_many(batch, limit).await;
                self.found = Instant::now();
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// No more is accepted; what is there can still be read. Nothing left: nothing is read.
    pub fn close(&mut self) {
        self.queue.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(lazy: &mut LazyReader<u32>, limit: usize) -> Vec<u32> {
        let mut batch = Vec::new();
        lazy.read(&mut batch, limit).await;
        batch
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_sent_is_read_in_order_whether_the_reader_looks_or_sleeps() {
        let (sender, queue) = mpsc::channel(8);
        let mut lazy = LazyReader::new(queue);
        for pause in [Duration::ZERO, LOOK, ASLEEP * 3] {
            let sender = sender.clone();
            let sends = async {
                tokio::time::sleep(pause).await;
                for number in 0..3 {
                    sender.try_send(number).unwrap();
                }
            };
            let reads = async { [read(&mut lazy, 2).await, read(&mut lazy, 2).await].concat() };
            assert_eq!(tokio::join!(sends, reads).1, [0, 1, 2], "after {pause:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_closed_queue_is_read_to_its_end() {
        let (sender, queue) = mpsc::channel(8);
        let mut lazy = LazyReader::new(queue);
        sender.try_send(7).unwrap();
        lazy.close();
        assert!(sender.try_send(8).is_err());
        assert_eq!(read(&mut lazy, 2).await, [7]);
        assert_eq!(read(&mut lazy, 2).await, [0; 0]);
    }
}
