//! The recorder with a real disk, a real S3 server and real Parquet files. The tests wait for events, never for a time.

mod calls;
mod disk;
mod faults;
mod folder;
mod large;
mod outage;
mod restart;
mod retention;
mod ring;
mod setup;
mod store;
mod table;
