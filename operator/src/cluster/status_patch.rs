//! The JSON patch (RFC 6902) from one status to the next. Pure.
//!
//! Only what differs is written. Fields that this operator does not know stay: a newer operator may have written them.

use json_patch::{
    AddOperation, Patch, PatchOperation, RemoveOperation, ReplaceOperation, jsonptr::PointerBuf,
};
use serde_json::{Map, Value};

/// Fields that say which thing an object is about: an entry of a list, the main version, an acceptance. An object about
/// another thing is replaced as a whole, so that it does not inherit what this operator does not know.
const IDENTITY: [&str; 8] = ["id", "type", "name", "role", "version", "modelVersion", "transition", "at"];

/// The patch from the status `before` to the status `after`. Without a difference it has no operation.
///
/// With another `resource_version` than the one that was read, the API server answers with a conflict.
pub fn status_patch(before: Option<&Value>, after: &Value, resource_version: &str) -> Patch {
    let mut operations = vec![];
    difference(
        before.unwrap_or(&Value::Null),
        after,
        &mut PointerBuf::from_tokens(["status"]),
        &mut operations,
    );
    if !operations.is_empty() {
        let path = PointerBuf::from_tokens(["metadata", "resourceVersion"]);
        let precondition = ReplaceOperation { path, value: resource_version.into() };
        operations.insert(0, PatchOperation::Replace(precondition));
    }
    Patch(operations)
}

fn difference(before: &Value, after: &Value, at: &mut PointerBuf, operations: &mut Vec<PatchOperation>) {
    match (before, after) {
        _ if before == after => {}
        (Value::Object(old), Value::Object(new))
            if !old.is_empty() && identity(before) == identity(after) =>
        {
            members(old, new, at, operations);
        }
        (Value::Array(old), Value::Array(new)) if !old.is_empty() => match list(old, new, at) {
            Some(changes) => operations.extend(changes),
            None => operations.push(add(at, after)),
        },
        // What the types fill in may be absent on the API server: `add` replaces a field or creates it.
        _ => operations.push(add(at, after)),
    }
}

fn members(
    old: &Map<String, Value>,
    new: &Map<String, Value>,
    at: &mut PointerBuf,
    operations: &mut Vec<PatchOperation>,
) {
    for (key, value) in new {
        at.push_back(key);
        difference(old.get(key).unwrap_or(&Value::Null), value, at, operations);
        at.pop_back();
    }
    for key in old.keys().filter(|key| !new.contains_key(*key)) {
        at.push_back(key);
        operations.push(remove(at));
        at.pop_back();
    }
}

/// The changes of a list, entry by entry. `None` if entries changed places, or if two entries are about the same thing.
fn list(old: &[Value], new: &[Value], at: &mut PointerBuf) -> Option<Vec<PatchOperation>> {
    let mut operations = vec![];
    let mut present: Vec<_> = old.iter().map(|value| (identity(value), value)).collect();
    let wanted: Vec<_> = new.iter().map(|value| (identity(value), value)).collect();
    if repeats(&present) || repeats(&wanted) {
        return None;
    }
    for i in (0..present.len()).rev() {
        if wanted.iter().all(|(identity, _)| *identity != present[i].0) {
            at.push_back(i);
            operations.push(remove(at));
            at.pop_back();
            present.remove(i);
        }
    }
    for (i, entry) in wanted.into_iter().enumerate() {
        at.push_back(i);
        match present.get(i) {
            Some(found) if found.0 == entry.0 => difference(found.1, entry.1, at, &mut operations),
            _ if present.iter().any(|(identity, _)| *identity == entry.0) => return None,
            _ => {
                operations.push(add(at, entry.1));
                present.insert(i, entry);
            }
        }
        at.pop_back();
    }
    Some(operations)
}

fn repeats(entries: &[(Vec<&Value>, &Value)]) -> bool {
    entries
        .iter()
        .enumerate()
        .any(|(i, (identity, _))| entries[..i].iter().any(|(other, _)| other == identity))
}

/// The fields that say what the value is about, or the value itself if it has none.
fn identity(value: &Value) -> Vec<&Value> {
    let keys = || IDENTITY.iter().filter_map(|key| value.get(key)).filter(|field| !field.is_object());
    if keys().next().is_some() {
        return IDENTITY.iter().map(|key| value.get(key).unwrap_or(&Value::Null)).collect();
    }
    // Below a field, an object without such keys is what the field is about.
    if value.is_object() { vec![] } else { vec![value] }
}

fn add(at: &PointerBuf, value: &Value) -> PatchOperation {
    PatchOperation::Add(AddOperation { path: at.clone(), value: value.clone() })
}

