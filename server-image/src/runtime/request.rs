//! Writes an inference request for the program: the tensors of a call, and all outputs of the signature.

use bytes::Bytes;

use super::connection::Outgoing;
use crate::{
    codec::{
        binary,
        write::{Json, list},
    },
    session::RunError,
    signature::Signature,
    tensor::{Data, Tensor},
    view::each_view,
};

/// The request with these inputs, one for each of the signature. `path` is that of the model's inferences.
///
/// Fails with `Rejected` if an input has NaN or infinity, and tensors go as JSON.
pub fn write(
    path: &str,
    inputs: &[Tensor],
    signature: &Signature,
    binary: bool,
) -> Result<Outgoing, RunError> {
    let mut json = Vec::with_capacity(256);
    let mut blobs = Vec::new();
    json.extend_from_slice(b"{\"inputs\":[");
    for (order, (port, tensor)) in signature.inputs.iter().zip(inputs).enumerate() {
        if order > 0 {
            json.push(b',');
        }
        json.extend_from_slice(b"{\"name\":");
        port.name.write(&mut json);
        json.extend_from_slice(format!(",\"datatype\":\"{}\",\"shape\":[", port.datatype).as_bytes());
        list(&mut json, &tensor.shape);
        if binary {
            let before = blobs.len();
            each_view!(
                tensor.data.view(),
                numbers => binary::write_numbers(&mut blobs, numbers),
                texts => binary::write_strings(&mut blobs, texts)
            );
            json.extend_from_slice(b"],\"parameters\":{\"binary_data_size\":");
            (blobs.len() - before).write(&mut json);
            json.extend_from_slice(b"}}");
        } else {
            if !is_finite(&tensor.data) {
                return Err(RunError::Rejected(format!(
                    "input `{}` has NaN or infinity, which JSON cannot carry, and the image of spec.runtime does not read binary tensors",
                    port.name
                )));
            }
            json.extend_from_slice(b"],\"data\":[");
            each_view!(tensor.data.view(), numbers => list(&mut json, numbers), texts => list(&mut json, texts));
            json.extend_from_slice(b"]}");
        }
    }
    json.extend_from_slice(b"],\"outputs\":[");
    for (order, port) in signature.outputs.iter().enumerate() {
        if order > 0 {
            json.push(b',');
        }
        json.extend_from_slice(b"{\"name\":");
        port.name.write(&mut json);
        if binary {
            json.extend_from_slice(b",\"parameters\":{\"binary_data\":true}");
        }
        json.push(b'}');
    }
    json.extend_from_slice(b"]}");
    let json_length = binary.then_some(json.len());
    json.extend_from_slice(&blobs);
    Ok(Outgoing { body: Some(Bytes::from(json)), path: path.to_owned(), json_length })
}

fn is_finite(data: &Data) -> bool {
    match data {
        Data::Fp32(elements) => elements.iter().all(|element| element.is_finite()),
        Data::Fp64(elements) => elements.iter().all(|element| element.is_finite()),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{signature::Port, tensor::Datatype};

    fn signature() -> Signature {
        Signature {
            inputs: vec![Port::new("age", Datatype::Fp64, &[-1]), Port::new("city", Datatype::Bytes, &[-1])],
            outputs: vec![Port::new("label", Datatype::Int64, &[-1])],
        }
    }

    fn inputs(age: f64) -> [Tensor; 2] {
        let city = Data::Bytes(vec!["Köln\"".to_owned()]);
        [Tensor { shape: vec![1], data: Data::Fp64(vec![age]) }, Tensor { shape: vec![1], data: city }]
    }

    #[test]
    fn tensors_go_as_json_with_the_names_of_all_outputs() {
        let Outgoing { body, json_length, .. } = write("/p", &inputs(0.1), &signature(), false).unwrap();
        let body: Value = serde_json::from_slice(&body.unwrap()).unwrap();
        assert_eq!(
            body,
            json!({
                "inputs": [
                    {"name": "age", "datatype": "FP64", "shape": [1], "data": [0.1]},
                    {"name": "city", "datatype": "BYTES", "shape": [1], "data": ["Köln\""]},
                ],
                "outputs": [{"name": "label"}],
            })
        );
        assert_eq!(json_length, None);
    }

    #[test]
    fn binary_tensors_follow_the_json() {
        let Outgoing { body, json_length, .. } = write("/p", &inputs(f64::NAN), &signature(), true).unwrap();
        let (body, length) = (body.unwrap(), json_length.unwrap());
        let head: Value = serde_json::from_slice(&body[..length]).unwrap();
        assert_eq!(head["inputs"][0]["parameters"], json!({"binary_data_size": 8}));
        assert_eq!(head["outputs"][0]["parameters"], json!({"binary_data": true}));
        assert_eq!(
            &body[length..],
            [&f64::NAN.to_le_bytes()[..], &[6, 0, 0, 0], "Köln\"".as_bytes()].concat()
        );
    }

    #[test]
    fn a_missing_number_is_refused_by_the_name_of_its_input_if_json_cannot_carry_it() {
        let error = write("/p", &inputs(f64::NAN), &signature(), false).unwrap_err();
        assert!(matches!(&error, RunError::Rejected(what) if what.contains("`age`")), "{error}");
    }
}
