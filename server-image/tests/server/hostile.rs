//! Models that must not be served. Each ends the process with a reason for the publisher, before it can do harm.

use rstest::rstest;

use crate::harness::Launch;

#[rstest]
#[case("empty", "InvalidModel", "not an ONNX model")]
#[case("text", "InvalidModel", "not an ONNX model")]
#[case("pickle", "InvalidModel", "not an ONNX model")]
#[case("ort_format", "InvalidModel", "not an ONNX model")]
#[case("truncated", "InvalidModel", "damaged")]
#[case("length_beyond_end", "InvalidModel", "damaged")]
#[case("no_graph", "InvalidModel", "no graph")]
#[case("no_operators", "InvalidModel", "versions of its operators")]
#[case("two_graphs", "InvalidModel", "more than one graph")]
#[case("external_absolute", "InvalidModel", "`w` keeps its data in another file")]
#[case("external_parent", "InvalidModel", "`w` keeps its data in another file")]
#[case("external_in_attribute", "InvalidModel", "keeps its data in another file")]
#[case("external_in_branch", "InvalidModel", "keeps its data in another file")]
#[case("huge_dimensions", "InvalidModel", "declares 1099511627776 elements but has 16 bytes")]
#[case("overflow_dimensions", "InvalidModel", "declares more elements than possible")]
#[case("negative_dimensions", "InvalidModel", "declares more elements than possible")]
#[case("too_little_data", "InvalidModel", "declares 1000 elements but has 8 bytes")]
#[case("sparse_bomb", "InvalidModel", "sparse")]
#[case("deep_nesting", "InvalidModel", "nested more than")]
#[case("function_bomb", "InvalidModel", "nodes")]
#[case("recursive_function", "InvalidModel", "calls itself")]
#[case("huge_input", "InvalidModel", "[1048576,1048576]")]
#[case("sequence_output", "InvalidModel", "not a tensor")]
#[case("unknown_operator", "LoadFailed", "evil.corp")]
#[case("cycle", "LoadFailed", "acyclic")]
#[case("complex_input", "LoadFailed", "complex64")]
#[case("future_opset", "LoadFailed", "9999")]
#[case("hidden_external", "InvalidModel", "an impossible field number")]
#[case("hidden_initializer", "InvalidModel", "an impossible field number")]
#[case("merged_tensors", "InvalidModel", "a part of the same attribute is there twice")]
#[case("overloaded_functions", "InvalidModel", "nodes when its functions are expanded")]
#[case("function_twice", "InvalidModel", "two functions with the name `f0`")]
#[case("many_functions", "InvalidModel", "more than 10000 functions")]
#[case("no_datatype", "InvalidModel", "declares 1099511627776 elements but has 0 bytes")]
#[case("many_sparse", "InvalidModel", "more than 268435456 elements")]
#[case("constant_of_shape_bomb", "WarmUpFailed", "more memory than the pod may use")]
#[case("range_bomb", "WarmUpFailed", "Range")]
#[case("expand_bomb", "WarmUpFailed", "Expand")]
#[case("tile_bomb", "WarmUpFailed", "Tile")]
#[case("gigabytes", "WarmUpFailed", "ConstantOfShape")]
#[case("endless_loop", "WarmUpFailed", "the first inference, on inputs of zeros, was stopped after 2 s")]
#[case("output_twice", "LoadFailed", "Duplicate definition of name (y)")]
#[case("name_not_utf8", "InvalidModel", "a name that is not UTF-8")]
#[case("operator_not_utf8", "InvalidModel", "a name that is not UTF-8")]
#[case("number_for_text", "InvalidModel", "unknown wire type")]
#[case("many_features", "InvalidModel", "`feature_names` has more than 10000 names")]
fn a_hostile_model_is_not_served(#[case] name: &str, #[case] reason: &str, #[case] message: &str) {
    let limits = ["--memory-limit", "1000000000", "--max-run", "2"];
    let (code, left) = Launch::of(&format!("hostile/{name}.onnx")).arguments(&limits).fails();
    assert_eq!(code, Some(1));
    assert_eq!(left["reason"], reason, "{left}");
    assert!(left["message"].as_str().unwrap().contains(message), "{left}");
}

#[test]
fn every_hostile_model_of_the_corpus_is_tested() {
    let corpus = std::fs::read_dir(crate::harness::model("hostile")).unwrap().count();
    let tested = include_str!("hostile.rs").lines().filter(|line| line.starts_with("#[case(\"")).count();
    assert_eq!(corpus, tested);
}
