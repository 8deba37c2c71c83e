//! The limits for model files.

/// Most nodes of the graph with all functions expanded. The largest published models have some ten thousand.
pub(super) const NODES: u64 = 500_000;
/// Deepest nesting of graphs in attributes of nodes (If, Loop, Scan).
pub(super) const NESTING: u32 = 16;
/// Most fields in the file. Limits the time of the inspection.
pub(super) const FIELDS: u64 = 100_000_000;
/// Most inputs and outputs of the graph. A signature has a name for each.
pub(super) const PORTS: usize = 100_000;
/// Deepest nesting of functions that call functions. Exporters write three or four levels.
pub(super) const FUNCTION_DEPTH: u32 = 32;
/// Most functions. Exporters write some hundred; the inspection keeps the size of each in memory.
pub(super) const FUNCTIONS: usize = 10_000;
/// Most elements of all sparse tensors as dense ones: ONNX Runtime makes them dense when it loads the model.
pub(super) const DENSE: u64 = 1 << 28;
