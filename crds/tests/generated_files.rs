//! What is generated and committed must be what the types say.

#[path = "../generate/output.rs"]
mod output;

#[test]
fn the_committed_crds_and_api_reference_are_what_the_types_generate() {
    for (path, expected) in output::files() {
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            found == expected,
            "{} differs from the types: run `make generate` and commit it",
            path.display()
        );
    }
}
