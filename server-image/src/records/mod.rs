//! Records calls: as Parquet files in the sink, and the newest ones as JSON lines on the pod.
//!
//! The path of a row: [`Recorder::record`] adds it to a batch. Batches go into an open file of the spool. A file that
//! is large or old enough is closed. A task uploads closed files to the sink. Only the upload needs the network, and
//! nothing waits for it. [`Counts`] counts each row exactly once as written or as dropped.

mod batch;
mod counts;
mod fields;
mod file_name;
mod files;
mod json_line;
mod large;
mod loss;
mod open_file;
mod recorder;
mod retention;
mod ring;
mod row;
mod sink;
mod spool;
mod upload;

pub use counts::{Balance, Counts};
pub use loss::Loss;
pub use recorder::{Recorder, RecorderOptions, RecordingSettings};
pub use ring::Ring;
pub use sink::Sink;
