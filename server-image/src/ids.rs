//! Ids of calls.

use std::{
    hash::{BuildHasher, RandomState},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

/// Longest id in bytes. A longer one is cut, because the id is part of each record.
const MAX_BYTES: usize = 256;

/// Generates ids that no other process generates: a random prefix and a number.
#[derive(Debug)]
pub struct Ids {
    prefix: u64,
    next: AtomicU64,
}

impl Default for Ids {
    fn default() -> Self {
        Self { prefix: RandomState::new().hash_one(std::process::id()), next: AtomicU64::new(0) }
    }
}

impl Ids {
    /// The caller's own id, or a generated one if `given` is absent or empty.
    #[must_use]
    pub fn of(&self, given: Option<String>) -> String {
        match given {
            Some(mut given) if !given.is_empty() => {
                given.truncate(given.floor_char_boundary(MAX_BYTES));
                given
            }
            _ => format!("{:016x}-{:x}", self.prefix, self.next.fetch_add(1, Relaxed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_callers_id_is_kept_and_a_generated_id_is_unique() {
        let (ids, others) = (Ids::default(), Ids::default());
        assert_eq!(ids.of(Some("order-7".to_owned())), "order-7");
        assert_eq!(ids.of(Some("é".repeat(1_000))).len(), MAX_BYTES);
        let generated = [ids.of(None), ids.of(Some(String::new())), others.of(None)];
        assert!(generated[0] != generated[1] && generated[0] != generated[2], "{generated:?}");
    }
}
