//! The server sends nothing to the makers of its parts.

use crate::harness::Launch;

#[test]
fn onnx_runtime_starts_no_telemetry() {
    // Its client keeps a database in the home directory and looks up Microsoft's collector, unless it is off from the start.
    let home = tempfile::tempdir().unwrap();
    let server = Launch::of("outer.onnx").home(home.path()).ready();
    let written: Vec<_> =
        std::fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(written.is_empty(), "{written:?}");
    drop(server);
}
