//! The bounds that a model file must keep.

/// Nodes of the graph with all functions expanded. The largest published models have some ten thousand.
pub(super) const NODES: u64 = 500_000;
/// Graphs inside of attributes of nodes of graphs (If, Loop, Scan).
pub(super) const NESTING: u32 = 16;
/// Fields over the whole file; bounds the time of the walk.
pub(super) const FIELDS: u64 = 100_000_000;
/// Functions that call functions. Exporters make three or four levels.
pub(super) const FUNCTION_DEPTH: u32 = 32;
