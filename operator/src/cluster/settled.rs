//! What stays different after a write. The API server of a later release may set a field that this operator does not know, and
//! an admission webhook may change what the operator writes. Such an object is written once, not in every pass.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Mutex, PoisonError},
};

use serde_json::Value;

use super::repair::compared;

/// Objects that are remembered. More begin anew, each with one write.
const CAPACITY: usize = 100_000;

/// The objects that differ from what the operator wants since its last write, by uid.
#[derive(Debug, Default)]
pub struct Settled(Mutex<HashMap<String, u64>>);

impl Settled {
    /// The API server made `written` of `desired`.
    pub fn remember(&self, uid: &str, desired: &Value, written: &Value) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= CAPACITY {
            known.clear();
        }
        known.insert(uid.to_owned(), hash(desired, written));
    }

    /// Whether a write of `desired` has led to exactly `found` before.
    pub fn knows(&self, uid: &str, desired: &Value, found: &Value) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(uid) == Some(&hash(desired, found))
    }
}

fn hash(desired: &Value, found: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    compared(desired, desired).to_string().hash(&mut hasher);
    compared(desired, found).to_string().hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_object_is_settled_only_as_the_write_left_it() {
        let (settled, wanted) = (Settled::default(), json!({"spec": {"a": 1}}));
        let left = json!({"metadata": {"resourceVersion": "7"}, "spec": {"a": 1, "webhook": true}});
        settled.remember("5e5e", &wanted, &left);
        let later = json!({"metadata": {"resourceVersion": "9"}, "spec": {"a": 1, "webhook": true}});
        assert!(settled.knows("5e5e", &wanted, &later));
        assert!(!settled.knows("5e5e", &json!({"spec": {"a": 2}}), &later), "something else is wanted");
        assert!(!settled.knows("5e5e", &wanted, &json!({"spec": {"a": 1, "editor": true}})), "it was edited");
        assert!(!settled.knows("0e0e", &wanted, &later), "it is another object");
    }
}
