//! A model that examples are for: a vector in, and outputs of several datatypes, whose values only depend on their positions.

use understudy_server::{
    output::Output,
    signature::{Classes, Port, Signature},
    tensor::{Data, Datatype, Tensor},
};

/// The names of the vector's features.
pub fn features() -> [String; 2] {
    ["a", "b"].map(str::to_owned)
}

/// Its inputs and outputs.
pub fn signature() -> Signature {
    let names = ["good", "bad"].map(str::to_owned).to_vec();
    let classes = Some(Classes { are_numbers: false, names });
    Signature {
        inputs: vec![Port::new("x", Datatype::Fp32, &[-1, 2])],
        outputs: vec![
            Port { classes, ..Port::new("scores", Datatype::Fp32, &[-1, 2]) },
            Port::new("f", Datatype::Fp64, &[-1]),
            Port::new("i", Datatype::Int64, &[-1, 1, 2]),
            Port::new("u", Datatype::Uint64, &[-1, 1]),
            Port::new("b", Datatype::Bool, &[-1]),
            Port::new("s", Datatype::Bytes, &[-1]),
        ],
    }
}

/// The rows of a request.
pub fn rows(inputs: &[Tensor]) -> usize {
    inputs[0].shape[0].try_into().expect("a shape that was accepted")
}

/// The outputs for so many rows. Their values only depend on their positions.
pub fn outputs(rows: usize) -> Vec<Output> {
    fn cycle<T: Clone>(values: &[T], count: usize) -> Vec<T> {
        values.iter().cycle().take(count).cloned().collect()
    }
    let extent = i64::try_from(rows).expect("a shape that was accepted");
    let tensor = |shape: &[i64], data| Output::from(Tensor { shape: shape.to_vec(), data });
    let texts = ["", "é\"\\\n"].map(str::to_owned);
    vec![
        tensor(&[extent, 2], Data::Fp32(cycle(&[0.25, 0.75, f32::NAN, f32::MAX, 0.1], 2 * rows))),
        tensor(&[extent], Data::Fp64(cycle(&[0.1, -200.0, f64::INFINITY, f64::MIN_POSITIVE], rows))),
        tensor(&[extent, 1, 2], Data::Int64(cycle(&[i64::MIN, -1, 3, i64::MAX], 2 * rows))),
        tensor(&[extent, 1], Data::Uint64(cycle(&[0, u64::MAX], rows))),
        tensor(&[extent], Data::Bool(cycle(&[true, false], rows))),
        tensor(&[extent], Data::Bytes(cycle(&texts, rows))),
    ]
}
