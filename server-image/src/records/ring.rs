//! The newest rows, in a ring buffer in memory. `GET /understudy/v1/records` shows them.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
};

use super::{fields::Fields, json_line, large::LargeTensors, row::Row};
use crate::{
    call::{Answered, Call, Identity, Shadow},
    signature::Signature,
    tensor::{Data, Tensor, each_datatype},
};

/// Most rows, and their largest size in bytes. The ring keeps both limits.
const ROWS: usize = 1000;
const BYTES: usize = 4 << 20;

/// The newest recorded rows.
#[derive(Default)]
pub struct Ring {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    rows: VecDeque<Arc<Entry>>,
    bytes: usize,
}

/// What all rows of one process share.
pub(super) struct Common {
    pub(super) deployment: String,
    pub(super) signature: Arc<Signature>,
}

pub(super) struct Entry {
    /// Without the elements of its large tensors.
    pub(super) call: Call,
    pub(super) large: LargeTensors,
    pub(super) main: Arc<Identity>,
    pub(super) common: Arc<Common>,
    pub(super) fields: Arc<Fields>,
}

impl Ring {
    /// At most `limit` rows as JSON lines, the newest first. The names are those of the columns in the Parquet files.
    /// NaN and infinity are null.
    #[must_use]
    pub fn newest(&self, limit: usize) -> Vec<u8> {
        // Formats the text after it has released the lock.
        let rows: Vec<_> = self.lock().rows.iter().rev().take(limit).cloned().collect();
        let mut out = Vec::new();
        for entry in rows {
            let Entry { call, large, main, common, fields } = &*entry;
            if let Ok(row) = Row::of(call, large, main, &common.deployment, &common.signature) {
                json_line::write(&mut out, &row, fields);
            }
        }
        out
    }

    /// The number of rows in the ring.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.lock().rows.len()
    }

    /// Adds a row, and removes the oldest ones as needed. Ignores a row that alone exceeds the size limit.
    pub(super) fn push(&self, entry: Entry) {
        let bytes = size(&entry);
        if bytes > BYTES {
            return;
        }
        let entry = Arc::new(entry);
        let mut gone = Vec::new();
        let mut kept = self.lock();
        while kept.rows.len() >= ROWS || kept.bytes + bytes > BYTES {
            let oldest = kept.rows.pop_front().expect("the ring is not empty while it exceeds a limit");
            kept.bytes -= size(&oldest);
            gone.push(oldest);
        }
        kept.bytes += bytes;
        kept.rows.push_back(entry);
        // Frees the memory of the removed rows after it has released the lock.
        drop(kept);
    }

    /// Removes all rows.
    pub(super) fn clear(&self) {
        *self.lock() = Kept::default();
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().expect("no thread panics while it holds the lock")
    }
}

/// The size of a row in memory, in bytes.
fn size(entry: &Entry) -> usize {
    let Call { id, main, inputs, challenger, .. } = &entry.call;
    let answered = |answered: &Answered| {
        answered.error.as_ref().map_or(0, String::capacity)
            + answered.outputs.iter().map(tensor).sum::<usize>()
    };
    let challenger = match challenger {
        Shadow::Answered { answered: shadow, .. } => answered(shadow),
        Shadow::None | Shadow::Dropped(_) => 0,
    };
    size_of::<Entry>()
        + id.capacity()
        + entry.large.bytes()
        + inputs.iter().map(tensor).sum::<usize>()
        + answered(main)
        + challenger
}

fn tensor(tensor: &Tensor) -> usize {
    let elements = match &tensor.data {
        Data::Bytes(texts) => {
            texts.capacity() * size_of::<String>() + texts.iter().map(String::capacity).sum::<usize>()
        }
        data => each_datatype!(data, elements => bytes(elements)),
    };
    size_of::<Tensor>() + tensor.shape.capacity() * size_of::<i64>() + elements
}

fn bytes<T>(elements: &Vec<T>) -> usize {
    elements.capacity() * size_of::<T>()
}
