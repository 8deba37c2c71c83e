//! The size of the server's image: S9.

use std::{
    io::{self, Read, Write as _},
    path::Path,
};

use flate2::{Compression, write::GzEncoder};

use crate::{
    options::{self, Options},
    report::{Figure, Report},
};

/// The layers are compressed with gzip, as a registry stores them.
pub fn run(options: &Options, report: &mut Report) {
    let Some(base) = &options.base_image else {
        return report
            .note("S9 is not measured: there is no base image, `make images` builds it.".to_owned());
    };
    let library = options::onnxruntime();
    let parts = [
        ("base", base.as_path()),
        ("library", &library),
        ("server", Path::new(env!("CARGO_BIN_EXE_understudy-server"))),
    ];
    let sizes = parts.map(|(name, file)| (name, sizes(file).expect("the file can be read")));
    let compressed: f64 = sizes.iter().map(|(_, (_, compressed))| compressed).sum();
    let raw: f64 = sizes.iter().map(|(_, (raw, _))| raw).sum();
    let each: Vec<String> =
        sizes.iter().map(|(name, (raw, compressed))| format!("{name} {compressed:.1} of {raw:.1}")).collect();
    let of = each.join(", ");
    report.add(Figure::new("S9", "image, layers compressed by gzip", compressed, "MB").at_most(60.0).of(of));
    report.add(Figure::new("S9", "image, not compressed", raw, "MB"));
}

/// Megabytes of a file, and compressed.
fn sizes(file: &Path) -> io::Result<(f64, f64)> {
    let mut bytes = Vec::new();
    std::fs::File::open(file)?.read_to_end(&mut bytes)?;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&bytes)?;
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let megabytes = |length: usize| length as f64 / 1e6;
    Ok((megabytes(bytes.len()), megabytes(encoder.finish()?.len())))
}
