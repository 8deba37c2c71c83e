//! The subcommands, one file each: its flags, its proposal as a pure function, and its run.

pub mod accept;
pub mod approve;
pub mod compare;
pub mod completion;
pub mod history;
pub mod list;
pub mod open;
pub mod reject;
pub mod request;
pub mod review;
pub mod rollback;
pub mod withdraw;
