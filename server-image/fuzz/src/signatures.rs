//! Models that requests are read for: every datatype, fixed and variable dimensions, named features.

use understudy_server::{
    signature::{Port, Signature},
    tensor::Datatype,
};

/// A model as the readers of requests know it.
#[derive(Debug)]
pub struct Model {
    /// Inputs and outputs.
    pub signature: Signature,
    /// The names of the features of its vector.
    pub features: Option<Vec<String>>,
}

/// The model that a byte of a fuzz input stands for.
#[must_use]
pub fn of(choice: u8) -> Model {
    let port = Port::new;
    let (inputs, features) = match choice % 7 {
        0 => (vec![port("x", Datatype::Fp32, &[-1, 3])], Some(["a", "b", "c"].map(str::to_owned).to_vec())),
        1 => (vec![port("age", Datatype::Int64, &[-1, 1]), port("country", Datatype::Bytes, &[-1, 1])], None),
        2 => (
            vec![
                port("b", Datatype::Bool, &[-1]),
                port("u", Datatype::Uint8, &[-1, 2]),
                port("h", Datatype::Fp16, &[-1]),
                port("s", Datatype::Bytes, &[-1, -1]),
                port("d", Datatype::Fp64, &[]),
            ],
            None,
        ),
        3 => (vec![port("x", Datatype::Fp32, &[-1, -1])], None),
        4 => (vec![port("image", Datatype::Uint16, &[-1, 2, -1, 2])], None),
        5 => (vec![port("x", Datatype::Bf16, &[-1, 2])], Some(["left", "right"].map(str::to_owned).to_vec())),
        _ => (vec![port("x", Datatype::Int32, &[2, 2])], None),
    };
    let outputs = vec![port("y", Datatype::Fp32, &[-1]), port("z", Datatype::Bytes, &[-1, 2])];
    Model { signature: Signature { inputs, outputs }, features }
}
