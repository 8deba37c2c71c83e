//! What to measure, from the environment. The head of `bench/run` describes each variable for people.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// What to measure.
pub struct Options {
    /// The length of a turn of a load.
    pub turn: Duration,
    /// For how long the memory of a server is watched under load.
    pub growth: Duration,
    /// The parts to run. Empty: all.
    parts: Vec<String>,
    /// Where the results are written.
    pub out: PathBuf,
    /// Python's packages of the `FastAPI` peer and of the models.
    pub fastapi: PathBuf,
    /// Python's packages of `MLServer`, if it could be installed.
    pub mlserver: Option<PathBuf>,
    /// The base of the server's image as an archive, if it was built.
    pub base_image: Option<PathBuf>,
}

impl Options {
    pub fn read() -> Self {
        let text = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
        let set = |name: &str| text(name).unwrap_or_else(|| panic!("bench/run sets {name}"));
        let seconds = |name: &str, default: u64| {
            let seconds =
                text(name).map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")));
            Duration::from_secs(seconds.unwrap_or(default))
        };
        let parts: Vec<_> =
            text("BENCH_PART").iter().flat_map(|parts| parts.split(',').map(str::to_owned)).collect();
        let folder = if parts.is_empty() { "../docs" } else { "../.cluster" };
        Self {
            turn: seconds("BENCH_SECONDS", 10),
            growth: seconds("BENCH_GROWTH_SECONDS", 600),
            out: text("BENCH_OUT")
                .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), Into::into),
            fastapi: set("BENCH_FASTAPI").into(),
            mlserver: text("BENCH_MLSERVER").map(Into::into),
            base_image: text("BENCH_BASE_IMAGE").map(Into::into),
            parts,
        }
    }

    /// Whether this part runs.
    pub fn wants(&self, part: &str) -> bool {
        self.parts.is_empty() || self.parts.iter().any(|wanted| wanted == part)
    }

    /// Fails if a wanted part does not exist.
    pub fn check(&self, known: &[&str]) {
        for part in &self.parts {
            assert!(known.contains(&part.as_str()), "BENCH_PART={part}: the parts are {}", known.join(", "));
        }
    }

    /// The length of a turn of a curve, which has many points.
    pub fn short_turn(&self) -> Duration {
        (self.turn / 3).max(Duration::from_secs(1))
    }
}

/// ONNX Runtime's library.
pub fn onnxruntime() -> PathBuf {
    std::env::var_os("ORT_DYLIB_PATH").expect("bench/run sets ORT_DYLIB_PATH").into()
}
