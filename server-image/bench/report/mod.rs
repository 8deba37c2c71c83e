//! The results: loads, figures and curves. They are printed as they are found, and written at the end.

mod curve;
mod figure;
mod markdown;
pub mod picture;

use std::{path::Path, time::Instant};

pub use curve::{Curve, Line};
pub use figure::Figure;
use serde::Serialize;

use crate::{load::Measured, options::Options, pin};

/// A load of one server, or of the loop without a server.
#[derive(Serialize)]
pub struct Load {
    pub model: &'static str,
    pub callers: u32,
    pub server: String,
    #[serde(flatten)]
    pub measured: Measured,
}

/// All results.
#[derive(Serialize)]
pub struct Report {
    processors: usize,
    processor: String,
    seconds: u64,
    pub loads: Vec<Load>,
    pub figures: Vec<Figure>,
    pub curves: Vec<Curve>,
    pub notes: Vec<String>,
    #[serde(skip)]
    began: Instant,
}

impl Report {
    pub fn new(options: &Options) -> Self {
        Self {
            processors: pin::processors(),
            processor: processor(),
            seconds: options.turn.as_secs(),
            loads: Vec::new(),
            figures: Vec::new(),
            curves: Vec::new(),
            notes: Vec::new(),
            began: Instant::now(),
        }
    }

    /// Prints what happens, with the seconds since the start.
    pub fn say(&self, what: impl std::fmt::Display) {
        println!("{:>6} s  {what}", self.began.elapsed().as_secs());
    }

    /// Adds and prints a figure.
    pub fn add(&mut self, figure: Figure) {
        self.say(&figure);
        self.figures.push(figure);
    }

    /// Adds and prints a remark.
    pub fn note(&mut self, note: String) {
        self.say(&note);
        self.notes.push(note);
    }

    /// Adds and prints the load of one server.
    pub fn load(&mut self, model: &'static str, callers: u32, server: String, measured: Measured) {
        self.say(format_args!(
            "{model:<14} c={callers:<3} {server:<24} {:>9.0}/s  p50 {:>8.0} us  p99 {:>8.0} us  load {:>3.0} %",
            measured.rate, measured.p50, measured.p99, measured.load
        ));
        self.loads.push(Load { model, callers, server, measured });
    }

    /// Writes `bench-server.md`, `.json`, and `.svg`.
    pub fn write(mut self, folder: &Path) {
        std::fs::create_dir_all(folder).expect("the folder can be made");
        self.figures.sort_by_key(Figure::number);
        let json = serde_json::to_string_pretty(&self).expect("numbers and texts are always JSON") + "\n";
        let picture = picture::draw(&self.loads);
        for (ending, text) in [("json", Some(json)), ("md", Some(markdown::text(&self))), ("svg", picture)] {
            let Some(text) = text else { continue };
            let file = folder.join("bench-server").with_extension(ending);
            std::fs::write(&file, text).expect("the folder is writable");
            self.say(format_args!("wrote {}", file.display()));
        }
    }
}

/// The kind of processor.
fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("model name"));
    name.map_or_else(String::new, |name| name.trim_start_matches(['\t', ' ', ':']).to_owned())
}
