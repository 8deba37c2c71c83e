//! Keeps a record of every call that is due: as Parquet in the sink, and the newest ones as JSON lines on the pod.
//!
//! A row's way: [`Recorder::record`] puts it into a batch, batches go into an open file of the spool, a file that is
//! large or old enough is closed, and a task puts closed files into the sink. Only that last step needs the network, and
//! nothing waits for it. Wherever a row ends, it is counted once: [`Counts`].

mod batch;
mod counts;
mod fields;
mod file_name;
mod files;
mod json_line;
mod loss;
mod named_enum;
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
