//! Labels of objects.

use kube::Resource;

/// The value of the label `key`, if the object has it.
pub fn label<'a, K: Resource>(object: &'a K, key: &str) -> Option<&'a str> {
    object.meta().labels.as_ref()?.get(key).map(String::as_str)
}
