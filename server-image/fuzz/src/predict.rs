//! The records of `/predict`. The first byte chooses the model, the rest is the body.

use serde_json::value::RawValue;
use understudy_server::codec::predict;

use crate::{binary_framing::fits, memory::bounded, reference, signatures};

/// Every accepted body has one row for each record, in every input, and each element is the value of its column.
pub fn check(input: &[u8]) {
    let Some((model, body)) = input.split_first() else { return };
    let signatures::Model { signature, features } = signatures::of(*model);
    let read = bounded(body, 32, 16 << 10, |body| predict::read(body, &signature, features.as_deref()));
    let Ok((request, rows)) = read else { return };
    fits(&request.inputs, &signature);
    assert_eq!(request.outputs.len(), signature.outputs.len(), "all outputs");
    let body: &RawValue = serde_json::from_slice(body).expect("an accepted body is JSON");
    let records = reference::members(body).and_then(|members| reference::items(&members["records"]));
    let records = records.expect("an accepted body has records");
    assert_eq!(records.len(), rows);
    for (port, tensor) in signature.inputs.iter().zip(&request.inputs) {
        assert_eq!(
            tensor.shape.first().map(|first| usize::try_from(*first)),
            Some(Ok(rows)),
            "`{}`",
            port.name
        );
        let mut leaves = Vec::new();
        for record in &records {
            let record = reference::members(record).expect("a record is an object");
            let columns = match &features {
                Some(features) if !record.contains_key(&port.name) => features.clone(),
                _ => vec![port.name.clone()],
            };
            assert_eq!(record.len(), columns.len().max(signature.inputs.len()), "no other columns");
            for column in columns {
                leaves.extend(reference::of_value(&record[&column]).expect("lists of one length").leaves);
            }
        }
        let expected = reference::elements(port.datatype, &leaves).expect("values that fit the datatype");
        assert_eq!(
            reference::blob(&tensor.data),
            reference::blob(&expected),
            "{tensor:?} instead of {expected:?}"
        );
    }
}
