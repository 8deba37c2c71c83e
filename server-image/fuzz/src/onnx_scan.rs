//! A model file, before ONNX Runtime reads it.

use prost::Message;
use understudy_server::onnx;

use crate::{
    in_memory::in_memory,
    memory::bounded,
    protobuf::{AttributeProto, GraphProto, ModelProto, NodeProto, SparseTensorProto, TensorProto},
};

/// The inspection takes a bounded memory. What it accepts has, for a complete reader of protobuf, no tensor with data in
/// other files, no tensor that declares more than it has, no deep nesting, and the same version of operators.
pub fn check(input: &[u8]) {
    let (_file, path) = in_memory(input);
    let Ok(facts) = bounded(input, 64, 64 << 10, |_| onnx::inspect(&path)) else { return };
    // The inspection skips what it has no use for, so another reader may still fail. Then ONNX Runtime fails as well.
    let Ok(model) = ModelProto::decode(input) else { return };
    assert!(model.ir_version.is_some_and(|version| version != 0), "a format version");
    let versions =
        model.opset_import.iter().filter(|import| matches!(import.domain.as_slice(), b"" | b"ai.onnx"));
    let mut versions = versions.filter_map(|import| import.version);
    assert_eq!(facts.opset, versions.next_back().map(i64::cast_unsigned), "the version of the operators");
    let mut seen = Seen::default();
    seen.graph(model.graph.as_ref().expect("a graph"), 0);
    for function in &model.functions {
        function.node.iter().for_each(|node| seen.node(node, 0));
        function.attribute_proto.iter().for_each(|attribute| seen.attribute(attribute, 0));
    }
    assert_eq!(facts.has_loops, seen.loops, "whether there are loops");
    assert!(seen.nodes <= 500_000, "{} nodes", seen.nodes);
}

#[derive(Default)]
struct Seen {
    loops: bool,
    nodes: usize,
}

impl Seen {
    fn graph(&mut self, graph: &GraphProto, depth: usize) {
        assert!(depth <= 16, "nested too deeply");
        graph.node.iter().for_each(|node| self.node(node, depth));
        graph.initializer.iter().for_each(tensor);
        graph.sparse_initializer.iter().for_each(sparse);
    }

    fn node(&mut self, node: &NodeProto, depth: usize) {
        self.nodes += 1;
        self.loops |= matches!(node.domain.as_slice(), b"" | b"ai.onnx")
            && matches!(node.op_type.as_slice(), b"Loop" | b"Scan");
        node.attribute.iter().for_each(|attribute| self.attribute(attribute, depth));
    }

    fn attribute(&mut self, attribute: &AttributeProto, depth: usize) {
        attribute.t.iter().chain(&attribute.tensors).for_each(tensor);
        attribute.g.iter().chain(&attribute.graphs).for_each(|graph| self.graph(graph, depth + 1));
        attribute.sparse_tensor.iter().chain(&attribute.sparse_tensors).for_each(sparse);
    }
}

fn tensor(tensor: &TensorProto) {
    assert!(
        tensor.external_data.is_empty() && tensor.data_location.unwrap_or_default() == 0,
        "data in another file"
    );
    let declared = elements(&tensor.dims);
    let carried = tensor.raw_data.as_ref().map_or(0, Vec::len)
        + tensor.float_data.len() * 4
        + tensor.double_data.len() * 8
        + (tensor.int32_data.len() + tensor.int64_data.len() + tensor.uint64_data.len()) * 10
        + tensor.string_data.iter().map(|text| text.len().max(1)).sum::<usize>();
    // The smallest elements have four to a byte. An empty message stands for one element of no datatype.
    let most = if tensor.data_type.unwrap_or_default() == 0 && carried == 0 { 1 } else { carried * 4 };
    assert!(declared <= most as u128, "{declared} elements with {carried} bytes: {tensor:?}");
}

fn sparse(sparse: &SparseTensorProto) {
    sparse.values.iter().chain(&sparse.indices).for_each(tensor);
    assert!(elements(&sparse.dims) <= 1 << 28, "a sparse tensor of {:?}", sparse.dims);
}

fn elements(dims: &[i64]) -> u128 {
    dims.iter().fold(1, |product: u128, extent| {
        product.saturating_mul(u128::try_from(*extent).expect("a dimension that is not negative"))
    })
}
