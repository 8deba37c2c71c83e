//! The newest rows, kept on the pod for whoever wants to look at them.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
};

use super::{fields::Fields, json_line, row::Row};
use crate::{
    each_datatype,
    observe::call::{Answered, Call, Identity, Shadow},
    signature::Signature,
    tensor::{Data, Tensor},
};

/// How many rows are kept, and what they may take: whichever is reached first.
const ROWS: usize = 1000;
const BYTES: usize = 4 << 20;

/// The last rows that were recorded.
#[derive(Default)]
pub struct Ring {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    rows: VecDeque<Arc<Entry>>,
    bytes: usize,
}

/// What the rows of one process have in common.
pub(super) struct Common {
    pub(super) deployment: String,
    pub(super) signature: Signature,
}

pub(super) struct Entry {
    pub(super) call: Call,
    pub(super) main: Arc<Identity>,
    pub(super) common: Arc<Common>,
    pub(super) fields: Arc<Fields>,
}

impl Ring {
    /// The newest rows as JSON lines, at most `limit` of them, the newest first. The names are those of the columns in
    /// the Parquet files; NaN and infinity are null.
    #[must_use]
    pub fn newest(&self, limit: usize) -> Vec<u8> {
        // The text is made after the lock is given back.
        let rows: Vec<_> = self.lock().rows.iter().rev().take(limit).cloned().collect();
        let mut out = Vec::new();
        for entry in rows {
            let Entry { call, main, common, fields } = &*entry;
            if let Ok(row) = Row::of(call, main, &common.deployment, &common.signature) {
                json_line::write(&mut out, &row, fields);
            }
        }
        out
    }

    /// How many rows are kept.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.lock().rows.len()
    }

    /// Keeps a row in place of the oldest ones. One that is larger than all that may be kept is not.
    pub(super) fn push(&self, entry: Entry) {
        let bytes = size(&entry);
        if bytes > BYTES {
            return;
        }
        let entry = Arc::new(entry);
        let mut gone = Vec::new();
        let mut kept = self.lock();
        while kept.rows.len() >= ROWS || kept.bytes + bytes > BYTES {
            let oldest = kept.rows.pop_front().expect("an empty ring has room");
            kept.bytes -= size(&oldest);
            gone.push(oldest);
        }
        kept.bytes += bytes;
        kept.rows.push_back(entry);
        // The memory is given back after the lock.
        drop(kept);
    }

    /// Forgets all rows.
    pub(super) fn clear(&self) {
        *self.lock() = Kept::default();
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().expect("nobody panics while holding it")
    }
}

/// What a row takes in memory.
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
