//! ONNX files that no exporter writes. This is just enough of the format, which is Protocol Buffers, to be loadable.

/// A field of bytes, a string or a message.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    out.extend(varint(content.len() as u64));
    out.extend(content);
    out
}

/// A field of a number.
fn number(field: u8, value: u64) -> Vec<u8> {
    let mut out = vec![field << 3];
    out.extend(varint(value));
    out
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut out = vec![];
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
    out
}

/// `ValueInfoProto`: a tensor of floats. A dimension is variable (`None`) or has a fixed length.
fn floats(name: &str, dimensions: &[Option<u64>]) -> Vec<u8> {
    let dimension = |length: &Option<u64>| length.map_or_else(|| field(2, b"n"), |n| number(1, n));
    let shape: Vec<u8> = dimensions.iter().flat_map(|length| field(1, &dimension(length))).collect();
    let tensor = [number(1, 1), field(2, &shape)].concat();
    [field(1, name.as_bytes()), field(2, &field(1, &tensor))].concat()
}

/// `NodeProto`.
fn node(operator: &str, inputs: &[&str], output: &str) -> Vec<u8> {
    let mut out: Vec<u8> = inputs.iter().flat_map(|input| field(1, input.as_bytes())).collect();
    out.extend(field(2, output.as_bytes()));
    out.extend(field(4, operator.as_bytes()));
    out
}

/// A valid model of a few hundred bytes that allocates `8 * elements` bytes when it is called.
#[must_use]
pub fn bomb(elements: u64) -> Vec<u8> {
    // TensorProto: int64, one dimension of one element.
    let shape = [number(1, 1), number(2, 7), field(8, b"shape"), field(9, &elements.to_le_bytes())].concat();
    let graph = [
        field(1, &node("ConstantOfShape", &["shape"], "zeros")),
        field(1, &node("Add", &["zeros", "x"], "y")),
        field(2, b"bomb"),
        field(5, &shape),
        field(11, &floats("x", &[Some(1)])),
        field(12, &floats("y", &[None])),
    ]
    .concat();
    model(&graph)
}

/// A model with the input `features`, rows of `count` floats, that returns its input.
#[must_use]
pub fn features(count: u64) -> Vec<u8> {
    let rows = [None, Some(count)];
    let graph = [
        field(1, &node("Identity", &["features"], "same")),
        field(2, b"features"),
        field(11, &floats("features", &rows)),
        field(12, &floats("same", &rows)),
    ]
    .concat();
    model(&graph)
}

/// `ModelProto`.
fn model(graph: &[u8]) -> Vec<u8> {
    [number(1, 8), field(7, graph), field(8, &number(2, 17))].concat()
}
