//! The subcommands, one file each: the arguments, the write as a pure function `propose`, and `run`.

pub mod accept;
pub mod approve;
pub mod compare;
pub mod completion;
pub mod doctor;
pub mod history;
pub mod list;
pub mod open;
pub mod reject;
pub mod report;
pub mod request;
pub mod review;
pub mod rollback;
pub mod withdraw;
