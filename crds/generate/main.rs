//! Writes the CRDs' YAML into charts/understudy-crds and the API reference into docs/api.md: `make generate`.

mod output;

fn main() -> std::io::Result<()> {
    for (path, text) in output::files() {
        std::fs::write(&path, text)?;
        println!("wrote {}", path.display());
    }
    Ok(())
}
