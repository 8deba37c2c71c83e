//! What is generated and committed must be what the types say.

use crate::output;

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

#[test]
fn each_crd_fits_into_the_annotation_that_kubectl_apply_writes() {
    /// Bytes that all annotations of an object may have together.
    const LIMIT: usize = 256 << 10;
    for (path, text) in output::files() {
        if path.extension().is_some_and(|extension| extension == "yaml") {
            // kubectl writes it as JSON, without the spaces of YAML.
            let crd: serde_json::Value = serde_saphyr::from_str(&text).expect("the generated YAML is valid");
            let size = crd.to_string().len();
            assert!(size < LIMIT / 2, "{}: {size} bytes", path.display());
        }
    }
}
