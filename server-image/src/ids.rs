//! Ids of calls whose callers gave none.

use std::{
    hash::{BuildHasher, RandomState},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

/// Longer ids are cut: an id is kept with each record.
const LONGEST: usize = 256;

/// Makes ids that no other process makes: a random beginning, and a number.
#[derive(Debug)]
pub struct Ids {
    beginning: u64,
    next: AtomicU64,
}

impl Default for Ids {
    fn default() -> Self {
        Self { beginning: RandomState::new().hash_one(std::process::id()), next: AtomicU64::new(0) }
    }
}

impl Ids {
    /// The caller's own id, or one that is made here.
    #[must_use]
    pub fn of(&self, given: Option<String>) -> String {
        match given {
            Some(mut given) if !given.is_empty() => {
                given.truncate(given.floor_char_boundary(LONGEST));
                given
            }
            _ => format!("{:016x}-{:x}", self.beginning, self.next.fetch_add(1, Relaxed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_given_id_is_kept_and_a_made_one_is_never_made_twice() {
        let (ids, others) = (Ids::default(), Ids::default());
        assert_eq!(ids.of(Some("order-7".to_owned())), "order-7");
        assert_eq!(ids.of(Some("é".repeat(1_000))).len(), LONGEST);
        let made = [ids.of(None), ids.of(Some(String::new())), others.of(None)];
        assert!(made[0] != made[1] && made[0] != made[2], "{made:?}");
    }
}