fn remove(at: &PointerBuf) -> PatchOperation {
    PatchOperation::Remove(RemoveOperation { path: at.clone() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    /// The object after the patch, where the API server has `stored`.
    fn patched(stored: &Value, before: &Value, after: &Value) -> Value {
        let mut object = json!({"metadata": {"resourceVersion": "7"}, "status": stored});
        let patch = status_patch(Some(before), after, "7");
        json_patch::patch(&mut object, &patch).expect("the patch fits");
        object["status"].clone()
    }

    fn operations(before: Option<&Value>, after: &Value) -> Value {
        serde_json::to_value(status_patch(before, after, "7")).expect("a patch is JSON")
    }

    const PRECONDITION: fn() -> Value =
        || json!({"op": "replace", "path": "/metadata/resourceVersion", "value": "7"});

    #[test]
    fn the_first_status_is_added() {
        let expected = json!([PRECONDITION(), {"op": "add", "path": "/status", "value": {"stage": "None"}}]);
        assert_eq!(operations(None, &json!({"stage": "None"})), expected);
    }

    #[test]
    fn without_a_difference_nothing_is_written() {
        assert_eq!(operations(Some(&json!({"stage": "None"})), &json!({"stage": "None"})), json!([]));
    }

    #[test]
    fn a_decision_adds_its_entry_to_the_history_and_touches_no_other() {
        let before = json!({"history": [{"id": "a"}], "transition": {"id": "b"}});
        let after = json!({"history": [{"id": "a"}, {"id": "b"}]});
        let expected = json!([
            PRECONDITION(),
            {"op": "add", "path": "/status/history/1", "value": {"id": "b"}},
            {"op": "remove", "path": "/status/transition"},
        ]);
        assert_eq!(operations(Some(&before), &after), expected);
    }

    #[rstest]
    #[case::of_the_status(
        json!({"stage": "None", "newer": 1}),
        json!({"stage": "None"}),
        json!({"stage": "Staging"}),
        json!({"stage": "Staging", "newer": 1})
    )]
    #[case::of_an_entry_of_the_history(
        json!({"history": [{"id": "a", "newer": 1}]}),
        json!({"history": [{"id": "a"}]}),
        json!({"history": [{"id": "a"}, {"id": "b"}]}),
        json!({"history": [{"id": "a", "newer": 1}, {"id": "b"}]})
    )]
    #[case::of_a_condition_after_one_that_is_cleared(
        json!({"conditions": [{"type": "Stalled"}, {"type": "Ready", "status": "False", "newer": 1}]}),
        json!({"conditions": [{"type": "Stalled"}, {"type": "Ready", "status": "False"}]}),
        json!({"conditions": [{"type": "Ready", "status": "True"}]}),
        json!({"conditions": [{"type": "Ready", "status": "True", "newer": 1}]})
    )]
    #[case::of_a_request_that_is_approved(
        json!({"transition": {"id": "a", "newer": 1}}),
        json!({"transition": {"id": "a"}}),
        json!({"transition": {"id": "a", "approval": {"by": "bob"}}}),
        json!({"transition": {"id": "a", "newer": 1, "approval": {"by": "bob"}}})
    )]
    fn fields_that_this_operator_does_not_know_stay(
        #[case] stored: Value,
        #[case] before: Value,
        #[case] after: Value,
        #[case] expected: Value,
    ) {
        assert_eq!(patched(&stored, &before, &after), expected);
    }

    #[rstest]
    #[case::another_request(
        json!({"transition": {"id": "a", "newer": 1}}),
        json!({"transition": {"id": "a"}}),
        json!({"transition": {"id": "b"}})
    )]
    #[case::another_main(
        json!({"main": {"modelVersion": "fraud-1.2.0", "newer": 1}}),
        json!({"main": {"modelVersion": "fraud-1.2.0"}}),
        json!({"main": {"modelVersion": "fraud-1.3.0"}})
    )]
    #[case::another_condition_in_the_same_place(
        json!({"conditions": [{"type": "Stalled", "newer": 1}]}),
        json!({"conditions": [{"type": "Stalled"}]}),
        json!({"conditions": [{"type": "Ready"}]})
    )]
    fn a_new_thing_does_not_inherit_fields_of_the_one_before(
        #[case] stored: Value,
        #[case] before: Value,
        #[case] after: Value,
    ) {
        assert_eq!(patched(&stored, &before, &after), after);
    }

    #[test]
    fn a_default_that_the_api_server_does_not_have_is_no_obstacle() {
        let (before, after) =
            (json!({"stage": "None", "conditions": []}), json!({"stage": "Staging", "conditions": [1]}));
        assert_eq!(
            patched(&json!({"url": "x"}), &before, &after),
            json!({"url": "x", "stage": "Staging", "conditions": [1]})
        );
    }

    fn entries() -> impl Strategy<Value = Value> {
        let entry = ("[a-d]", 0..3_i32).prop_map(|(id, n)| json!({"id": id, "n": n}));
        prop::collection::vec(entry, 0..5).prop_map(Value::Array)
    }

    fn statuses() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![Just(json!(1)), Just(json!("x")), Just(json!({})), entries()];
        let tree = leaf.prop_recursive(3, 24, 4, |inner| {
            prop::collection::btree_map("[a-c~/]|id|type", inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect()))
        });
        prop::collection::btree_map("[a-c]", tree, 0..4)
            .prop_map(|fields| Value::Object(fields.into_iter().collect()))
    }

    proptest! {
        #[test]
        fn the_patch_leads_from_any_status_to_any_other(before in statuses(), after in statuses()) {
            prop_assert_eq!(patched(&before, &before, &after), after);
        }
    }
}
